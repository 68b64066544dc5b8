//! `[scopes]` of a profile: whose data an export may hold, and who owns it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::comparison::Comparison;
use crate::model::name::TableName;

/// Whose data a scope stands for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scopes {
    pub organization: Option<ScopeProfile>,
}

/// The records that a scope can be about: one organisation each.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeProfile {
    pub table: TableName,
    /// The column that its id is in.
    pub key: String,
    /// The column with its name.
    pub label: String,
    pub owners: Option<ScopeOwners>,
}

/// Who owns the data of a scope: the users that this table names. Checked, and not used yet: only the command line exports an
/// organisation.
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
        if let Some(owners) = &self.owners {
            let columns = [&owners.user, &owners.scope].into_iter().chain(owners.when.keys());
            named.extend(columns.map(|column| (&owners.table, column.as_str())));
        }
        named
    }
}
