//! Reading the trail: what happened, and whether it was all left as it was written.

use futures::TryStreamExt;
use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::link;
use crate::model::manifest::AuditHead;
use crate::server::state::{Result, State, StateFile};

/// A row of the trail as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub entry: u64,
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

/// Which entries to read; an empty one means all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub source_id: Option<String>,
    pub actor: Option<String>,
    pub event: Option<String>,
    /// RFC 3339, UTC, or the beginning of it.
    pub since: Option<String>,
}

/// What became of the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// As far as it holds.
    pub head: AuditHead,
    pub fault: Option<Fault>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("entry {0} is not what was written: it, or the one before it, was changed, removed or put in")]
    Broken(u64),
    #[error("entry {0} is missing: the trail was shortened since")]
    Missing(u64),
    #[error("entry {0} is another one: the trail was rewritten since")]
    Rewritten(u64),
}

impl Fault {
    /// The entry, where somebody had seen another one in its place.
    #[must_use]
    pub fn seen(&self) -> Option<u64> {
        match self {
            Self::Broken(_) => None,
            Self::Missing(entry) | Self::Rewritten(entry) => Some(*entry),
        }
    }
}

const COLUMNS: &str = "sequence, at, actor, network, event, export_id, detail, source_id, previous_hash, hash";

impl Recorded {
    fn read(row: &SqliteRow) -> Self {
        Self {
            entry: u64::try_from(row.get::<i64, _>(0)).unwrap_or_default(),
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

    fn continues(&self, previous: &AuditHead) -> bool {
        self.entry == previous.entries + 1 && self.previous_hash == previous.hash && self.hash == link(self)
    }
}

/// The detail's fields as people read them.
#[must_use]
pub fn more(detail: &str) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_str(detail) else { return detail.to_owned() };
    let shown = fields.iter().filter(|(_, value)| !value.is_null());
    let shown = shown.map(|(name, value)| match value {
        Value::String(text) => format!("{name} {text}"),
        // Counts, digest and deviations of an export are in its history.
        Value::Object(summary) => match (summary.get("records"), summary.get("event").and_then(Value::as_str)) {
            (Some(records), _) => format!("{records} records"),
            (None, Some(event)) => event.replace('_', " "),
            (None, None) => format!("{name} {value}"),
        },
        value => format!("{name} {value}"),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// The newest entries that the filter lets through, oldest first.
///
/// # Errors
/// When the state cannot be read.
pub async fn newest(file: &StateFile, filter: &Filter, limit: u32) -> Result<Vec<Recorded>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM audit WHERE (?1 IS NULL OR source_id = ?1) AND (?2 IS NULL OR actor = ?2) \
         AND (?3 IS NULL OR event = ?3) AND (?4 IS NULL OR at >= ?4) ORDER BY sequence DESC LIMIT ?5"
    );
    let query = sqlx::query(sqlx::AssertSqlSafe(sql));
    let query = query.bind(&filter.source_id).bind(&filter.actor).bind(&filter.event).bind(&filter.since).bind(limit);
    let mut found: Vec<Recorded> = query.fetch_all(&file.pool).await?.iter().map(Recorded::read).collect();
    found.reverse();
    Ok(found)
}

/// The newest entries about one source that the filter lets through, newest first, older than `before` where that is
/// not 0.
///
/// # Errors
/// When the state cannot be read.
pub async fn newest_of(state: &State, filter: &Filter, before: u64, limit: u32) -> Result<Vec<Recorded>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM audit WHERE source_id IS ?1 AND (?2 IS NULL OR actor = ?2 COLLATE NOCASE) \
         AND (?3 IS NULL OR event = ?3) AND (?4 = 0 OR sequence < ?4) ORDER BY sequence DESC LIMIT ?5"
    );
    let before = i64::try_from(before).unwrap_or(i64::MAX);
    let query = sqlx::query(sqlx::AssertSqlSafe(sql));
    let query = query.bind(state.source_id()).bind(&filter.actor).bind(&filter.event).bind(before).bind(limit);
    Ok(query.fetch_all(&state.pool).await?.iter().map(Recorded::read).collect())
}

/// Gives every entry to `take`, oldest first.
///
/// # Errors
/// When the state cannot be read.
pub async fn each(file: &StateFile, mut take: impl FnMut(Recorded)) -> Result<()> {
    let sql = format!("SELECT {COLUMNS} FROM audit ORDER BY sequence");
    let mut rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch(&file.pool);
    while let Some(row) = rows.try_next().await? {
        take(Recorded::read(&row));
    }
    Ok(())
}

/// Follows the chain from its beginning. `seen` are heads that somebody kept: a trail that was shortened at its end
/// or rewritten as a whole is unbroken in itself, and only they tell.
///
/// # Errors
/// When the state cannot be read.
pub async fn check(file: &StateFile, seen: &[AuditHead]) -> Result<Checked> {
    let mut head = AuditHead::default();
    let mut fault = None;
    each(file, |recorded| {
        if fault.is_some() {
            return;
        }
        let rewritten = seen.iter().any(|seen| seen.entries == recorded.entry && seen.hash != recorded.hash);
        if !recorded.continues(&head) {
            fault = Some(Fault::Broken(recorded.entry));
        } else if rewritten {
            fault = Some(Fault::Rewritten(recorded.entry));
        } else {
            head = AuditHead { entries: recorded.entry, hash: recorded.hash };
        }
    })
    .await?;
    let missing = seen.iter().map(|seen| seen.entries).filter(|entry| *entry > head.entries).min();
    Ok(Checked { fault: fault.or(missing.map(Fault::Missing)), head })
}
