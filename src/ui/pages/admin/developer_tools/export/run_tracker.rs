//! The page's state of a run, and following a run through its events.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::announcer::Announcer;
use crate::model::export::{ExportId, ExportSummary, QueuedExport, RunState, RunView};
use crate::model::output::Compression;
use crate::model::preview::Preview;
use crate::model::{route, text};
use crate::rpc::export::request_export;
use crate::ui::browser;
use crate::ui::components::Toast;

/// The page's signals about its current run.
#[derive(Clone, Copy)]
pub struct RunTracker {
    pub run: RwSignal<Option<RunView>>,
    pub announcer: Announcer,
    pub toast: RwSignal<Option<Toast>>,
    /// Why the last request failed.
    pub error: RwSignal<Option<String>>,
}

/// How far the page's run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// There is no run.
    Idle,
    /// Queued or running.
    Running(ExportId),
    Finished,
}

impl RunTracker {
    pub fn new(run: Option<RunView>) -> Self {
        Self {
            run: RwSignal::new(run),
            announcer: Announcer::new(),
            toast: RwSignal::new(None),
            error: RwSignal::new(None),
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

    pub fn phase(self) -> Memo<Phase> {
        Memo::new(move |_| match self.run.read().as_ref() {
            None => Phase::Idle,
            Some(run) if run.state.is_finished() => Phase::Finished,
            Some(run) => Phase::Running(run.id),
        })
    }

    /// Follows a run that was queued or running when the page was loaded. A small export has ended before its page is there:
    /// whoever was sent here by asking for it gets the file all the same. Effects run in the browser only.
    pub fn resume(self) {
        Effect::new(move || {
            let Some(run) = self.run.get_untracked() else { return };
            let is_new = browser::take_query(route::DOWNLOAD_QUERY);
            match run.state {
                RunState::Completed(_) if is_new => browser::start_download(run.id),
                state if state.is_finished() => {}
                _ => self.follow(run.id),
            }
        });
    }

    /// Requests an export of what the preview shows, and follows it.
    pub fn start(self, preview: &Preview, compression: Compression) {
        let estimated_bytes = preview.total_size().map(|size| size.bytes);
        let part = preview.part.as_ref().map(|part| part.query.clone()).unwrap_or_default();
        self.error.set(None);
        spawn_local(async move {
            match request_export(part, compression).await {
                Ok(queued) => self.started(queued, estimated_bytes),
                Err(error) => {
                    self.toast.set(Some(Toast { is_success: false, text: error.to_string() }));
                    self.error.set(Some(error.to_string()));
                }
            }
        });
    }

    fn started(self, queued: QueuedExport, estimated_bytes: Option<u64>) {
        let QueuedExport { id, file_name } = queued;
        self.run.set(Some(RunView { id, file_name, estimated_bytes, state: RunState::Queued }));
        self.announcer.announce_start();
        self.follow(id);
    }

    fn follow(self, id: ExportId) {
        browser::follow_run(id, move |view| self.update(view), move || self.lose_sight());
    }

    /// The session or the role has ended meanwhile.
    fn lose_sight(self) {
        let text =
            "This page can no longer follow the export: you are signed out, or your role has changed. Reload the page.";
        self.error.set(Some(text.to_owned()));
        self.show_end(Toast { is_success: false, text: text.to_owned() });
        self.run.set(None);
    }

    fn update(self, view: RunView) {
        match &view.state {
            // None of them is news: nothing has ended just now.
            RunState::Queued | RunState::Running(None) | RunState::Expired(_) => {}
            RunState::Running(Some(progress)) => self.announcer.announce_progress(progress, view.estimated_bytes),
            RunState::Completed(summary) => {
                browser::start_download(view.id);
                self.show_end(completed(summary));
            }
            RunState::Failed { failure, .. } => {
                self.show_end(Toast { is_success: false, text: format!("Export failed. {}", failure.message) });
            }
            RunState::Cancelled { .. } => {
                self.show_end(Toast { is_success: false, text: "Cancelled. No file was created.".to_owned() });
            }
        }
        self.run.set(Some(view));
    }

    fn show_end(self, toast: Toast) {
        self.announcer.announce_end(toast.text.clone());
        self.toast.set(Some(toast));
    }
}

fn completed(summary: &ExportSummary) -> Toast {
    let is_as_expected = summary.deviations.is_as_expected();
    let headline = if is_as_expected { "Complete and sealed" } else { summary.deviations.badge() };
    let text = format!("{headline}. {}.", text::count_with_noun(summary.records, "record"));
    Toast { is_success: is_as_expected, text }
}
