//! Participants: the people whom incidents are about.

use rusqlite::params;

use super::texts;
use super::writer::{DAY_MS, SITES_PER_COMPANY, START_MS, SampleWriter};

const NOTES: [&str; 3] =
    ["Prefers quiet rooms.", "Uses key word sign; «ja» and «nein» are reliable.", "Coeliac. EpiPen in the red bag ⚠"];

impl SampleWriter<'_> {
    pub fn insert_participants(&self) -> rusqlite::Result<()> {
        (0..self.spec.participants).try_for_each(|i| self.insert_participant(i))
    }

    fn insert_participant(&self, i: u64) -> rusqlite::Result<()> {
        let mut random = self.random("participant", i);
        let company = self.spec.company_of(i);
        let (given, family) = self.participant_name(i);
        let born = format!("{}-{:02}-{:02}", 1940 + random.below(68), 1 + random.below(12), 1 + random.below(28));
        let phone = random.optional(60, |random| {
            format!("+61 4{:02} {:03} {:03}", random.below(99), random.below(999), random.below(999))
        });
        let relative = random
            .optional(70, |random| format!("{} (sister), {}", random.pick(&texts::GIVEN_NAMES), "+61 2 5550 0100"));
        let notes = random.optional(50, |random| random.pick(&NOTES));
        let at = START_MS + random.between(0, 30 * DAY_MS);
        let by = self.id("user", self.user_index(company, 0));
        self.prepare_insert("participants", 17)?.execute(params![
            self.id("participant", i),
            at,
            self.id("company", company),
            random.optional(90, |random| self.id("site", self.site_index(company, random.below(SITES_PER_COMPANY)))),
            given,
            family,
            born,
            format!("43{:07}", 1_000_000 + i),
            phone,
            relative,
            random.pick(&["high", "medium", "low"]),
            notes,
            random.pick(&["active", "active", "active", "inactive", "discharged"]),
            at,
            by,
            at + random.between(0, 300 * DAY_MS),
            by
        ])?;
        Ok(())
    }

    pub fn participant_name(&self, participant: u64) -> (String, String) {
        texts::full_name(&mut self.random("participant name", participant))
    }
}
