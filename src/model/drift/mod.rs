//! Drift between a database and its profile, and guessed classifications where there is no profile.

mod deviations;
mod guess;

use serde::{Deserialize, Serialize};

use super::name::{FieldName, TableName, TableOrField};
pub use deviations::Deviations;
pub use guess::{Guess, ProfileLine, Reclassified, find_reclassified};

/// Differences between a profile and its database, in both directions.
///
/// ```
/// use waybill::model::drift::{Drift, MissingField};
///
/// let field = |name: &str| name.to_owned().into();
/// let missing = MissingField { field: field("users.phone"), is_table: false, nearest: Some(field("users.phones")) };
/// let drift = Drift { missing: vec![missing], ..Drift::default() };
/// assert_eq!(drift.lines(), ["missing: users.phone is not in the database; did you mean users.phones?"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Tables and columns that the profile does not classify: they are not exported.
    pub unclassified: Vec<Unclassified>,
    pub missing: Vec<MissingField>,
    pub type_changed: Vec<TypeChange>,
}

impl Drift {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.unclassified.is_empty() && self.missing.is_empty() && self.type_changed.is_empty()
    }

    /// Tables that the profile does not contain at all.
    pub fn unknown_tables(&self) -> impl Iterator<Item = &Unclassified> {
        self.unclassified.iter().filter(|new| new.under.is_none())
    }

    /// Formats each difference as a line for people.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let unclassified = self.unclassified.iter().map(|new| match &new.under {
            Some(under) => format!("unclassified: {}; add under {under}: {}", new.field, new.line),
            None => format!("unclassified: {}; add:\n  {}", new.field, new.line.replace('\n', "\n  ")),
        });
        let missing = self.missing.iter().map(|gone| match &gone.nearest {
            Some(nearest) => format!("missing: {} is not in the database; did you mean {nearest}?", gone.field),
            None => format!("missing: {} is not in the database", gone.field),
        });
        let type_changed = self
            .type_changed
            .iter()
            .map(|changed| format!("type changed: {} was {} and is now {}", changed.field, changed.was, changed.is));
        unclassified.chain(missing).chain(type_changed).collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unclassified {
    pub field: TableOrField,
    /// TOML to add to the profile, with a class guessed from name and type; several lines for a table.
    pub line: String,
    /// Header of the section that `line` belongs under; `None` for a table, whose lines include a header.
    pub under: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingField {
    pub field: TableOrField,
    pub is_table: bool,
    /// The nearest existing name: it may have been renamed to this.
    pub nearest: Option<TableOrField>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeChange {
    pub field: FieldName,
    pub was: String,
    pub is: String,
}

impl Drift {
    /// Reduces the drift to names.
    #[must_use]
    pub fn to_deviations(&self) -> Deviations {
        let (unknown_tables, unknown_columns) = split_names(self.unclassified.iter().map(|new| &new.field));
        let (missing_tables, missing_columns) = split_names(self.missing.iter().map(|gone| &gone.field));
        Deviations {
            unknown_tables,
            unknown_columns,
            missing_tables,
            missing_columns,
            type_changed_columns: self.type_changed.iter().map(|changed| changed.field.clone()).collect(),
            missing_media: 0,
            missing_media_examples: Vec::new(),
            reclassified: Vec::new(),
        }
    }
}

fn split_names<'a>(names: impl Iterator<Item = &'a TableOrField>) -> (Vec<TableName>, Vec<FieldName>) {
    let (mut tables, mut fields) = (Vec::new(), Vec::new());
    for name in names {
        match name {
            TableOrField::Table(table) => tables.push(table.clone()),
            TableOrField::Field(field) => fields.push(field.clone()),
        }
    }
    (tables, fields)
}
