//! Reads a plan file: its head, and its changes one by one.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::path::Path;

use super::check_file::check_signature;
use super::request::ExpectedPlan;
use super::{Error, Result};
use crate::model::import_plan::{ImportPlanHead, PlannedChange};
use crate::model::name::TableName;
use crate::model::text;
use crate::server::inspect::{DataEvent, DocumentReader};
use crate::server::pipeline::decompress::Decompressor;
use crate::server::pipeline::verify_content;
use crate::server::signing::PublicKeys;

/// A plan file whose seal is right.
#[derive(Debug)]
pub struct PlanFile {
    pub head: ImportPlanHead,
    /// The id of the trusted key that has signed it.
    pub signed_by: Option<String>,
    file: File,
}

impl PlanFile {
    /// Blocks.
    ///
    /// # Errors
    /// `Read` if the file cannot be read, `NotIntact` if it is not whole, `NoPlan` if it is no plan; `NotTrusted` if no trusted
    /// key has signed it, unless that is accepted.
    pub fn open(path: &Path, trusted: &PublicKeys, accept_unsigned: bool) -> Result<Self> {
        let file = File::open(path)?;
        let verified = verify_content(file.try_clone()?, |_| ())??;
        let head = document(&file)?.metadata.import_plan.ok_or(Error::NoPlan)?;
        let signed_by = check_signature(&verified, trusted, accept_unsigned)?;
        Ok(Self { head, signed_by, file })
    }

    /// Calls `visit` with each change, in the order of the file, as its JSON text.
    ///
    /// # Errors
    /// If the file cannot be read; the error of `visit`.
    pub fn for_each_change(&self, mut visit: impl FnMut(&TableName, &[u8]) -> Result<()>) -> Result<()> {
        let mut table = None;
        let visit = |event: DataEvent<'_>, _| match (event, &table) {
            (DataEvent::TableOpened(name), _) => {
                table = Some(name.clone());
                Ok(())
            }
            (DataEvent::Record(line), Some(table)) => visit(table, line),
            _ => Ok(()),
        };
        document(&self.file)?.for_each_event(visit).map(drop)
    }
}

impl ExpectedPlan {
    /// The plan's file, if that is what it is known by. Blocks.
    ///
    /// # Errors
    /// `ExpectedPlan` if it cannot be used.
    pub fn open(&self, trusted: &PublicKeys, accept_unsigned: bool) -> Result<Option<PlanFile>> {
        let Self::File(path) = self else { return Ok(None) };
        let opened = PlanFile::open(path, trusted, accept_unsigned).map(Some);
        opened.map_err(|cause| Error::ExpectedPlan { path: path.clone(), cause: Box::new(cause) })
    }
}

/// # Errors
/// `NoPlan` if the line is no change.
pub fn parse_change(line: &[u8]) -> Result<PlannedChange> {
    serde_json::from_slice(line).map_err(|_| Error::NoPlan)
}

/// Whether the record has this key, as people write it: texts without quotes, and a comma between two values.
#[must_use]
pub fn has_key(change: &PlannedChange, key: &str) -> bool {
    let texts: Vec<Cow<'_, str>> = change.key.iter().map(|(_, value)| text::unquote(value.get())).collect();
    [",", ", "].iter().any(|comma| texts.join(comma) == key) || change.key_text() == key
}

fn document(file: &File) -> Result<DocumentReader<BufReader<Decompressor<File>>>> {
    let mut file = file.try_clone()?;
    file.seek(SeekFrom::Start(0))?;
    Ok(DocumentReader::open(BufReader::with_capacity(256 << 10, Decompressor::new(file)?))?)
}
