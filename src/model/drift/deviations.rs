//! What deviates in a finished export: names only, for its history, its audit entry and its headline.

use serde::{Deserialize, Serialize};

use super::guess::Reclassified;
use crate::model::name::{FieldName, TableName};
use crate::model::text;

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
    /// How many files that records refer to are not in an archive. Its manifest lists them.
    pub missing_media: u64,
    /// The first ones of them, each with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing_media_examples: Vec<String>,
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
            self.gaps().map(|what| format!("with {what}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { "complete and sealed".into() } else { format!("complete, {}", parts.join(", ")) }
    }

    /// Such as "1 gap": files that should be in an archive and are not.
    #[must_use]
    pub fn gaps(&self) -> Option<String> {
        let gaps = self.missing_media;
        (gaps > 0).then(|| text::count_with_noun(gaps, "gap"))
    }

    /// Whether everything is as it should be.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        !self.has_drifted() && self.missing_media == 0
    }

    /// Such as "Complete, with drift": for a badge.
    #[must_use]
    pub fn badge(&self) -> &'static str {
        if self.has_drifted() {
            "Complete, with drift"
        } else if self.missing_media > 0 {
            "Complete, with gaps"
        } else {
            "Complete"
        }
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
            ("files that are not in it, such as", self.missing_media_examples.clone()),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(names: &[&str]) -> Vec<FieldName> {
        names.iter().map(|name| (*name).to_owned().try_into().unwrap()).collect()
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
    fn deviations_stored_under_the_name_of_an_earlier_version_are_read() {
        let stored = r#"{"unknown_tables":["coupon"],"retyped_columns":["users.id"]}"#;
        let deviations: Deviations = serde_json::from_str(stored).unwrap();
        assert_eq!(deviations.type_changed_columns, fields(&["users.id"]));
    }
}
