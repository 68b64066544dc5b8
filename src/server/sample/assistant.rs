//! The application's AI assistants: prompts, data sources, runs and results; and its debug log.

use rusqlite::params;
use serde_json::json;

use super::{MINUTE_MS, START_MS, SampleWriter};

const PROMPTS: [(&str, &str, &str); 12] = [
    ("generate_questions_before", "Ask about what came before. Be brief, kind, and never lead.", "generation"),
    ("generate_questions_during", "Ask about what was seen and heard while it happened.", "generation"),
    ("generate_questions_end", "Ask how it ended and who helped.", "generation"),
    ("generate_questions_after", "Ask what was done afterwards.", "generation"),
    ("enhance_narrative", "Join the four phases into one account. Add nothing.", "generation"),
    ("contributing_conditions", "List conditions that contributed, each with its evidence.", "observation"),
    ("classify_type", "Choose one of: behavioural, environmental, medical, communication, other.", "classification"),
    ("classify_severity", "Choose low, medium or high, and say why in one sentence.", "classification"),
    ("needs_follow_up", "Answer true or false: does the plan need a review?", "predicate"),
    ("mentions_medication", "Answer true or false: was medication involved?", "predicate"),
    ("summarise_week", "Summarise a week of incidents for a team lead – «kurz und klar».", "generation"),
    ("spot_patterns", "Which times, places and changes of routine repeat?", "observation"),
];
const GROUPS: [&str; 3] = ["Capture", "Analysis", "Reports"];

impl SampleWriter<'_> {
    pub(super) fn insert_prompts(&self) -> rusqlite::Result<()> {
        let admin = self.id("user", 0);
        for (i, name) in (0..).zip(GROUPS) {
            let columns = params![self.id("group", i), START_MS, name, None::<String>, i, true, i > 0, START_MS, admin];
            self.prepare_insert("prompt_groups", 9)?.execute(columns)?;
        }
        for (i, kind) in (0..).zip(["incident", "narrative", "moment"]) {
            let config = json!({"filter": {"status": "completed"}, "limit": 100, "fields": ["id", kind]});
            self.prepare_insert("data_source_profiles", 10)?.execute(params![
                self.id("data source", i),
                START_MS,
                format!("All {kind}s"),
                None::<String>,
                kind,
                config.to_string(),
                "active",
                START_MS,
                admin,
                START_MS + MINUTE_MS
            ])?;
        }
        for (i, (name, template, kind)) in (0..).zip(PROMPTS) {
            let mut dice = self.dice("prompt", i);
            let parent = (i % 4 == 3).then(|| self.id("prompt", i - 1));
            let format = dice.optional(70, |_| json!({"type": "object", "additionalProperties": false}).to_string());
            self.prepare_insert("ai_prompts", 36)?.execute(params![
                self.id("prompt", i),
                START_MS,
                name,
                "v1.2.0",
                template,
                None::<String>,
                r#"{"incident":"object"}"#,
                None::<String>,
                "production",
                None::<String>,
                parent,
                None::<i64>,
                "capture",
                "incidents",
                "gpt-4o-mini",
                1500,
                0.2 + dice.fraction() / 2.0,
                1200,
                START_MS + MINUTE_MS,
                "Answers were cut",
                None::<i64>,
                None::<String>,
                self.id("group", i % 3),
                i,
                "single",
                kind,
                self.id("data source", i % 3),
                format,
                i != 7,
                START_MS,
                admin,
                None::<i64>,
                None::<String>,
                dice.below(5000),
                1200.0 + dice.fraction(),
                dice.fraction()
            ])?;
        }
        Ok(())
    }

    /// One analysis for every twenty incidents, each with two results.
    pub(super) fn insert_ai_runs(&self) -> rusqlite::Result<()> {
        for i in 0..self.spec.incidents / 20 {
            let mut dice = self.dice("execution", i);
            let at = START_MS + i64::try_from(i).unwrap_or_default() * 140 * MINUTE_MS;
            let status = dice.pick(&["completed", "completed", "completed", "failed", "running", "pending"]);
            let completed = (status == "completed").then_some(at + MINUTE_MS);
            self.prepare_insert("analysis_executions", 10)?.execute(params![
                self.id("execution", i),
                at,
                self.id("data source", i % 3),
                self.id("incident", i * 20),
                status,
                at,
                completed,
                2,
                dice.random_id(24),
                at
            ])?;
            for nth in 0..2 {
                let success = dice.chance(95);
                let output = json!({"answer": dice.chance(50), "confidence": dice.fraction(), "why": "Zeit und Ort stimmen überein"});
                self.prepare_insert("analysis_results", 10)?.execute(params![
                    self.id("result", i * 2 + nth),
                    at,
                    self.id("execution", i),
                    self.id("prompt", (i + nth) % 12),
                    output.to_string(),
                    dice.between(100, 3000),
                    dice.between(200, 9000),
                    if success { "success" } else { "error" },
                    (!success).then_some("timed out after 30 s"),
                    at
                ])?;
            }
        }
        Ok(())
    }

    /// Never exported: traces that contain values from requests.
    pub(super) fn insert_debug_logs(&self) -> rusqlite::Result<()> {
        for i in 0..(self.spec.incidents / 5).clamp(20, 100_000) {
            let mut dice = self.dice("debug", i);
            let at = START_MS + i64::try_from(i).unwrap_or_default() * MINUTE_MS;
            let raw = json!({"cookie": format!("secret-debug-{}", dice.random_id(40)), "line": i});
            self.prepare_insert("debug_logs", 13)?.execute(params![
                self.id("debug", i),
                at,
                format!("log-{i}"),
                dice.random_id(16),
                self.id("user", i % 5),
                dice.pick(&["browser", "convex", "worker", "manual"]),
                dice.pick(&["log", "info", "warn", "error"]),
                "request handled",
                at,
                None::<String>,
                None::<String>,
                raw.to_string(),
                at
            ])?;
        }
        Ok(())
    }
}
