//! The audit trail: append-only, hash-chained, written in the caller's transaction.
//!
//! May import: `state`, `support`, `model`. Flow: a use case begins a transaction, changes state,
//! appends the event here and commits: no event, no change. `refusals` folds repeated refusals into one row; `trail`
//! reads the entries and verifies the chain.

mod refusals;
mod trail;

use std::net::IpAddr;

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::Row;
use strum::VariantNames;

use crate::model::channel::Channel;
use crate::model::export::{ExportId, ExportSummary, Failure};
use crate::model::manifest::AuditHead;
use crate::server::state::{Result, Tx};

pub use refusals::RefusalRecorder;
pub use trail::{
    AuditRecord, ChainError, Filter, Verification, for_each, format_detail, newest, newest_of_source, verify_chain,
};

/// An event of the audit trail. The names of variants and fields are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, VariantNames)]
#[serde(tag = "event", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Event {
    SignedIn,
    /// `name` is a keyed digest of the name typed, which may be a password by mistake.
    SignInRefused {
        name: String,
    },
    /// Rate limited: nothing was looked up. Holds no name, since one client may try thousands.
    SignInLimited,
    /// A wrong or expired setup code for the first account.
    SetupRefused,
    SignedOut,
    /// The password was right; the second-factor code is still missing.
    PasswordAccepted,
    /// A wrong second-factor code, after the right password.
    CodeRefused,
    RecoveryCodeUsed,
    /// A signed-in user gave a wrong password when asked for it again.
    PasswordRefused,
    PasswordChanged,
    /// A secret for an authenticator app was created; it is not confirmed yet.
    SecondFactorBegun,
    SecondFactorSet,
    SecondFactorRemoved {
        account: String,
    },
    RecoveryCodesRenewed,
    /// By the account's owner, by the operator, or because the account no longer fits the session.
    SessionsEnded {
        account: String,
        count: u64,
    },
    /// A local account was created, or its password was set.
    AccountPut {
        account: String,
    },
    AccountDisabled {
        account: String,
    },
    AccountEnabled {
        account: String,
    },
    AccountRemoved {
        account: String,
    },
    Refused {
        action: String,
        role: Option<String>,
    },
    /// The number of times that a refusal was repeated within a minute.
    Repeated {
        what: Box<Self>,
        times: u64,
    },
    ExportRequested {
        scope: String,
        channel: Channel,
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
        complete: bool,
    },
    DownloadStarted,
    /// A database was used with this state for the first time.
    SourceAdded {
        name: String,
    },
    /// The operator bound a known source to its moved, upgraded or renamed database.
    SourceRebound {
        from: String,
        name: String,
    },
    /// Accounts without a source were assigned to this one.
    AccountsAdopted {
        count: u64,
    },
    /// The signing key was replaced.
    KeyRotated {
        from: Option<String>,
        to: String,
    },
}

/// The names of all events, as stored.
pub const EVENT_NAMES: &[&str] = Event::VARIANTS;

/// One event with its actor and, where there is one, its export.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// RFC 3339, UTC.
    pub at: String,
    pub actor: &'a str,
    /// Where the request came from, if it came over the network.
    pub network: Option<IpAddr>,
    pub export: Option<ExportId>,
    pub event: Event,
}

/// Appends an event to the chain and returns the new head.
///
/// # Errors
/// `Database` if the write fails; the change that the event is about must not be committed then.
pub async fn append(tx: &mut Tx, entry: &Entry<'_>) -> Result<AuditHead> {
    let last = sqlx::query("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1");
    let last = last.fetch_optional(&mut **tx).await?;
    let previous = last.map_or_else(AuditHead::default, |row| AuditHead {
        entries: u64::try_from(row.get::<i64, _>(0)).unwrap_or_default(),
        hash: row.get(1),
    });
    let (event, detail) = name_and_detail(&entry.event);
    let mut row = AuditRecord {
        sequence: previous.entries + 1,
        at: entry.at.clone(),
        actor: entry.actor.to_owned(),
        network: entry.network.map(|network| network.to_string()),
        event,
        export_id: entry.export.map(|id| id.to_string()),
        detail,
        source_id: tx.source_id.clone(),
        previous_hash: previous.hash,
        hash: String::new(),
    };
    row.hash = row_hash(&row);
    let sql = "INSERT INTO audit (sequence, at, actor, network, event, export_id, detail, previous_hash, hash, source_id) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(i64::try_from(row.sequence).unwrap_or(i64::MAX))
        .bind(&row.at)
        .bind(&row.actor)
        .bind(&row.network)
        .bind(&row.event)
        .bind(&row.export_id)
        .bind(&row.detail)
        .bind(&row.previous_hash)
        .bind(&row.hash)
        .bind(&row.source_id)
        .execute(&mut **tx)
        .await?;
    Ok(AuditHead { entries: row.sequence, hash: row.hash })
}

fn name_and_detail(event: &Event) -> (String, String) {
    let mut detail = serde_json::to_value(event).unwrap_or_default();
    let name = detail.as_object_mut().and_then(|fields| fields.remove("event"));
    (name.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned(), detail.to_string())
}

/// Computes a row's hash over the previous hash and the row's fields.
fn row_hash(row: &AuditRecord) -> String {
    let AuditRecord { previous_hash, at, actor, event, export_id, detail, source_id, network, .. } = row;
    // A JSON array keeps the fields apart: no two different rows serialize to the same text. Rows from before the
    // columns `source_id` and `network` existed are hashed without them, so that their hashes stay valid.
    let fields = match (source_id, network) {
        (None, None) => json!([previous_hash, at, actor, event, export_id, detail]),
        (Some(source), None) => json!([previous_hash, at, actor, event, export_id, detail, source]),
        (source, Some(network)) => json!([previous_hash, at, actor, event, export_id, detail, source, network]),
    };
    hex::encode(Sha256::digest(fields.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_what_the_trail_calls_events() {
        assert!(EVENT_NAMES.contains(&&*name_and_detail(&Event::SignInLimited).0));
        assert!(EVENT_NAMES.contains(&&*name_and_detail(&Event::SessionsEnded { account: "ada".into(), count: 1 }).0));
    }
}
