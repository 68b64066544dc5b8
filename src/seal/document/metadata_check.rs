//! Checks a document's metadata.

use super::version::{DocumentVersion, VersionStatus};
use crate::model::manifest::{ColumnNames, FORMAT_VERSION, MetadataSummary};
use crate::model::ordered_map::find_duplicate;
use crate::model::text::is_timestamp_prefix;
use crate::seal::verify_error::VerifyError;

/// Limits the memory that a hostile file can take.
const MAX_TABLES: usize = 100_000;

/// What is wrong with metadata.
pub(super) enum MetadataError {
    /// Of another version of the format.
    OtherVersion(VerifyError),
    /// As a phrase.
    Damaged(String),
}

/// Parses the metadata's text. A file of another version is reported as such and not as damaged.
pub(super) fn check_metadata(text: Vec<u8>) -> Result<MetadataSummary, MetadataError> {
    let damaged = |what: &str| MetadataError::Damaged(what.into());
    let text = String::from_utf8(text).map_err(|_| damaged("the metadata is not UTF-8"))?;
    if let Some(version) = DocumentVersion::read(text.as_bytes()) {
        check_version(version).map_err(MetadataError::OtherVersion)?;
    }
    let summary: MetadataSummary = serde_json::from_str(&text)
        .map_err(|error| MetadataError::Damaged(format!("the metadata cannot be read ({error})")))?;
    match find_contradiction(&summary) {
        Some(what) => Err(damaged(what)),
        None => Ok(summary),
    }
}

fn check_version(version: DocumentVersion) -> Result<(), VerifyError> {
    let status = version.status();
    let DocumentVersion { format_version: format, generator } = version;
    let made_by = generator.map_or("another program".into(), |g| format!("{} {}", g.name, g.version));
    match status {
        VersionStatus::Newer => Err(VerifyError::NewerFormat { made_by, format, reads: FORMAT_VERSION }),
        VersionStatus::NeverReleased => Err(VerifyError::OlderFormat { made_by, format }),
        VersionStatus::Current => Ok(()),
    }
}

/// Finds metadata that contradicts itself, or that two readers would read differently.
fn find_contradiction(head: &MetadataSummary) -> Option<&'static str> {
    let tables = || head.record_counts.iter().map(|(name, _)| name);
    let describes_tables = tables().eq(head.schema.iter().map(|(name, _)| name));
    let repeats_a_name =
        |names: &ColumnNames| find_duplicate(names.columns.iter().map(|column| &*column.name).collect()).is_some();
    let total = head.record_counts.iter().try_fold(0_u64, |sum, (_, records)| sum.checked_add(*records));
    if head.format_version != FORMAT_VERSION || !is_timestamp(&head.exported_at) {
        Some("the metadata has no valid format version or export time")
    } else if !describes_tables || head.schema.iter().any(|(_, names)| repeats_a_name(names)) {
        Some("the metadata does not describe every table that it lists, or names a column twice")
    } else if total != Some(head.total_records) || head.record_counts.len() > MAX_TABLES {
        Some("the metadata's total is not the sum of its record counts, or it lists too many tables")
    } else {
        None
    }
}

/// Whether `text` is a time: it is printed beside the verdict, and free text could imitate one.
fn is_timestamp(text: &str) -> bool {
    text.len() == 20 && is_timestamp_prefix(text)
}
