//! Where the values of a profile stand in its text.

use std::collections::BTreeMap;

use toml::Spanned;

use crate::model::name::TableName;

/// Positions of the values that are validated after parsing.
#[derive(serde::Deserialize)]
pub struct Spans {
    #[serde(default)]
    pub scopes: BTreeMap<Spanned<String>, toml::Value>,
    #[serde(default)]
    pub outside: BTreeMap<Spanned<String>, toml::Value>,
    #[serde(default)]
    pub filters: BTreeMap<Spanned<String>, toml::Value>,
    #[serde(default)]
    pub references: Vec<Spanned<toml::Value>>,
    #[serde(default)]
    pub treatments: BTreeMap<String, Spanned<toml::Value>>,
    pub auth: Option<Spanned<toml::Value>>,
    pub name: Option<Spanned<toml::Value>>,
    pub file_name: Option<Spanned<toml::Value>>,
    pub app_version: Option<Spanned<toml::Value>>,
    #[serde(default)]
    pub roles: BTreeMap<Spanned<String>, toml::Value>,
    pub notice: Option<NoticeSpans>,
    #[serde(default)]
    pub tables: BTreeMap<TableName, TableSpans>,
}

#[derive(serde::Deserialize)]
pub struct NoticeSpans {
    pub people: Option<Spanned<toml::Value>>,
}

#[derive(serde::Deserialize)]
pub struct TableSpans {
    pub shared: Option<Spanned<toml::Value>>,
    pub whole: Option<Spanned<toml::Value>>,
    pub private: Option<Spanned<toml::Value>>,
    pub owned_by: Option<Spanned<toml::Value>>,
    pub merge: Option<Spanned<toml::Value>>,
    #[serde(default)]
    pub columns: BTreeMap<String, Spanned<toml::Value>>,
}

impl Spans {
    pub fn column_start(&self, table: &TableName, column: &str) -> usize {
        self.tables.get(table).and_then(|table| table.columns.get(column)).map_or(0, |column| column.span().start)
    }

    pub fn role_start(&self, name: &str) -> usize {
        self.roles.get_key_value(name).map_or(0, |(name, _)| name.span().start)
    }
}

impl Spans {
    pub fn filter_start(&self, name: &str) -> usize {
        self.filters.get_key_value(name).map_or(0, |(name, _)| name.span().start)
    }

    pub fn scope_start(&self, name: &str) -> usize {
        self.scopes.get_key_value(name).map_or(0, |(name, _)| name.span().start)
    }

    pub fn outside_start(&self, name: &str) -> usize {
        self.outside.get_key_value(name).map_or(0, |(name, _)| name.span().start)
    }

    pub fn owned_by_start(&self, table: &TableName) -> usize {
        start(self.tables.get(table).and_then(|table| table.owned_by.as_ref()))
    }
}

/// The start of a value, or of the text without one.
pub fn start(place: Option<&Spanned<toml::Value>>) -> usize {
    place.map_or(0, |place| place.span().start)
}
