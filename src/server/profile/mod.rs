//! What a source's tables and columns mean: classification, who its users are, what roles may do.
//!
//! May import: `rows`, `model`. Flow: `read` makes a profile of TOML, or says where the mistake is;
//! `divide` splits a catalog into what an export takes and what stays home; `drift` compares the two;
//! `guess` and `draft` stand in where nobody has written a profile yet. A column that no profile knows
//! stays home.

mod auth;
mod column;
mod divide;
mod draft;
mod draft_auth;
mod drift;
mod guess;
mod read;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::model::catalog::{Codec, ColumnSchema};
use crate::model::drift::Guess;
use crate::model::redaction::{Classification, Treatment};
use crate::server::rows::Catalog;

pub use auth::{Auth, Comparison, Password, Role, SecondFactorPolicy, Wanted};
pub use column::{ColumnProfile, OnImport};
pub use divide::Division;
pub use draft::{Draft, draft};
pub use guess::Sample;
pub use read::Mistake;

/// The profiles that are compiled in, by name.
const BUILT_IN: [(&str, &str); 1] = [("supportsignal", include_str!("supportsignal.toml"))];
/// JSON Schema of a profile, for editors (json-schema.org, draft 2020-12).
pub const SCHEMA: &str = include_str!("schema.json");

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no profile {name}; give a file, or one of the built-in ones: {known}")]
    Unknown { name: String, known: String },
    #[error("the profile cannot be read: {0}")]
    Unreadable(#[source] std::io::Error),
    #[error("{0}")]
    Mistake(#[from] Mistake),
    #[error(
        "the database does not fit the profile {profile}: {} missing: {}; waybill profile check compares the two, and \
         waybill export --drift=allow leaves out what is missing",
        if tables.len() == 1 { "a table is" } else { "tables are" },
        tables.join(", ")
    )]
    MissingTables { profile: String, tables: Vec<String> },
    #[error("nobody could sign in: [auth] and [roles] name what the database does not have: {}", .0.join(", "))]
    MissingAccounts(Vec<String>),
}

/// The meaning of one application's database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub name: String,
    /// `{date}` is `YYYY-MM-DD`, `{time}` is `HHmm`, both UTC.
    #[serde(default = "file_name_of_no_application")]
    pub file_name: String,
    pub notice: Option<Notice>,
    /// Where the source keeps its accounts; without it, Waybill keeps its own.
    pub auth: Option<Auth>,
    #[serde(default)]
    pub roles: BTreeMap<String, Role>,
    #[serde(default)]
    treatments: Treatments,
    #[serde(default)]
    tables: BTreeMap<String, TableProfile>,
    /// Why each class was guessed, where nobody has written the profile.
    #[serde(skip)]
    pub guesses: Vec<Guess>,
    #[serde(skip)]
    pub origin: Origin,
}

/// Where a profile came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    #[default]
    BuiltIn,
    /// The file, as it was typed.
    File(String),
    /// Nobody has written it.
    Guess,
}

fn file_name_of_no_application() -> String {
    "export-{date}-{time}.json".into()
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

/// What is done with the columns of each class.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Treatments {
    plain: Treatment,
    personal: Treatment,
    sensitive: Treatment,
    secret: Treatment,
}

/// Secrets stay home, the rest is what an export is for.
impl Default for Treatments {
    fn default() -> Self {
        let keep = Treatment::Keep;
        Self { plain: keep, personal: keep, sensitive: keep, secret: Treatment::Omit }
    }
}

impl Treatments {
    fn of(self, class: Classification) -> Treatment {
        match class {
            Classification::Plain => self.plain,
            Classification::Personal => self.personal,
            Classification::Sensitive => self.sensitive,
            Classification::Secret => self.secret,
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TableProfile {
    /// Why the table is never exported.
    exclude: Option<String>,
    columns: BTreeMap<String, ColumnProfile>,
}

impl Profile {
    /// # Errors
    /// When no built-in profile has that name.
    pub fn built_in(name: &str) -> Result<Self, Error> {
        let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) else {
            let known = BUILT_IN.map(|(known, _)| known).join(", ");
            return Err(Error::Unknown { name: name.into(), known });
        };
        Ok(Self::from_toml(text)?)
    }

    /// What to write on a command line for the same profile; nothing for a guess.
    #[must_use]
    pub fn option(&self) -> String {
        match &self.origin {
            Origin::BuiltIn => format!(" --profile {}", self.name),
            // Its folder on the server is nobody's business.
            Origin::File(path) => {
                let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
                format!(" --profile {}", quoted_for_a_shell(&name))
            }
            Origin::Guess => String::new(),
        }
    }

    /// The built-in profile whose tables are all there, if there is one.
    #[must_use]
    pub fn recognise(catalog: &Catalog) -> Option<Self> {
        let known = BUILT_IN.iter().filter_map(|(_, text)| Self::from_toml(text).ok());
        known.into_iter().find(|profile| profile.missing_tables(catalog).is_empty())
    }

    fn column(&self, table: &str, column: &str) -> Option<&ColumnProfile> {
        self.tables.get(table)?.columns.get(column)
    }
}

/// Shorter texts have no room for pseudonyms that differ.
const SHORTEST_PSEUDONYM: usize = 12;

/// Whether a column's values can be replaced by others of their kind. Of a type with rules of its own
/// (an enum, a range, a truth value), of JSON, whose keys say as much as its values, and of text with
/// little room they cannot: there, hiding means leaving out.
fn can_be_replaced(column: &ColumnSchema) -> bool {
    let irreplaceable = matches!(column.codec, Codec::Native | Codec::Boolean | Codec::Time | Codec::Json);
    !irreplaceable && !column.generated && column.longest_text().is_none_or(|longest| longest >= SHORTEST_PSEUDONYM)
}

/// As it stands where no character of it means anything to a shell (POSIX, XCU 2.2), else in quotes.
fn quoted_for_a_shell(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
