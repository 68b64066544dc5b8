//! Where the page is, and the requests that take it further.

use leptos::prelude::*;

use crate::model::import::ImportMode;
use crate::model::import_undo::{KeptImport, UndoReport};
use crate::model::own_import::{OwnImportPreview, OwnImportResult};
use crate::model::route;
use crate::ui::browser::{self, FormUpdate};

/// The element that shows how a request has ended.
pub const OUTCOME: &str = "outcome";

#[derive(Clone)]
pub enum Step {
    Choosing,
    Sending {
        percent: u64,
    },
    Comparing,
    Previewed(Box<OwnImportPreview>),
    Importing,
    Imported(Box<OwnImportResult>),
    Undoing,
    /// What an undo would do.
    UndoPlanned(UndoReport),
    Undone(UndoReport),
    /// One sentence each.
    Refused(Vec<String>),
    /// The connection broke.
    Unknown,
}

#[derive(Clone, Copy)]
pub struct OwnImportTracker {
    pub step: RwSignal<Step>,
    pub mode: RwSignal<ImportMode>,
    /// The imports that were done on this page, the oldest first.
    pub imported: RwSignal<Vec<KeptImport>>,
    pub undone: RwSignal<Vec<String>>,
    /// The number of the newest request: what comes for an older one is dropped.
    newest: StoredValue<u32>,
}

impl OwnImportTracker {
    pub fn new() -> Self {
        Self {
            step: RwSignal::new(Step::Choosing),
            mode: RwSignal::new(ImportMode::Merge),
            imported: RwSignal::new(Vec::new()),
            undone: RwSignal::new(Vec::new()),
            newest: StoredValue::new(0),
        }
    }

    /// Another file was chosen: nothing is known of it.
    pub fn start_over(self) {
        self.newest.update_value(|newest| *newest += 1);
        self.step.set(Step::Choosing);
    }

    pub fn is_busy(self) -> bool {
        self.step.with(|step| matches!(step, Step::Sending { .. } | Step::Comparing | Step::Importing | Step::Undoing))
    }

    /// Whether a preview is the next step.
    pub fn needs_preview(self) -> bool {
        self.step.with(|step| matches!(step, Step::Choosing | Step::Refused(_) | Step::Unknown))
    }

    pub fn preview(self) {
        self.step.set(Step::Sending { percent: 0 });
        let show = self.turn(Step::Comparing, |preview: OwnImportPreview| Step::Previewed(Box::new(preview)));
        browser::send_form(route::OWN_IMPORT_PREVIEW, &[], true, show);
    }

    /// Imports, if that does what the preview has said.
    pub fn import(self, plan: &str) {
        self.step.set(Step::Sending { percent: 0 });
        let mode = self.mode.get_untracked();
        let show = self.turn(Step::Importing, move |result: OwnImportResult| {
            if let Some(id) = result.undo.clone() {
                let kept = KeptImport { id, at: String::new(), file_sha256: String::new(), mode, person: None };
                self.imported.update(|imported| imported.push(kept));
            }
            Step::Imported(Box::new(result))
        });
        let fields = [
            ("mode", mode.to_string()),
            ("confirm", if mode == ImportMode::Replace { "replace" } else { "true" }.to_owned()),
            ("plan", plan.to_owned()),
        ];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser::send_form(route::OWN_IMPORTS, &fields, true, show);
    }

    /// Asks what an undo would do.
    pub fn plan_undo(self, import: &str) {
        self.undo_with(import, "?dry_run=true");
    }

    /// Does what was shown, and leaves what was changed since.
    pub fn undo(self, report: &UndoReport) {
        self.undo_with(&report.import, &format!("?keep_changed=true&expected={}", report.digest));
    }

    fn undo_with(self, import: &str, options: &str) {
        self.step.set(Step::Undoing);
        let address = format!("{}{options}", route::OWN_IMPORT_UNDO.replace("{id}", import));
        let show = self.turn(Step::Undoing, move |report: UndoReport| {
            if !report.written {
                return Step::UndoPlanned(report);
            }
            self.undone.update(|undone| undone.push(report.import.clone()));
            Step::Undone(report)
        });
        browser::send_form(&address, &[], false, show);
    }

    /// Shows what comes for the request that begins now. `sent` is the step once its file is sent.
    fn turn<T: 'static>(
        self,
        sent: Step,
        ended: impl Fn(T) -> Step + Clone + 'static,
    ) -> impl Fn(FormUpdate<T>) + Clone + 'static {
        self.newest.update_value(|newest| *newest += 1);
        let turn = self.newest.get_value();
        move |update| {
            if self.newest.get_value() != turn {
                return;
            }
            let is_over = !matches!(update, FormUpdate::Sending { .. });
            self.step.set(match update {
                FormUpdate::Sending { percent: 100 } => sent.clone(),
                FormUpdate::Sending { percent } => Step::Sending { percent },
                FormUpdate::Answer(answer) => ended(answer),
                FormUpdate::Refused(sentences) => Step::Refused(sentences),
                FormUpdate::Broken => Step::Unknown,
            });
            if is_over {
                browser::focus(OUTCOME);
            }
        }
    }
}
