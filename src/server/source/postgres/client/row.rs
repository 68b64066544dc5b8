//! Rows of short answers.

use std::io;
use std::str::FromStr;

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::DataRowBody;

use super::{Error, Result};

/// A row of an answer, each value as its text.
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

    /// # Errors
    /// `Protocol` where there is no such value, or it is NULL.
    pub fn text(&self, at: usize) -> Result<&str> {
        self.maybe(at).ok_or(Error::Protocol)
    }

    /// A value that may be NULL.
    pub fn maybe(&self, at: usize) -> Option<&str> {
        self.0.get(at)?.as_deref()
    }

    /// # Errors
    /// As `text`, and where it is no `T`.
    pub fn parse<T: FromStr>(&self, at: usize) -> Result<T> {
        self.text(at)?.parse().map_err(|_| Error::Protocol)
    }

    /// # Errors
    /// As `text`.
    pub fn is_true(&self, at: usize) -> Result<bool> {
        Ok(self.text(at)? == "t")
    }

    /// All values, in their order.
    pub fn into_texts(self) -> Vec<Option<String>> {
        self.0
    }
}
