//! The analysis of an incident, its classifications, and the hand-off that leads to it.

use rusqlite::params;
use serde_json::json;

use super::incidents::{Incident, MODELS};
use super::texts;
use super::writer::{MINUTE_MS, SampleWriter};
use crate::server::profile::builtin::dice::Dice;

impl SampleWriter<'_> {
    pub fn insert_analysis(&self, incident: &Incident, dice: &mut Dice) -> rusqlite::Result<()> {
        let analysis = self.id("analysis", incident.index);
        let at = incident.at + 120 * MINUTE_MS;
        let lead = self.id("user", self.user_index(incident.company, 1));
        let conditions = format!("{} {}", texts::answer(dice, &incident.name), texts::answer(dice, &incident.name));
        let edited = dice.chance(20);
        self.prepare_insert("incident_analysis", 16)?.execute(params![
            analysis,
            at,
            incident.id,
            conditions,
            edited.then_some("Unannounced change of routine."),
            edited,
            at,
            dice.optional(95, |_| lead.clone()),
            at + dice.between(0, 60 * MINUTE_MS),
            None::<String>,
            dice.optional(90, |dice| dice.pick(&MODELS)),
            dice.optional(90, Dice::fraction),
            dice.optional(90, |dice| dice.between(500, 20_000)),
            dice.pick(&["draft", "ai_generated", "user_reviewed", "completed"]),
            dice.below(4),
            dice.optional(40, |dice| dice.between(1000, 600_000))
        ])?;
        for nth in 0..=dice.below(2) {
            self.insert_classification(incident, &analysis, nth, dice)?;
        }
        Ok(())
    }

    fn insert_classification(
        &self,
        incident: &Incident,
        analysis: &str,
        nth: u64,
        dice: &mut Dice,
    ) -> rusqlite::Result<()> {
        let at = incident.at + 120 * MINUTE_MS;
        let reviewed = dice.chance(50);
        self.prepare_insert("incident_classifications", 18)?.execute(params![
            self.id("classification", incident.index * 2 + nth),
            at,
            incident.id,
            analysis,
            format!("c_{}_{nth}", incident.index),
            dice.pick(&["behavioural", "environmental", "medical", "communication", "other"]),
            texts::answer(dice, &incident.name),
            dice.pick(&["low", "medium", "high"]),
            dice.fraction(),
            reviewed,
            reviewed && dice.chance(20),
            reviewed.then_some("Checked with the care plan."),
            at,
            at + MINUTE_MS,
            reviewed.then(|| self.id("user", self.user_index(incident.company, 1))),
            true,
            dice.pick(&MODELS),
            None::<String>
        ])?;
        Ok(())
    }

    pub fn insert_handoff(&self, incident: &Incident, dice: &mut Dice) -> rusqlite::Result<()> {
        let accepted = dice.chance(60);
        let at = incident.at + 100 * MINUTE_MS;
        let data = json!({"incident": incident.id, "priority": dice.below(5), "summary": format!("Übergabe: {}", incident.name)});
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
