//! The ids that records get instead of those that they have in the archive.

use std::fs::File;
use std::io::{self, Seek};

use super::super::{Error, Result};
use crate::model::name::TableName;

/// Written while the archive is read, as CSV (RFC 4180). It can be as long as the archive, and is on disk.
#[derive(Debug)]
pub struct IdChanges {
    csv: csv::Writer<File>,
    pub changes: u64,
}

/// The columns.
const HEADER: [&str; 3] = ["table", "archive_id", "new_id"];

impl IdChanges {
    /// # Errors
    /// `Temporary` if they cannot be written.
    pub fn new() -> Result<Self> {
        let file = tempfile::tempfile().map_err(Error::Temporary)?;
        let mut ids = Self { csv: csv::Writer::from_writer(file), changes: 0 };
        ids.write(HEADER)?;
        Ok(ids)
    }

    /// # Errors
    /// As `new`.
    pub fn add(&mut self, table: &TableName, old: &str, new: &str) -> Result<()> {
        self.changes += 1;
        // An id is whatever an archive's author wrote, and must be no formula to a spreadsheet.
        let guarded =
            if old.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{old}") } else { old.to_owned() };
        self.write([table.as_str(), &guarded, new])
    }

    fn write(&mut self, row: [&str; 3]) -> Result<()> {
        self.csv.write_record(row).map_err(|error| Error::Temporary(error.into()))
    }

    /// The whole, to be read from its beginning.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn into_csv(self) -> io::Result<File> {
        let mut file = self.csv.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
        file.rewind()?;
        Ok(file)
    }
}
