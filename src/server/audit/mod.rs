//! The audit trail: append-only, hash-chained, written in the caller's transaction.
//!
//! May import: `state`, `support`, `model`. Flow: a use case begins a transaction, changes state,
//! appends the event here and commits: no event, no change. `refusals` keeps floods of them small; `trail` reads
//! and checks what was written.

mod refusals;
mod trail;

use std::net::IpAddr;

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::Row;
use strum::VariantNames;

use crate::model::export::{ExportId, ExportSummary, Failure};
use crate::model::manifest::AuditHead;
use crate::server::state::{Result, Tx};

pub use refusals::Refusals;
pub use trail::{Checked, Fault, Filter, Recorded, check, each, more, newest, newest_of};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, VariantNames)]
#[serde(tag = "event", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Event {
    SignedIn,
    /// The name that was typed, as a keyed digest: it may be somebody's password.
    SignInRefused {
        name: String,
    },
    /// Too many attempts: nothing was looked up. Without the name, of which one visitor may try thousands.
    SignInLimited,
    /// A wrong code for the first account.
    SetupRefused,
    SignedOut,
    /// The password was right; a code of the second factor is still to come.
    PasswordAccepted,
    /// Whoever gave it knows the password.
    CodeRefused,
    RecoveryCodeUsed,
    /// Somebody who is signed in did not know their password when asked again.
    PasswordRefused,
    PasswordChanged,
    /// A secret was made for an authenticator app.
    SecondFactorBegun,
    SecondFactorSet,
    SecondFactorRemoved {
        account: String,
    },
    RecoveryCodesRenewed,
    /// On their own word or the operator's.
    SessionsEnded {
        account: String,
        count: u64,
    },
    /// An account of Waybill's own was made or got another password.
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
    /// A refusal that came again within a minute, so many times.
    Repeated {
        what: Box<Self>,
        times: u64,
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
    /// From now on files are signed with another key.
    KeyRotated {
        from: Option<String>,
        to: String,
    },
}

/// What `Event`s are called in the trail.
pub const KINDS: &[&str] = Event::VARIANTS;

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

/// Appends an event to the chain; gives the chain's new head.
///
/// # Errors
/// When the state cannot be written; then whatever the event is about must not happen.
pub async fn append(tx: &mut Tx, entry: &Entry<'_>) -> Result<AuditHead> {
    let last = sqlx::query("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1");
    let last = last.fetch_optional(&mut **tx).await?;
    let previous = last.map_or_else(AuditHead::default, |row| AuditHead {
        entries: u64::try_from(row.get::<i64, _>(0)).unwrap_or_default(),
        hash: row.get(1),
    });
    let (event, detail) = name_and_detail(&entry.event);
    let mut row = Recorded {
        entry: previous.entries + 1,
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
    row.hash = link(&row);
    let sql = "INSERT INTO audit (sequence, at, actor, network, event, export_id, detail, previous_hash, hash, source_id) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(i64::try_from(row.entry).unwrap_or(i64::MAX))
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
    Ok(AuditHead { entries: row.entry, hash: row.hash })
}

fn name_and_detail(event: &Event) -> (String, String) {
    let mut detail = serde_json::to_value(event).unwrap_or_default();
    let name = detail.as_object_mut().and_then(|fields| fields.remove("event"));
    (name.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned(), detail.to_string())
}

/// The hash that a row deserves: over the hash before it and all that it says.
fn link(row: &Recorded) -> String {
    let Recorded { previous_hash, at, actor, event, export_id, detail, source_id, network, .. } = row;
    // An array keeps the fields apart: no two different rows read the same. Rows of the time before sources were
    // told apart have none, nor have earlier ones a network, and they keep their hashes.
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
        assert!(KINDS.contains(&&*name_and_detail(&Event::SignInLimited).0));
        assert!(KINDS.contains(&&*name_and_detail(&Event::SessionsEnded { account: "ada".into(), count: 1 }).0));
    }
}
