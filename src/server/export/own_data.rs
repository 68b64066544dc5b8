//! Exports of people's own data: what there is, and the request.

use std::sync::Arc;
use std::time::Duration;

use super::file_name::{file_name, layout_file_name};
use super::preview_cache::PreviewState;
use super::scope_words::ScopeWords;
use super::{Error, ExportRequest, Exports, Result};
use crate::model::access::Grant;
use crate::model::channel::Channel;
use crate::model::export::QueuedExport;
use crate::model::output::Compression;
use crate::model::own_data::OwnData;
use crate::model::selection::{ScopeKind, Selection};
use crate::server::identity::{self, Caller};
use crate::server::state::exports::{Completion, ExportRow, ExportState};
use crate::server::support::clock::rfc3339;

/// How long a page waits for the counts.
const PAGE_DEADLINE: Duration = Duration::from_secs(3);

impl Exports {
    /// Whether people have anything to do here with their own data.
    #[must_use]
    pub fn serves_persons(&self) -> bool {
        self.profile.serves_persons()
    }

    /// What an export of the caller's own data would hold.
    ///
    /// # Errors
    /// `NotFound` where nobody has data of their own; `Forbidden` for who has no account in the source; `Busy` while too many
    /// parts are counted.
    pub async fn open_own_data(self: &Arc<Self>, caller: &Caller) -> Result<OwnData> {
        let id = self.own_id(caller, "look at their own data").await?;
        let request = self.own_request(id.clone());
        let selection = self.selection_read(&request);
        let PreviewState { preview, refused } = self.await_preview(&selection, false, PAGE_DEADLINE).await?;
        if let Some(refused) = refused {
            // Whoever maintains the profile has to correct it.
            tracing::error!(error = %refused, "nobody's own data can be exported");
            let what = "own data cannot be exported here now; the server's log says why";
            return Err(Error::NotMeasured(what.to_owned()));
        }
        let layout = request.layout.as_ref().and_then(|name| self.profile.layout(name));
        let words = ScopeWords(layout.as_ref());
        let now = self.clock.now();
        let newest = self.newest_own(caller, &id).await?;
        let unfinished = newest.filter(|row| matches!(row.state, ExportState::Queued | ExportState::Running));
        Ok(OwnData {
            counts: words.counts(&preview),
            records: preview.total_records(),
            left_out: preview
                .excluded
                .iter()
                .map(|left| format!("{} ({})", words.name(&left.table), left.reason))
                .collect(),
            file_name: match &layout {
                Some(layout) => layout_file_name(layout, now),
                None => file_name(&self.profile, &selection, now, Compression::None),
            },
            settled: preview.settled,
            run: unfinished.map(|row| row.id),
            history: Vec::new(),
            failure: preview.failure,
        })
    }

    /// Queues an export of everything that is the caller's own. The file of the one before is removed: one is kept for each.
    ///
    /// # Errors
    /// As `open_own_data`, and as `request`.
    pub async fn request_own_data(self: &Arc<Self>, caller: &Caller, channel: Channel) -> Result<QueuedExport> {
        let id = self.own_id(caller, "export their own data").await?;
        let before = self.newest_own(caller, &id).await?;
        let queued = self.enqueue(caller, channel, self.own_request(id)).await?;
        if let Some(before) = before {
            self.remove_artifact(&before).await?;
        }
        Ok(queued)
    }

    /// As `request_own_data`, for an answer at once. A request that was not answered yet, or whose answer was not fetched, is
    /// joined.
    ///
    /// # Errors
    /// As `request_own_data`.
    pub async fn join_own_data(self: &Arc<Self>, caller: &Caller) -> Result<QueuedExport> {
        let id = self.own_id(caller, "export their own data").await?;
        let now = rfc3339(self.clock.now());
        let newest = self.newest_own(caller, &id).await?;
        let joined = newest.filter(|row| match &row.state {
            ExportState::Queued | ExportState::Running => true,
            ExportState::Completed(Completion { .. }) => {
                row.channel == Channel::Endpoint && row.downloads == 0 && row.is_available(&now)
            }
            _ => false,
        });
        match joined {
            Some(row) => Ok(QueuedExport { id: row.id, file_name: row.file_name }),
            None => self.request_own_data(caller, Channel::Endpoint).await,
        }
    }

    /// The id of the person that the caller is.
    async fn own_id(&self, caller: &Caller, action: &str) -> Result<String> {
        if !self.serves_persons() {
            return Err(Error::NotFound);
        }
        let id = caller.account_id().unwrap_or_default().to_owned();
        let Grant { capability, scope } = Grant::of_person(id.clone());
        identity::authorise::<Error>(&self.journal, caller, capability, &scope, action).await?;
        Ok(id)
    }

    fn own_request(&self, id: String) -> ExportRequest {
        let layout = self.has_layout_of(ScopeKind::Person).then(|| self.profile.name.clone());
        ExportRequest { selection: Selection::of_person(id), layout, ..ExportRequest::default() }
    }

    /// The caller's newest export of their own data.
    async fn newest_own(&self, caller: &Caller, id: &str) -> Result<Option<ExportRow>> {
        let newest = self.state.connect().await?.exports().of_scope(ScopeKind::Person, id, 1).await?;
        Ok(newest.into_iter().find(|row| caller.owns(row.account_id.as_deref(), &row.requested_by)))
    }
}
