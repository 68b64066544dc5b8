//! Incidents and their narratives; the records that belong to an incident are inserted with it.

use rusqlite::params;
use serde_json::json;

use super::texts;
use super::writer::{MINUTE_MS, SITES_PER_COMPANY, SampleWriter, minutes_after_start};
use crate::server::profile::builtin::seeded_random::SeededRandom;

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
            let mut random = self.random("incident", index);
            let incident = self.insert_incident(index, &mut random)?;
            self.insert_narrative(&incident, &mut random)?;
            self.insert_questions(&incident, &mut random)?;
            if incident.analysed {
                self.insert_analysis(&incident, &mut random)?;
            }
            if random.chance(6) {
                self.insert_handoff(&incident, &mut random)?;
            }
        }
        Ok(())
    }

    fn insert_incident(&self, index: u64, random: &mut SeededRandom) -> rusqlite::Result<Incident> {
        let participant = (self.spec.participants > 0).then(|| random.below(self.spec.participants.max(1)));
        let company = self.spec.company_of(participant.unwrap_or(index));
        let (given, family) = self.participant_name(participant.unwrap_or(index));
        let name = format!("{given} {family}");
        let at = minutes_after_start(7 * index) + random.between(0, 5 * MINUTE_MS);
        let analysed = random.chance(70);
        let id = self.id("incident", index);
        let worker = self.user_index(company, 2 + random.below(2));
        let (reporter_given, reporter_family) = texts::full_name(&mut self.random("user", worker));
        let submitted = random.optional(60, |_| at + 90 * MINUTE_MS);
        let checklist = random.optional(40, |random| {
            json!({"narrative": true, "questions": random.chance(80), "analysis": analysed, "notes": "geprüft ✔"})
                .to_string()
        });
        let lead = self.id("user", self.user_index(company, 1));
        let worker = self.id("user", worker);
        self.prepare_insert("incidents", 28)?.execute(params![
            id,
            at,
            self.id("company", company),
            random.optional(92, |random| self.id("site", self.site_index(company, random.below(SITES_PER_COMPANY)))),
            format!("{reporter_given} {reporter_family}"),
            participant.map(|p| self.id("participant", p)),
            name,
            event_time(at - 45 * MINUTE_MS),
            random.pick(&texts::PLACES),
            if analysed { "completed" } else { random.pick(&["draft", "in_progress"]) },
            if analysed { "completed" } else { "not_started" },
            if analysed {
                "completed"
            } else {
                random.pick(&["capture_pending", "analysis_pending", "ready_for_analysis"])
            },
            at,
            worker,
            at + random.between(0, 300 * MINUTE_MS),
            random.optional(80, |_| lead.clone()),
            random.optional(70, |random| random.random_id(32)),
            true,
            random.chance(60),
            analysed,
            random.optional(50, |random| random.between(1, 7)),
            random.optional(30, |_| "Waiting for clarification"),
            random.optional(50, |_| format!("{name}: {}", "…")),
            analysed.then_some(at + 120 * MINUTE_MS),
            submitted.map(|_| lead),
            submitted,
            random.optional(60, |random| random.pick(&[
                "draft",
                "ready_for_analysis",
                "in_analysis",
                "analysis_complete"
            ])),
            checklist
        ])?;
        Ok(Incident { index, id, company, name: given, at, analysed })
    }

    fn insert_narrative(&self, incident: &Incident, random: &mut SeededRandom) -> rusqlite::Result<()> {
        let [before, during, end, after] = texts::narrative(random, &incident.name);
        let extra = |random: &mut SeededRandom| random.optional(20, |random| texts::answer(random, &incident.name));
        let consolidated = random.optional(25, |_| format!("{before} {during} {end} {after}"));
        self.prepare_insert("incident_narratives", 17)?.execute(params![
            self.id("narrative", incident.index),
            incident.at,
            incident.id,
            before,
            during,
            end,
            after,
            extra(random),
            extra(random),
            extra(random),
            extra(random),
            consolidated,
            incident.at,
            incident.at + random.between(0, 60 * MINUTE_MS),
            random.optional(25, |_| incident.at + 50 * MINUTE_MS),
            random.optional(70, |random| random.random_id(32)),
            1 + random.below(3)
        ])?;
        Ok(())
    }
}

fn event_time(at_ms: i64) -> String {
    let time = chrono::DateTime::from_timestamp_millis(at_ms);
    let time = time.unwrap_or_else(|| unreachable!("a sample covers a few thousand years at most"));
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
