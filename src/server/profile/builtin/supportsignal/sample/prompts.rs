//! The prompts of the application's AI assistants, and their data sources.

use rusqlite::params;
use serde_json::json;

use super::writer::{MINUTE_MS, START_MS, SampleWriter};

/// Name, template and kind.
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
    pub fn insert_prompts(&self) -> rusqlite::Result<()> {
        let admin = self.id("user", 0);
        for (i, name) in (0..).zip(GROUPS) {
            let columns = params![self.id("group", i), START_MS, name, None::<String>, i, true, i > 0, START_MS, admin];
            self.prepare_insert("prompt_groups", 9)?.execute(columns)?;
        }
        for (i, kind) in (0..).zip(["incident", "narrative", "moment"]) {
            self.insert_data_source(i, kind, &admin)?;
        }
        for (i, prompt) in (0..).zip(PROMPTS) {
            self.insert_prompt(i, prompt, &admin)?;
        }
        Ok(())
    }

    fn insert_data_source(&self, i: u64, kind: &str, admin: &str) -> rusqlite::Result<()> {
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
        Ok(())
    }

    fn insert_prompt(&self, i: u64, prompt: (&str, &str, &str), admin: &str) -> rusqlite::Result<()> {
        let (name, template, kind) = prompt;
        let mut random = self.random("prompt", i);
        let parent = (i % 4 == 3).then(|| self.id("prompt", i - 1));
        let format = random.optional(70, |_| json!({"type": "object", "additionalProperties": false}).to_string());
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
            0.2 + random.fraction() / 2.0,
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
            random.below(5000),
            1200.0 + random.fraction(),
            random.fraction()
        ])?;
        Ok(())
    }
}
