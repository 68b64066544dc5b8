//! The jobs table. SQLite's write lock makes each statement here the only one of its moment.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row, query, query_scalar};
use uuid::Uuid;

use super::super::jobs::{ClaimedJob, Fence, Heartbeat, JobEnd, JobKind, JobTable, NewJob, Stop};
use super::super::{Error, Result};
use super::tables::{Connection, SqliteTables};

/// The database's clock, in milliseconds since 1970.
const NOW_MS: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/// A job that may be claimed: it waits, or its worker lost the lease.
const IS_CLAIMABLE: &str = "attempt < max_attempts AND run_at_ms <= {now} \
                            AND (state = 'queued' OR (state = 'running' AND lease_until_ms < {now}))";

/// Inserts the clock where `{now}` is.
fn with_clock(sql: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql.replace("{now}", NOW_MS))
}

fn milliseconds(lease: Duration) -> i64 {
    i64::try_from(lease.as_millis()).unwrap_or(i64::MAX)
}

fn fence(row: &SqliteRow) -> Result<Fence> {
    let id = row.try_get::<&str, _>("id")?.parse().map_err(|_| Error::Corrupt("job id"))?;
    Ok(Fence { id, attempt: row.try_get("attempt")? })
}

fn claimed(row: &SqliteRow) -> Result<ClaimedJob> {
    Ok(ClaimedJob { fence: fence(row)?, spec: row.try_get("spec")? })
}

/// `stop_requested` of the row that the fence let through; `None` if it let none through.
fn answer(stop_requested: Option<bool>) -> Heartbeat {
    match stop_requested {
        None => Heartbeat::Lost,
        Some(true) => Heartbeat::StopRequested,
        Some(false) => Heartbeat::Renewed,
    }
}

#[async_trait]
impl<C: Connection> JobTable for SqliteTables<C> {
    async fn insert(&mut self, job: &NewJob) -> Result<()> {
        let sql = "INSERT INTO jobs (id, source_id, kind, spec, run_at_ms, max_attempts) VALUES (?, ?, ?, ?, {now}, ?)";
        let source_id = self.source_id.clone();
        let query = query(with_clock(sql)).bind(job.id.to_string()).bind(source_id).bind(job.kind.as_str());
        self.execute(query.bind(&job.spec).bind(job.max_attempts)).await.map(drop)
    }

    async fn claim(&mut self, kind: JobKind, worker: &str, lease: Duration) -> Result<Option<ClaimedJob>> {
        let sql = format!(
            "UPDATE jobs SET state = 'running', attempt = attempt + 1, worker = ?, lease_until_ms = {{now}} + ? \
             WHERE id = (SELECT id FROM jobs WHERE source_id IS ? AND kind = ? AND {IS_CLAIMABLE} \
                         ORDER BY run_at_ms, id LIMIT 1) RETURNING id, attempt, spec"
        );
        let query = query(with_clock(&sql)).bind(worker).bind(milliseconds(lease)).bind(&self.source_id);
        let row = query.bind(kind.as_str()).fetch_optional(&mut *self.connection).await?;
        row.as_ref().map(claimed).transpose()
    }

    async fn claim_one(&mut self, id: Uuid, worker: &str, lease: Duration) -> Result<Option<ClaimedJob>> {
        let sql = format!(
            "UPDATE jobs SET state = 'running', attempt = attempt + 1, worker = ?, lease_until_ms = {{now}} + ? \
             WHERE source_id IS ? AND id = ? AND {IS_CLAIMABLE} RETURNING id, attempt, spec"
        );
        let query = query(with_clock(&sql)).bind(worker).bind(milliseconds(lease)).bind(&self.source_id);
        let row = query.bind(id.to_string()).fetch_optional(&mut *self.connection).await?;
        row.as_ref().map(claimed).transpose()
    }

    async fn heartbeat(&mut self, fence: Fence, progress: &str, lease: Duration) -> Result<Heartbeat> {
        let sql = "UPDATE jobs SET progress = ?, lease_until_ms = {now} + ? \
                   WHERE source_id IS ? AND id = ? AND attempt = ? AND state = 'running' RETURNING stop_requested";
        let query = query_scalar(with_clock(sql)).bind(progress).bind(milliseconds(lease)).bind(&self.source_id);
        let query = query.bind(fence.id.to_string()).bind(fence.attempt);
        Ok(answer(query.fetch_optional(&mut *self.connection).await?))
    }

    async fn finish(&mut self, fence: Fence, end: JobEnd) -> Result<bool> {
        let sql = "UPDATE jobs SET state = ?, lease_until_ms = NULL, progress = NULL \
                   WHERE source_id IS ? AND id = ? AND attempt = ? AND state = 'running'";
        let query = query(sql).bind(end.as_str()).bind(self.source_id.clone());
        let query = query.bind(fence.id.to_string()).bind(fence.attempt);
        Ok(self.execute(query).await?.rows_affected() == 1)
    }

    async fn complete_unless_stopped(&mut self, fence: Fence) -> Result<Heartbeat> {
        let sql = "UPDATE jobs SET state = iif(stop_requested, state, 'completed'), \
                   lease_until_ms = iif(stop_requested, lease_until_ms, NULL) \
                   WHERE source_id IS ? AND id = ? AND attempt = ? AND state = 'running' RETURNING stop_requested";
        let query = query_scalar(sql).bind(&self.source_id).bind(fence.id.to_string()).bind(fence.attempt);
        Ok(answer(query.fetch_optional(&mut *self.connection).await?))
    }

    async fn request_stop(&mut self, id: Uuid) -> Result<Stop> {
        let sql = "UPDATE jobs SET stop_requested = 1, state = iif(state = 'queued', 'cancelled', state) \
                   WHERE source_id IS ? AND id = ? AND state IN ('queued', 'running') RETURNING state = 'cancelled'";
        let query = query_scalar(sql).bind(&self.source_id).bind(id.to_string());
        Ok(match query.fetch_optional(&mut *self.connection).await? {
            None => Stop::Over,
            Some(true) => Stop::Cancelled,
            Some(false) => Stop::Requested,
        })
    }

    async fn progress(&mut self, id: Uuid) -> Result<Option<String>> {
        let query = query_scalar("SELECT progress FROM jobs WHERE source_id IS ? AND id = ?").bind(&self.source_id);
        let found: Option<Option<String>> = query.bind(id.to_string()).fetch_optional(&mut *self.connection).await?;
        Ok(found.flatten())
    }

    async fn abandoned(&mut self, kind: JobKind) -> Result<Vec<Fence>> {
        let sql = "SELECT id, attempt FROM jobs WHERE source_id IS ? AND kind = ? AND state = 'running' \
                   AND lease_until_ms < {now} AND attempt >= max_attempts ORDER BY run_at_ms, id";
        let query = query(with_clock(sql)).bind(&self.source_id).bind(kind.as_str());
        query.fetch_all(&mut *self.connection).await?.iter().map(fence).collect()
    }

    async fn workers(&mut self) -> Result<Vec<String>> {
        let sql = "SELECT DISTINCT worker FROM jobs WHERE source_id IS ? AND state = 'running' AND worker IS NOT NULL";
        Ok(query_scalar(sql).bind(&self.source_id).fetch_all(&mut *self.connection).await?)
    }

    async fn end_leases_of(&mut self, worker: &str) -> Result<()> {
        let sql = "UPDATE jobs SET lease_until_ms = 0 WHERE source_id IS ? AND worker = ? AND state = 'running'";
        let source_id = self.source_id.clone();
        self.execute(query(sql).bind(source_id).bind(worker)).await.map(drop)
    }
}
