//! The exports table.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, query, query_scalar};

use super::super::Result;
use super::super::exports::{Completion, ExportRow, ExportTable, Unfinished};
use super::export_row::{self, COLUMNS};
use super::numbers::{required, to_i64, to_u64};
use super::tables::{Connection, SqliteTables};
use crate::model::artifact_name::ArtifactName;
use crate::model::drift::Guess;
use crate::model::export::{ExportId, Failure};
use crate::model::selection::ScopeKind;

impl<C: Connection> SqliteTables<C> {
    /// The exports of the source that `rest` of the statement leaves, which begins with AND or ORDER BY and has one
    /// parameter.
    async fn select_one(&mut self, rest: &str, parameter: &str) -> Result<Option<ExportRow>> {
        let sql = AssertSqlSafe(format!("SELECT {COLUMNS} FROM exports WHERE source_id IS ? {rest}"));
        let query = query(sql).bind(&self.source_id).bind(parameter);
        query.fetch_optional(&mut *self.connection).await?.as_ref().map(export_row::decode).transpose()
    }
}

#[async_trait]
impl<C: Connection> ExportTable for SqliteTables<C> {
    async fn find(&mut self, id: ExportId) -> Result<Option<ExportRow>> {
        self.select_one("AND id = ?", &id.to_string()).await
    }

    async fn newest_of_account(&mut self, account_id: &str) -> Result<Option<ExportRow>> {
        self.select_one("AND account_id = ? ORDER BY requested_at DESC, id DESC LIMIT 1", account_id).await
    }

    async fn find_by_digest(&mut self, sha256: &str) -> Result<Option<ExportRow>> {
        self.select_one("AND sha256 = ? ORDER BY requested_at DESC, id DESC LIMIT 1", sha256).await
    }

    async fn of_scope(&mut self, kind: ScopeKind, id: &str, limit: u32) -> Result<Vec<ExportRow>> {
        let sql = AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM exports WHERE source_id IS ? AND json_extract(selection, '$.' || ?) = ? \
             ORDER BY requested_at DESC, id DESC LIMIT ?"
        ));
        let query = query(sql).bind(&self.source_id).bind(kind.as_str()).bind(id).bind(limit);
        query.fetch_all(&mut *self.connection).await?.iter().map(export_row::decode).collect()
    }

    async fn page(&mut self, offset: u64, limit: u32) -> Result<Vec<ExportRow>> {
        let sql = AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM exports WHERE source_id IS ? ORDER BY requested_at DESC, id DESC LIMIT ? OFFSET ?"
        ));
        let query = query(sql).bind(&self.source_id).bind(limit).bind(to_i64(offset));
        query.fetch_all(&mut *self.connection).await?.iter().map(export_row::decode).collect()
    }

    async fn count(&mut self) -> Result<u64> {
        let query = query_scalar("SELECT count(*) FROM exports WHERE source_id IS ?").bind(&self.source_id);
        to_u64(query.fetch_one(&mut *self.connection).await?, "count")
    }

    async fn count_unfinished(&mut self, account_id: Option<&str>) -> Result<Unfinished> {
        let sql = "SELECT count(*) AS \"all\", count(*) FILTER (WHERE account_id = ?) AS own, \
                   count(*) FILTER (WHERE json_extract(selection, '$.person') IS NOT NULL) AS of_persons FROM exports \
                   WHERE source_id IS ? AND status IN ('queued', 'running') AND channel <> 'command line'";
        let row = query(sql).bind(account_id).bind(&self.source_id).fetch_one(&mut *self.connection).await?;
        Ok(Unfinished {
            all: required(&row, "all")?,
            own: required(&row, "own")?,
            of_persons: required(&row, "of_persons")?,
        })
    }

    async fn with_artifact(&mut self) -> Result<Vec<ExportRow>> {
        let sql = AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM exports WHERE source_id IS ? AND artifact IS NOT NULL ORDER BY requested_at, id"
        ));
        let rows = query(sql).bind(&self.source_id).fetch_all(&mut *self.connection).await?;
        rows.iter().map(export_row::decode).collect()
    }

    async fn without_job(&mut self) -> Result<Vec<ExportRow>> {
        let sql = AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM exports WHERE source_id IS ? AND status IN ('queued', 'running') AND channel <> 'command line' \
             AND id NOT IN (SELECT id FROM jobs WHERE state IN ('queued', 'running')) ORDER BY requested_at, id"
        ));
        let rows = query(sql).bind(&self.source_id).fetch_all(&mut *self.connection).await?;
        rows.iter().map(export_row::decode).collect()
    }

    async fn last_guesses(&mut self) -> Result<Vec<Guess>> {
        let sql = "SELECT guesses FROM exports WHERE source_id IS ? AND guesses IS NOT NULL \
                   ORDER BY requested_at DESC, id DESC LIMIT 1";
        let query = query_scalar(sql).bind(&self.source_id);
        let found: Option<String> = query.fetch_optional(&mut *self.connection).await?;
        found.map_or(Ok(Vec::new()), |guesses| export_row::parse_json(&guesses, "guesses"))
    }

    async fn insert(&mut self, row: &ExportRow) -> Result<()> {
        let sql = "INSERT INTO exports (source_id, id, requested_at, account_id, requested_by, channel, scope, \
                   selection, file_name, status, estimated_bytes, compression) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let query = query(sql)
            .bind(self.source_id.clone())
            .bind(row.id.to_string())
            .bind(&row.requested_at)
            .bind(&row.account_id)
            .bind(&row.requested_by)
            .bind(row.channel.as_str())
            .bind(row.selection.export_type().as_str())
            .bind(export_row::to_json(&row.selection)?)
            .bind(&row.file_name)
            .bind(row.state.status().as_str())
            .bind(row.estimated_bytes.map(to_i64))
            .bind(row.compression.as_str());
        self.execute(query).await.map(drop)
    }

    async fn mark_running(&mut self, id: ExportId) -> Result<()> {
        let source_id = self.source_id.clone();
        let sql = "UPDATE exports SET status = 'running' WHERE source_id IS ? AND id = ?";
        let query = query(sql).bind(source_id).bind(id.to_string());
        self.execute(query).await.map(drop)
    }

    async fn complete(&mut self, id: ExportId, completion: &Completion, guesses: &[Guess]) -> Result<()> {
        let sql = "UPDATE exports SET status = 'completed', records = ?, tables = ?, bytes = ?, sha256 = ?, \
                   duration_ms = ?, artifact = ?, expires_at = ?, deviations = ?, guesses = ? WHERE source_id IS ? AND id = ?";
        let Completion { summary, artifact } = completion;
        let guesses = if guesses.is_empty() { None } else { Some(export_row::to_json(guesses)?) };
        let query = query(sql)
            .bind(to_i64(summary.records))
            .bind(to_i64(summary.tables))
            .bind(to_i64(summary.bytes))
            .bind(&summary.sha256)
            .bind(to_i64(summary.duration_ms))
            .bind(artifact.as_ref().map(ArtifactName::as_str))
            .bind(&summary.expires_at)
            .bind(export_row::to_json(&summary.deviations)?)
            .bind(guesses)
            .bind(self.source_id.clone())
            .bind(id.to_string());
        self.execute(query).await.map(drop)
    }

    async fn fail(&mut self, id: ExportId, failure: &Failure, duration_ms: Option<u64>) -> Result<()> {
        let sql = "UPDATE exports SET status = 'failed', message = ?, reference = ?, duration_ms = ? WHERE source_id IS ? AND id = ?";
        let query = query(sql).bind(&failure.message).bind(&failure.reference);
        let query = query.bind(duration_ms.map(to_i64)).bind(self.source_id.clone());
        self.execute(query.bind(id.to_string())).await.map(drop)
    }

    async fn cancel(&mut self, id: ExportId, duration_ms: u64) -> Result<()> {
        let sql = "UPDATE exports SET status = 'cancelled', duration_ms = ? WHERE source_id IS ? AND id = ?";
        let source_id = self.source_id.clone();
        self.execute(query(sql).bind(to_i64(duration_ms)).bind(source_id).bind(id.to_string())).await.map(drop)
    }

    async fn count_download(&mut self, id: ExportId) -> Result<()> {
        let sql = "UPDATE exports SET downloads = downloads + 1 WHERE source_id IS ? AND id = ?";
        let source_id = self.source_id.clone();
        let query = query(sql).bind(source_id).bind(id.to_string());
        self.execute(query).await.map(drop)
    }

    async fn clear_artifact(&mut self, id: ExportId) -> Result<()> {
        let sql = "UPDATE exports SET artifact = NULL WHERE source_id IS ? AND id = ?";
        let source_id = self.source_id.clone();
        let query = query(sql).bind(source_id).bind(id.to_string());
        self.execute(query).await.map(drop)
    }
}
