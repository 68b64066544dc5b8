//! Runs of the application's AI assistants and their results; and its debug log.

use rusqlite::params;
use serde_json::json;

use super::writer::{MINUTE_MS, SampleWriter, minutes_after_start};
use crate::server::profile::builtin::seeded_random::SeededRandom;

impl SampleWriter<'_> {
    /// One analysis for every twenty incidents, each with two results.
    pub fn insert_ai_runs(&self) -> rusqlite::Result<()> {
        for i in 0..self.spec.incidents / 20 {
            let mut random = self.random("execution", i);
            let at = minutes_after_start(140 * i);
            self.insert_execution(i, at, &mut random)?;
            for nth in 0..2 {
                self.insert_result(i, nth, at, &mut random)?;
            }
        }
        Ok(())
    }

    fn insert_execution(&self, i: u64, at: i64, random: &mut SeededRandom) -> rusqlite::Result<()> {
        let status = random.pick(&["completed", "completed", "completed", "failed", "running", "pending"]);
        self.prepare_insert("analysis_executions", 10)?.execute(params![
            self.id("execution", i),
            at,
            self.id("data source", i % 3),
            self.id("incident", i * 20),
            status,
            at,
            (status == "completed").then_some(at + MINUTE_MS),
            2,
            random.random_id(24),
            at
        ])?;
        Ok(())
    }

    fn insert_result(&self, execution: u64, nth: u64, at: i64, random: &mut SeededRandom) -> rusqlite::Result<()> {
        let success = random.chance(95);
        let (answer, confidence) = (random.chance(50), random.fraction());
        let output = json!({"answer": answer, "confidence": confidence, "why": "Zeit und Ort stimmen überein"});
        self.prepare_insert("analysis_results", 10)?.execute(params![
            self.id("result", execution * 2 + nth),
            at,
            self.id("execution", execution),
            self.id("prompt", (execution + nth) % 12),
            output.to_string(),
            random.between(100, 3000),
            random.between(200, 9000),
            if success { "success" } else { "error" },
            (!success).then_some("timed out after 30 s"),
            at
        ])?;
        Ok(())
    }

    /// Never exported: traces that contain values from requests.
    pub fn insert_debug_logs(&self) -> rusqlite::Result<()> {
        for i in 0..(self.spec.incidents / 5).clamp(20, 100_000) {
            let mut random = self.random("debug", i);
            let at = minutes_after_start(i);
            let raw = json!({"cookie": format!("secret-debug-{}", random.random_id(40)), "line": i});
            self.prepare_insert("debug_logs", 13)?.execute(params![
                self.id("debug", i),
                at,
                format!("log-{i}"),
                random.random_id(16),
                self.id("user", i % 5),
                random.pick(&["browser", "convex", "worker", "manual"]),
                random.pick(&["log", "info", "warn", "error"]),
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
