//! The audit trail: append-only, hash-chained, written in the caller's transaction.
//!
//! May import: `state`, `support`, `model`. Flow: a use case begins a transaction, changes state,
//! appends the event here and commits: no event, no change.

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::Row;

use crate::model::export::{ExportId, ExportSummary, Failure};
use crate::model::manifest::AuditHead;
use crate::server::state::{Result, State, Tx};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    SignedIn,
    SignInRefused,
    SignedOut,
    /// An account of Waybill's own was made or got another password.
    AccountPut {
        account: String,
    },
    Refused {
        action: String,
        role: Option<String>,
    },
    ExportRequested {
        scope: String,
        door: String,
    },
    ExportStarted,
    ExportCompleted {
        summary: ExportSummary,
    },
    ExportFailed {
        failure: Failure,
    },
    ExportCancelled,
    ExportExpired,
    Downloaded {
        first_byte: u64,
        last_byte: u64,
        bytes_sent: u64,
        whole: bool,
    },
    DownloadStarted,
    /// A database was met for the first time.
    SourceAdded {
        name: String,
    },
    /// The operator said that a known source is now this database.
    SourceRebound {
        from: String,
        name: String,
    },
    /// Accounts of the time before accounts had a source.
    AccountsAdopted {
        count: u64,
    },
}

/// One event with its actor and, where there is one, its export.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// RFC 3339, UTC.
    pub at: String,
    pub actor: &'a str,
    pub export: Option<ExportId>,
    pub event: Event,
}

/// Appends an event to the chain; gives the chain's new head.
///
/// # Errors
/// When the state cannot be written; then whatever the event is about must not happen.
pub async fn append(tx: &mut Tx, entry: &Entry<'_>) -> Result<AuditHead> {
    let last = sqlx::query("SELECT hash FROM audit ORDER BY sequence DESC LIMIT 1").fetch_optional(&mut **tx).await?;
    let previous: String = last.map(|row| row.get(0)).unwrap_or_default();
    let (event, detail) = name_and_detail(&entry.event);
    let export = entry.export.map(|id| id.to_string());
    let source = tx.source_id.clone();
    let hash = link(&previous, &entry.at, entry.actor, &event, export.as_deref(), &detail, source.as_deref());
    let sql = "INSERT INTO audit (at, actor, event, export_id, detail, previous_hash, hash, source_id) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let appended = sqlx::query(sql)
        .bind(&entry.at)
        .bind(entry.actor)
        .bind(&event)
        .bind(&export)
        .bind(&detail)
        .bind(&previous)
        .bind(&hash)
        .bind(&source)
        .execute(&mut **tx)
        .await?;
    Ok(AuditHead { entries: u64::try_from(appended.last_insert_rowid()).unwrap_or_default(), hash })
}

fn name_and_detail(event: &Event) -> (String, String) {
    let mut detail = serde_json::to_value(event).unwrap_or_default();
    let name = detail.as_object_mut().and_then(|fields| fields.remove("event"));
    (name.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned(), detail.to_string())
}

fn link(
    previous: &str,
    at: &str,
    actor: &str,
    event: &str,
    export: Option<&str>,
    detail: &str,
    source: Option<&str>,
) -> String {
    // An array keeps the fields apart: no two different rows read the same. Rows of the time before sources
    // were told apart have none, and keep their hashes.
    let row = match source {
        Some(source) => json!([previous, at, actor, event, export, detail, source]),
        None => json!([previous, at, actor, event, export, detail]),
    };
    hex::encode(Sha256::digest(row.to_string()))
}

/// A row of the trail as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub at: String,
    pub actor: String,
    pub event: String,
    pub export_id: Option<String>,
    pub detail: String,
    pub source_id: Option<String>,
}

/// Reads the trail of all sources, oldest first, and says whether its chain is unbroken.
///
/// # Errors
/// When the state cannot be read.
pub async fn read(state: &State) -> Result<(Vec<Recorded>, bool)> {
    let sql = "SELECT at, actor, event, export_id, detail, previous_hash, hash, source_id FROM audit \
               ORDER BY sequence";
    let rows = sqlx::query(sql).fetch_all(&state.pool).await?;
    let mut previous = String::new();
    let mut unbroken = true;
    let mut trail = Vec::with_capacity(rows.len());
    for row in rows {
        let entry = Recorded {
            at: row.get(0),
            actor: row.get(1),
            event: row.get(2),
            export_id: row.get(3),
            detail: row.get(4),
            source_id: row.get(7),
        };
        let claimed_previous: String = row.get(5);
        let hash: String = row.get(6);
        let Recorded { at, actor, event, export_id, detail, source_id } = &entry;
        let expected = link(&previous, at, actor, event, export_id.as_deref(), detail, source_id.as_deref());
        unbroken &= claimed_previous == previous && hash == expected;
        previous = hash;
        trail.push(entry);
    }
    Ok((trail, unbroken))
}
