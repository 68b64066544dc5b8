//! Reads the audit trail and verifies its hash chain.

use super::chain::is_successor;
use crate::model::manifest::AuditHead;
use crate::server::state::audit::{AuditRecord, Filter};
use crate::server::state::{Result, SourceState, StateDatabase, Tx};

/// Entries read at once.
const BATCH: u32 = 1000;

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

/// Returns the newest entries that match the filter, newest first.
///
/// # Errors
/// `Database` if the read fails.
pub async fn newest(state: &SourceState, filter: &Filter, limit: u32) -> Result<Vec<AuditRecord>> {
    state.connect().await?.audit().newest(filter, limit).await
}

/// Calls `visit` with every entry, oldest first.
///
/// # Errors
/// `Database` if the read fails.
pub async fn for_each(state: &StateDatabase, mut visit: impl FnMut(AuditRecord)) -> Result<()> {
    let mut tables = state.for_source(None).connect().await?;
    let mut last = None;
    loop {
        // Entries are never changed, so batches read one after another are one trail.
        let batch = tables.audit().after(last, BATCH).await?;
        let Some(end) = batch.last() else { return Ok(()) };
        last = Some(end.sequence);
        batch.into_iter().for_each(&mut visit);
    }
}

/// Returns the details of the newest entries of one kind, newest first. Those that are no JSON are left out.
///
/// # Errors
/// `Database` if the read fails.
pub async fn details_of_kind(tx: &mut dyn Tx, kind: &str, limit: u32) -> Result<Vec<serde_json::Value>> {
    let filter = Filter { event: Some(kind.to_owned()), ..Filter::default() };
    let newest = tx.audit().newest(&filter, limit).await?;
    Ok(newest.iter().filter_map(|entry| serde_json::from_str(&entry.detail).ok()).collect())
}

/// Verifies the chain from its beginning. `known_heads` are heads kept elsewhere, such as in exports: only they reveal a trail
/// that was truncated or rewritten from start to end, whose chain is unbroken.
///
/// # Errors
/// `Database` if the read fails.
pub async fn verify_chain(state: &StateDatabase, known_heads: &[AuditHead]) -> Result<Verification> {
    let mut head = AuditHead::default();
    let mut error = None;
    for_each(state, |recorded| {
        if error.is_some() {
            return;
        }
        let rewritten = known_heads.iter().any(|seen| seen.entries == recorded.sequence && seen.hash != recorded.hash);
        if !is_successor(&recorded, &head) {
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
