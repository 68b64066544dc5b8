//! Companies and their sites.

use rusqlite::params;

use super::texts;
use super::writer::{DAY_MS, SITES_PER_COMPANY, START_MS, SampleWriter, cycle};
use crate::server::profile::builtin::seeded_random::SeededRandom;

impl SampleWriter<'_> {
    pub fn insert_companies(&self) -> rusqlite::Result<()> {
        for company in 0..self.companies {
            let mut random = self.random("company", company);
            let at = START_MS - random.between(0, 300 * DAY_MS);
            self.insert_company(company, at)?;
            for nth in 0..SITES_PER_COMPANY {
                self.insert_site(company, nth, at, &mut random)?;
            }
        }
        Ok(())
    }

    fn insert_company(&self, i: u64, at: i64) -> rusqlite::Result<()> {
        self.prepare_insert("companies", 8)?.execute(params![
            self.id("company", i),
            at,
            format!("{} {}", cycle(&texts::COMPANIES, i), i / 10 + 1),
            format!("company-{i}"),
            format!("office-{i}@example.org"),
            cycle(&["active", "active", "trial", "suspended", "test"], i),
            at,
            self.id("user", 0)
        ])?;
        Ok(())
    }

    fn insert_site(&self, company: u64, nth: u64, at: i64, random: &mut SeededRandom) -> rusqlite::Result<()> {
        let name = format!("{} house {}", random.pick(&["North", "Süd", "Garden", "River"]), nth + 1);
        let changed = random.optional(30, |random| at + random.between(0, 90 * DAY_MS));
        self.prepare_insert("sites", 7)?.execute(params![
            self.id("site", self.site_index(company, nth)),
            at,
            self.id("company", company),
            name,
            at,
            self.id("user", self.user_index(company, 0)),
            changed
        ])?;
        Ok(())
    }
}
