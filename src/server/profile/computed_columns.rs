//! Columns that the database computes from others: they reveal what those hold, so the strictest of their classes counts.

use super::Profile;
use crate::model::catalog::ColumnSchema;
use crate::model::classification::Classification;
use crate::model::name::FieldName;
use crate::model::redaction::Treatment;
use crate::server::rows::{Catalog, Table};

impl Profile {
    /// Columns that are computed from columns of a stricter class, and therefore count as that class: the column, what
    /// it is computed from, the stricter class.
    #[must_use]
    pub fn columns_with_raised_class(&self, catalog: &Catalog) -> Vec<(FieldName, String, Classification)> {
        let mut raised = Vec::new();
        for table in &catalog.tables {
            for column in table.columns.iter().filter(|column| !column.computed_from.is_empty()) {
                let Some(known) = self.column(&table.name, &column.name) else { continue };
                let class =
                    self.transitive_classes(table, column, known.class).into_iter().max().unwrap_or(known.class);
                if class > known.class {
                    let field = table.name.field(&column.name);
                    raised.push((field, column.computed_from.join(", "), class));
                }
            }
        }
        raised
    }

    /// The strictest treatment of a column and of the columns it is computed from.
    pub(super) fn strictest_treatment(
        &self,
        table: &Table,
        column: &ColumnSchema,
        own_class: Classification,
    ) -> Treatment {
        let strictness = |treatment: &Treatment| match treatment {
            Treatment::Keep => 0,
            Treatment::Mask | Treatment::Pseudonymise => 1,
            Treatment::Omit => 2,
        };
        let treatments =
            self.transitive_classes(table, column, own_class).into_iter().map(|class| self.treatments.for_class(class));
        // Reversed, since `max_by_key` returns the last of equals: the column's own is first.
        treatments.rev().max_by_key(strictness).unwrap_or(Treatment::Omit)
    }

    /// The classes of a column and of all columns it is computed from, transitively. Unclassified ones count as secret.
    fn transitive_classes(
        &self,
        table: &Table,
        column: &ColumnSchema,
        own_class: Classification,
    ) -> Vec<Classification> {
        let (mut classes, mut seen, mut pending) = (vec![own_class], vec![column.name.as_str()], vec![column]);
        while let Some(column) = pending.pop() {
            for source in &column.computed_from {
                if seen.contains(&source.as_str()) {
                    continue;
                }
                seen.push(source);
                classes.push(self.column(&table.name, source).map_or(Classification::Secret, |known| known.class));
                pending.extend(table.columns.iter().find(|column| column.name == *source));
            }
        }
        classes
    }
}
