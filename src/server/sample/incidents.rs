//! Incidents and all records that belong to one.

use rusqlite::{CachedStatement, params};
use serde_json::json;

use super::{MINUTE_MS, SITES_PER_COMPANY, START_MS, SampleWriter, dice::Dice, texts};

pub(super) const PHASES: [&str; 4] = ["before_event", "during_event", "end_event", "post_event"];
const MODELS: [&str; 3] = ["gpt-4o-mini", "claude-sonnet-4", "llama-3.1-70b"];

/// The fields of an incident that its child records need.
struct Incident {
    index: u64,
    id: String,
    company: u64,
    name: String,
    at: i64,
    analysed: bool,
}

impl SampleWriter<'_> {
    pub(super) fn insert_incidents(&self) -> rusqlite::Result<()> {
        self.transaction.set_prepared_statement_cache_capacity(64);
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

    pub(super) fn prepare_insert(&self, table: &str, columns: usize) -> rusqlite::Result<CachedStatement<'_>> {
        self.transaction.prepare_cached(&format!("INSERT INTO {table} VALUES ({})", vec!["?"; columns].join(", ")))
    }

    fn insert_incident(&self, index: u64, dice: &mut Dice) -> rusqlite::Result<Incident> {
        let participant = (self.spec.participants > 0).then(|| dice.below(self.spec.participants.max(1)));
        let company = participant.map_or(index, |participant| participant % self.companies) % self.companies;
        let (given, family) = self.participant_name(participant.unwrap_or(index));
        let name = format!("{given} {family}");
        let at = START_MS + i64::try_from(index).unwrap_or_default() * 7 * MINUTE_MS + dice.between(0, 5 * MINUTE_MS);
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

    /// Questions, their answers, and the request that produced them.
    fn insert_questions(&self, incident: &Incident, dice: &mut Dice) -> rusqlite::Result<()> {
        let mut order = 0;
        for phase in PHASES {
            for _ in 0..=dice.below(2) {
                let index = incident.index * 8 + order;
                let question_id = format!("q_{}_{order}", incident.index);
                let at = incident.at + 10 * MINUTE_MS;
                self.prepare_insert("clarification_questions", 11)?.execute(params![
                    self.id("question", index),
                    at,
                    incident.id,
                    question_id,
                    phase,
                    texts::question(dice, &incident.name),
                    order + 1,
                    at,
                    dice.optional(90, |dice| dice.pick(&MODELS)),
                    dice.optional(90, |_| "v1.2.0"),
                    dice.chance(95)
                ])?;
                if dice.chance(70) {
                    self.insert_answer(incident, dice, index, &question_id, phase)?;
                }
                order += 1;
            }
        }
        if dice.chance(50) {
            self.insert_ai_request(incident, dice)?;
        }
        Ok(())
    }

    fn insert_answer(
        &self,
        incident: &Incident,
        dice: &mut Dice,
        index: u64,
        question: &str,
        phase: &str,
    ) -> rusqlite::Result<()> {
        let text = texts::answer(dice, &incident.name);
        let at = incident.at + dice.between(15 * MINUTE_MS, 90 * MINUTE_MS);
        let characters = i64::try_from(text.chars().count()).unwrap_or_default();
        let words = i64::try_from(text.split_whitespace().count()).unwrap_or_default();
        let by = dice.optional(95, |dice| self.id("user", self.user_index(incident.company, 2 + dice.below(2))));
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
            dice.chance(90),
            characters,
            words
        ])?;
        Ok(())
    }

    fn insert_ai_request(&self, incident: &Incident, dice: &mut Dice) -> rusqlite::Result<()> {
        let success = dice.chance(97);
        let input = json!({"incident_id": incident.id, "participant": incident.name, "phases": PHASES, "max": 8});
        let output = success.then(|| {
            json!({"questions": 4 + dice.below(5), "finish_reason": "stop", "p": dice.fraction()}).to_string()
        });
        self.prepare_insert("ai_request_logs", 16)?.execute(params![
            self.id("log", incident.index),
            incident.at,
            dice.random_id(24),
            "generate_clarification_questions",
            dice.pick(&MODELS),
            "Ask short, open questions about {{phase}}.",
            input.to_string(),
            output,
            dice.between(300, 9000),
            dice.optional(95, |dice| dice.between(200, 4000)),
            dice.optional(90, |dice| dice.fraction() / 10.0),
            success,
            (!success).then_some("The provider answered 529: overloaded"),
            self.id("user", self.user_index(incident.company, 1)),
            incident.id,
            incident.at
        ])?;
        Ok(())
    }

    fn insert_analysis(&self, incident: &Incident, dice: &mut Dice) -> rusqlite::Result<()> {
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
                reviewed.then(|| lead.clone()),
                true,
                dice.pick(&MODELS),
                None::<String>
            ])?;
        }
        Ok(())
    }

    fn insert_handoff(&self, incident: &Incident, dice: &mut Dice) -> rusqlite::Result<()> {
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

fn event_time(at_ms: i64) -> String {
    let time = chrono::DateTime::from_timestamp_millis(at_ms).unwrap_or_default();
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
