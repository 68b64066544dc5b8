//! Where the source keeps its accounts, and what its users may do.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Profile;
use crate::model::access::Capability;
use crate::server::rows::Catalog;

/// Where the source keeps its accounts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    pub table: String,
    pub id: String,
    pub email: String,
    pub password: Password,
    /// What an account must fulfil to sign in: suspended ones stay out.
    #[serde(default)]
    pub active: BTreeMap<String, Comparison>,
    #[serde(default)]
    pub second_factor: SecondFactorPolicy,
}

/// Where the hash of an account's password stands.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "password is a column, or a table with user, column and, if need be, when")]
pub enum Password {
    /// A column of the accounts' own table.
    Column(String),
    /// A column of another table.
    Elsewhere(PasswordTable),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordTable {
    pub table: String,
    /// The column that holds the account's id.
    pub user: String,
    pub column: String,
    /// Which of an account's rows holds its password.
    #[serde(default)]
    pub when: BTreeMap<String, Comparison>,
}

/// Whether a password alone opens a session that may do something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactorPolicy {
    /// Whoever sets one up is asked for it.
    #[default]
    Optional,
    /// Until they have set one up, people may do that and nothing else.
    Required,
}

/// A condition on the source's own tables, and what fulfilling it allows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    pub label: String,
    #[serde(default)]
    pub capabilities: Vec<Capability>,
    /// Where the condition is looked for; without it, in the account itself.
    pub table: Option<String>,
    /// The column of `table` that holds the account's id.
    pub user: Option<String>,
    /// Columns and the values they must have.
    pub when: BTreeMap<String, Comparison>,
}

/// What a column must be: a value, or one of several.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a column is compared with a text, a whole number, true, false, { null = true }, or a list of these"
)]
pub enum Comparison {
    One(Scalar),
    AnyOf(Vec<Scalar>),
}

/// A value that a column is compared with, as the database would write it as text.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    Boolean(bool),
    Integer(i64),
    Text(String),
    Null(Null),
}

/// `{ null = true }`: there is no value; `{ null = false }`: there is one.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Null {
    pub null: bool,
}

/// What one value of a column may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Text(String),
    Null,
    NotNull,
}

impl Comparison {
    /// Everything that fulfils it.
    #[must_use]
    pub fn wanted(&self) -> Vec<Wanted> {
        let scalars = match self {
            Self::One(scalar) => std::slice::from_ref(scalar),
            Self::AnyOf(scalars) => scalars,
        };
        scalars.iter().flat_map(Scalar::wanted).collect()
    }

    /// Whether nothing can fulfil it.
    #[must_use]
    pub fn is_never(&self) -> bool {
        matches!(self, Self::AnyOf(scalars) if scalars.is_empty())
    }

    /// Whether a stored value, as text, fulfils it.
    #[must_use]
    pub fn accepts(&self, stored: Option<&str>) -> bool {
        self.wanted().iter().any(|wanted| match wanted {
            Wanted::Text(text) => stored == Some(text),
            Wanted::Null => stored.is_none(),
            Wanted::NotNull => stored.is_some(),
        })
    }
}

impl Scalar {
    /// `SQLite` has no booleans of its own, and each engine writes its own word for them.
    fn wanted(&self) -> Vec<Wanted> {
        let texts = |texts: &[&str]| texts.iter().map(|text| Wanted::Text((*text).to_owned())).collect();
        match self {
            Self::Boolean(true) => texts(&["true", "t", "1"]),
            Self::Boolean(false) => texts(&["false", "f", "0"]),
            Self::Integer(n) => texts(&[&n.to_string()]),
            Self::Text(text) => texts(&[text]),
            Self::Null(Null { null: true }) => vec![Wanted::Null],
            Self::Null(Null { null: false }) => vec![Wanted::NotNull],
        }
    }
}

impl Auth {
    /// The table and column with the hashes.
    #[must_use]
    pub fn password_place(&self) -> (&str, &str) {
        match &self.password {
            Password::Column(column) => (&self.table, column),
            Password::Elsewhere(place) => (&place.table, &place.column),
        }
    }

    /// Every condition on an account or on the row with its password.
    pub fn conditions(&self) -> impl Iterator<Item = &Comparison> {
        let elsewhere = match &self.password {
            Password::Column(_) => None,
            Password::Elsewhere(place) => Some(place.when.values()),
        };
        self.active.values().chain(elsewhere.into_iter().flatten())
    }

    /// Every table and column that it names.
    fn named(&self) -> Vec<(&str, &str)> {
        let own = [&self.id, &self.email].into_iter().chain(self.active.keys());
        let mut named: Vec<(&str, &str)> = own.map(|column| (self.table.as_str(), column.as_str())).collect();
        named.push(self.password_place());
        if let Password::Elsewhere(place) = &self.password {
            named
                .extend(std::iter::once(&place.user).chain(place.when.keys()).map(|column| (&*place.table, &**column)));
        }
        named
    }
}

impl Profile {
    /// The same, with accounts of Waybill's own.
    #[must_use]
    pub fn without_accounts(self) -> Self {
        Self { auth: None, roles: BTreeMap::new(), ..self }
    }

    /// The roles that may do something, for the page that says which role is needed.
    pub fn roles_with(&self, capability: Capability) -> impl Iterator<Item = &Role> {
        self.roles.values().filter(move |role| role.capabilities.contains(&capability))
    }

    /// What `[auth]` and `[roles]` name and the database does not have: nobody could sign in.
    #[must_use]
    pub fn missing_accounts(&self, catalog: &Catalog) -> Vec<String> {
        let Some(auth) = &self.auth else { return Vec::new() };
        let mut named = auth.named();
        for role in self.roles.values() {
            let table = role.table.as_ref().unwrap_or(&auth.table);
            named.extend(role.user.iter().chain(role.when.keys()).map(|column| (table.as_str(), column.as_str())));
        }
        let exists = |(table, column): &(&str, &str)| {
            catalog.table(table).is_some_and(|table| table.columns.iter().any(|known| known.name == **column))
        };
        named.retain(|name| !exists(name));
        let mut missing: Vec<String> = named.into_iter().map(|(table, column)| format!("{table}.{column}")).collect();
        missing.dedup();
        missing
    }
}
