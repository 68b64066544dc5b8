//! The page's preview: of which part it is, and asking the server until every table is counted and measured.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::part::{PART_FORM, replace_filters};
use crate::model::ApiError;
use crate::model::preview::Preview;
use crate::model::text;
use crate::rpc::export::preview_export;
use crate::ui::browser;
use crate::ui::components::Toast;

const INTERVAL_MS: u32 = 400;

/// The page's signals about its preview.
#[derive(Clone, Copy)]
pub struct PreviewTracker {
    pub preview: RwSignal<Preview>,
    /// Why there is no preview of the part that was asked for.
    pub problem: RwSignal<Option<String>>,
    /// Whether another part was chosen than the one that is shown.
    pub is_pending: RwSignal<bool>,
    toast: RwSignal<Option<Toast>>,
    /// What screen readers hear.
    announcement: RwSignal<String>,
    /// The number of the newest choice: what comes for an older one is dropped.
    newest: StoredValue<u32>,
    newest_search: StoredValue<u32>,
}

impl PreviewTracker {
    pub fn new(
        preview: Preview,
        problem: Option<String>,
        toast: RwSignal<Option<Toast>>,
        announcement: RwSignal<String>,
    ) -> Self {
        Self {
            preview: RwSignal::new(preview),
            problem: RwSignal::new(problem),
            is_pending: RwSignal::new(false),
            toast,
            announcement,
            newest: StoredValue::new(0),
            newest_search: StoredValue::new(0),
        }
    }

    /// Completes the preview that the page was rendered with. Effects run in the browser only.
    pub fn complete(self) {
        Effect::new(move || {
            browser::reload_on_navigation();
            if !self.preview.get_untracked().settled && self.problem.get_untracked().is_none() {
                self.ask(self.part(), false, false, 0);
            }
        });
    }

    /// Has a new preview taken, and completes it. If the one of a choice has failed, that is asked for again.
    pub fn refresh(self) {
        if self.is_pending.get_untracked() {
            return self.choose_form(0);
        }
        self.ask(self.part(), true, false, 0);
    }

    /// Turns to the part that the form says, after a pause.
    pub fn choose_form(self, pause_ms: u32) {
        if let Some(part) = browser::form_query(PART_FORM) {
            self.choose(part, pause_ms);
        }
    }

    /// Turns to another part.
    pub fn choose(self, part: String, pause_ms: u32) {
        self.is_pending.set(true);
        self.ask(part.clone(), false, true, pause_ms);
        self.show_filters(part, pause_ms);
    }

    /// Shows what a search finds among the choices, a moment after the last key.
    pub fn search(self, pause_ms: u32) {
        if let Some(part) = browser::form_query(PART_FORM) {
            self.show_filters(part, pause_ms);
        }
    }

    fn show_filters(self, part: String, pause_ms: u32) {
        let turn = next(self.newest_search);
        spawn_local(replace_filters(part, pause_ms, move || self.newest_search.get_value() == turn));
    }

    /// The part that is shown.
    pub fn part(self) -> String {
        self.preview.read_untracked().part.as_ref().map(|part| part.query.clone()).unwrap_or_default()
    }

    fn ask(self, part: String, refresh: bool, is_choice: bool, pause_ms: u32) {
        let turn = next(self.newest);
        spawn_local(self.ask_until_settled(turn, part, refresh, is_choice, pause_ms));
    }

    async fn ask_until_settled(
        self,
        turn: u32,
        part: String,
        mut refresh: bool,
        mut is_choice: bool,
        mut pause_ms: u32,
    ) {
        loop {
            gloo_timers::future::TimeoutFuture::new(pause_ms).await;
            if self.newest.get_value() != turn {
                return;
            }
            let instead_of = is_choice.then(|| self.part());
            let answer = preview_export(part.clone(), refresh, instead_of).await;
            if self.newest.get_value() != turn {
                return;
            }
            match answer {
                Ok(newer) => {
                    self.is_pending.set(false);
                    let settled = newer.settled;
                    self.show(newer, is_choice);
                    if settled {
                        // The sums were not known when the filters of a choice were rendered.
                        if !is_choice {
                            self.show_filters(part, 0);
                        }
                        return;
                    }
                }
                Err(ApiError::Invalid(problem)) => {
                    self.is_pending.set(false);
                    return self.problem.set(Some(problem));
                }
                // What is shown is not what was chosen, and stays marked as such.
                Err(error) => {
                    return self.toast.set(Some(Toast { is_success: false, text: error.to_string() }));
                }
            }
            (refresh, is_choice, pause_ms) = (false, false, INTERVAL_MS);
        }
    }

    fn show(self, newer: Preview, is_choice: bool) {
        if let (Some(records), true) =
            (newer.total_records(), newer.settled && !self.preview.read_untracked().settled || is_choice)
        {
            self.announcement.set(text::count_with_noun(records, "record"));
        }
        self.problem.set(None);
        self.preview.set(newer);
        if is_choice {
            browser::show_address(&self.part());
        }
    }
}

fn next(counter: StoredValue<u32>) -> u32 {
    counter.update_value(|newest| *newest += 1);
    counter.get_value()
}
