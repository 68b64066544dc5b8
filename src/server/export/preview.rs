//! The page's preview: what an export would contain now.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::compute_preview::{DEFAULT_BYTES_PER_SECOND, compute_preview};
use super::file_name::file_name;
use super::interest::Interest;
use super::part_summary::summarize;
use super::preview_cache::PreviewState;
use super::{Error, Exports, Result};
use crate::model::drift::find_reclassified;
use crate::model::output::Compression;
use crate::model::preview::Preview;
use crate::model::selection::Selection;
use crate::server::identity::Caller;
use crate::server::selection::parse_part;
use crate::server::support::clock::rfc3339;

/// How long a page waits for counts, so that it follows a choice within half a second. Tables not counted by then show about how
/// many records they have, or "counting", and are updated later.
const RESPONSE_DEADLINE: Duration = Duration::from_millis(400);

impl Exports {
    /// Returns the latest preview of the part, which is named by a query of the page's address (`PartQuery`); starts a new
    /// one if that is too old or a refresh is requested. Waits for a moment and returns what is known by then.
    /// `instead_of` is the part that the page has waited for until now: its preview is ended, unless others wait for it.
    ///
    /// # Errors
    /// `Forbidden`; `Selection` if the part names what does not exist; `Busy` while too many parts are counted; `State` if
    /// the state cannot be read. Errors of the source are in the preview's `failure`.
    pub async fn preview(
        self: &Arc<Self>,
        caller: &Caller,
        part: &str,
        refresh: bool,
        instead_of: Option<&str>,
    ) -> Result<Preview> {
        self.authorise(caller, "preview an export").await?;
        let selection = parse_part(part)?;
        if let Some(left) = instead_of.and_then(|left| parse_part(left).ok())
            && left != selection
        {
            self.previews.withdraw(&left);
        }
        let PreviewState { preview: mut shown, refused } =
            self.await_preview(&selection, refresh, RESPONSE_DEADLINE).await?;
        if let Some(refused) = refused {
            return Err(Error::Selection(refused));
        }
        shown.file_name = file_name(&self.profile, &selection, self.clock.now(), Compression::None);
        shown.reclassified =
            find_reclassified(&self.state.connect().await?.exports().last_guesses().await?, &shown.guesses);
        Ok(shown)
    }

    /// The preview of a selection that the caller may have, as far as it is known at the deadline.
    pub(super) async fn await_preview(
        self: &Arc<Self>,
        selection: &Selection,
        refresh: bool,
        deadline: Duration,
    ) -> Result<PreviewState> {
        let rate = self.bytes_per_second().await?;
        let start = |interest| self.start_preview(selection, rate, interest);
        let mut awaited = self.previews.get_or_start(selection, refresh, start)?;
        let settled = awaited.state.wait_for(|state| state.preview.settled);
        // On timeout, or if the task failed, what is known so far counts.
        let _ = tokio::time::timeout(deadline, settled).await;
        let state = awaited.state.borrow().clone();
        Ok(state)
    }

    fn start_preview(
        self: &Arc<Self>,
        selection: &Selection,
        rate: u64,
        interest: Arc<Interest>,
    ) -> watch::Receiver<PreviewState> {
        let part = summarize(selection);
        let empty = Preview { taken_at: rfc3339(self.clock.now()), part, ..Preview::default() };
        let (sender, state) = watch::channel(PreviewState { preview: empty, refused: None });
        let ended = CancellationToken::new();
        if !selection.is_whole_database() {
            let (interest, ended) = (interest.clone(), ended.clone());
            tokio::spawn(async move { interest.watch(ended).await });
        }
        let (exports, selection) = (self.clone(), selection.clone());
        tokio::task::spawn_blocking(move || {
            let _ended = ended.drop_guard();
            let show = |preview: &Preview| {
                sender.send_modify(|state| preview.clone_into(&mut state.preview));
                if interest.is_over() { Err(Error::Stopped) } else { Ok(()) }
            };
            let (source, profile, clock) = (&*exports.source, &exports.profile, &*exports.clock);
            let on_handle = |interrupt| interest.attach_interrupt(interrupt);
            let measured = compute_preview(source, &on_handle, profile, &selection, clock, rate, &show);
            sender.send_modify(|state| {
                match measured {
                    Ok(preview) => state.preview = preview,
                    Err(Error::Selection(refused)) => state.refused = Some(refused),
                    Err(error) => state.preview.failure = Some(preview_failure_message(&error)),
                }
                state.preview.settled = true;
            });
        });
        state
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
        Error::Source(_) | Error::Profile(_) | Error::Stopped => error.to_string(),
        other => {
            tracing::error!(error = %other, "a preview failed");
            "the preview failed; the server's log says why".to_owned()
        }
    }
}
