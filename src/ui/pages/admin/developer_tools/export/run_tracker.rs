//! The page's state of a run, and following a run through its events.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::model::export::{Compression, ExportId, Preview, Progress, QueuedExport, RunState, RunView};
use crate::model::text;
use crate::rpc::export::{preview_export, request_export};
use crate::ui::browser;
use crate::ui::components::Toast;

/// Progress is announced to screen readers after this many percent, or after this time.
const ANNOUNCE_PERCENT: u64 = 10;
const ANNOUNCE_MS: u64 = 10_000;

/// The page's signals about its current run.
#[derive(Clone, Copy)]
pub struct RunTracker {
    pub run: RwSignal<Option<RunView>>,
    pub announcement: RwSignal<String>,
    pub toast: RwSignal<Option<Toast>>,
    /// Why the last request failed.
    pub error: RwSignal<Option<String>>,
    /// Percent and run time (ms) of the last announcement.
    last_announced: StoredValue<(u64, u64)>,
}

impl RunTracker {
    pub fn new(run: Option<RunView>) -> Self {
        Self {
            run: RwSignal::new(run),
            announcement: RwSignal::new(String::new()),
            toast: RwSignal::new(None),
            error: RwSignal::new(None),
            last_announced: StoredValue::new((0, 0)),
        }
    }

    /// Shows why a plain form was refused, by the code in the `problem` query parameter.
    pub fn show_form_error(self, problem: &str) {
        let text = match problem {
            "" => return,
            "busy" => "An export is already running. Wait until it has finished, then try again.",
            _ => "The export could not be started. Try again in a moment.",
        };
        self.error.set(Some(text.to_owned()));
    }

    /// `None` without a run, false while it runs, true when it is over.
    pub fn phase(self) -> Memo<Option<bool>> {
        Memo::new(move |_| self.run.read().as_ref().map(|run| run.state.is_finished()))
    }

    /// Follows a run that was queued or running when the page was loaded. Effects run in the browser only.
    pub fn resume(self) {
        Effect::new(move || {
            if let Some(run) = self.run.get_untracked().filter(|run| !run.state.is_finished()) {
                self.follow(run.id);
            }
        });
    }

    /// Requests an export and follows it.
    pub fn start(self, estimated_bytes: Option<u64>, compression: Compression) {
        self.error.set(None);
        spawn_local(async move {
            match request_export(compression).await {
                Ok(QueuedExport { id, file_name }) => {
                    self.run.set(Some(RunView { id, file_name, estimated_bytes, state: RunState::Queued }));
                    self.last_announced.set_value((0, 0));
                    self.announcement.set("Export started.".into());
                    self.follow(id);
                }
                Err(error) => {
                    self.toast.set(Some(Toast { is_success: false, text: error.to_string() }));
                    self.error.set(Some(error.to_string()));
                }
            }
        });
    }

    fn follow(self, id: ExportId) {
        browser::follow_run(id, move |view| self.update(view));
    }

    fn update(self, view: RunView) {
        match &view.state {
            RunState::Queued => {}
            RunState::Running(progress) => {
                let percent = percent(progress);
                let (last_percent, last_ms) = self.last_announced.get_value();
                if percent >= last_percent + ANNOUNCE_PERCENT || progress.elapsed_ms >= last_ms + ANNOUNCE_MS {
                    self.last_announced.set_value((percent, progress.elapsed_ms));
                    self.announcement.set(format!("{percent} percent"));
                }
            }
            finished => self.finish(view.id, finished),
        }
        self.run.set(Some(view));
    }

    fn finish(self, id: ExportId, state: &RunState) {
        let (is_success, text) = match state {
            RunState::Completed(done) => {
                browser::start_download(id);
                let has_drifted = done.deviations.has_drifted();
                let headline = if has_drifted { "Complete, with drift" } else { "Complete and sealed" };
                (!has_drifted, format!("{headline}. {}.", text::count_with_noun(done.records, "record")))
            }
            RunState::Failed(failure) => (false, format!("Export failed. {}", failure.message)),
            RunState::Cancelled => (false, "Cancelled. No file was created.".to_owned()),
            _ => return,
        };
        self.announcement.set(text.clone());
        self.toast.set(Some(Toast { is_success, text }));
    }
}

/// Polls the preview until every table is counted and measured.
pub fn poll_preview(preview: RwSignal<Preview>) {
    Effect::new(move || {
        if preview.get_untracked().settled {
            return;
        }
        spawn_local(async move {
            while !preview.get_untracked().settled {
                gloo_timers::future::TimeoutFuture::new(400).await;
                match preview_export(false).await {
                    Ok(newer) => preview.set(newer),
                    Err(_) => return,
                }
            }
        });
    });
}

/// Returns the progress in percent: by bytes if a preview estimated them, otherwise by records.
pub fn percent(progress: &Progress) -> u64 {
    let (done, all) = match (progress.estimated_bytes, progress.total_records) {
        (0, records) => (progress.records, records),
        (bytes, _) => (progress.bytes, bytes),
    };
    // The estimate may be too low: only a sealed file counts as 100 %.
    (done * 100).checked_div(all).unwrap_or_default().min(99)
}
