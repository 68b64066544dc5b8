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
    pub(super) fn read(body: &DataRowBody) -> Result<Self> {
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
    pub fn text(&self, at: usize) -> Result<&str> {
        self.maybe(at).ok_or(Error::Protocol)
    }

    /// Returns a value that may be NULL.
    pub fn maybe(&self, at: usize) -> Option<&str> {
        self.0.get(at)?.as_deref()
    }

    /// Parses a value that must not be NULL.
    ///
    /// # Errors
    /// `Protocol` as for `text`, and if the value is not a `T`.
    pub fn parse<T: FromStr>(&self, at: usize) -> Result<T> {
        self.text(at)?.parse().map_err(|_| Error::Protocol)
    }

    /// Returns a boolean.
    ///
    /// # Errors
    /// As `text`.
    pub fn is_true(&self, at: usize) -> Result<bool> {
        Ok(self.text(at)? == "t")
    }

    /// Returns all values in column order.
    pub fn into_texts(self) -> Vec<Option<String>> {
        self.0
    }
}
