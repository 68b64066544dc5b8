//! What screen readers hear of a run: its start, its progress now and then, its end.

use leptos::prelude::*;

use super::progress_figures::percent;
use crate::model::export::Progress;

/// Progress is announced after this many percent, or after this time.
const STEP_PERCENT: u64 = 10;
const STEP_MS: u64 = 10_000;

#[derive(Clone, Copy)]
pub struct Announcer {
    /// The text of the page's live region.
    pub text: RwSignal<String>,
    /// Percent and run time (ms) of the last announcement.
    last: StoredValue<(u64, u64)>,
}

impl Announcer {
    pub fn new() -> Self {
        Self { text: RwSignal::new(String::new()), last: StoredValue::new((0, 0)) }
    }

    pub fn announce_start(self) {
        self.last.set_value((0, 0));
        self.text.set("Export started.".into());
    }

    pub fn announce_progress(self, progress: &Progress, estimated_bytes: Option<u64>) {
        let percent = percent(progress, estimated_bytes);
        let (last_percent, last_ms) = self.last.get_value();
        if percent >= last_percent + STEP_PERCENT || progress.elapsed_ms >= last_ms + STEP_MS {
            self.last.set_value((percent, progress.elapsed_ms));
            self.text.set(format!("{percent} percent"));
        }
    }

    pub fn announce_end(self, text: String) {
        self.text.set(text);
    }
}
