//! `[auth]` and `[roles]` of a profile: where the source stores its accounts, and what its users may do.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::Profile;
use super::comparison::Comparison;
use super::scope::ScopeOwners;
use crate::model::access::{Capability, Grant};
use crate::model::name::{FieldName, TableName};
use crate::server::rows::Catalog;

/// Where the source stores its accounts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    pub table: TableName,
    pub id: String,
    pub email: String,
    pub password: PasswordLocation,
    /// Conditions for sign-in, so that suspended accounts are refused.
    #[serde(default)]
    pub active: BTreeMap<String, Comparison>,
    #[serde(default)]
    pub second_factor: SecondFactorPolicy,
    /// Conditions for accounts that the application asks for a second factor, which Waybill cannot check: they cannot sign
    /// in with the password alone.
    #[serde(default)]
    pub application_second_factor: BTreeMap<String, Comparison>,
}

/// Where the password hash of an account is stored.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "password must be a column, or { table, user, column } with an optional when")]
pub enum PasswordLocation {
    /// A column of the accounts table.
    Column(String),
    /// A column of another table.
    Table(PasswordTable),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordTable {
    pub table: TableName,
    /// The column that holds the account's id.
    pub user: String,
    pub column: String,
    /// Conditions that select the row with the password.
    #[serde(default)]
    pub when: BTreeMap<String, Comparison>,
}

/// Whether every account needs a second factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactorPolicy {
    /// Accounts that have set one up are asked for it.
    #[default]
    Optional,
    /// Accounts without one may set it up and do nothing else.
    Required,
}

/// A condition on the source's own tables, and the capabilities it grants.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    pub label: String,
    /// A profile lists capabilities; each is for the whole database.
    #[serde(default, rename = "capabilities", deserialize_with = "grants_of_whole_database")]
    pub grants: Vec<Grant>,
    /// The table that the condition is about; `None`: the accounts table.
    pub table: Option<TableName>,
    /// The column of `table` that holds the account's id.
    pub user: Option<String>,
    /// Columns and the values they must have.
    pub when: BTreeMap<String, Comparison>,
}

fn grants_of_whole_database<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Grant>, D::Error> {
    let capabilities = Vec::<Capability>::deserialize(deserializer)?;
    if capabilities.contains(&Capability::ExportOrganization) {
        let text = "no role gives `export_organization`: the owners in [scopes.organization] have it for what they own";
        return Err(D::Error::custom(text));
    }
    if capabilities.contains(&Capability::ExportOwnData) {
        let text = "no role gives `export_own_data`: with [scopes.person], whoever signs in has it for what is theirs";
        return Err(D::Error::custom(text));
    }
    if capabilities.contains(&Capability::ImportOwnData) {
        let text = "no role gives `import_own_data`: with [scopes.person], whoever signs in has it for what is theirs";
        return Err(D::Error::custom(text));
    }
    Ok(capabilities.into_iter().map(Grant::of_whole_database).collect())
}

impl Auth {
    /// The table and column of the password hashes.
    #[must_use]
    pub fn password_column(&self) -> (&TableName, &str) {
        match &self.password {
            PasswordLocation::Column(column) => (&self.table, column),
            PasswordLocation::Table(place) => (&place.table, &place.column),
        }
    }

    /// The columns of the accounts table that decide on sign-in.
    pub fn account_condition_columns(&self) -> impl Iterator<Item = &str> {
        self.active.keys().chain(self.application_second_factor.keys()).map(String::as_str)
    }

    /// Every condition on an account or on its password row.
    pub fn conditions(&self) -> impl Iterator<Item = &Comparison> {
        let elsewhere = match &self.password {
            PasswordLocation::Column(_) => None,
            PasswordLocation::Table(place) => Some(place.when.values()),
        };
        let of_accounts = self.active.values().chain(self.application_second_factor.values());
        of_accounts.chain(elsewhere.into_iter().flatten())
    }

    /// Every table and column named in `[auth]`.
    fn referenced_columns(&self) -> Vec<(&TableName, &str)> {
        let own = [self.id.as_str(), &self.email].into_iter().chain(self.account_condition_columns());
        let mut named: Vec<(&TableName, &str)> = own.map(|column| (&self.table, column)).collect();
        named.push(self.password_column());
        if let PasswordLocation::Table(place) = &self.password {
            named.extend(std::iter::once(&place.user).chain(place.when.keys()).map(|column| (&place.table, &**column)));
        }
        named
    }
}

impl Profile {
    /// Returns the profile without `[auth]` and `[roles]`: Waybill then uses its own accounts.
    #[must_use]
    pub fn without_auth(self) -> Self {
        Self { auth: None, roles: BTreeMap::new(), ..self }
    }

    /// The roles with a capability, for the page that says which role is needed.
    pub fn roles_with(&self, capability: Capability) -> impl Iterator<Item = &Role> {
        self.roles.values().filter(move |role| role.grants.iter().any(|grant| grant.capability == capability))
    }

    /// Who owns an organisation; nobody where the source's users cannot sign in.
    #[must_use]
    pub fn owners(&self) -> Option<&ScopeOwners> {
        self.auth.as_ref().and(self.scopes.organization.as_ref()?.owners.as_ref())
    }

    /// Whether whoever signs in has data of their own: people of this source, each with their account.
    #[must_use]
    pub fn serves_persons(&self) -> bool {
        self.auth.is_some() && self.scopes.person.is_some()
    }

    /// Columns that `[auth]`, `[roles]` and the owners of organisations name and the database lacks: no account could sign in.
    #[must_use]
    pub fn missing_auth_columns(&self, catalog: &Catalog) -> Vec<FieldName> {
        let Some(auth) = &self.auth else { return Vec::new() };
        let mut named = auth.referenced_columns();
        for role in self.roles.values() {
            let table = role.table.as_ref().unwrap_or(&auth.table);
            named.extend(role.user.iter().chain(role.when.keys()).map(|column| (table, column.as_str())));
        }
        named.extend(self.owners().into_iter().flat_map(ScopeOwners::named_columns));
        let exists = |(table, column): &(&TableName, &str)| {
            catalog.table(table).is_some_and(|table| table.columns.iter().any(|known| known.name == **column))
        };
        named.retain(|name| !exists(name));
        let mut missing: Vec<FieldName> = named.into_iter().map(|(table, column)| table.field(column)).collect();
        missing.dedup();
        missing
    }
}
