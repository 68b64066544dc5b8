//! The audit table. Triggers of the database refuse changes and deletions.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row, query};

use super::super::Result;
use super::super::audit::{AuditRecord, AuditTable, Filter};
use super::numbers::{required, to_i64};
use super::tables::{Connection, SqliteTables};
use crate::model::manifest::AuditHead;

const SELECT: &str =
    "SELECT sequence, at, actor, network, event, export_id, detail, source_id, previous_hash, hash FROM audit";

fn from_row(row: &SqliteRow) -> Result<AuditRecord> {
    Ok(AuditRecord {
        sequence: required(row, "sequence")?,
        at: row.try_get("at")?,
        actor: row.try_get("actor")?,
        network: row.try_get("network")?,
        event: row.try_get("event")?,
        export_id: row.try_get("export_id")?,
        detail: row.try_get("detail")?,
        source_id: row.try_get("source_id")?,
        previous_hash: row.try_get("previous_hash")?,
        hash: row.try_get("hash")?,
    })
}

#[async_trait]
impl<C: Connection> AuditTable for SqliteTables<C> {
    async fn head(&mut self) -> Result<AuditHead> {
        let sql = "SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1";
        let Some(row) = query(sql).fetch_optional(&mut *self.connection).await? else {
            return Ok(AuditHead::default());
        };
        Ok(AuditHead { entries: required(&row, "sequence")?, hash: row.try_get("hash")? })
    }

    async fn append(&mut self, record: &AuditRecord) -> Result<()> {
        let sql = "INSERT INTO audit (sequence, at, actor, network, event, export_id, detail, previous_hash, hash, \
                   source_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let query = query(sql)
            .bind(to_i64(record.sequence))
            .bind(&record.at)
            .bind(&record.actor)
            .bind(&record.network)
            .bind(&record.event)
            .bind(&record.export_id)
            .bind(&record.detail)
            .bind(&record.previous_hash)
            .bind(&record.hash)
            .bind(&record.source_id);
        self.execute(query).await.map(drop)
    }

    async fn newest(&mut self, filter: &Filter, limit: u32) -> Result<Vec<AuditRecord>> {
        let sql = AssertSqlSafe(format!(
            "{SELECT} WHERE (?1 IS NULL OR source_id = ?1) AND (?2 IS NULL OR actor = ?2 COLLATE NOCASE) \
             AND (?3 IS NULL OR event = ?3) AND (?4 IS NULL OR at >= ?4) AND (?5 IS NULL OR sequence < ?5) \
             ORDER BY sequence DESC LIMIT ?6"
        ));
        let query = query(sql).bind(&filter.source_id).bind(&filter.actor).bind(&filter.event).bind(&filter.since);
        let rows = query.bind(filter.before.map(to_i64)).bind(limit).fetch_all(&mut *self.connection).await?;
        rows.iter().map(from_row).collect()
    }

    async fn after(&mut self, sequence: Option<u64>, limit: u32) -> Result<Vec<AuditRecord>> {
        let sql = AssertSqlSafe(format!("{SELECT} WHERE ?1 IS NULL OR sequence > ?1 ORDER BY sequence LIMIT ?2"));
        let rows = query(sql).bind(sequence.map(to_i64)).bind(limit).fetch_all(&mut *self.connection).await?;
        rows.iter().map(from_row).collect()
    }
}
