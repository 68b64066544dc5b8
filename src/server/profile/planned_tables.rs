//! Splits a catalog into what is exported and what is left out.

use super::treatments::is_replaceable;
use super::{Error, Profile, TableProfile};
use crate::model::catalog::{Codec, ColumnSchema};
use crate::model::export::DriftPolicy;
use crate::model::manifest::RecordOrder;
use crate::model::name::{FieldName, TableName, TableOrField};
use crate::model::redaction::{ExcludedTable, Redaction, TreatedField, Treatment};
use crate::server::rows::{Catalog, Scan, Table};

/// What is exported, in file order, and the record of what is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTables {
    pub tables: Vec<PlannedTable>,
    pub redaction: Redaction,
}

/// What to read of a table, and what happens to its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTable {
    pub scan: Scan,
    /// Read after the rows of `scan`: rows that stay outside, with some of its columns. The others are NULL.
    pub stubs: Option<Scan>,
    /// The columns of the primary key, exported or not.
    pub key: Vec<String>,
    /// The treatment of each column of the scan.
    pub treatments: Vec<Treatment>,
}

impl PlannedTable {
    /// Whether the column is exported as it is.
    #[must_use]
    pub fn keeps(&self, column: &str) -> bool {
        let mut columns = self.scan.columns.iter().zip(&self.treatments);
        columns.any(|(known, treatment)| known.name == column && *treatment == Treatment::Keep)
    }
}

impl PlannedTables {
    #[must_use]
    pub fn of(&self, table: &TableName) -> Option<&PlannedTable> {
        self.tables.iter().find(|planned| planned.scan.table == *table)
    }
}

impl Profile {
    /// Decides for every table and column of the database. Unknown ones are left out.
    ///
    /// # Errors
    /// `MissingTables` when the database lacks tables of the profile and `drift` does not allow that, or lacks all
    /// of them: it belongs to another application.
    pub fn plan_tables(
        &self,
        catalog: &Catalog,
        order: RecordOrder,
        drift: DriftPolicy,
    ) -> Result<PlannedTables, Error> {
        let missing = self.missing_tables(catalog);
        let is_other_application = catalog.tables.iter().all(|table| !self.tables.contains_key(&table.name));
        if !missing.is_empty() && (drift != DriftPolicy::Allow || is_other_application) {
            return Err(Error::MissingTables { profile: self.name.clone(), tables: missing });
        }
        let mut planned = PlannedTables { tables: Vec::new(), redaction: Redaction::default() };
        for table in &catalog.tables {
            match self.tables.get(&table.name) {
                None => planned.redaction.unclassified.push(TableOrField::Table(table.name.clone())),
                Some(TableProfile { exclude: Some(reason), .. }) => {
                    let excluded = ExcludedTable { table: table.name.clone(), reason: reason.clone() };
                    planned.redaction.excluded_tables.push(excluded);
                }
                Some(profile) => {
                    let table = self.plan_table(profile, table, order, &mut planned.redaction);
                    planned.tables.push(table);
                }
            }
        }
        planned.redaction.guessed.clone_from(&self.guesses);
        Ok(planned)
    }

    /// Tables that the profile exports and the database lacks.
    #[must_use]
    pub fn missing_tables(&self, catalog: &Catalog) -> Vec<TableName> {
        let wanted = self.tables.iter().filter(|(_, table)| table.exclude.is_none());
        wanted.map(|(name, _)| name).filter(|name| catalog.table(name).is_none()).cloned().collect()
    }

    /// Omitted columns that must not be null and have no `on_import`: an import would not know what to write.
    #[must_use]
    pub fn columns_without_import_value(&self, catalog: &Catalog) -> Vec<FieldName> {
        let columns = catalog.tables.iter().flat_map(|table| table.columns.iter().map(move |column| (table, column)));
        let lacking = columns.filter(|(table, column)| {
            let known = self.column(&table.name, &column.name);
            let omitted = known.filter(|known| self.treatments.for_class(known.class) == Treatment::Omit);
            !column.nullable && !column.generated && omitted.is_some_and(|known| known.on_import.is_none())
        });
        lacking.map(|(table, column)| table.name.field(&column.name)).collect()
    }

    fn plan_table(
        &self,
        profile: &TableProfile,
        table: &Table,
        order: RecordOrder,
        redaction: &mut Redaction,
    ) -> PlannedTable {
        let (mut columns, mut treatments) = (Vec::new(), Vec::new());
        for column in &table.columns {
            let field = table.name.field(&column.name);
            let Some(known) = profile.columns.get(&column.name) else {
                redaction.unclassified.push(TableOrField::Field(field));
                continue;
            };
            let mut column = column.clone();
            column.codec = known.codec.filter(|_| column.codec != Codec::Json).unwrap_or(column.codec);
            let treatment = match self.strictest_treatment(table, &column, known.class) {
                Treatment::Mask | Treatment::Pseudonymise if !is_replaceable(&column) => Treatment::Omit,
                treatment => treatment,
            };
            match treatment {
                Treatment::Omit => redaction.removed_fields.push(field),
                Treatment::Keep => {}
                Treatment::Mask | Treatment::Pseudonymise => redaction.treated.push(TreatedField { field, treatment }),
            }
            if treatment != Treatment::Omit {
                columns.push(column);
                treatments.push(treatment);
            }
        }
        let order = match order {
            RecordOrder::Storage => Vec::new(),
            RecordOrder::Key => key_order(table, &columns, &treatments),
        };
        PlannedTable {
            scan: Scan { columns, order, ..Scan::whole(table) },
            stubs: None,
            key: table.primary_key.clone(),
            treatments,
        }
    }
}

/// The primary key, else every column. Only columns that are kept unchanged: ordering by a masked name would reveal the
/// order of the names.
fn key_order(table: &Table, columns: &[ColumnSchema], treatments: &[Treatment]) -> Vec<String> {
    let kept = || columns.iter().zip(treatments).filter(|(_, treatment)| **treatment == Treatment::Keep);
    let is_kept = |name: &String| kept().any(|(column, _)| column.name == *name);
    match &table.primary_key[..] {
        key @ [_, ..] if key.iter().all(is_kept) => key.to_vec(),
        _ => kept().map(|(column, _)| column.name.clone()).collect(),
    }
}
