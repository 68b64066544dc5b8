//! What a source's tables and columns mean: classification, who its users are, what roles may do.
//!
//! May import: `rows`, `model`. Flow: a profile is read from TOML once, then `divide` splits a
//! catalog into what an export takes and what stays home. A column that no profile knows stays home.

mod divide;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::access::Capability;
use crate::model::catalog::Codec;
use crate::model::redaction::Classification;

pub use divide::Division;

/// The profiles that are compiled in, by name.
const BUILT_IN: [(&str, &str); 1] = [("supportsignal", include_str!("supportsignal.toml"))];

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no profile {name}; the built-in ones are: {known}")]
    Unknown { name: String, known: String },
    #[error("the profile cannot be read: {0}")]
    Toml(#[from] toml::de::Error),
    #[error(
        "this is not a {profile} database: {} missing: {}",
        if tables.len() == 1 { "a table is" } else { "tables are" },
        tables.join(", ")
    )]
    MissingTables { profile: String, tables: Vec<String> },
}

/// The meaning of one application's database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub name: String,
    /// `{date}` is `YYYY-MM-DD`, `{time}` is `HHmm`, both UTC.
    pub file_name: String,
    pub notice: Option<Notice>,
    pub auth: Auth,
    pub roles: BTreeMap<String, Role>,
    tables: BTreeMap<String, TableProfile>,
}

/// What a file contains, for the warning above the button.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Such as "personal and health data".
    pub contains: String,
    /// The table whose records are the people concerned.
    pub people: String,
}

/// Where the source keeps its accounts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    pub table: String,
    pub id: String,
    pub email: String,
    /// An Argon2 PHC string or bcrypt.
    pub password: String,
    pub role: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    pub label: String,
    #[serde(default)]
    pub capabilities: Vec<Capability>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableProfile {
    /// Why the table is never exported.
    exclude: Option<String>,
    columns: BTreeMap<String, ColumnProfile>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
enum ColumnProfile {
    Class(Classification),
    Detailed { class: Classification, codec: Codec },
}

impl ColumnProfile {
    fn class(self) -> Classification {
        match self {
            Self::Class(class) | Self::Detailed { class, .. } => class,
        }
    }

    fn codec(self) -> Option<Codec> {
        match self {
            Self::Class(_) => None,
            Self::Detailed { codec, .. } => Some(codec),
        }
    }
}

impl Profile {
    /// # Errors
    /// When no built-in profile has that name.
    pub fn built_in(name: &str) -> Result<Self, Error> {
        let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) else {
            let known = BUILT_IN.map(|(known, _)| known).join(", ");
            return Err(Error::Unknown { name: name.into(), known });
        };
        Ok(toml::from_str(text)?)
    }

    /// The role as the profile knows it; a role that it does not know may do nothing.
    #[must_use]
    pub fn role(&self, name: &str) -> Role {
        self.roles.get(name).cloned().unwrap_or_else(|| Role { label: name.to_owned(), capabilities: Vec::new() })
    }

    /// The roles that may do something, for the page that says which role is needed.
    pub fn roles_with(&self, capability: Capability) -> impl Iterator<Item = &Role> {
        self.roles.values().filter(move |role| role.capabilities.contains(&capability))
    }
}
