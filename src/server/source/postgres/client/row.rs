//! Rows of small results.

use std::io;
use std::str::FromStr;
use std::sync::Arc;

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{DataRowBody, RowDescriptionBody};

use super::{Error, Result};

/// The names of a result's columns, shared by its rows.
#[derive(Clone, Debug, Default)]
pub(super) struct ColumnNames(Arc<[String]>);

impl ColumnNames {
    pub fn from_body(body: &RowDescriptionBody) -> Result<Self> {
        let names: Vec<String> = body.fields().map(|field| Ok(field.name().to_owned())).collect().map_err(not_valid)?;
        Ok(Self(names.into()))
    }
}

/// A row of a result, each value as text.
#[derive(Debug)]
pub struct Row {
    columns: ColumnNames,
    values: Vec<Option<String>>,
}

impl Row {
    pub(super) fn from_body(columns: &ColumnNames, body: &DataRowBody) -> Result<Self> {
        let buffer = body.buffer();
        let read = |range: Option<std::ops::Range<usize>>| {
            let text = range.map(|range| std::str::from_utf8(&buffer[range]).map(str::to_owned)).transpose();
            text.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
        };
        let values: Vec<_> = body.ranges().map(read).collect().map_err(not_valid)?;
        Ok(Self { columns: columns.clone(), values })
    }

    /// Returns a value that must not be NULL.
    ///
    /// # Errors
    /// `Protocol` if there is no such column or the value is NULL.
    pub fn text(&self, column: &str) -> Result<&str> {
        self.optional_text(column)?.ok_or(Error::Protocol)
    }

    /// Returns a value that may be NULL.
    ///
    /// # Errors
    /// `Protocol` if there is no such column.
    pub fn optional_text(&self, column: &str) -> Result<Option<&str>> {
        let index = self.columns.0.iter().position(|name| name == column).ok_or(Error::Protocol)?;
        self.values.get(index).map(Option::as_deref).ok_or(Error::Protocol)
    }

    /// Parses a value that must not be NULL.
    ///
    /// # Errors
    /// `Protocol` as for `text`, and if the value is not a `T`.
    pub fn parse<T: FromStr>(&self, column: &str) -> Result<T> {
        self.text(column)?.parse().map_err(|_| Error::Protocol)
    }

    /// Parses a value that may be NULL.
    ///
    /// # Errors
    /// `Protocol` as for `optional_text`, and if the value is not a `T`.
    pub fn parse_optional<T: FromStr>(&self, column: &str) -> Result<Option<T>> {
        self.optional_text(column)?.map(str::parse).transpose().map_err(|_| Error::Protocol)
    }

    /// Returns a boolean.
    ///
    /// # Errors
    /// As `text`.
    pub fn is_true(&self, column: &str) -> Result<bool> {
        Ok(self.text(column)? == "t")
    }

    /// Returns all values in column order.
    pub fn into_texts(self) -> Vec<Option<String>> {
        self.values
    }
}

fn not_valid(_: io::Error) -> Error {
    Error::Protocol
}
