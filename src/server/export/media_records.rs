//! The records that stand for files.

use super::{Error, Result};
use crate::server::profile::{MediaLayout, PlannedTable};
use crate::server::rows::{RowSink, Scan, Stopped, Value};
use crate::server::source::Snapshot;

/// A record, as its columns say.
pub struct Medium {
    /// Nothing if it is no text: no file can be named after it.
    pub id: Option<String>,
    pub file_name: String,
    pub storage_key: String,
    pub bytes: u64,
    pub sha256: String,
}

/// Calls `use_medium` with each record, in an order that is the same for one snapshot. Blocks.
///
/// # Errors
/// `Source` if the records cannot be read; the error of `use_medium`.
pub fn read_media(
    layout: &MediaLayout,
    planned: &PlannedTable,
    snapshot: &mut dyn Snapshot,
    use_medium: impl FnMut(Medium) -> Result<()>,
) -> Result<()> {
    let MediaLayout { table, id, file_name, storage_key, bytes, sha256, .. } = layout;
    // In this order, whatever the table's is.
    let order = [id, file_name, storage_key, bytes, sha256];
    let columns = planned.scan.columns.iter().filter(|column| order.contains(&&column.name));
    let scan = Scan { columns: columns.cloned().collect(), ..planned.scan.clone() };
    if scan.columns.len() != order.len() {
        return Err(Error::Inconsistent(format!("{table} lacks a column of the layout")));
    }
    let places = scan.columns.iter().map(|column| order.iter().position(|name| **name == column.name)).collect();
    let mut sink = MediaSink { places, row: Vec::new(), use_medium, failure: None };
    let read = snapshot.read_table(&scan, &mut sink);
    match sink.failure {
        Some(failure) => Err(failure),
        None => Ok(read?),
    }
}

/// Makes records of the rows of a read.
struct MediaSink<F> {
    /// What each column that is read is.
    places: Vec<Option<usize>>,
    /// Nothing for what is no text.
    row: Vec<Option<String>>,
    use_medium: F,
    failure: Option<Error>,
}

impl<F: FnMut(Medium) -> Result<()>> RowSink for MediaSink<F> {
    fn push_value(&mut self, value: Value<'_>) -> std::result::Result<(), Stopped> {
        self.row.push(value.to_text());
        Ok(())
    }

    fn end_row(&mut self) -> std::result::Result<(), Stopped> {
        let mut row = std::mem::take(&mut self.row);
        let mut of = |place: usize| {
            let at = self.places.iter().position(|found| *found == Some(place))?;
            row.get_mut(at)?.take()
        };
        let medium = Medium {
            id: of(0),
            file_name: of(1).unwrap_or_default(),
            storage_key: of(2).unwrap_or_default(),
            bytes: of(3).and_then(|bytes| bytes.parse().ok()).unwrap_or(u64::MAX),
            sha256: of(4).unwrap_or_default().to_ascii_lowercase(),
        };
        (self.use_medium)(medium).map_err(|error| {
            self.failure = Some(error);
            Stopped
        })
    }
}
