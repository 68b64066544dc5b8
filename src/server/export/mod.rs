//! The export use cases: preview, request, run, cancel, view and download.
//!
//! May import: any lower layer (`docs/architecture.md`). Flow: `preview` (record counts and estimated size) · `request`
//! (authorise, record, queue) · `run` (snapshot, plan, write, publish) · `cancel` · `view` (state and
//! progress) · `download`. The command line's `export_to_file` uses the same `plan` and `write` as `run`.

mod cancel;
mod download;
mod file_export;
mod plan;
mod preview;
mod request;
mod run;
mod running;
mod size_estimate;
mod view;
mod write;

use std::sync::Arc;

use chrono::TimeDelta;
use tokio::sync::Notify;

use crate::model::access::Capability;
use crate::model::drift::Deviations;
use crate::model::export::ExportId;
use crate::server::artifact::{self, ArtifactStore};
use crate::server::audit::{Entry, Event, RefusalRecorder};
use crate::server::binding;
use crate::server::identity::{self, Caller, Forbidden, Identity};
use crate::server::pipeline::redact::PseudonymKey;
use crate::server::profile::{self, Profile};
use crate::server::rows::UnreadableTable;
use crate::server::signing::{self, SigningKey};
use crate::server::source::{self, Source};
use crate::server::state::{self, SourceState};
use crate::server::support::clock::{Clock, rfc3339};
use crate::server::support::random::Random;

pub use download::{Download, Transfer};
pub use file_export::{Destination, ExportRequest, FileExport};
pub use preview::{PreviewCache, compute_preview};
pub use running::{RunningExport, RunningExports, StopReason};

/// How long a finished file can be downloaded.
pub const ARTIFACT_RETENTION: TimeDelta = TimeDelta::minutes(15);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error("there is no such export")]
    NotFound,
    #[error("{message}")]
    Busy { message: String, retry_after_seconds: u64 },
    #[error("The export is still running.")]
    StillRunning,
    #[error("This export did not finish, so it has no file. Start a new export.")]
    NotCompleted,
    #[error("the file has expired")]
    Expired,
    #[error("The server's disk has {free} free and this export needs about {needed}. Make room and try again.")]
    InsufficientStorage { free: String, needed: String },
    #[error("stopped")]
    Stopped,
    #[error("Stopped at {table}, record {record}: {cause}.")]
    StoppedAt { table: String, record: u64, cause: Box<Error> },
    #[error("{}", describe_unreadable(.0))]
    Unreadable(Vec<UnreadableTable>),
    /// Drift, where `DriftPolicy::Refuse` is set.
    #[error(
        "database and profile differ, so nothing was written: {}; `waybill profile check` shows what to add, \
         --drift=report exports the rest",
        .0.lines().join("; ")
    )]
    Drifted(Box<Deviations>),
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error(transparent)]
    Profile(#[from] profile::Error),
    #[error(transparent)]
    State(#[from] state::Error),
    #[error(transparent)]
    Binding(#[from] binding::Error),
    #[error(transparent)]
    Artifact(#[from] artifact::Error),
    #[error(transparent)]
    Signing(#[from] signing::Error),
    #[error(transparent)]
    Identity(#[from] identity::Error),
    #[error("{0}")]
    Output(String),
    /// The records or tables read do not match the plan made in the same snapshot.
    #[error("{0}")]
    Inconsistent(String),
    #[error("internal error: a task of the program panicked; please report it")]
    Panicked,
}

/// Lists all unreadable tables in one message, grouped by reason, so that they can be fixed in one go.
fn describe_unreadable(tables: &[UnreadableTable]) -> String {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for UnreadableTable { table, reason } in tables {
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, tables)) => tables.push(table),
            None => reasons.push((reason, vec![table])),
        }
    }
    let lines: Vec<String> =
        reasons.iter().map(|(reason, tables)| format!("{} ({reason})", tables.join(", "))).collect();
    format!("not every table can be read, so nothing was exported: {}", lines.join("; "))
}

pub type Result<T> = std::result::Result<T, Error>;

/// The export use cases, with the parts they work with.
pub struct Exports {
    pub source: Arc<dyn Source>,
    pub profile: Arc<Profile>,
    pub state: SourceState,
    pub artifacts: ArtifactStore,
    pub signing_key: Arc<SigningKey>,
    pub identity: Arc<Identity>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub refusals: Arc<RefusalRecorder>,
    pub previews: PreviewCache,
    pub running: RunningExports,
    /// Notified when an export is queued; the worker waits on it.
    pub queue_signal: Notify,
}

impl Exports {
    /// Checks that the caller may export, and records a refusal. The first line of every use case here.
    async fn authorise(&self, caller: &Caller, action: &str) -> Result<()> {
        let Err(refused) = caller.require(Capability::ExportDatabase) else { return Ok(()) };
        let event = Event::Refused { action: action.into(), role: caller.role.clone() };
        self.record_refusal(caller, event).await?;
        Err(refused.into())
    }

    fn new_pseudonym_key(&self) -> PseudonymKey {
        let mut bytes = [0; 32];
        self.random.fill(&mut bytes);
        PseudonymKey::new(bytes)
    }

    async fn record_refusal(&self, caller: &Caller, event: Event) -> Result<()> {
        let entry = self.audit_entry_for(caller, None, event);
        Ok(self.refusals.record(&self.state, &*self.clock, entry).await?)
    }

    /// Records how often refusals were repeated, once their one-minute window is over.
    ///
    /// # Errors
    /// `State` if the state cannot be written.
    pub async fn record_repeated_refusals(&self) -> Result<()> {
        Ok(self.refusals.record_repetitions(&self.state, &*self.clock, false).await?)
    }

    /// An audit entry for an event that a request causes, with the client's address.
    fn audit_entry_for<'a>(&self, caller: &'a Caller, export: Option<ExportId>, event: Event) -> Entry<'a> {
        Entry { network: caller.client_ip, ..self.audit_entry(&caller.name, export, event) }
    }

    fn audit_entry<'a>(&self, actor: &'a str, export: Option<ExportId>, event: Event) -> Entry<'a> {
        Entry { at: rfc3339(self.clock.now()), actor, network: None, export, event }
    }
}
