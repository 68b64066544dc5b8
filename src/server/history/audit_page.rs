//! The audit trail of the source.

use super::{Error, History};
use crate::model::history::{AuditEntry, AuditPage};
use crate::server::audit::{self, AuditRecord};
use crate::server::identity::Caller;

const ENTRIES_PER_PAGE: u32 = 50;

impl History {
    /// Returns one page of this source's audit trail: entries older than `before`, or the newest if that is 0.
    ///
    /// # Errors
    /// `Forbidden`, or `State` if the state cannot be read.
    pub async fn audit(&self, caller: &Caller, kind: &str, actor: &str, before: u64) -> Result<AuditPage, Error> {
        self.authorise(caller).await?;
        let non_empty = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let filter = audit::Filter {
            source_id: self.state.source_id().map(str::to_owned),
            event: non_empty(kind),
            actor: non_empty(actor),
            before: Some(before).filter(|before| *before > 0),
            since: None,
        };
        let mut found = audit::newest(&self.state, &filter, ENTRIES_PER_PAGE + 1).await?;
        let has_older = found.len() > ENTRIES_PER_PAGE as usize;
        found.truncate(ENTRIES_PER_PAGE as usize);
        let older_than = found.last().map(|last| last.sequence).filter(|_| has_older);
        let mut kinds: Vec<String> = audit::EVENT_NAMES.iter().map(|kind| (*kind).to_owned()).collect();
        kinds.sort_unstable();
        Ok(AuditPage { entries: found.into_iter().map(audit_entry).collect(), kinds, older_than })
    }
}

fn audit_entry(recorded: AuditRecord) -> AuditEntry {
    AuditEntry {
        entry: recorded.sequence,
        at: recorded.at,
        actor: recorded.actor,
        network: recorded.network,
        details: audit::format_detail(&recorded.detail),
        kind: recorded.event,
    }
}
