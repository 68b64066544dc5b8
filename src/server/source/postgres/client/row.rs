//! Rows of small results.

use std::io;
use std::str::FromStr;

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::DataRowBody;

use super::{Error, Result};

/// A row of a result, each value as text.
#[derive(Debug)]
pub struct Row(Vec<Option<String>>);

impl Row {
    pub(super) fn from_body(body: &DataRowBody) -> Result<Self> {
        let buffer = body.buffer();
        let read = |range: Option<std::ops::Range<usize>>| {
            let text = range.map(|range| std::str::from_utf8(&buffer[range]).map(str::to_owned)).transpose();
            text.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
        };
        body.ranges().map(read).collect().map(Self).map_err(|_| Error::Protocol)
    }

    /// Returns a value that must not be NULL.
    ///
    /// # Errors
    /// `Protocol` if there is no such column or the value is NULL.
    pub fn text(&self, index: usize) -> Result<&str> {
        self.optional_text(index).ok_or(Error::Protocol)
    }

    /// Returns a value that may be NULL.
    pub fn optional_text(&self, index: usize) -> Option<&str> {
        self.0.get(index)?.as_deref()
    }

    /// Parses a value that must not be NULL.
    ///
    /// # Errors
    /// `Protocol` as for `text`, and if the value is not a `T`.
    pub fn parse<T: FromStr>(&self, index: usize) -> Result<T> {
        self.text(index)?.parse().map_err(|_| Error::Protocol)
    }

    /// Returns a boolean.
    ///
    /// # Errors
    /// As `text`.
    pub fn is_true(&self, index: usize) -> Result<bool> {
        Ok(self.text(index)? == "t")
    }

    /// Returns all values in column order.
    pub fn into_texts(self) -> Vec<Option<String>> {
        self.0
    }
}
