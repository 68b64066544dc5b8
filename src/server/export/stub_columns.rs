//! The columns that are left of a record that must stay outside.

use crate::model::name::TableName;
use crate::server::profile::Profile;
use crate::server::rows::{Catalog, ForeignKey};

/// Which columns the stubs of a table have.
pub struct StubColumns<'s> {
    catalog: &'s Catalog,
    profile: &'s Profile,
    references: Vec<(TableName, ForeignKey)>,
    /// Those that leave stubs.
    leaving: Vec<(TableName, ForeignKey)>,
}

impl<'s> StubColumns<'s> {
    /// `leaving` are the references that leave stubs of what they lead to, with their tables.
    pub fn new(catalog: &'s Catalog, profile: &'s Profile, leaving: Vec<(TableName, ForeignKey)>) -> Self {
        Self { catalog, profile, references: all_references(catalog, profile), leaving }
    }

    /// Its key, what the references that leave stubs refer to, and what the profile names, unless that refers to others:
    /// nothing brings them along.
    pub fn of(&self, table: &TableName) -> Vec<String> {
        let primary_key = self.catalog.table(table).map_or(&[][..], |table| &table.primary_key);
        let to_it = self.leaving.iter().filter(|(_, key)| key.target == *table);
        let referred = to_it.flat_map(|(_, key)| &key.target_columns);
        let refers =
            |column: &String| self.references.iter().any(|(child, key)| child == table && key.columns.contains(column));
        let mut named = self.profile.stub_columns(table, &self.leaving);
        named.retain(|column| !refers(column));
        primary_key.iter().chain(referred).cloned().chain(named).collect()
    }
}

fn all_references(catalog: &Catalog, profile: &Profile) -> Vec<(TableName, ForeignKey)> {
    let references = catalog.tables.iter().flat_map(|table| {
        let keys = profile.references_of(table).into_iter();
        keys.map(|key| (table.name.clone(), key))
    });
    references.collect()
}
