//! Questions about an incident, their answers, and the request that produced them.

use rusqlite::params;
use serde_json::json;

use super::incidents::{Incident, MODELS, PHASES};
use super::texts;
use super::writer::{MINUTE_MS, SampleWriter};
use crate::server::profile::builtin::seeded_random::SeededRandom;

impl SampleWriter<'_> {
    pub fn insert_questions(&self, incident: &Incident, random: &mut SeededRandom) -> rusqlite::Result<()> {
        let mut order = 0;
        for phase in PHASES {
            for _ in 0..=random.below(2) {
                self.insert_question(incident, random, order, phase)?;
                order += 1;
            }
        }
        if random.chance(50) {
            self.insert_ai_request(incident, random)?;
        }
        Ok(())
    }

    fn insert_question(
        &self,
        incident: &Incident,
        random: &mut SeededRandom,
        order: u64,
        phase: &str,
    ) -> rusqlite::Result<()> {
        let index = incident.index * 8 + order;
        let question_id = format!("q_{}_{order}", incident.index);
        let at = incident.at + 10 * MINUTE_MS;
        self.prepare_insert("clarification_questions", 11)?.execute(params![
            self.id("question", index),
            at,
            incident.id,
            question_id,
            phase,
            texts::question(random, &incident.name),
            order + 1,
            at,
            random.optional(90, |random| random.pick(&MODELS)),
            random.optional(90, |_| "v1.2.0"),
            random.chance(95)
        ])?;
        if random.chance(70) {
            self.insert_answer(incident, random, index, &question_id, phase)?;
        }
        Ok(())
    }

    fn insert_answer(
        &self,
        incident: &Incident,
        random: &mut SeededRandom,
        index: u64,
        question: &str,
        phase: &str,
    ) -> rusqlite::Result<()> {
        let text = texts::answer(random, &incident.name);
        let at = incident.at + random.between(15 * MINUTE_MS, 90 * MINUTE_MS);
        let characters = text.chars().count().cast_signed();
        let words = text.split_whitespace().count().cast_signed();
        let by = random.optional(95, |random| self.id("user", self.user_index(incident.company, 2 + random.below(2))));
        self.prepare_insert("clarification_answers", 12)?.execute(params![
            self.id("reply", index),
            at,
            incident.id,
            question,
            text,
            phase,
            at,
            by,
            at + MINUTE_MS,
            random.chance(90),
            characters,
            words
        ])?;
        Ok(())
    }

    fn insert_ai_request(&self, incident: &Incident, random: &mut SeededRandom) -> rusqlite::Result<()> {
        let success = random.chance(97);
        let input = json!({"incident_id": incident.id, "participant": incident.name, "phases": PHASES, "max": 8});
        let output = success.then(|| {
            json!({"questions": 4 + random.below(5), "finish_reason": "stop", "p": random.fraction()}).to_string()
        });
        self.prepare_insert("ai_request_logs", 16)?.execute(params![
            self.id("log", incident.index),
            incident.at,
            random.random_id(24),
            "generate_clarification_questions",
            random.pick(&MODELS),
            "Ask short, open questions about {{phase}}.",
            input.to_string(),
            output,
            random.between(300, 9000),
            random.optional(95, |random| random.between(200, 4000)),
            random.optional(90, |random| random.fraction() / 10.0),
            success,
            (!success).then_some("The provider answered 529: overloaded"),
            self.id("user", self.user_index(incident.company, 1)),
            incident.id,
            incident.at
        ])?;
        Ok(())
    }
}
