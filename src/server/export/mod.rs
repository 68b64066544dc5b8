//! The export use cases: preview, request, run, cancel, view and download.
//!
//! May import: any lower layer (`docs/architecture.md`). One use case a file; what users reach begins with `authorise`. Flow:
//! `preview` (record counts and estimated size) · `request` (record, queue) · `run` (claim) · `execute` (plan, write and
//! deliver under a lease, then record how it ended) · `view` (state and progress, from the job) · `cancel` · `download` ·
//! `cleanup`. The command line's `export_to_file` uses the same `execute` with another delivery.

mod access;
mod app_version;
mod application;
mod cancel;
mod check_owners;
mod check_part;
mod check_source;
mod choice_columns;
mod choices;
mod cleanup;
mod compute_preview;
mod delivery;
mod download;
mod error;
mod execute;
mod execution;
mod explain;
mod export_to_file;
mod failure;
mod file_name;
mod guide;
mod interest;
mod media;
mod media_records;
mod notice_counter;
mod organization;
mod outcome;
mod own_data;
mod part_estimate;
mod part_summary;
mod plan;
mod preview;
mod preview_cache;
mod preview_source;
mod ranged_downloads;
mod ranges;
mod request;
mod requested_layout;
mod run;
mod running;
mod scope_words;
mod size_estimate;
mod stub_columns;
mod subset;
mod view;
mod write;
mod write_layout;

use std::sync::Arc;

use chrono::TimeDelta;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::model::access::{Capability, Grant, Scope};
use crate::model::export::ExportId;
use crate::server::artifact::ArtifactStore;
use crate::server::audit::Journal;
use crate::server::identity::{self, Caller, Forbidden, Identity};
use crate::server::jobs::Queue;
use crate::server::profile::Profile;
use crate::server::signing::SigningKey;
use crate::server::source::Source;
use crate::server::state::exports::ExportRow;
use crate::server::state::{SourceState, Tables};
use crate::server::support::clock::Clock;
use crate::server::support::random::Random;
use choice_columns::ColumnCache;
use preview_cache::PreviewCache;
use ranged_downloads::RangedDownloads;

pub use application::Application;
pub use check_owners::check_owners;
pub use delivery::Destination;
pub use download::{Download, Transfer};
pub use error::{Error, Result};
pub use explain::{RecordKey, explain_source};
pub use export_to_file::FileExport;
pub use preview_source::preview_source;
pub use request::ExportRequest;
pub use running::{RunningExport, StopReason};

/// How long a finished file can be downloaded.
pub const ARTIFACT_RETENTION: TimeDelta = TimeDelta::minutes(15);

/// The parts that the use cases work with.
pub struct Dependencies {
    pub source: Arc<dyn Source>,
    pub profile: Arc<Profile>,
    pub application: Application,
    pub state: SourceState,
    pub artifacts: Arc<dyn ArtifactStore>,
    pub signing_key: Arc<SigningKey>,
    pub identity: Arc<Identity>,
    pub journal: Journal,
    pub queue: Queue,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
}

/// The export use cases.
pub struct Exports {
    source: Arc<dyn Source>,
    profile: Arc<Profile>,
    application: Application,
    state: SourceState,
    artifacts: Arc<dyn ArtifactStore>,
    signing_key: Arc<SigningKey>,
    identity: Arc<Identity>,
    journal: Journal,
    queue: Queue,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    previews: PreviewCache,
    choice_columns: ColumnCache,
    ranged_downloads: Mutex<RangedDownloads>,
    /// The runs of this process, which a shutdown waits for.
    runs: TaskTracker,
    shutdown: CancellationToken,
}

impl Exports {
    #[must_use]
    pub fn new(parts: Dependencies) -> Self {
        Self {
            source: parts.source,
            profile: parts.profile,
            application: parts.application,
            state: parts.state,
            artifacts: parts.artifacts,
            signing_key: parts.signing_key,
            identity: parts.identity,
            journal: parts.journal,
            queue: parts.queue,
            clock: parts.clock,
            random: parts.random,
            previews: PreviewCache::default(),
            choice_columns: ColumnCache::default(),
            ranged_downloads: Mutex::default(),
            runs: TaskTracker::new(),
            shutdown: CancellationToken::new(),
        }
    }

    /// Checks that the caller may export the whole database. The first line of every use case here.
    async fn authorise(&self, caller: &Caller, action: &str) -> Result<()> {
        let (capability, scope) = (Capability::ExportDatabase, Scope::WholeDatabase);
        identity::authorise(&self.journal, caller, capability, &scope, action).await
    }

    /// Finds one of the caller's exports, if they still may have what it holds. The first line of every use case of one export.
    async fn find_authorised(&self, caller: &Caller, id: ExportId, action: &str) -> Result<ExportRow> {
        if caller.grants.is_empty() {
            identity::refuse(&self.journal, caller, action).await?;
            return Err(Forbidden.into());
        }
        let row = self.find_owned(&mut *self.state.connect().await?, caller, id).await?;
        let Grant { capability, scope } = Grant::to_export(&row.selection);
        identity::authorise::<Error>(&self.journal, caller, capability, &scope, action).await?;
        Ok(row)
    }

    /// Finds one of the caller's exports. Another account's gives `NotFound`, as if it did not exist.
    async fn find_owned(&self, tables: &mut dyn Tables, caller: &Caller, id: ExportId) -> Result<ExportRow> {
        let row = tables.exports().find(id).await?.ok_or(Error::NotFound)?;
        if caller.owns(row.account_id.as_deref(), &row.requested_by) { Ok(row) } else { Err(Error::NotFound) }
    }
}
