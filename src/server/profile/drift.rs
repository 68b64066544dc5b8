//! Compares a profile with the database: unclassified and missing tables and columns, and
//! columns whose type has changed.

use super::nearest::nearest;
use super::{Profile, draft, infer};
use crate::model::drift::{Drift, MissingField, TypeChange, Unclassified};
use crate::model::name::{TableName, TableOrField};
use crate::server::rows::{Catalog, Table};

impl Profile {
    /// Returns every difference between profile and database. New columns and changed types of an excluded table are
    /// not reported: nothing of it is exported.
    #[must_use]
    pub fn drift(&self, catalog: &Catalog) -> Drift {
        let mut drift = Drift::default();
        for table in &catalog.tables {
            match self.tables.get(&table.name) {
                None => drift.unclassified.push(unclassified_table(table)),
                Some(known) if known.exclude.is_some() => {}
                Some(_) => self.compare_columns(table, &mut drift),
            }
        }
        self.collect_missing(catalog, &mut drift);
        let accounts = self.missing_auth_columns(catalog).into_iter().map(|field| MissingField {
            field: TableOrField::Field(field),
            is_table: false,
            nearest: None,
        });
        for missing in accounts {
            if !drift.missing.iter().any(|gone| gone.field == missing.field) {
                drift.missing.push(missing);
            }
        }
        drift
    }

    fn compare_columns(&self, table: &Table, drift: &mut Drift) {
        for column in &table.columns {
            let field = table.name.field(&column.name);
            let Some(known) = self.column(&table.name, &column.name) else {
                let line = draft::column_line(column, infer::by_name(table, column).class);
                let under = Some(draft::columns_header(table));
                drift.unclassified.push(Unclassified { field: TableOrField::Field(field), line, under });
                continue;
            };
            let was = known.native_type.as_ref().filter(|was| **was != column.native_type);
            drift.type_changed.extend(was.map(|was| TypeChange {
                field,
                was: was.clone(),
                is: column.native_type.clone(),
            }));
        }
    }

    fn collect_missing(&self, catalog: &Catalog, drift: &mut Drift) {
        for (name, known) in &self.tables {
            let Some(table) = catalog.table(name) else {
                let unknown = catalog.tables.iter().filter(|table| !self.tables.contains_key(&table.name));
                let nearest = nearest(name.as_str(), unknown.map(|table| table.name.as_str()));
                let nearest = nearest.map(|table| TableOrField::Table(TableName::from(table)));
                let field = TableOrField::Table(name.clone());
                drift.missing.push(MissingField { field, is_table: true, nearest });
                continue;
            };
            for column in known.columns.keys() {
                let names = || table.columns.iter().map(|column| column.name.as_str());
                if !names().any(|name| name == column) {
                    let nearest = nearest(column, names().filter(|name| !known.columns.contains_key(*name)));
                    let nearest = nearest.map(|column| TableOrField::Field(name.field(column)));
                    let field = TableOrField::Field(name.field(column));
                    drift.missing.push(MissingField { field, is_table: false, nearest });
                }
            }
        }
    }
}

fn unclassified_table(table: &Table) -> Unclassified {
    let columns = table.columns.iter().map(|column| draft::column_line(column, infer::by_name(table, column).class));
    let line = format!("{}\n{}", draft::columns_header(table), columns.collect::<Vec<_>>().join("\n"));
    Unclassified { field: TableOrField::Table(table.name.clone()), line, under: None }
}
