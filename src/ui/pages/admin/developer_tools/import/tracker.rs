//! Where the import page is, and the requests that take it further.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::decisions::Decisions;
use crate::model::import::ImportMode;
use crate::model::import_plan::ImportPlanHead;
use crate::model::import_report::ImportReport;
use crate::model::import_undo::{KeptImport, UndoReport};
use crate::model::import_update::ImportUpdate;
use crate::model::route;
use crate::ui::browser::{self, RequestUpdate};

/// The element that shows how a request has ended.
pub const OUTCOME: &str = "outcome";

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Plan,
    Import,
    PlanUndo,
    Undo,
}

#[derive(Clone)]
pub enum Step {
    /// A file is chosen, and how.
    Choosing,
    Sending {
        work: Work,
        percent: u64,
    },
    Working {
        work: Work,
        records: u64,
    },
    Planned(Box<ImportPlanHead>),
    Imported(Box<ImportReport>),
    /// What an undo would do.
    UndoPlanned(UndoReport),
    Undone(UndoReport),
    /// The connection broke: nobody knows what has become of it.
    Unknown {
        work: Work,
        /// What the server knows of it.
        told: Option<String>,
    },
    /// Sentences for people.
    Failed {
        work: Work,
        sentences: Vec<String>,
    },
}

#[derive(Clone, Copy)]
pub struct ImportTracker {
    pub step: RwSignal<Step>,
    pub mode: RwSignal<ImportMode>,
    /// What becomes of conflicts, once that was said.
    pub decisions: StoredValue<Decisions>,
    /// Whether a file that no key of this installation has signed is taken.
    pub accepts_unsigned: RwSignal<bool>,
    /// The imports that were done on this page and can be undone, the oldest first.
    pub imported: RwSignal<Vec<KeptImport>>,
    /// The imports that were undone on this page.
    pub undone: RwSignal<Vec<String>>,
    /// The number of the newest request: what comes for an older one is dropped.
    newest: StoredValue<u32>,
}

impl ImportTracker {
    pub fn new() -> Self {
        Self {
            step: RwSignal::new(Step::Choosing),
            mode: RwSignal::new(ImportMode::RequireEmpty),
            decisions: StoredValue::new(Decisions::default()),
            accepts_unsigned: RwSignal::new(false),
            imported: RwSignal::new(Vec::new()),
            undone: RwSignal::new(Vec::new()),
            newest: StoredValue::new(0),
        }
    }

    /// Another file or mode was chosen: no plan is of it.
    pub fn start_over(self) {
        self.newest.update_value(|newest| *newest += 1);
        self.step.set(Step::Choosing);
    }

    /// Plans, without any decision about conflicts: one that was made was about those that were shown.
    pub fn plan(self) {
        self.plan_with(Decisions::default());
    }

    /// Plans again, with these decisions about conflicts.
    pub fn plan_with(self, decisions: Decisions) {
        self.decisions.set_value(decisions);
        self.step.set(Step::Sending { work: Work::Plan, percent: 0 });
        browser::request_plan(&format!("{}?{}", route::IMPORT_PLAN, self.options()), self.listener(Work::Plan));
    }

    /// Imports if exactly what the plan says would happen.
    pub fn import(self, plan: &str) {
        self.step.set(Step::Sending { work: Work::Import, percent: 0 });
        let address = format!("{}?{}&plan={plan}", route::IMPORTS, self.options());
        browser::request_import(&address, self.listener(Work::Import));
    }

    /// Finds out what an undo would do.
    pub fn plan_undo(self, import: &str) {
        self.undo_with(Work::PlanUndo, import, "dry_run=true");
    }

    /// Undoes exactly what the report says.
    pub fn undo(self, planned: &UndoReport) {
        let keep_changed = planned.tables.iter().any(|table| table.changed_since > 0);
        let options = format!("keep_changed={keep_changed}&expected={}", planned.digest);
        self.undo_with(Work::Undo, &planned.import, &options);
    }

    /// Whether a plan is what comes next.
    pub fn needs_plan(self) -> bool {
        matches!(self.step.get(), Step::Choosing | Step::Failed { .. } | Step::Undone(_))
    }

    /// Leaves the question whether to undo an import, if it is asked.
    pub fn leave_question(self) {
        if matches!(self.step.get_untracked(), Step::UndoPlanned(_)) {
            self.start_over();
        }
    }

    /// Whether a request runs.
    pub fn is_busy(self) -> bool {
        matches!(self.step.get(), Step::Sending { .. } | Step::Working { .. })
    }

    fn undo_with(self, work: Work, import: &str, options: &str) {
        self.step.set(Step::Working { work, records: 0 });
        let address = format!("{}?{options}", route::IMPORT_UNDO.replace("{id}", import));
        browser::post(&address, self.listener(work));
    }

    fn options(self) -> String {
        let decisions = self.decisions.with_value(Decisions::query);
        let (mode, accepts_unsigned) = (self.mode.get_untracked(), self.accepts_unsigned.get_untracked());
        format!("mode={mode}&accept_unsigned={accepts_unsigned}{decisions}")
    }

    fn listener(self, work: Work) -> impl Fn(RequestUpdate) + Clone + 'static {
        self.newest.update_value(|newest| *newest += 1);
        let turn = self.newest.get_value();
        move |update| {
            if self.newest.get_value() == turn {
                self.show(work, update);
            }
        }
    }

    fn show(self, work: Work, update: RequestUpdate) {
        let failed = move |text: &str| Step::Failed { work, sentences: text.lines().map(str::to_owned).collect() };
        let step = match update {
            RequestUpdate::Sending { percent: 100 } => Step::Working { work, records: 0 },
            RequestUpdate::Sending { percent } => Step::Sending { work, percent },
            RequestUpdate::Failed(text) => failed(&text),
            RequestUpdate::Broken => Step::Unknown { work, told: None },
            RequestUpdate::Answer(ImportUpdate::Unknown(told)) => Step::Unknown { work, told: Some(told) },
            RequestUpdate::Answer(ImportUpdate::Problem(error)) => failed(&error.to_string()),
            RequestUpdate::Answer(ImportUpdate::Records(records)) => Step::Working { work, records },
            RequestUpdate::Answer(ImportUpdate::Imported(report)) => Step::Imported(report),
            RequestUpdate::Answer(ImportUpdate::Undone(report)) if report.written => Step::Undone(report),
            RequestUpdate::Answer(ImportUpdate::Undone(report)) => Step::UndoPlanned(report),
            RequestUpdate::Answer(ImportUpdate::Plan(_)) => {
                let turn = self.newest.get_value();
                spawn_local(async move {
                    let head = browser::plan_head().await;
                    if self.newest.get_value() == turn {
                        self.step.set(head.map_or_else(
                            || failed("The plan cannot be read. Plan again."),
                            |head| Step::Planned(Box::new(head)),
                        ));
                        browser::focus(OUTCOME);
                    }
                });
                return;
            }
        };
        if let Step::Undone(report) = &step {
            self.undone.update(|undone| undone.push(report.import.clone()));
        }
        if let Step::Imported(report) = &step
            && let Some(id) = report.undo.clone()
        {
            let (mode, file_sha256) = (self.mode.get_untracked(), report.sha256.clone());
            self.imported
                .update(|kept| kept.push(KeptImport { id, mode, file_sha256, at: String::new(), person: None }));
        }
        let is_over = !matches!(step, Step::Sending { .. } | Step::Working { .. });
        self.step.set(step);
        if is_over {
            browser::focus(OUTCOME);
        }
    }
}
