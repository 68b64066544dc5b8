//! Decodes a row of the exports table.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::super::exports::{Completion, ExportRow, ExportState, ExportStatus};
use super::super::{Error, Result};
use super::numbers::{optional, required};
use crate::model::artifact_name::ArtifactName;
use crate::model::channel::Channel;
use crate::model::export::{ExportSummary, Failure};
use crate::model::output::Compression;

pub const COLUMNS: &str = "id, requested_at, account_id, requested_by, channel, selection, file_name, status, message, \
     reference, records, tables, bytes, estimated_bytes, sha256, duration_ms, artifact, \
     expires_at, downloads, compression, deviations";

/// # Errors
/// `Corrupt` for a value that this program never stores, `Database` for a missing column.
pub fn decode(row: &SqliteRow) -> Result<ExportRow> {
    let channel = Channel::parse(row.try_get("channel")?);
    let compression = Compression::parse(row.try_get("compression")?);
    Ok(ExportRow {
        id: row.try_get::<&str, _>("id")?.parse().map_err(|_| Error::Corrupt("export id"))?,
        requested_at: row.try_get("requested_at")?,
        account_id: row.try_get("account_id")?,
        requested_by: row.try_get("requested_by")?,
        channel: channel.ok_or(Error::Corrupt("channel"))?,
        selection: parse_json(row.try_get("selection")?, "selection")?,
        file_name: row.try_get("file_name")?,
        compression: compression.ok_or(Error::Corrupt("compression"))?,
        estimated_bytes: optional(row, "estimated_bytes")?,
        downloads: required(row, "downloads")?,
        state: state(row)?,
    })
}

fn state(row: &SqliteRow) -> Result<ExportState> {
    let status = ExportStatus::parse(row.try_get("status")?).ok_or(Error::Corrupt("status"))?;
    Ok(match status {
        ExportStatus::Queued => ExportState::Queued,
        ExportStatus::Running => ExportState::Running,
        ExportStatus::Completed => ExportState::Completed(completion(row)?),
        ExportStatus::Failed => ExportState::Failed {
            failure: Failure { message: row.try_get("message")?, reference: row.try_get("reference")? },
            duration_ms: optional(row, "duration_ms")?,
        },
        ExportStatus::Cancelled => ExportState::Cancelled { duration_ms: optional(row, "duration_ms")? },
    })
}

fn completion(row: &SqliteRow) -> Result<Completion> {
    let summary = ExportSummary {
        records: required(row, "records")?,
        tables: required(row, "tables")?,
        bytes: required(row, "bytes")?,
        sha256: row.try_get("sha256")?,
        duration_ms: required(row, "duration_ms")?,
        expires_at: row.try_get("expires_at")?,
        deviations: parse_json(row.try_get("deviations")?, "deviations")?,
    };
    let artifact: Option<&str> = row.try_get("artifact")?;
    // A name that is not ours names no file of ours, and keeps no other from being cleaned up.
    Ok(Completion { summary, artifact: artifact.and_then(ArtifactName::parse) })
}

/// # Errors
/// `Corrupt` if the text is not JSON of that shape.
pub fn parse_json<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| Error::Corrupt(what))
}

/// # Errors
/// `Corrupt` if the value has no JSON form.
pub fn to_json(value: &(impl Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(value).map_err(|_| Error::Corrupt("JSON"))
}
