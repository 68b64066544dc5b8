//! The files that records refer to: which of them are there, and their way into an archive. Blocks.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::media_records::{Medium, read_media};
use super::running::RunningExport;
use super::write::output_error;
use super::{Error, Result};
use crate::model::text;
use crate::seal::archive::MAX_ENTRIES;
use crate::server::layout::media_path;
use crate::server::pipeline::container::ArchiveWriter;
use crate::server::profile::{MediaLayout, PlannedTable};
use crate::server::source::Snapshot;
use crate::server::support::blob_folder::BlobFolder;

/// Documents, manifest and seal take the rest.
const MAX_FILES: usize = MAX_ENTRIES - 1_000;
/// More are counted, and not listed: whoever misses that many needs no list.
const MAX_LISTED: usize = 10_000;
const MAX_EXAMPLES: usize = 5;
/// Longer names are cut in examples.
const MAX_NAME_CHARS: usize = 60;

/// The files of an export.
pub struct Media<'m> {
    layout: &'m MediaLayout,
    planned: &'m PlannedTable,
    folder: &'m BlobFolder,
    running: &'m RunningExport,
    found: Found,
}

/// What the files are, once all of them were read.
#[derive(Default)]
struct Found {
    /// Whether the file of each record is there, in the order in which the snapshot has the records.
    is_there: Vec<bool>,
    files: usize,
    bytes: u64,
    /// Why files are not in the archive, by their records' ids; of the first ones.
    listed: BTreeMap<String, Missing>,
}

struct Missing {
    file_name: String,
    reason: &'static str,
}

impl<'m> Media<'m> {
    /// Reads every file once: the manifest says which are missing, and comes first. Blocks.
    ///
    /// # Errors
    /// `Source` if the records cannot be read; `Stopped` after a cancellation.
    pub fn check(
        layout: &'m MediaLayout,
        planned: &'m PlannedTable,
        folder: &'m BlobFolder,
        snapshot: &mut dyn Snapshot,
        running: &'m RunningExport,
    ) -> Result<Self> {
        let mut media = Self { layout, planned, folder, running, found: Found::default() };
        let mut found = Found::default();
        read_media(layout, planned, snapshot, |medium| {
            let is_one_of_few = found.files < MAX_FILES;
            let checked = if is_one_of_few { media.check_file(&medium)? } else { Err("one of too many files") };
            found.add(medium, checked);
            Ok(())
        })?;
        media.found = found;
        Ok(media)
    }

    /// The bytes of the files that are there.
    pub fn bytes(&self) -> u64 {
        self.found.bytes
    }

    pub fn missing(&self) -> u64 {
        self.found.missing()
    }

    /// Some of what is missing, for the history.
    pub fn examples(&self) -> Vec<String> {
        let short = |text: &str| text::shortened(&text::one_line(text), MAX_NAME_CHARS);
        let example = |(id, missing): (&String, &Missing)| {
            format!("{} ({}, {})", short(&missing.file_name), short(id), missing.reason)
        };
        self.found.listed.iter().take(MAX_EXAMPLES).map(example).collect()
    }

    /// What is missing, for the manifest.
    pub fn missing_list(&self) -> Json {
        let entry = |(id, missing): (&String, &Missing)| json!({"id": id, "fileName": missing.file_name, "reason": missing.reason});
        let listed = self.found.listed.iter().map(entry);
        let others = self.found.missing() - self.found.listed.len() as u64;
        let others = (others > 0).then(|| json!({"others": others}));
        listed.chain(others).collect()
    }

    /// Adds every file that is there. Blocks.
    ///
    /// # Errors
    /// `Source`, `Output` or `Stopped`; `Inconsistent` if a file has changed since it was checked.
    pub fn write<W: Write>(&self, snapshot: &mut dyn Snapshot, archive: &mut ArchiveWriter<W>) -> Result<()> {
        let mut is_there = self.found.is_there.iter();
        read_media(self.layout, self.planned, snapshot, |medium| {
            if self.running.cancellation.is_cancelled() {
                return Err(Error::Stopped);
            }
            // What was missing is not looked for again: the manifest says that it is not there.
            match (is_there.next(), &medium.id) {
                (Some(true), Some(id)) => self.add_file(&medium, &media_path(id, &medium.file_name), archive),
                _ => Ok(()),
            }
        })
    }

    fn add_file<W: Write>(&self, medium: &Medium, name: &str, archive: &mut ArchiveWriter<W>) -> Result<()> {
        let changed = || Error::Inconsistent(format!("{name} was changed while it was read: try again"));
        let mut file = self.folder.open_file(&medium.storage_key).map_err(|_| changed())?;
        let added = archive.add_file(name, medium.bytes, &mut file);
        let sha256 = added.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => changed(),
            _ => output_error(&error),
        })?;
        if sha256 == medium.sha256 { Ok(()) } else { Err(changed()) }
    }

    /// Why the file cannot be in the archive.
    fn check_file(&self, medium: &Medium) -> Result<std::result::Result<(), &'static str>> {
        const OTHER: &str = "not the file that its record describes";
        const UNREADABLE: &str = "not readable";
        if medium.id.is_none() {
            return Ok(Err("its record has an id that is no text"));
        }
        let file = match self.folder.open_file(&medium.storage_key) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Err("missing")),
            Err(_) => return Ok(Err(UNREADABLE)),
        };
        if file.metadata().is_ok_and(|found| found.len() != medium.bytes) {
            return Ok(Err(OTHER));
        }
        // One that grows meanwhile is not read without end.
        match self.digest(file.take(medium.bytes)) {
            Ok(sha256) if sha256 == medium.sha256 => Ok(Ok(())),
            Ok(_) => Ok(Err(OTHER)),
            Err(_) if self.running.cancellation.is_cancelled() => Err(Error::Stopped),
            Err(_) => Ok(Err(UNREADABLE)),
        }
    }

    fn digest(&self, mut file: impl Read) -> io::Result<String> {
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
}

impl Found {
    fn add(&mut self, medium: Medium, checked: std::result::Result<(), &'static str>) {
        self.is_there.push(checked.is_ok());
        match checked {
            Ok(()) => {
                self.files += 1;
                self.bytes += medium.bytes;
            }
            Err(reason) if self.listed.len() < MAX_LISTED => {
                let number = self.is_there.len();
                let id = medium.id.unwrap_or_else(|| format!("the record with the number {number}"));
                self.listed.insert(id, Missing { file_name: medium.file_name, reason });
            }
            Err(_) => {}
        }
    }

    fn missing(&self) -> u64 {
        (self.is_there.len() - self.files) as u64
    }
}
