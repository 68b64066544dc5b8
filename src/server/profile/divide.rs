//! Splits a catalog into what leaves and what stays home.

use super::{Error, Profile, TableProfile};
use crate::model::catalog::Codec;
use crate::model::manifest::RecordOrder;
use crate::model::redaction::{ExcludedTable, Redaction, Treatment};
use crate::server::rows::{Catalog, Selection, Table};

/// What leaves, in file order, and the record of what does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Division {
    pub selections: Vec<Selection>,
    pub redaction: Redaction,
}

impl Profile {
    /// Decides for every table and column of the database. Unknown ones stay home.
    ///
    /// # Errors
    /// When tables that the profile names are not in the database: it is another application's.
    pub fn divide(&self, catalog: &Catalog, order: RecordOrder) -> Result<Division, Error> {
        self.refuse_foreign(catalog)?;
        let mut division = Division { selections: Vec::new(), redaction: Redaction::default() };
        for table in &catalog.tables {
            match self.tables.get(&table.name) {
                None => division.redaction.unclassified.push(table.name.clone()),
                Some(TableProfile { exclude: Some(reason), .. }) => {
                    let excluded = ExcludedTable { table: table.name.clone(), reason: reason.clone() };
                    division.redaction.excluded_tables.push(excluded);
                }
                Some(profile) => {
                    let selection = profile.select(table, order, &mut division.redaction);
                    division.selections.push(selection);
                }
            }
        }
        Ok(division)
    }

    fn refuse_foreign(&self, catalog: &Catalog) -> Result<(), Error> {
        let wanted = self.tables.iter().filter(|(_, table)| table.exclude.is_none());
        let tables: Vec<String> =
            wanted.map(|(name, _)| name).filter(|name| catalog.table(name).is_none()).cloned().collect();
        if tables.is_empty() { Ok(()) } else { Err(Error::MissingTables { profile: self.name.clone(), tables }) }
    }

    /// Columns of the database that this profile does not know, as `table.column`.
    #[must_use]
    pub fn unclassified(&self, catalog: &Catalog) -> Vec<String> {
        let unknown = |table: &Table| -> Vec<String> {
            let Some(profile) = self.tables.get(&table.name) else { return vec![table.name.clone()] };
            let columns = table.columns.iter().filter(|column| !profile.columns.contains_key(&column.name));
            columns.map(|column| format!("{}.{}", table.name, column.name)).collect()
        };
        catalog.tables.iter().flat_map(unknown).collect()
    }

    /// Columns that this profile names and the database does not have, as `table.column`.
    #[must_use]
    pub fn vanished(&self, catalog: &Catalog) -> Vec<String> {
        let columns = self.tables.iter().flat_map(|(name, table)| table.columns.keys().map(move |c| (name, c)));
        let exists = |table: &str, column: &str| {
            catalog.table(table).is_some_and(|t| t.columns.iter().any(|c| c.name == column))
        };
        columns.filter(|(table, column)| !exists(table, column)).map(|(t, c)| format!("{t}.{c}")).collect()
    }
}

impl TableProfile {
    fn select(&self, table: &Table, order: RecordOrder, redaction: &mut Redaction) -> Selection {
        let mut columns = Vec::with_capacity(table.columns.len());
        for column in &table.columns {
            let field = || format!("{}.{}", table.name, column.name);
            match self.columns.get(&column.name) {
                None => redaction.unclassified.push(field()),
                Some(profile) if profile.class().treatment() == Treatment::Omit => {
                    redaction.removed_fields.push(field());
                }
                Some(profile) => {
                    let mut column = column.clone();
                    column.codec = profile.codec().unwrap_or(column.codec);
                    columns.push(column);
                }
            }
        }
        let comparable = columns.iter().filter(|column| column.codec != Codec::Json);
        let key = match &table.primary_key[..] {
            [] => comparable.map(|column| column.name.clone()).collect(),
            key => key.to_vec(),
        };
        Selection { table: table.name.clone(), columns, key, order }
    }
}
