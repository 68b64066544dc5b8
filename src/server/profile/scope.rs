//! `[scopes]` of a profile: whose data an export may hold, and who owns it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::comparison::Comparison;
use super::filter_profile::QualifiedColumn;
use crate::model::name::TableName;
use crate::model::selection::ScopeKind;

/// Whose data a scope stands for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scopes {
    pub organization: Option<ScopeProfile>,
    pub person: Option<ScopeProfile>,
}

impl Scopes {
    #[must_use]
    pub fn of(&self, kind: ScopeKind) -> Option<&ScopeProfile> {
        match kind {
            ScopeKind::Organization => self.organization.as_ref(),
            ScopeKind::Person => self.person.as_ref(),
        }
    }

    /// The scopes that the profile describes.
    pub fn iter(&self) -> impl Iterator<Item = (ScopeKind, &ScopeProfile)> {
        ScopeKind::ALL.into_iter().filter_map(|kind| Some((kind, self.of(kind)?)))
    }
}

/// The records that a scope can be about: one organisation, or one person's account, each.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeProfile {
    pub table: TableName,
    /// The column that its id is in.
    pub key: String,
    /// The column with its name.
    pub label: String,
    pub owners: Option<ScopeOwners>,
    pub notice: Option<ScopeNotice>,
}

/// What an export holds besides what everybody in the organisation could read: counted on the page and in the audit trail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeNotice {
    /// Such as "direct messages".
    pub contains: String,
    /// The owner column by which the records are in.
    pub records: QualifiedColumn,
    /// The column that refers to the people concerned.
    pub people: QualifiedColumn,
}

/// Who owns the data of a scope: the users that this table names, and may export it. All the table's other users belong to it
/// and may not.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeOwners {
    pub table: TableName,
    /// The column that holds the account's id.
    pub user: String,
    /// The column that holds the scope's id.
    pub scope: String,
    /// Columns and the values they must have.
    pub when: BTreeMap<String, Comparison>,
}

impl ScopeProfile {
    /// The tables and columns that the scope names.
    pub fn named_columns(&self) -> Vec<(&TableName, &str)> {
        let mut named = vec![(&self.table, self.key.as_str()), (&self.table, self.label.as_str())];
        named.extend(self.owners.iter().flat_map(ScopeOwners::named_columns));
        let noticed = self.notice.iter().flat_map(|notice| [&notice.records.0, &notice.people.0]);
        named.extend(noticed.map(|field| (&field.table, field.column.as_str())));
        named
    }
}

impl ScopeOwners {
    /// The table's columns that say who owns what.
    pub fn named_columns(&self) -> impl Iterator<Item = (&TableName, &str)> {
        let columns = [&self.user, &self.scope].into_iter().chain(self.when.keys());
        columns.map(|column| (&self.table, column.as_str()))
    }
}
