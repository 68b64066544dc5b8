//! What a profile says about parts of the data: whose records a table's records are, and which references there are
//! (`docs/selection.md`).

use super::Profile;
use super::filter_profile::{DeclaredReference, FilterProfile, Follow};
use crate::model::name::{FieldName, TableName};
use crate::server::rows::{ForeignKey, Table};

impl Profile {
    /// The foreign keys of a table: the database's and the profile's.
    #[must_use]
    pub fn references_of(&self, table: &Table) -> Vec<ForeignKey> {
        let declared = self.references.iter().filter(|reference| reference.from.0.table == table.name);
        let mut keys = table.foreign_keys.clone();
        for key in declared.map(DeclaredReference::to_foreign_key) {
            if !keys.iter().any(|known| known.is_same_reference(&key)) {
                keys.push(key);
            }
        }
        keys
    }

    /// Whether what this reference leads to comes along.
    #[must_use]
    pub fn is_followed(&self, table: &TableName, key: &ForeignKey) -> bool {
        self.declared(table, key).is_none_or(|reference| reference.follow == Follow::Always)
    }

    /// Whether the profile says anything about this reference.
    #[must_use]
    pub fn is_reviewed(&self, table: &TableName, key: &ForeignKey) -> bool {
        self.declared(table, key).is_some()
            || self.has_owner_column(table, key)
            || self.is_sharing(table, key)
            || key.columns.iter().any(|column| self.has_outside_rule(table, column))
    }

    fn declared(&self, table: &TableName, key: &ForeignKey) -> Option<&DeclaredReference> {
        self.references
            .iter()
            .find(|reference| reference.from.0.table == *table && reference.to_foreign_key().is_same_reference(key))
    }

    /// Whether a record of this table shares the record that it refers to with its scope.
    #[must_use]
    pub fn is_sharing(&self, table: &TableName, key: &ForeignKey) -> bool {
        let shared = self.tables.get(&key.target).and_then(|target| target.shared.as_ref());
        shared.is_some_and(|shared| shared.0.table == *table && key.columns.contains(&shared.0.column))
    }

    /// Whether the table is nobody's: whole in every part.
    #[must_use]
    pub fn is_whole(&self, table: &TableName) -> bool {
        self.tables.get(table).is_some_and(|profile| profile.whole)
    }

    /// Why no scope has records of the table, as half a sentence.
    #[must_use]
    pub fn why_in_no_scope(&self, table: &TableName) -> String {
        let private = self.tables.get(table).and_then(|profile| profile.private.as_ref());
        private.map_or_else(|| "nothing says whose its records are".to_owned(), |whose| format!("private {whose}"))
    }

    /// Whether the records are their authors' alone: no scope has them.
    #[must_use]
    pub fn is_private(&self, table: &TableName) -> bool {
        self.tables.get(table).is_some_and(|profile| profile.private.is_some())
    }

    /// Whether the table's records belong to whoever the record belongs to that this key refers to.
    #[must_use]
    pub fn is_owner(&self, table: &Table, key: &ForeignKey) -> bool {
        let keys = self.references_of(table);
        let names = |column: &String| {
            // Where a reference of this column alone says who the owner is, a wider one only uses the column.
            let has_own = || keys.iter().any(|key| key.columns == [column.clone()]);
            key.columns.contains(column) && (key.columns.len() == 1 || !has_own())
        };
        self.owner_columns(&table.name).iter().any(names)
    }

    /// Whether a column of `owned_by` takes part in this reference.
    fn has_owner_column(&self, table: &TableName, key: &ForeignKey) -> bool {
        self.owner_columns(table).iter().any(|column| key.columns.contains(column))
    }

    /// The columns that name owners of the table's records.
    #[must_use]
    pub fn owner_columns(&self, table: &TableName) -> &[String] {
        self.tables.get(table).map_or(&[], |profile| &profile.owned_by)
    }

    /// The columns of `owned_by` that refer to nothing in this schema.
    #[must_use]
    pub fn owners_without_reference(&self, tables: &[Table]) -> Vec<FieldName> {
        let lacking = tables.iter().flat_map(|table| {
            let keys = self.references_of(table);
            let lacking = self
                .owner_columns(&table.name)
                .iter()
                .filter(move |column| !keys.iter().any(|key| key.columns.contains(column)));
            lacking.map(|column| table.name.field(column))
        });
        lacking.collect()
    }
}

/// The mistake in a filter, if there is one.
pub fn filter_error(profile: &Profile, filter: &FilterProfile) -> Option<String> {
    let has_column = |table: &TableName, column: &str| profile.column(table, column).is_some();
    match (&filter.table, &filter.show) {
        (Some(_), None) => Some("a filter with a table needs show, the column with the names to choose from".into()),
        (None, Some(_)) => Some("show needs table, whose records are chosen from".into()),
        (Some(_), Some(_)) if !filter.columns.is_empty() || filter.unit.is_some() => {
            Some("a filter chooses either records (table, show) or a period (columns, unit)".into())
        }
        (Some(table), Some(show)) if !has_column(table, show) => {
            Some(format!("{table}.{show} is no column of this profile"))
        }
        (Some(_), Some(_)) => match &filter.within {
            Some(within) if profile.filters.get(within).is_none_or(|other| other.table.is_none()) => {
                Some(format!("within: `{within}` is no filter of this profile that chooses records"))
            }
            _ => None,
        },
        (None, None) if filter.columns.is_empty() || filter.unit.is_none() => {
            Some("a filter needs table and show, or columns and unit".into())
        }
        (None, None) if filter.within.is_some() => Some("a period is within nothing".into()),
        (None, None) if filter.boundary => Some("a period is no boundary: records belong to nobody's time".into()),
        (None, None) => {
            let missing = filter.columns.iter().find(|(table, column)| !has_column(table, column));
            missing.map(|(table, column)| format!("{table}.{column} is no column of this profile"))
        }
    }
}
