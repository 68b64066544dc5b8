//! Drift between a database and its profile, and guessed classifications where there is no profile.

use serde::{Deserialize, Serialize};

use super::classification::Classification;
use super::name::{FieldName, TableName, TableOrField};
use super::text;

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

/// Differences of an export's database from its profile and from the previous export: the first thing to report
/// about a finished export. Names only; kept in history and audit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Deviations {
    /// Not in the file, because no profile classifies them.
    pub unknown_tables: Vec<TableName>,
    /// Not in the file either.
    pub unknown_columns: Vec<FieldName>,
    pub missing_tables: Vec<TableName>,
    pub missing_columns: Vec<FieldName>,
    /// In the file, but no longer of the type that the profile records.
    #[serde(alias = "retyped_columns")]
    pub type_changed_columns: Vec<FieldName>,
    /// Columns whose guessed class differs from the previous export's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reclassified: Vec<Reclassified>,
}

/// A column whose guessed class has changed since the previous export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reclassified {
    pub field: FieldName,
    pub was: Classification,
    pub is: Classification,
}

impl Deviations {
    /// Whether database and profile differ. A changed guess is not drift.
    #[must_use]
    pub fn has_drifted(&self) -> bool {
        let tables = [&self.unknown_tables, &self.missing_tables];
        let columns = [&self.unknown_columns, &self.missing_columns, &self.type_changed_columns];
        tables.iter().any(|names| !names.is_empty()) || columns.iter().any(|names| !names.is_empty())
    }

    /// The headline of a finished export: "complete and sealed", or "complete, without 1 table and 1 column
    /// that the profile does not know".
    #[must_use]
    pub fn headline(&self) -> String {
        let unknown = count_phrase(&self.unknown_tables, &self.unknown_columns);
        let missing = count_phrase(&self.missing_tables, &self.missing_columns);
        let type_changed = count_phrase(&[], &self.type_changed_columns);
        let parts = [
            unknown.map(|what| format!("without {what} that the profile does not know")),
            missing.map(|what| format!("without {what} that the database no longer has")),
            type_changed.map(|what| format!("with {what} of another type than the profile knows")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { "complete and sealed".into() } else { format!("complete, {}", parts.join(", ")) }
    }

    /// Lists all deviations by name, one line per kind.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let reclassified = self.reclassified.iter().map(|changed| {
            let Reclassified { field, was, is } = changed;
            format!("{field} ({} before, {} now)", was.as_str(), is.as_str())
        });
        let kinds = [
            ("left out, unknown to the profile", name_texts(&self.unknown_tables, &self.unknown_columns)),
            ("no longer in the database", name_texts(&self.missing_tables, &self.missing_columns)),
            ("of another type than the profile knows", name_texts(&[], &self.type_changed_columns)),
            ("guessed differently than for the last export", reclassified.collect()),
        ];
        let kinds = kinds.into_iter().filter(|(_, names)| !names.is_empty());
        kinds.map(|(kind, names)| format!("{kind}: {}", text::one_line(&names.join(", ")))).collect()
    }
}

fn name_texts(tables: &[TableName], columns: &[FieldName]) -> Vec<String> {
    tables.iter().map(ToString::to_string).chain(columns.iter().map(ToString::to_string)).collect()
}

/// "1 table and 2 columns", or `None` if both lists are empty.
fn count_phrase(tables: &[TableName], columns: &[FieldName]) -> Option<String> {
    let of = |count: usize, what| (count > 0).then(|| text::count_with_noun(count as u64, what));
    let parts: Vec<String> = [of(tables.len(), "table"), of(columns.len(), "column")].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" and "))
}

/// Columns in both lists whose guessed class differs. Compares the texts of names, since `before` was stored as text.
#[must_use]
pub fn find_reclassified(before: &[Guess], now: &[Guess]) -> Vec<Reclassified> {
    let before: Vec<(String, Classification)> =
        before.iter().map(|guess| (guess.field.to_string(), guess.class)).collect();
    let changed = now.iter().filter_map(|guess| {
        let field = guess.field.to_string();
        let (_, was) = before.iter().find(|(old, class)| *old == field && *class != guess.class)?;
        Some(Reclassified { field: guess.field.clone(), was: *was, is: guess.class })
    });
    changed.collect()
}

/// A guessed classification, not confirmed by anyone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guess {
    pub field: FieldName,
    pub class: Classification,
    pub reason: String,
    /// The profile line that would export a column which is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<ProfileLine>,
}

/// A profile line, and the header of the section that it belongs under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileLine {
    pub under: String,
    pub line: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str) -> FieldName {
        name.to_owned().try_into().unwrap()
    }

    fn fields(names: &[&str]) -> Vec<FieldName> {
        names.iter().copied().map(field).collect()
    }

    #[test]
    fn a_headline_counts_what_deviates() {
        assert_eq!(Deviations::default().headline(), "complete and sealed");
        let deviations = Deviations {
            unknown_tables: vec!["coupon".into()],
            unknown_columns: fields(&["users.iban"]),
            missing_columns: fields(&["users.fax", "users.telex"]),
            type_changed_columns: fields(&["users.id"]),
            ..Deviations::default()
        };
        assert_eq!(
            deviations.headline(),
            "complete, without 1 table and 1 column that the profile does not know, without 2 columns that the \
             database no longer has, with 1 column of another type than the profile knows"
        );
        assert_eq!(deviations.lines()[0], "left out, unknown to the profile: coupon, users.iban");
    }

    #[test]
    fn a_class_that_is_guessed_otherwise_is_named() {
        let guess = |field: &str, class| Guess { field: self::field(field), class, reason: String::new(), line: None };
        let before = [guess("users.pin", Classification::Plain), guess("users.id", Classification::Plain)];
        let now = [
            guess("users.pin", Classification::Secret),
            guess("users.id", Classification::Plain),
            guess("new.x", Classification::Secret),
        ];
        let changed =
            Reclassified { field: field("users.pin"), was: Classification::Plain, is: Classification::Secret };
        assert_eq!(find_reclassified(&before, &now), [changed]);
    }

    #[test]
    fn deviations_stored_under_the_name_of_an_earlier_version_are_read() {
        let stored = r#"{"unknown_tables":["coupon"],"retyped_columns":["users.id"]}"#;
        let deviations: Deviations = serde_json::from_str(stored).unwrap();
        assert_eq!(deviations.type_changed_columns, fields(&["users.id"]));
    }
}
