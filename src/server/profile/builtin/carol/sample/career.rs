//! A user's profile, skills, education, jobs and projects.

use rusqlite::params;

use super::accounts::email;
use super::network::ORGANIZATIONS;
use super::texts::{EMPLOYERS, SKILLS, TITLES, note, owner_mark};
use super::writer::{Owner, SampleWriter, day, time};
use crate::server::profile::builtin::seeded_random::index_below;

const SECTIONS: [&str; 3] = ["Languages", "Methods & Tools", "Other: misc."];
const JOBS: u64 = 4;

impl SampleWriter<'_> {
    pub fn insert_career(&self, owner: Owner) -> rusqlite::Result<()> {
        self.insert_profile(owner)?;
        self.insert_skills(owner)?;
        self.insert_education(owner)?;
        (0..JOBS).try_for_each(|nth| self.insert_job(owner, nth))?;
        (0..3 + owner.people / 10).try_for_each(|nth| self.insert_project(owner, nth))
    }

    fn insert_profile(&self, owner: Owner) -> rusqlite::Result<()> {
        let mut random = self.random("profile", owner, 0);
        let (id, user, at) = (self.id("profiles", owner, 0), self.id("users", owner, 0), time(&mut random));
        let (name, summary) = (format!("Name {}", owner_mark(owner.number)), note(&mut random, owner.number));
        let photo = self.id("media", owner, 0);
        let born = day(random.below(3000));
        let profile = params![id, user, name, "Builds \"things\"", summary, "Ålesund", born, photo, at, at];
        self.insert("profiles", 10, profile)?;
        let contacts = [("email", None, email(owner)), ("phone", Some("mobile"), "+47 55 50 01 00".to_owned())];
        for (nth, (kind, label, value)) in (0u32..).zip(contacts) {
            let contact = self.id("profile_contacts", owner, nth.into());
            self.insert("profile_contacts", 9, params![contact, user, id, kind, label, value, nth, at, at])?;
        }
        Ok(())
    }

    fn insert_skills(&self, owner: Owner) -> rusqlite::Result<()> {
        let user = self.id("users", owner, 0);
        let at = time(&mut self.random("sections", owner, 0));
        for (nth, name) in (0u32..).zip(SECTIONS) {
            let section = self.id("skill_sections", owner, nth.into());
            self.insert("skill_sections", 6, params![section, user, name, nth, at, at])?;
        }
        for (nth, name) in (0u32..).zip(SKILLS) {
            let mut random = self.random("skill", owner, nth.into());
            let section = self.id("skill_sections", owner, u64::from(nth) % 3);
            let level = random.optional(80, |random| 1 + random.below(5).cast_signed());
            // The digits say how exact it is.
            let years = random.optional(70, |random| format!("{}.{}", random.below(30), random.below(10)));
            let skill = params![self.id("skills", owner, nth.into()), user, section, name, level, years, nth, at, at];
            self.insert("skills", 9, skill)?;
        }
        Ok(())
    }

    fn insert_education(&self, owner: Owner) -> rusqlite::Result<()> {
        let mut random = self.random("education", owner, 0);
        let at = time(&mut random);
        self.insert(
            "education",
            12,
            params![
                self.id("education", owner, 0),
                self.id("users", owner, 0),
                "Universitetet i Bergen",
                "MSc",
                None::<String>,
                day(7000),
                None::<String>,
                "1.30",
                note(&mut random, owner.number),
                self.id("organizations", owner, 1),
                at,
                at
            ],
        )
    }

    fn insert_job(&self, owner: Owner, nth: u64) -> rusqlite::Result<()> {
        let mut random = self.random("job", owner, nth);
        let (id, user, at) = (self.id("jobs", owner, nth), self.id("users", owner, 0), time(&mut random));
        let employer = EMPLOYERS[index_below(nth, EMPLOYERS.len())];
        let organization = random.optional(70, |random| self.id("organizations", owner, random.below(ORGANIZATIONS)));
        let (from, to) = (day(8000 + 400 * nth), (nth + 1 < JOBS).then(|| day(8390 + 400 * nth)));
        self.insert("jobs", 9, params![id, user, organization, employer, "Publishing", from, to, at, at])?;
        for position in 0..2 {
            let place = 2 * nth + position;
            let achievements = match place % 3 {
                0 => "[]".to_owned(),
                _ => {
                    format!("[\"Led no. {place}\", \"yes\", \"über \\\"quoted\\\"\", \"{}\"]", owner_mark(owner.number))
                }
            };
            self.insert(
                "positions",
                10,
                params![
                    self.id("positions", owner, place),
                    user,
                    id,
                    TITLES[index_below(place, TITLES.len())],
                    from,
                    to,
                    random.optional(60, |random| note(random, owner.number)),
                    achievements,
                    at,
                    at
                ],
            )?;
        }
        Ok(())
    }

    fn insert_project(&self, owner: Owner, nth: u64) -> rusqlite::Result<()> {
        let mut random = self.random("project", owner, nth);
        let (id, user, at) = (self.id("projects", owner, nth), self.id("users", owner, 0), time(&mut random));
        let job = random.optional(50, |random| self.id("jobs", owner, random.below(JOBS)));
        let cover = (nth == 0).then(|| self.id("media", owner, 1));
        let text = random.optional(70, |random| note(random, owner.number));
        self.insert(
            "projects",
            9,
            params![id, user, format!("Project {nth}"), None::<String>, text, job, cover, at, at],
        )?;
        let skills = SKILLS.len() as u64;
        let skills = [random.below(skills), random.below(skills)].map(|skill| self.id("skills", owner, skill));
        let hours = random.optional(60, |random| format!("{}.{:02}", random.below(2000), random.below(100)));
        self.insert(
            "contributions",
            9,
            params![
                self.id("contributions", owner, nth),
                user,
                id,
                "Author",
                random.optional(50, |random| note(random, owner.number)),
                hours,
                format!("[\"{}\", \"{}\"]", skills[0], skills[1]),
                at,
                at
            ],
        )
    }
}
