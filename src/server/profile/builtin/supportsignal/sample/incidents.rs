//! Incidents and their narratives; the records that belong to an incident are inserted with it.

use rusqlite::params;
use serde_json::json;

use super::texts;
use super::writer::{MINUTE_MS, SITES_PER_COMPANY, SampleWriter, minutes_after_start};
use crate::server::profile::builtin::dice::Dice;

pub const PHASES: [&str; 4] = ["before_event", "during_event", "end_event", "post_event"];
pub const MODELS: [&str; 3] = ["gpt-4o-mini", "claude-sonnet-4", "llama-3.1-70b"];

/// The fields of an incident that its child records need.
pub struct Incident {
    pub index: u64,
    pub id: String,
    pub company: u64,
    pub name: String,
    pub at: i64,
    pub analysed: bool,
}

impl SampleWriter<'_> {
    pub fn insert_incidents(&self) -> rusqlite::Result<()> {
        for index in 0..self.spec.incidents {
            let mut dice = self.dice("incident", index);
            let incident = self.insert_incident(index, &mut dice)?;
            self.insert_narrative(&incident, &mut dice)?;
            self.insert_questions(&incident, &mut dice)?;
            if incident.analysed {
                self.insert_analysis(&incident, &mut dice)?;
            }
            if dice.chance(6) {
                self.insert_handoff(&incident, &mut dice)?;
            }
        }
        Ok(())
    }

    fn insert_incident(&self, index: u64, dice: &mut Dice) -> rusqlite::Result<Incident> {
        let participant = (self.spec.participants > 0).then(|| dice.below(self.spec.participants.max(1)));
        let company = participant.map_or(index, |participant| participant % self.companies) % self.companies;
        let (given, family) = self.participant_name(participant.unwrap_or(index));
        let name = format!("{given} {family}");
        let at = minutes_after_start(7 * index) + dice.between(0, 5 * MINUTE_MS);
        let analysed = dice.chance(70);
        let id = self.id("incident", index);
        let worker = self.user_index(company, 2 + dice.below(2));
        let (reporter_given, reporter_family) = texts::full_name(&mut self.dice("user", worker));
        let submitted = dice.optional(60, |_| at + 90 * MINUTE_MS);
        let checklist = dice.optional(40, |dice| {
            json!({"narrative": true, "questions": dice.chance(80), "analysis": analysed, "notes": "geprüft ✔"})
                .to_string()
        });
        let lead = self.id("user", self.user_index(company, 1));
        let worker = self.id("user", worker);
        self.prepare_insert("incidents", 28)?.execute(params![
            id,
            at,
            self.id("company", company),
            dice.optional(92, |dice| self.id("site", self.site_index(company, dice.below(SITES_PER_COMPANY)))),
            format!("{reporter_given} {reporter_family}"),
            participant.map(|p| self.id("participant", p)),
            name,
            event_time(at - 45 * MINUTE_MS),
            dice.pick(&texts::PLACES),
            if analysed { "completed" } else { dice.pick(&["draft", "in_progress"]) },
            if analysed { "completed" } else { "not_started" },
            if analysed {
                "completed"
            } else {
                dice.pick(&["capture_pending", "analysis_pending", "ready_for_analysis"])
            },
            at,
            worker,
            at + dice.between(0, 300 * MINUTE_MS),
            dice.optional(80, |_| lead.clone()),
            dice.optional(70, |dice| dice.random_id(32)),
            true,
            dice.chance(60),
            analysed,
            dice.optional(50, |dice| dice.between(1, 7)),
            dice.optional(30, |_| "Waiting for clarification"),
            dice.optional(50, |_| format!("{name}: {}", "…")),
            analysed.then_some(at + 120 * MINUTE_MS),
            submitted.map(|_| lead),
            submitted,
            dice.optional(60, |dice| dice.pick(&["draft", "ready_for_analysis", "in_analysis", "analysis_complete"])),
            checklist
        ])?;
        Ok(Incident { index, id, company, name: given, at, analysed })
    }

    fn insert_narrative(&self, incident: &Incident, dice: &mut Dice) -> rusqlite::Result<()> {
        let [before, during, end, after] = texts::narrative(dice, &incident.name);
        let extra = |dice: &mut Dice| dice.optional(20, |dice| texts::answer(dice, &incident.name));
        let consolidated = dice.optional(25, |_| format!("{before} {during} {end} {after}"));
        self.prepare_insert("incident_narratives", 17)?.execute(params![
            self.id("narrative", incident.index),
            incident.at,
            incident.id,
            before,
            during,
            end,
            after,
            extra(dice),
            extra(dice),
            extra(dice),
            extra(dice),
            consolidated,
            incident.at,
            incident.at + dice.between(0, 60 * MINUTE_MS),
            dice.optional(25, |_| incident.at + 50 * MINUTE_MS),
            dice.optional(70, |dice| dice.random_id(32)),
            1 + dice.below(3)
        ])?;
        Ok(())
    }
}

fn event_time(at_ms: i64) -> String {
    let time = chrono::DateTime::from_timestamp_millis(at_ms);
    let time = time.unwrap_or_else(|| unreachable!("a sample covers a few thousand years at most"));
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
