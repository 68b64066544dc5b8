//! The seal of a folder: a document of its own, whose only table lists the folder's files.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Verified, Verifier, VerifyError};
use crate::model::catalog::{Codec, ColumnSchema, TableSchema};
use crate::model::manifest::{Contents, Metadata, MetadataSummary};
use crate::model::name::TableName;

/// The name of the seal in its folder.
pub const SEAL_FILE: &str = "waybill.json";
/// The table that lists the files.
pub const FILES_TABLE: &str = "files";
/// The key of the seal in an object whose members are the documents.
pub const SEAL_MEMBER: &str = "waybill";
/// Limits the memory that a hostile seal can take.
pub const MAX_SEAL_BYTES: u64 = 64 << 20;

/// A file of the folder, as the seal lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedFile {
    pub name: String,
    pub records: u64,
    pub bytes: u64,
    /// In lower-case hexadecimal.
    pub sha256: String,
}

/// What comes before a member's value. Members stand one after the other as their writer wrote them, with nothing between.
#[must_use]
pub fn member_opening(key: &str, is_first: bool) -> String {
    let before = if is_first { "{" } else { "," };
    format!("{before}\n\"{key}\":")
}

/// Turns the metadata of an export into that of its folder's seal.
#[must_use]
pub fn seal_metadata(metadata: &Metadata, layout: &str, files: u64) -> Metadata {
    let columns = [
        ("name", "text", Codec::Text),
        ("records", "integer", Codec::Integer),
        ("bytes", "integer", Codec::Integer),
        ("sha256", "text", Codec::Text),
    ];
    let column = |(name, native_type, codec): (&str, &str, Codec)| ColumnSchema::new(name, native_type, codec);
    let schema = TableSchema { primary_key: vec!["name".into()], columns: columns.map(column).into() };
    Metadata {
        record_counts: std::iter::once((TableName::from(FILES_TABLE), files)).collect(),
        total_records: files,
        schema: std::iter::once((TableName::from(FILES_TABLE), schema)).collect(),
        contents: Some(Contents {
            layout: layout.to_owned(),
            record_counts: metadata.record_counts.clone(),
            total_records: metadata.total_records,
            schema: metadata.schema.clone(),
        }),
        ..metadata.clone()
    }
}

/// A folder's seal that matches itself; the files are not checked yet.
#[derive(Clone, Debug)]
pub struct FolderSeal {
    /// With the records and the tables of the files, not of the seal.
    pub verified: Verified,
    pub files: Vec<SealedFile>,
}

/// Only what a check of the folder needs.
#[derive(Deserialize)]
struct SealDocument {
    metadata: SealMetadata,
    data: SealData,
}

#[derive(Deserialize)]
struct SealMetadata {
    contents: Option<Contents>,
}

#[derive(Deserialize)]
struct SealData {
    files: Vec<SealedFile>,
}

/// Checks a folder's seal against itself, and returns the files that it lists.
///
/// # Errors
/// If it is not intact, or not the seal of a folder.
pub fn read_seal(bytes: &[u8]) -> Result<FolderSeal, VerifyError> {
    read_seal_of(bytes, is_plain_name)
}

/// As `read_seal`, of files with such names.
///
/// # Errors
/// As `read_seal`.
pub(super) fn read_seal_of(bytes: &[u8], is_name: fn(&str) -> bool) -> Result<FolderSeal, VerifyError> {
    let mut check = Verifier::default();
    check.feed(bytes)?;
    let verified = check.finish()?;
    let damaged = |what: String| VerifyError::Damaged { line: 1, table: None, what };
    let document: SealDocument = serde_json::from_slice(bytes)
        .map_err(|error| damaged(format!("{SEAL_FILE} is not the seal of a folder ({error})")))?;
    let contents =
        document.metadata.contents.ok_or_else(|| damaged(format!("{SEAL_FILE} is not the seal of a folder")))?;
    let files = document.data.files;
    let names: BTreeSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
    if names.len() < files.len() || !names.iter().all(|name| is_name(name)) {
        return Err(damaged(format!("{SEAL_FILE} lists a file twice, or one that is not in the folder")));
    }
    let tables = contents.record_counts.len() as u64;
    let metadata = MetadataSummary { record_counts: contents.record_counts, ..verified.metadata };
    Ok(FolderSeal { verified: Verified { metadata, records: contents.total_records, tables, ..verified }, files })
}

/// Compares the files that were found, one after the other, with those that a seal lists. How many records they have, only the seal
/// says.
pub(super) fn compare(sealed: &[SealedFile], found: &[SealedFile]) -> Result<(), VerifyError> {
    let damaged = |what: String| VerifyError::DamagedDocuments { what };
    for (sealed, found) in sealed.iter().zip(found) {
        if sealed.name != found.name {
            return Err(damaged(format!("{} is where the seal has {}", found.name, sealed.name)));
        }
        if sealed.bytes != found.bytes {
            return Err(damaged(format!("{} has another length than the seal says", sealed.name)));
        }
        if sealed.sha256 != found.sha256 {
            return Err(VerifyError::DigestMismatch { place: format!("in {}", sealed.name) });
        }
    }
    match (sealed.get(found.len()), found.get(sealed.len())) {
        (Some(missing), _) => Err(damaged(format!("{} is missing", missing.name))),
        (_, Some(unlisted)) => Err(damaged(format!("{} is not listed in the seal", unlisted.name))),
        (None, None) => Ok(()),
    }
}

/// Whether the name is one of a file in the folder itself, and not the seal's.
pub(super) fn is_plain_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty() && !name.starts_with('.') && name != SEAL_FILE && name.chars().all(is_plain)
}
