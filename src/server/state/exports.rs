//! The exports table: one row per export, from the request to the expiry of its file.

use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use super::{Result, SourceState, Tx};
use crate::model::channel::Channel;
use crate::model::drift::{Deviations, Guess};
use crate::model::export::{Compression, ExportId, ExportSummary, Failure};
use crate::model::history::RunStatus;

/// SQLite stores integers signed.
fn to_i64(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportRow {
    pub id: ExportId,
    pub requested_at: String,
    pub account_id: Option<String>,
    pub requested_by: String,
    pub channel: Channel,
    pub scope: String,
    pub file_name: String,
    pub status: RunStatus,
    pub message: Option<String>,
    pub reference: Option<String>,
    pub records: Option<u64>,
    pub tables: Option<u64>,
    pub bytes: Option<u64>,
    pub estimated_bytes: Option<u64>,
    pub sha256: Option<String>,
    pub duration_ms: Option<u64>,
    pub artifact: Option<String>,
    pub expires_at: Option<String>,
    pub downloads: u64,
    pub compression: Compression,
    pub deviations: Deviations,
}

impl ExportRow {
    /// The size that the preview estimated; none for a compressed file, which the preview does not estimate.
    #[must_use]
    pub fn comparable_estimate(&self) -> Option<u64> {
        self.estimated_bytes.filter(|_| self.compression == Compression::None)
    }
}

const COLUMNS: &str = "id, requested_at, account_id, requested_by, channel, scope, file_name, status, message, reference, \
     records, tables, bytes, estimated_bytes, sha256, duration_ms, artifact, expires_at, downloads, compression, deviations";

fn from_row(row: &SqliteRow) -> Result<ExportRow> {
    let corrupt = |what: &str| super::Error::Database(sqlx::Error::Decode(what.to_owned().into()));
    let number = |i: usize| row.get::<Option<i64>, _>(i).and_then(|n| u64::try_from(n).ok());
    Ok(ExportRow {
        id: row.get::<&str, _>(0).parse().map_err(|_| corrupt("export id"))?,
        requested_at: row.get(1),
        account_id: row.get(2),
        requested_by: row.get(3),
        channel: Channel::parse(row.get(4)).ok_or_else(|| corrupt("channel"))?,
        scope: row.get(5),
        file_name: row.get(6),
        status: RunStatus::parse(row.get(7)).ok_or_else(|| corrupt("status"))?,
        message: row.get(8),
        reference: row.get(9),
        records: number(10),
        tables: number(11),
        bytes: number(12),
        estimated_bytes: number(13),
        sha256: row.get(14),
        duration_ms: number(15),
        artifact: row.get(16),
        expires_at: row.get(17),
        downloads: number(18).unwrap_or_default(),
        compression: Compression::parse(row.get(19)).ok_or_else(|| corrupt("compression"))?,
        deviations: serde_json::from_str(row.get(20)).map_err(|_| corrupt("deviations"))?,
    })
}

/// # Errors
/// `Database` if the write fails.
pub async fn insert(tx: &mut Tx, row: &ExportRow) -> Result<()> {
    let sql = "INSERT INTO exports (source_id, id, requested_at, account_id, requested_by, channel, scope, file_name, \
               status, estimated_bytes, compression) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let source_id = tx.source_id.clone();
    sqlx::query(sql)
        .bind(source_id)
        .bind(row.id.to_string())
        .bind(&row.requested_at)
        .bind(&row.account_id)
        .bind(&row.requested_by)
        .bind(row.channel.as_str())
        .bind(&row.scope)
        .bind(&row.file_name)
        .bind(row.status.as_str())
        .bind(row.estimated_bytes.map(to_i64))
        .bind(row.compression.as_str())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Counts the queued or running exports of the web page: all of them, and the account's.
///
/// # Errors
/// `Database` if the read fails.
pub async fn count_unfinished(tx: &mut Tx, account_id: Option<&str>) -> Result<(usize, usize)> {
    let sql = "SELECT count(*), coalesce(sum(account_id = ?), 0) FROM exports \
               WHERE source_id IS ? AND status IN ('queued', 'running') AND channel = 'page'";
    let source_id = tx.source_id.clone();
    let row = sqlx::query(sql).bind(account_id).bind(source_id).fetch_one(&mut **tx).await?;
    let count = |i: usize| usize::try_from(row.get::<i64, _>(i)).unwrap_or_default();
    Ok((count(0), count(1)))
}

/// Marks a queued export as running; returns false if it is no longer queued.
///
/// # Errors
/// `Database` if the write fails.
pub async fn mark_running(tx: &mut Tx, id: ExportId) -> Result<bool> {
    let sql = "UPDATE exports SET status = 'running' WHERE id = ? AND status = 'queued'";
    Ok(sqlx::query(sql).bind(id.to_string()).execute(&mut **tx).await?.rows_affected() == 1)
}

/// Cancels a queued export; returns false if it is no longer queued.
///
/// # Errors
/// `Database` if the write fails.
pub async fn cancel_queued(tx: &mut Tx, id: ExportId) -> Result<bool> {
    let sql = "UPDATE exports SET status = 'cancelled', duration_ms = 0 WHERE id = ? AND status = 'queued'";
    Ok(sqlx::query(sql).bind(id.to_string()).execute(&mut **tx).await?.rows_affected() == 1)
}

/// # Errors
/// `Database` if the write fails.
pub async fn mark_completed(
    tx: &mut Tx,
    id: ExportId,
    summary: &ExportSummary,
    guesses: &[Guess],
    artifact: Option<&str>,
) -> Result<()> {
    let sql = "UPDATE exports SET status = 'completed', records = ?, tables = ?, bytes = ?, sha256 = ?, \
               duration_ms = ?, artifact = ?, expires_at = ?, deviations = ?, guesses = ? WHERE id = ?";
    let guesses = (!guesses.is_empty()).then(|| to_json(guesses));
    sqlx::query(sql)
        .bind(to_i64(summary.records))
        .bind(to_i64(summary.tables))
        .bind(to_i64(summary.bytes))
        .bind(&summary.sha256)
        .bind(to_i64(summary.duration_ms))
        .bind(artifact)
        .bind(&summary.expires_at)
        .bind(to_json(&summary.deviations))
        .bind(guesses)
        .bind(id.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

fn to_json(value: &(impl serde::Serialize + ?Sized)) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Returns the guesses of the last export without a profile; empty if there is none.
///
/// # Errors
/// `Database` if the read fails.
pub async fn last_guesses(tx: &mut Tx) -> Result<Vec<Guess>> {
    let source_id = tx.source_id.clone();
    fetch_last_guesses(tx, source_id.as_deref()).await
}

async fn fetch_last_guesses(connection: &mut SqliteConnection, source_id: Option<&str>) -> Result<Vec<Guess>> {
    let sql = "SELECT guesses FROM exports WHERE source_id IS ? AND guesses IS NOT NULL \
               ORDER BY requested_at DESC, id DESC LIMIT 1";
    let found: Option<String> = sqlx::query_scalar(sql).bind(source_id).fetch_optional(connection).await?;
    Ok(found.and_then(|guesses| serde_json::from_str(&guesses).ok()).unwrap_or_default())
}

/// Ends an export without a file: failed if there is a failure, else cancelled. Returns false if it has ended already.
///
/// # Errors
/// `Database` if the write fails.
pub async fn end_without_file(
    tx: &mut Tx,
    id: ExportId,
    failure: Option<&Failure>,
    duration_ms: Option<u64>,
) -> Result<bool> {
    let status = if failure.is_some() { RunStatus::Failed } else { RunStatus::Cancelled };
    let sql = "UPDATE exports SET status = ?, message = ?, reference = ?, duration_ms = ? \
               WHERE id = ? AND status IN ('queued', 'running')";
    let ended = sqlx::query(sql)
        .bind(status.as_str())
        .bind(failure.map(|f| &f.message))
        .bind(failure.map(|f| &f.reference))
        .bind(duration_ms.map(to_i64))
        .bind(id.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(ended.rows_affected() == 1)
}

/// # Errors
/// `Database` if the write fails.
pub async fn count_download(tx: &mut Tx, id: ExportId) -> Result<()> {
    let sql = "UPDATE exports SET downloads = downloads + 1 WHERE id = ?";
    sqlx::query(sql).bind(id.to_string()).execute(&mut **tx).await?;
    Ok(())
}

/// Clears the name of a removed artefact.
///
/// # Errors
/// `Database` if the write fails.
pub async fn clear_artifact(tx: &mut Tx, id: ExportId) -> Result<()> {
    sqlx::query("UPDATE exports SET artifact = NULL WHERE id = ?").bind(id.to_string()).execute(&mut **tx).await?;
    Ok(())
}

impl SourceState {
    /// As `exports::last_guesses`, outside a transaction.
    ///
    /// # Errors
    /// `Database` if the read fails.
    pub async fn last_guesses(&self) -> Result<Vec<Guess>> {
        fetch_last_guesses(&mut *self.pool.acquire().await?, self.source_id.as_deref()).await
    }

    /// # Errors
    /// `Database` if the read fails or a row cannot be decoded.
    pub async fn export(&self, id: ExportId) -> Result<Option<ExportRow>> {
        let sql = format!("SELECT {COLUMNS} FROM exports WHERE source_id IS ? AND id = ?");
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(&self.source_id)
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(from_row).transpose()
    }

    /// Returns the exports with a status, oldest first.
    ///
    /// # Errors
    /// `Database` if the read fails or a row cannot be decoded.
    pub async fn exports_by_status(&self, status: RunStatus) -> Result<Vec<ExportRow>> {
        let sql =
            format!("SELECT {COLUMNS} FROM exports WHERE source_id IS ? AND status = ? ORDER BY requested_at, id");
        let rows =
            sqlx::query(AssertSqlSafe(sql)).bind(&self.source_id).bind(status.as_str()).fetch_all(&self.pool).await?;
        rows.iter().map(from_row).collect()
    }

    /// Returns the newest export that an account requested on the web page.
    ///
    /// # Errors
    /// `Database` if the read fails or a row cannot be decoded.
    pub async fn newest_export_of(&self, account_id: &str) -> Result<Option<ExportRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM exports WHERE source_id IS ? AND account_id = ? \
             ORDER BY requested_at DESC, id DESC LIMIT 1"
        );
        let row =
            sqlx::query(AssertSqlSafe(sql)).bind(&self.source_id).bind(account_id).fetch_optional(&self.pool).await?;
        row.as_ref().map(from_row).transpose()
    }

    /// Returns the export whose seal has this digest; the newest, if several have the same content and time.
    ///
    /// # Errors
    /// `Database` if the read fails or a row cannot be decoded.
    pub async fn export_by_digest(&self, sha256: &str) -> Result<Option<ExportRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM exports WHERE source_id IS ? AND sha256 = ? ORDER BY requested_at DESC, id DESC LIMIT 1"
        );
        let row = sqlx::query(AssertSqlSafe(sql)).bind(&self.source_id).bind(sha256).fetch_optional(&self.pool).await?;
        row.as_ref().map(from_row).transpose()
    }

    /// Returns one page of history, newest first.
    ///
    /// # Errors
    /// `Database` if the read fails or a row cannot be decoded.
    pub async fn exports_page(&self, offset: u64, limit: u32) -> Result<Vec<ExportRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM exports WHERE source_id IS ? ORDER BY requested_at DESC, id DESC LIMIT ? OFFSET ?"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(&self.source_id).bind(limit).bind(to_i64(offset));
        query.fetch_all(&self.pool).await?.iter().map(from_row).collect()
    }

    /// # Errors
    /// `Database` if the read fails.
    pub async fn count_exports(&self) -> Result<u64> {
        let n: i64 = sqlx::query_scalar("SELECT count(*) FROM exports WHERE source_id IS ?")
            .bind(&self.source_id)
            .fetch_one(&self.pool)
            .await?;
        Ok(u64::try_from(n).unwrap_or_default())
    }

    /// Returns the exports whose artefact was not removed yet, oldest first.
    ///
    /// # Errors
    /// `Database` if the read fails or a row cannot be decoded.
    pub async fn exports_with_artifact(&self) -> Result<Vec<ExportRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM exports WHERE source_id IS ? AND artifact IS NOT NULL ORDER BY requested_at, id"
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(&self.source_id)
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(from_row)
            .collect()
    }
}
