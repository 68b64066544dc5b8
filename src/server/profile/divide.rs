//! Splits a catalog into what leaves and what stays home.

use super::{Error, Profile, TableProfile, can_be_replaced};
use crate::model::catalog::{Codec, ColumnSchema};
use crate::model::export::DriftPolicy;
use crate::model::manifest::RecordOrder;
use crate::model::redaction::{Classification, ExcludedTable, Redaction, TreatedField, Treatment};
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
    /// When tables that the profile names are not in the database and `drift` does not allow that, or none of
    /// them is there: it is another application's.
    pub fn divide(&self, catalog: &Catalog, order: RecordOrder, drift: DriftPolicy) -> Result<Division, Error> {
        let tables = self.missing_tables(catalog);
        let is_anothers = catalog.tables.iter().all(|table| !self.tables.contains_key(&table.name));
        if !tables.is_empty() && (drift != DriftPolicy::Allow || is_anothers) {
            return Err(Error::MissingTables { profile: self.name.clone(), tables });
        }
        let mut division = Division { selections: Vec::new(), redaction: Redaction::default() };
        for table in &catalog.tables {
            match self.tables.get(&table.name) {
                None => division.redaction.unclassified.push(table.name.clone()),
                Some(TableProfile { exclude: Some(reason), .. }) => {
                    let excluded = ExcludedTable { table: table.name.clone(), reason: reason.clone() };
                    division.redaction.excluded_tables.push(excluded);
                }
                Some(profile) => {
                    let selection = self.select(profile, table, order, &mut division.redaction);
                    division.selections.push(selection);
                }
            }
        }
        division.redaction.guessed.clone_from(&self.guesses);
        Ok(division)
    }

    /// Tables that the profile exports and the database does not have.
    #[must_use]
    pub fn missing_tables(&self, catalog: &Catalog) -> Vec<String> {
        let wanted = self.tables.iter().filter(|(_, table)| table.exclude.is_none());
        wanted.map(|(name, _)| name).filter(|name| catalog.table(name).is_none()).cloned().collect()
    }

    /// Omitted columns that must not be null and for which no `on_import` says what an import writes.
    #[must_use]
    pub fn without_import_value(&self, catalog: &Catalog) -> Vec<String> {
        let columns = catalog.tables.iter().flat_map(|table| table.columns.iter().map(move |column| (table, column)));
        let lacking = columns.filter(|(table, column)| {
            let known = self.column(&table.name, &column.name);
            let omitted = known.filter(|known| self.treatments.of(known.class) == Treatment::Omit);
            !column.nullable && !column.generated && omitted.is_some_and(|known| known.on_import.is_none())
        });
        lacking.map(|(table, column)| format!("{}.{}", table.name, column.name)).collect()
    }

    /// Columns that say again what stronger ones say, and count as those do: the column, what it is computed from, its
    /// class then.
    #[must_use]
    pub fn raised(&self, catalog: &Catalog) -> Vec<(String, String, Classification)> {
        let mut raised = Vec::new();
        for table in &catalog.tables {
            for column in table.columns.iter().filter(|column| !column.computed_from.is_empty()) {
                let Some(known) = self.column(&table.name, &column.name) else { continue };
                let class =
                    self.classes_with_sources(table, column, known.class).into_iter().max().unwrap_or(known.class);
                if class > known.class {
                    let field = format!("{}.{}", table.name, column.name);
                    raised.push((field, column.computed_from.join(", "), class));
                }
            }
        }
        raised
    }

    /// What is done with a column, and with whatever its values are computed from: the strictest of these.
    fn strictest_treatment(&self, table: &Table, column: &ColumnSchema, own: Classification) -> Treatment {
        let strictness = |treatment: &Treatment| match treatment {
            Treatment::Keep => 0,
            Treatment::Mask | Treatment::Pseudonymise => 1,
            Treatment::Omit => 2,
        };
        let treatments =
            self.classes_with_sources(table, column, own).into_iter().map(|class| self.treatments.of(class));
        // Of equals the column's own, which comes first.
        treatments.rev().max_by_key(strictness).unwrap_or(Treatment::Omit)
    }

    /// The class of a column, and of whatever its values are computed from. What nobody has classified may be anything.
    fn classes_with_sources(&self, table: &Table, column: &ColumnSchema, own: Classification) -> Vec<Classification> {
        let (mut classes, mut seen, mut open) = (vec![own], vec![column.name.as_str()], vec![column]);
        while let Some(column) = open.pop() {
            for source in &column.computed_from {
                if seen.contains(&source.as_str()) {
                    continue;
                }
                seen.push(source);
                classes.push(self.column(&table.name, source).map_or(Classification::Secret, |known| known.class));
                open.extend(table.columns.iter().find(|column| column.name == *source));
            }
        }
        classes
    }

    fn select(
        &self,
        profile: &TableProfile,
        table: &Table,
        order: RecordOrder,
        redaction: &mut Redaction,
    ) -> Selection {
        let (mut columns, mut treatments) = (Vec::new(), Vec::new());
        for column in &table.columns {
            let field = format!("{}.{}", table.name, column.name);
            let Some(known) = profile.columns.get(&column.name) else {
                redaction.unclassified.push(field);
                continue;
            };
            let mut column = column.clone();
            column.codec = known.codec.filter(|_| column.codec != Codec::Json).unwrap_or(column.codec);
            let treatment = match self.strictest_treatment(table, &column, known.class) {
                Treatment::Mask | Treatment::Pseudonymise if !can_be_replaced(&column) => Treatment::Omit,
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
        // Only what leaves as it is may order the records: by a masked name, their order would tell the names.
        let kept = || columns.iter().zip(&treatments).filter(|(_, treatment)| **treatment == Treatment::Keep);
        let is_kept = |name: &String| kept().any(|(column, _)| column.name == *name);
        let key = match &table.primary_key[..] {
            key @ [_, ..] if key.iter().all(is_kept) => key.to_vec(),
            _ => kept().map(|(column, _)| column.name.clone()).collect(),
        };
        Selection { table: table.name.clone(), columns, treatments, key, order }
    }
}
