//! The analysis of an incident, its classifications, and the hand-off that leads to it.

use rusqlite::params;
use serde_json::json;

use super::incidents::{Incident, MODELS};
use super::texts;
use super::writer::{MINUTE_MS, SampleWriter};
use crate::server::profile::builtin::seeded_random::SeededRandom;

impl SampleWriter<'_> {
    pub fn insert_analysis(&self, incident: &Incident, random: &mut SeededRandom) -> rusqlite::Result<()> {
        let analysis = self.id("analysis", incident.index);
        let at = incident.at + 120 * MINUTE_MS;
        let lead = self.id("user", self.user_index(incident.company, 1));
        let conditions = format!("{} {}", texts::answer(random, &incident.name), texts::answer(random, &incident.name));
        let edited = random.chance(20);
        self.prepare_insert("incident_analysis", 16)?.execute(params![
            analysis,
            at,
            incident.id,
            conditions,
            edited.then_some("Unannounced change of routine."),
            edited,
            at,
            random.optional(95, |_| lead.clone()),
            at + random.between(0, 60 * MINUTE_MS),
            None::<String>,
            random.optional(90, |random| random.pick(&MODELS)),
            random.optional(90, SeededRandom::fraction),
            random.optional(90, |random| random.between(500, 20_000)),
            random.pick(&["draft", "ai_generated", "user_reviewed", "completed"]),
            random.below(4),
            random.optional(40, |random| random.between(1000, 600_000))
        ])?;
        for nth in 0..=random.below(2) {
            self.insert_classification(incident, &analysis, nth, random)?;
        }
        Ok(())
    }

    fn insert_classification(
        &self,
        incident: &Incident,
        analysis: &str,
        nth: u64,
        random: &mut SeededRandom,
    ) -> rusqlite::Result<()> {
        let at = incident.at + 120 * MINUTE_MS;
        let reviewed = random.chance(50);
        self.prepare_insert("incident_classifications", 18)?.execute(params![
            self.id("classification", incident.index * 2 + nth),
            at,
            incident.id,
            analysis,
            format!("c_{}_{nth}", incident.index),
            random.pick(&["behavioural", "environmental", "medical", "communication", "other"]),
            texts::answer(random, &incident.name),
            random.pick(&["low", "medium", "high"]),
            random.fraction(),
            reviewed,
            reviewed && random.chance(20),
            reviewed.then_some("Checked with the care plan."),
            at,
            at + MINUTE_MS,
            reviewed.then(|| self.id("user", self.user_index(incident.company, 1))),
            true,
            random.pick(&MODELS),
            None::<String>
        ])?;
        Ok(())
    }

    pub fn insert_handoff(&self, incident: &Incident, random: &mut SeededRandom) -> rusqlite::Result<()> {
        let accepted = random.chance(60);
        let at = incident.at + 100 * MINUTE_MS;
        let data = json!({"incident": incident.id, "priority": random.below(5), "summary": format!("Übergabe: {}", incident.name)});
        let lead = self.id("user", self.user_index(incident.company, 1));
        self.prepare_insert("workflow_handoffs", 12)?.execute(params![
            self.id("handoff", incident.index),
            at,
            incident.id,
            "incident_capture",
            "incident_analysis",
            data.to_string(),
            true,
            at,
            accepted,
            accepted.then_some(lead),
            accepted.then_some(at + MINUTE_MS),
            at
        ])?;
        Ok(())
    }
}
