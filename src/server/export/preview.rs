//! The page's preview: what an export would contain now.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::compute_preview::{DEFAULT_BYTES_PER_SECOND, compute_preview};
use super::file_name::file_name;
use super::{Error, Exports, Result};
use crate::model::drift::find_reclassified;
use crate::model::output::Compression;
use crate::model::preview::Preview;
use crate::model::selection::Selection;
use crate::server::identity::Caller;
use crate::server::support::clock::rfc3339;

/// How long a page waits for counts. Tables not counted by then show "counting" and are updated later.
const RESPONSE_DEADLINE: Duration = Duration::from_millis(500);

impl Exports {
    /// Returns the latest preview; starts a new one if that is too old or a refresh is requested. Waits
    /// at most half a second and returns what is known by then.
    ///
    /// # Errors
    /// `Forbidden`; `State` if the state cannot be read. Errors of the source are in the preview's `failure`.
    pub async fn preview(self: &Arc<Self>, caller: &Caller, refresh: bool) -> Result<Preview> {
        self.authorise(caller, "preview an export").await?;
        let rate = self.bytes_per_second().await?;
        let selection = Selection::default();
        let mut preview = self.previews.get_or_start(&selection, refresh, || self.start_preview(&selection, rate));
        let settled = preview.wait_for(|preview| preview.settled);
        // On timeout, or if the task failed, show what is known so far.
        let _ = tokio::time::timeout(RESPONSE_DEADLINE, settled).await;
        let mut shown = preview.borrow().clone();
        shown.file_name = file_name(&self.profile, self.clock.now(), Compression::None);
        shown.reclassified =
            find_reclassified(&self.state.connect().await?.exports().last_guesses().await?, &shown.guesses);
        Ok(shown)
    }

    fn start_preview(self: &Arc<Self>, selection: &Selection, rate: u64) -> watch::Receiver<Preview> {
        let empty = Preview { taken_at: rfc3339(self.clock.now()), ..Preview::default() };
        let (sender, preview) = watch::channel(empty);
        let (exports, selection) = (self.clone(), selection.clone());
        tokio::task::spawn_blocking(move || {
            let show = |preview: &Preview| {
                sender.send_replace(preview.clone());
            };
            let (source, profile, clock) = (&*exports.source, &exports.profile, &*exports.clock);
            let measured = compute_preview(source, profile, &selection, clock, rate, &show);
            sender.send_modify(|preview| {
                preview.failure = measured.err().map(|error| preview_failure_message(&error));
                preview.settled = true;
            });
        });
        preview
    }

    /// The rate of the last completed export without compression, if it is among the newest 20: the preview estimates the
    /// size of such a file.
    async fn bytes_per_second(&self) -> Result<u64> {
        let page = self.state.connect().await?.exports().page(0, 20).await?;
        let mut uncompressed = page.iter().filter(|row| row.compression == Compression::None);
        let last = uncompressed.find_map(|row| row.state.completion());
        let rate = last.and_then(|done| (done.summary.bytes * 1000).checked_div(done.summary.duration_ms));
        Ok(rate.filter(|rate| *rate > 1_000_000).unwrap_or(DEFAULT_BYTES_PER_SECOND))
    }
}

/// The message that a page shows. Errors of source and profile are shown as they are; others, which may name files,
/// are logged instead.
fn preview_failure_message(error: &Error) -> String {
    match error {
        Error::Source(_) | Error::Profile(_) => error.to_string(),
        other => {
            tracing::error!(error = %other, "a preview failed");
            "the preview failed; the server's log says why".to_owned()
        }
    }
}
