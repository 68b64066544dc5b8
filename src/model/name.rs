//! Names of tables and columns, as files and messages show them.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A table's name, unique in its database: `users`, or `schema.table` where an engine has schemas. The engine that reads
/// the table decides how a name is written, and it alone takes one apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TableName(String);

impl TableName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The field of this table with that column.
    #[must_use]
    pub fn field(&self, column: impl Into<String>) -> FieldName {
        FieldName { table: self.clone(), column: column.into() }
    }
}

impl From<String> for TableName {
    fn from(name: String) -> Self {
        Self(name)
    }
}

impl From<&str> for TableName {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl From<TableName> for String {
    fn from(name: TableName) -> Self {
        name.0
    }
}

/// For maps by table that are asked with a text.
impl Borrow<str> for TableName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for TableName {
    fn eq(&self, text: &str) -> bool {
        self.0 == text
    }
}

impl PartialEq<&str> for TableName {
    fn eq(&self, text: &&str) -> bool {
        self.0 == *text
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A column of a table, shown and stored as `table.column`. Read back from that text, the table ends at the last dot:
/// a column whose own name has a dot comes back in other parts, with the same text.
///
/// ```
/// use waybill::model::name::{FieldName, TableName};
///
/// let field = TableName::from("audit.users").field("password");
/// assert_eq!(field.to_string(), "audit.users.password");
/// assert_ne!(field, TableName::from("audit").field("users.password"));
/// assert_eq!(serde_json::from_str::<FieldName>("\"audit.users.password\"").unwrap(), field);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct FieldName {
    pub table: TableName,
    pub column: String,
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.table, self.column)
    }
}

impl From<FieldName> for String {
    fn from(field: FieldName) -> Self {
        field.to_string()
    }
}

impl TryFrom<String> for FieldName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (table, column) = text.rsplit_once('.').ok_or("a field is written table.column")?;
        Ok(TableName::from(table).field(column))
    }
}

/// A table or one of its columns, shown and stored like either. Read back from that text, a name with a dot counts as
/// a column, since the text alone does not say which of the two it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum TableOrField {
    Table(TableName),
    Field(FieldName),
}

impl fmt::Display for TableOrField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(table) => table.fmt(f),
            Self::Field(field) => field.fmt(f),
        }
    }
}

impl From<TableOrField> for String {
    fn from(name: TableOrField) -> Self {
        name.to_string()
    }
}

impl From<String> for TableOrField {
    fn from(text: String) -> Self {
        FieldName::try_from(text.clone()).map_or_else(|_| Self::Table(text.into()), Self::Field)
    }
}

/// Joins names for a line of text: `users.email, users.phone`.
#[must_use]
pub fn join(names: &[impl fmt::Display]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stored_as_the_text_they_are_shown_as() {
        for text in ["users.email", "audit.users.email", "\"a.b\".c.d", ".", "t.👍 \""] {
            let stored = serde_json::to_string(text).unwrap();
            let field: FieldName = serde_json::from_str(&stored).unwrap();
            assert_eq!((field.to_string(), serde_json::to_string(&field).unwrap()), (text.to_owned(), stored.clone()));
            let either: TableOrField = serde_json::from_str(&stored).unwrap();
            assert_eq!((either.to_string(), serde_json::to_string(&either).unwrap()), (text.to_owned(), stored));
        }
        assert!(serde_json::from_str::<FieldName>("\"users\"").is_err());
        assert_eq!(TableOrField::from("users".to_owned()), TableOrField::Table("users".into()));
        assert_eq!(serde_json::to_string(&TableName::from("a.b")).unwrap(), "\"a.b\"");
    }
}
