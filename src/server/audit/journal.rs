//! The journal: records what was done and what was refused, in one place.

use std::sync::Arc;

use super::actor::Actor;
use super::chain::{name_and_detail, row_hash};
use super::event::Event;
use super::refusals::{Refusal, Refusals};
use crate::model::export::ExportId;
use crate::model::manifest::AuditHead;
use crate::server::state::audit::AuditRecord;
use crate::server::state::{Result, SourceState, Tx};
use crate::server::support::clock::{Clock, rfc3339};

/// Writes the audit trail of one source. Clones share the memory of recent refusals.
#[derive(Clone)]
pub struct Journal {
    state: SourceState,
    clock: Arc<dyn Clock>,
    refusals: Arc<Refusals>,
}

impl Journal {
    #[must_use]
    pub fn new(state: SourceState, clock: Arc<dyn Clock>) -> Self {
        Self { state, clock, refusals: Arc::default() }
    }

    /// Begins a transaction for a change and its entry.
    ///
    /// # Errors
    /// As `SourceState::begin`.
    pub async fn begin(&self) -> Result<Box<dyn Tx>> {
        self.state.begin().await
    }

    /// Appends an event to the chain and returns the new head.
    ///
    /// # Errors
    /// `Database` if the write fails; the change that the event is about must not be committed then.
    pub async fn record(&self, tx: &mut dyn Tx, actor: Actor<'_>, event: Event) -> Result<AuditHead> {
        self.append(tx, actor, None, &event).await
    }

    /// As `record`, for an event about an export.
    ///
    /// # Errors
    /// As `record`.
    pub async fn record_about(
        &self,
        tx: &mut dyn Tx,
        actor: Actor<'_>,
        export: ExportId,
        event: Event,
    ) -> Result<AuditHead> {
        self.append(tx, actor, Some(export), &event).await
    }

    /// Appends an event and commits the transaction.
    ///
    /// # Errors
    /// `Database` if either fails; nothing is changed then.
    pub async fn commit(&self, mut tx: Box<dyn Tx>, actor: Actor<'_>, event: Event) -> Result<()> {
        self.record(&mut *tx, actor, event).await?;
        tx.commit().await
    }

    /// Commits the transaction, with an event if what it did is one.
    ///
    /// # Errors
    /// As `commit`.
    pub async fn commit_if(&self, tx: Box<dyn Tx>, actor: Actor<'_>, event: Option<Event>) -> Result<()> {
        match event {
            Some(event) => self.commit(tx, actor, event).await,
            None => tx.commit().await,
        }
    }

    /// As `commit`, for an event about an export.
    ///
    /// # Errors
    /// As `commit`.
    pub async fn commit_about(
        &self,
        mut tx: Box<dyn Tx>,
        actor: Actor<'_>,
        export: ExportId,
        event: Event,
    ) -> Result<()> {
        self.record_about(&mut *tx, actor, export, event).await?;
        tx.commit().await
    }

    /// Records a refusal, or counts it if it repeats one of the last minute: one client can cause thousands.
    ///
    /// # Errors
    /// `Database` if the write fails.
    pub async fn refuse(&self, actor: Actor<'_>, event: Event) -> Result<()> {
        let refusal = Refusal::new(actor, &event);
        if self.refusals.count_repetition(&refusal, &event, self.clock.now()) {
            return Ok(());
        }
        let first = self.refusals.first(refusal);
        self.commit(self.begin().await?, actor, event).await?;
        first.set_recorded();
        Ok(())
    }

    /// Records the repetitions whose window is over, or all of them if the program is stopping.
    ///
    /// # Errors
    /// `Database` if the write fails; the counts are kept for the next call.
    pub async fn record_repetitions(&self, stopping: bool) -> Result<()> {
        let now = self.clock.now();
        let due = self.refusals.due(now, stopping);
        if due.iter().any(|repeated| repeated.times > 0) {
            let mut tx = self.begin().await?;
            for repeated in due.iter().filter(|repeated| repeated.times > 0) {
                let event = Event::Repeated { what: Box::new(repeated.event.clone()), times: repeated.times };
                self.record(&mut *tx, repeated.refusal.actor(), event).await?;
            }
            tx.commit().await?;
        }
        self.refusals.forget(&due, now);
        Ok(())
    }

    async fn append(
        &self,
        tx: &mut dyn Tx,
        actor: Actor<'_>,
        export: Option<ExportId>,
        event: &Event,
    ) -> Result<AuditHead> {
        let previous = tx.audit().head().await?;
        let (event, detail) = name_and_detail(event);
        let mut row = AuditRecord {
            sequence: previous.entries + 1,
            at: rfc3339(self.clock.now()),
            actor: actor.name.to_owned(),
            network: actor.network.map(|network| network.to_string()),
            event,
            export_id: export.map(|id| id.to_string()),
            detail,
            source_id: tx.source_id().map(str::to_owned),
            previous_hash: previous.hash,
            hash: String::new(),
        };
        row.hash = row_hash(&row);
        tx.audit().append(&row).await?;
        Ok(AuditHead { entries: row.sequence, hash: row.hash })
    }
}
