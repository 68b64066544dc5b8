//! The files that records refer to: which of them are there, and their way into an archive. Blocks.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

use super::running::RunningExport;
use super::write::output_error;
use super::{Error, Result};
use crate::model::redaction::NotIncluded;
use crate::server::layout::media_path;
use crate::server::pipeline::container::ArchiveWriter;
use crate::server::profile::{MediaLayout, PlannedTable};
use crate::server::rows::{RowSink, Scan, Stopped, Value};
use crate::server::source::Snapshot;
use crate::server::support::blob_folder::BlobFolder;

/// The files of an export.
pub struct Media<'m> {
    layout: &'m MediaLayout,
    scan: Scan,
    folder: &'m BlobFolder,
    running: &'m RunningExport,
    /// Why a file is not in the archive, by its record's id.
    missing: BTreeMap<String, Missing>,
}

struct Missing {
    file_name: String,
    reason: &'static str,
}

/// A record, as its columns say.
struct Medium {
    id: String,
    file_name: String,
    storage_key: String,
    bytes: u64,
    sha256: String,
}

impl<'m> Media<'m> {
    /// Reads every file once: the manifest says which are missing, and comes first. Blocks.
    ///
    /// # Errors
    /// `Source` if the records cannot be read; `Stopped` after a cancellation.
    pub fn check(
        layout: &'m MediaLayout,
        planned: &PlannedTable,
        folder: &'m BlobFolder,
        snapshot: &mut dyn Snapshot,
        running: &'m RunningExport,
    ) -> Result<Self> {
        let columns = [&layout.id, &layout.file_name, &layout.storage_key, &layout.bytes, &layout.sha256];
        let column = |name: &&String| planned.scan.columns.iter().find(|column| column.name == **name).cloned();
        let columns = columns.iter().filter_map(column).collect();
        let scan = Scan { columns, ..planned.scan.clone() };
        let mut media = Self { layout, scan, folder, running, missing: BTreeMap::new() };
        let mut missing = BTreeMap::new();
        media.for_each(snapshot, |media, medium| {
            if let Err(reason) = media.check_file(&medium)? {
                missing.insert(medium.id, Missing { file_name: medium.file_name, reason });
            }
            Ok(())
        })?;
        media.missing = missing;
        Ok(media)
    }

    /// Every file that is not in the archive, with the reason, for the seal.
    pub fn not_included(&self) -> impl Iterator<Item = NotIncluded> {
        self.missing.iter().map(|(id, missing)| NotIncluded {
            object: media_path(id, &missing.file_name),
            reason: missing.reason.to_owned(),
        })
    }

    /// The same for the manifest.
    pub fn missing(&self) -> serde_json::Value {
        let entry = |(id, missing): (&String, &Missing)| serde_json::json!({"id": id, "fileName": missing.file_name, "reason": missing.reason});
        self.missing.iter().map(entry).collect()
    }

    /// Adds every file that is there. Blocks.
    ///
    /// # Errors
    /// `Source`, `Output` or `Stopped`; `Inconsistent` if a file has changed since it was checked.
    pub fn write<W: Write>(&self, snapshot: &mut dyn Snapshot, archive: &mut ArchiveWriter<W>) -> Result<()> {
        self.for_each(snapshot, |media, medium| {
            if media.missing.contains_key(&medium.id) {
                return Ok(());
            }
            let name = media_path(&medium.id, &medium.file_name);
            let changed = || Error::Inconsistent(format!("{name} was changed while it was read"));
            let mut file = media.folder.open_file(&medium.storage_key).map_err(|_| changed())?;
            let sha256 = archive.add_file(&name, medium.bytes, &mut file).map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => changed(),
                _ => output_error(&error),
            })?;
            if sha256 == medium.sha256 { Ok(()) } else { Err(changed()) }
        })
    }

    /// Why the file cannot be in the archive.
    fn check_file(&self, medium: &Medium) -> Result<std::result::Result<(), &'static str>> {
        let file = match self.folder.open_file(&medium.storage_key) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Err("missing")),
            Err(_) => return Ok(Err("not readable")),
        };
        if file.metadata().is_ok_and(|found| found.len() != medium.bytes) {
            return Ok(Err("not the file that its record describes"));
        }
        match self.digest(file) {
            Ok(sha256) if sha256 == medium.sha256 => Ok(Ok(())),
            Ok(_) => Ok(Err("not the file that its record describes")),
            Err(_) if self.running.cancellation.is_cancelled() => Err(Error::Stopped),
            Err(_) => Ok(Err("not readable")),
        }
    }

    fn digest(&self, mut file: File) -> io::Result<String> {
        let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 256 << 10]);
        loop {
            if self.running.cancellation.is_cancelled() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            match file.read(&mut buffer)? {
                0 => return Ok(hex::encode(hasher.finalize())),
                read => hasher.update(&buffer[..read]),
            }
        }
    }

    /// Calls `use_medium` with each record.
    fn for_each(
        &self,
        snapshot: &mut dyn Snapshot,
        use_medium: impl FnMut(&Media<'_>, Medium) -> Result<()>,
    ) -> Result<()> {
        if self.scan.columns.len() != 5 {
            let what = format!("{} lacks a column of the layout", self.layout.table);
            return Err(Error::Inconsistent(what));
        }
        // In the layout's order, whatever the table's is.
        let order = [
            &self.layout.id,
            &self.layout.file_name,
            &self.layout.storage_key,
            &self.layout.bytes,
            &self.layout.sha256,
        ];
        let places =
            self.scan.columns.iter().map(|column| order.iter().position(|name| **name == column.name)).collect();
        let mut sink = MediaSink { media: self, places, row: Vec::new(), use_medium, failure: None };
        let read = snapshot.read_table(&self.scan, &mut sink);
        match sink.failure {
            Some(failure) => Err(failure),
            None => Ok(read?),
        }
    }
}

/// Makes records of the rows of a read.
struct MediaSink<'m, F> {
    media: &'m Media<'m>,
    /// The place of each column that is read in the layout's order.
    places: Vec<Option<usize>>,
    row: Vec<String>,
    use_medium: F,
    failure: Option<Error>,
}

impl<F: FnMut(&Media<'_>, Medium) -> Result<()>> RowSink for MediaSink<'_, F> {
    fn push_value(&mut self, value: Value<'_>) -> std::result::Result<(), Stopped> {
        self.row.push(match value {
            Value::Text(bytes) | Value::SafeAscii(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Value::Integer(number) => number.to_string(),
            _ => String::new(),
        });
        Ok(())
    }

    fn end_row(&mut self) -> std::result::Result<(), Stopped> {
        let mut row = std::mem::take(&mut self.row);
        let mut of = |place: usize| {
            let at = self.places.iter().position(|found| *found == Some(place));
            at.and_then(|at| row.get_mut(at)).map(std::mem::take).unwrap_or_default()
        };
        let medium = Medium {
            id: of(0),
            file_name: of(1),
            storage_key: of(2),
            bytes: of(3).parse().unwrap_or(u64::MAX),
            sha256: of(4).to_ascii_lowercase(),
        };
        (self.use_medium)(self.media, medium).map_err(|error| {
            self.failure = Some(error);
            Stopped
        })
    }
}
