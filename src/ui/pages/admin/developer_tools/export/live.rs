//! The page's state of a run, and following a run through its events.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::model::export::{Compression, ExportId, Preview, Requested, RunState, RunView};
use crate::model::text;
use crate::rpc::export::{preview_export, request_export};
use crate::ui::browser;
use crate::ui::components::Toast;

/// Progress is announced to screen readers after this many percent, or after this time.
const ANNOUNCE_PERCENT: u64 = 10;
const ANNOUNCE_MS: u64 = 10_000;

/// The page's signals about its current run.
#[derive(Clone, Copy)]
pub struct Live {
    pub run: RwSignal<Option<RunView>>,
    pub announcement: RwSignal<String>,
    pub toast: RwSignal<Option<Toast>>,
    /// Why the last request failed.
    pub problem: RwSignal<Option<String>>,
    /// Percent and run time (ms) of the last announcement.
    announced: StoredValue<(u64, u64)>,
}

impl Live {
    pub fn of(run: Option<RunView>) -> Self {
        Self {
            run: RwSignal::new(run),
            announcement: RwSignal::new(String::new()),
            toast: RwSignal::new(None),
            problem: RwSignal::new(None),
            announced: StoredValue::new((0, 0)),
        }
    }

    /// Shows why a plain form was refused, by the code in the `problem` query parameter.
    pub fn tell(self, problem: &str) {
        let text = match problem {
            "" => return,
            "busy" => "An export is running already. Wait for it to end, then try again.",
            _ => "The export could not be started. Try again in a moment.",
        };
        self.problem.set(Some(text.to_owned()));
    }

    /// `None` without a run, false while it runs, true when it is over.
    pub fn phase(self) -> Memo<Option<bool>> {
        Memo::new(move |_| self.run.read().as_ref().map(|run| run.state.is_over()))
    }

    /// Follows a run that was queued or running when the page was loaded. Effects run in the browser only.
    pub fn adopt(self) {
        Effect::new(move || {
            if let Some(run) = self.run.get_untracked().filter(|run| !run.state.is_over()) {
                self.follow(run.id);
            }
        });
    }

    /// Requests an export and follows it.
    pub fn start(self, estimated_bytes: Option<u64>, compression: Compression) {
        self.problem.set(None);
        spawn_local(async move {
            match request_export(compression).await {
                Ok(Requested { id, file_name }) => {
                    self.run.set(Some(RunView { id, file_name, estimated_bytes, state: RunState::Queued }));
                    self.announced.set_value((0, 0));
                    self.announcement.set("Export started.".into());
                    self.follow(id);
                }
                Err(error) => {
                    self.toast.set(Some(Toast { good: false, text: error.to_string() }));
                    self.problem.set(Some(error.to_string()));
                }
            }
        });
    }

    fn follow(self, id: ExportId) {
        browser::follow(id, move |view| self.show(view));
    }

    fn show(self, view: RunView) {
        match &view.state {
            RunState::Queued => {}
            RunState::Running(progress) => {
                let percent = super::progress::percent(progress);
                let (last_percent, last_ms) = self.announced.get_value();
                if percent >= last_percent + ANNOUNCE_PERCENT || progress.elapsed_ms >= last_ms + ANNOUNCE_MS {
                    self.announced.set_value((percent, progress.elapsed_ms));
                    self.announcement.set(format!("{percent} percent"));
                }
            }
            over => self.end(view.id, over),
        }
        self.run.set(Some(view));
    }

    fn end(self, id: ExportId, state: &RunState) {
        let (good, text) = match state {
            RunState::Completed(done) => {
                browser::download(id);
                let has_drifted = done.deviations.has_drifted();
                let headline = if has_drifted { "Complete, with deviations" } else { "Complete and sealed" };
                (!has_drifted, format!("{headline}. {}.", text::counted(done.records, "record")))
            }
            RunState::Failed(failure) => (false, format!("Not complete. {}", failure.message)),
            RunState::Cancelled => (false, "Cancelled. No file was made.".to_owned()),
            _ => return,
        };
        self.announcement.set(text.clone());
        self.toast.set(Some(Toast { good, text }));
    }
}

/// Polls the preview until every table is counted and measured.
pub fn settle(preview: RwSignal<Preview>) {
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
