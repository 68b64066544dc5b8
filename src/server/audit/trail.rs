//! Reads the audit trail and verifies its hash chain.

use futures::TryStreamExt;
use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::row_hash;
use crate::model::manifest::AuditHead;
use crate::server::state::{Result, SourceState, StateDatabase};

/// A row of the trail, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    pub sequence: u64,
    /// RFC 3339, UTC.
    pub at: String,
    pub actor: String,
    /// Where the request came from, if it came over the network.
    pub network: Option<String>,
    pub event: String,
    pub export_id: Option<String>,
    /// A JSON object.
    pub detail: String,
    pub source_id: Option<String>,
    pub previous_hash: String,
    pub hash: String,
}

/// Which entries to read; the default is all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub source_id: Option<String>,
    pub actor: Option<String>,
    pub event: Option<String>,
    /// RFC 3339, UTC, or a prefix of it.
    pub since: Option<String>,
}

/// The result of verifying the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// The last entry that is valid.
    pub head: AuditHead,
    pub error: Option<ChainError>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    #[error("entry {0} does not match its hash: it or the entry before it was changed, removed or inserted")]
    Broken(u64),
    #[error("entry {0} is missing: the trail was truncated since then")]
    Missing(u64),
    #[error("entry {0} is a different one: the trail was rewritten since then")]
    Rewritten(u64),
}

impl ChainError {
    /// The entry that contradicts a known head; none for a broken chain.
    #[must_use]
    pub fn contradicted_entry(&self) -> Option<u64> {
        match self {
            Self::Broken(_) => None,
            Self::Missing(entry) | Self::Rewritten(entry) => Some(*entry),
        }
    }
}

const COLUMNS: &str = "sequence, at, actor, network, event, export_id, detail, source_id, previous_hash, hash";

impl AuditRecord {
    fn from_row(row: &SqliteRow) -> Self {
        Self {
            sequence: u64::try_from(row.get::<i64, _>(0)).unwrap_or_default(),
            at: row.get(1),
            actor: row.get(2),
            network: row.get(3),
            event: row.get(4),
            export_id: row.get(5),
            detail: row.get(6),
            source_id: row.get(7),
            previous_hash: row.get(8),
            hash: row.get(9),
        }
    }

    fn is_successor_of(&self, previous: &AuditHead) -> bool {
        self.sequence == previous.entries + 1 && self.previous_hash == previous.hash && self.hash == row_hash(self)
    }
}

/// Formats the detail's fields for display.
#[must_use]
pub fn format_detail(detail: &str) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_str(detail) else { return detail.to_owned() };
    let shown = fields.iter().filter(|(_, value)| !value.is_null());
    let shown = shown.map(|(name, value)| match value {
        Value::String(text) => format!("{name} {text}"),
        // Of an export only the record count: the history shows its sizes, digest and deviations.
        Value::Object(summary) => match (summary.get("records"), summary.get("event").and_then(Value::as_str)) {
            (Some(records), _) => format!("{records} records"),
            (None, Some(event)) => event.replace('_', " "),
            (None, None) => format!("{name} {value}"),
        },
        value => format!("{name} {value}"),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Returns the newest entries that match the filter, oldest first.
///
/// # Errors
/// `Database` if the read fails.
pub async fn newest(file: &StateDatabase, filter: &Filter, limit: u32) -> Result<Vec<AuditRecord>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM audit WHERE (?1 IS NULL OR source_id = ?1) AND (?2 IS NULL OR actor = ?2) \
         AND (?3 IS NULL OR event = ?3) AND (?4 IS NULL OR at >= ?4) ORDER BY sequence DESC LIMIT ?5"
    );
    let query = sqlx::query(sqlx::AssertSqlSafe(sql));
    let query = query.bind(&filter.source_id).bind(&filter.actor).bind(&filter.event).bind(&filter.since).bind(limit);
    let mut found: Vec<AuditRecord> = query.fetch_all(&file.pool).await?.iter().map(AuditRecord::from_row).collect();
    found.reverse();
    Ok(found)
}

/// Returns the newest entries of one source that match the filter's actor and event, newest first, older than `before`
/// unless that is 0.
///
/// # Errors
/// `Database` if the read fails.
pub async fn newest_of_source(
    state: &SourceState,
    filter: &Filter,
    before: u64,
    limit: u32,
) -> Result<Vec<AuditRecord>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM audit WHERE source_id IS ?1 AND (?2 IS NULL OR actor = ?2 COLLATE NOCASE) \
         AND (?3 IS NULL OR event = ?3) AND (?4 = 0 OR sequence < ?4) ORDER BY sequence DESC LIMIT ?5"
    );
    let before = i64::try_from(before).unwrap_or(i64::MAX);
    let query = sqlx::query(sqlx::AssertSqlSafe(sql));
    let query = query.bind(state.source_id()).bind(&filter.actor).bind(&filter.event).bind(before).bind(limit);
    Ok(query.fetch_all(&state.pool).await?.iter().map(AuditRecord::from_row).collect())
}

/// Calls `visit` with every entry, oldest first.
///
/// # Errors
/// `Database` if the read fails.
pub async fn for_each(file: &StateDatabase, mut visit: impl FnMut(AuditRecord)) -> Result<()> {
    let sql = format!("SELECT {COLUMNS} FROM audit ORDER BY sequence");
    let mut rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch(&file.pool);
    while let Some(row) = rows.try_next().await? {
        visit(AuditRecord::from_row(&row));
    }
    Ok(())
}

/// Verifies the chain from its beginning. `known_heads` are heads kept elsewhere, such as in exports: only they reveal a trail
/// that was truncated or rewritten from start to end, whose chain is unbroken.
///
/// # Errors
/// `Database` if the read fails.
pub async fn verify_chain(file: &StateDatabase, known_heads: &[AuditHead]) -> Result<Verification> {
    let mut head = AuditHead::default();
    let mut error = None;
    for_each(file, |recorded| {
        if error.is_some() {
            return;
        }
        let rewritten = known_heads.iter().any(|seen| seen.entries == recorded.sequence && seen.hash != recorded.hash);
        if !recorded.is_successor_of(&head) {
            error = Some(ChainError::Broken(recorded.sequence));
        } else if rewritten {
            error = Some(ChainError::Rewritten(recorded.sequence));
        } else {
            head = AuditHead { entries: recorded.sequence, hash: recorded.hash };
        }
    })
    .await?;
    let missing = known_heads.iter().map(|seen| seen.entries).filter(|entry| *entry > head.entries).min();
    Ok(Verification { error: error.or(missing.map(ChainError::Missing)), head })
}
