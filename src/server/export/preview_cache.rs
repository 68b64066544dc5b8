//! Previews in progress, and recent ones: each selection is counted once, however many pages show it.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::model::preview::Preview;
use crate::model::selection::Selection;
use crate::server::support::sync::lock;

/// How long a preview is reused, unless a refresh is requested.
const MAX_AGE: Duration = Duration::from_mins(1);
/// How long a preview is reused even if a refresh is requested.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(1);

/// The previews by selection. Nobody is shown the counts of another selection than their own.
#[derive(Default)]
pub struct PreviewCache(Mutex<HashMap<Selection, CachedPreview>>);

#[derive(Clone)]
struct CachedPreview {
    started: Instant,
    preview: watch::Receiver<Preview>,
}

impl PreviewCache {
    /// The file size that the newest preview of the selection estimates, once it has measured every table.
    pub fn latest_size(&self, selection: &Selection) -> Option<u64> {
        let cached = lock(&self.0).get(selection).cloned()?;
        let size = cached.preview.borrow().total_size();
        size.map(|size| size.bytes)
    }

    /// Returns the selection's preview, which `start` begins if there is none or it is too old.
    pub fn get_or_start(
        &self,
        selection: &Selection,
        refresh: bool,
        start: impl FnOnce() -> watch::Receiver<Preview>,
    ) -> watch::Receiver<Preview> {
        let mut previews = lock(&self.0);
        let max_age = if refresh { MIN_REFRESH_INTERVAL } else { MAX_AGE };
        if let Some(cached) = previews.get(selection).filter(|cached| cached.is_usable(max_age)) {
            return cached.preview.clone();
        }
        let preview = start();
        previews.retain(|_, cached| cached.is_usable(MAX_AGE));
        previews.insert(selection.clone(), CachedPreview { started: Instant::now(), preview: preview.clone() });
        preview
    }
}

impl CachedPreview {
    /// One in progress is always waited for, unless its task has died.
    fn is_usable(&self, max_age: Duration) -> bool {
        let (settled, failed) = {
            let preview = self.preview.borrow();
            (preview.settled, preview.failure.is_some())
        };
        if settled { !failed && self.started.elapsed() < max_age } else { self.preview.has_changed().is_ok() }
    }
}
