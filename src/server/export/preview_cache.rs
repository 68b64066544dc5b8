//! Previews in progress, and recent ones: each selection is counted once, however many pages show it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::interest::{Interest, Waiting};
use super::{Error, Result};
use crate::model::preview::Preview;
use crate::model::selection::Selection;
use crate::server::selection::InvalidSelection;
use crate::server::support::sync::lock;

/// How long a preview is reused, unless a refresh is requested.
const MAX_AGE: Duration = Duration::from_mins(1);
/// How long a preview is reused even if a refresh is requested.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(1);
/// Most previews of parts in progress: each reads much of the database.
const MAX_RUNNING_PARTS: usize = 4;

/// The previews by selection. Nobody is shown the counts of another selection than their own.
#[derive(Default)]
pub struct PreviewCache(Mutex<HashMap<Selection, CachedPreview>>);

/// A preview as far as it is known.
#[derive(Clone, Debug, Default)]
pub struct PreviewState {
    pub preview: Preview,
    /// The selection names what does not exist.
    pub refused: Option<InvalidSelection>,
}

/// A preview that somebody waits for.
pub struct AwaitedPreview {
    pub state: watch::Receiver<PreviewState>,
    _waiting: Waiting,
}

#[derive(Clone)]
struct CachedPreview {
    started: Instant,
    state: watch::Receiver<PreviewState>,
    interest: Arc<Interest>,
}

impl PreviewCache {
    /// The file size that the newest preview of the selection estimates, once it has measured every table.
    pub fn latest_size(&self, selection: &Selection) -> Option<u64> {
        let cached = lock(&self.0).get(selection).cloned()?;
        let size = cached.state.borrow().preview.total_size();
        size.map(|size| size.bytes)
    }

    /// Returns the selection's preview, which `start` begins if there is none or it is too old.
    ///
    /// # Errors
    /// `Busy` while too many parts are counted.
    pub fn get_or_start(
        &self,
        selection: &Selection,
        refresh: bool,
        start: impl FnOnce(Arc<Interest>) -> watch::Receiver<PreviewState>,
    ) -> Result<AwaitedPreview> {
        let mut previews = lock(&self.0);
        let max_age = if refresh { MIN_REFRESH_INTERVAL } else { MAX_AGE };
        let usable = previews.get(selection).filter(|cached| cached.is_usable(max_age));
        if let Some(awaited) = usable.and_then(CachedPreview::wait) {
            return Ok(awaited);
        }
        previews.retain(|_, cached| cached.is_usable(MAX_AGE));
        let running = previews.iter().filter(|(part, cached)| !part.is_whole_database() && cached.is_running());
        if !selection.is_whole_database() && running.count() >= MAX_RUNNING_PARTS {
            let message = "Other parts of the database are being counted.".to_owned();
            return Err(Error::Busy { message, retry_after_seconds: 2 });
        }
        let interest = Interest::new();
        let cached = CachedPreview { started: Instant::now(), state: start(interest.clone()), interest };
        previews.insert(selection.clone(), cached.clone());
        cached.wait().ok_or(Error::Stopped)
    }

    /// A page that has waited for this selection turns to another one.
    pub fn withdraw(&self, selection: &Selection) {
        let left = lock(&self.0).get(selection).filter(|cached| cached.is_running()).cloned();
        if let Some(left) = left.filter(|_| !selection.is_whole_database()) {
            left.interest.withdraw();
        }
    }
}

impl CachedPreview {
    fn wait(&self) -> Option<AwaitedPreview> {
        self.interest.wait().map(|waiting| AwaitedPreview { state: self.state.clone(), _waiting: waiting })
    }

    fn is_running(&self) -> bool {
        !self.state.borrow().preview.settled && self.state.has_changed().is_ok()
    }

    /// One in progress is always waited for, unless its task has died or was given up.
    fn is_usable(&self, max_age: Duration) -> bool {
        let (settled, failed) = {
            let state = self.state.borrow();
            (state.preview.settled, state.preview.failure.is_some() || state.refused.is_some())
        };
        if settled {
            !failed && self.started.elapsed() < max_age
        } else {
            self.state.has_changed().is_ok() && !self.interest.is_over()
        }
    }
}
