//! The people and organisations that a user knows.

use rusqlite::params;

use super::files::files_of;
use super::texts::{EMPLOYERS, FAMILY_NAMES, GIVEN_NAMES, TAGS, note, owner_mark};
use super::writer::{Owner, SampleWriter, day, time};
use crate::server::profile::builtin::seeded_random::index_below;

/// How many organisations a user has.
pub const ORGANIZATIONS: u64 = 6;

impl SampleWriter<'_> {
    /// Organisations and people refer to each other.
    pub fn insert_network(&self, owner: Owner) -> rusqlite::Result<()> {
        (0..ORGANIZATIONS).try_for_each(|nth| self.insert_organization(owner, nth))?;
        (0..owner.people).try_for_each(|nth| self.insert_person(owner, nth))
    }

    fn insert_organization(&self, owner: Owner, nth: u64) -> rusqlite::Result<()> {
        let mut random = self.random("organization", owner, nth);
        let (id, user, at) = (self.id("organizations", owner, nth), self.id("users", owner, 0), time(&mut random));
        let person = random.below(owner.people);
        let person = (owner.people > 0).then(|| self.id("people", owner, person));
        self.insert(
            "organizations",
            10,
            params![
                id,
                user,
                EMPLOYERS[index_below(nth, EMPLOYERS.len())],
                random.optional(70, |_| format!("https://{nth}.example.org/?a=b&c=%20#top")),
                random.optional(50, |random| note(random, owner.number)),
                (nth == 0).then(|| self.id("media", owner, 1)),
                (nth > 2).then(|| self.id("organizations", owner, nth % 3)),
                person,
                at,
                at
            ],
        )?;
        let link =
            params![self.id("organization_links", owner, nth), user, id, "Jobs", "https://example.org/jobs", at, at];
        self.insert("organization_links", 7, link)?;
        if let Some(person) = person {
            let role = random.optional(60, |random| format!("Head of {}", random.below(9)));
            let key_person = params![self.id("organization_key_people", owner, nth), user, id, person, role, at, at];
            self.insert("organization_key_people", 7, key_person)?;
        }
        Ok(())
    }

    fn insert_person(&self, owner: Owner, nth: u64) -> rusqlite::Result<()> {
        let mut random = self.random("person", owner, nth);
        let (id, user, at) = (self.id("people", owner, nth), self.id("users", owner, 0), time(&mut random));
        let updated = time(&mut random).max(at.clone());
        self.insert(
            "people",
            10,
            params![
                id,
                user,
                random.pick(&GIVEN_NAMES),
                random.optional(90, |random| random.pick(&FAMILY_NAMES)),
                random.optional(20, |_| format!("Nick {}", owner_mark(owner.number))),
                random.optional(60, |random| self.id("organizations", owner, random.below(ORGANIZATIONS))),
                // Also people who come later, and oneself.
                random.optional(40, |random| self.id("people", owner, random.below(owner.people))),
                random.optional(20, |random| self.id("media", owner, random.below(files_of(owner.people)))),
                at,
                updated
            ],
        )?;
        let contact = format!("person-{nth}@example.org");
        self.insert(
            "person_contacts",
            7,
            params![self.id("person_contacts", owner, nth), user, id, "email", contact, at, at],
        )?;
        let text = note(&mut random, owner.number);
        self.insert(
            "person_notes",
            7,
            params![self.id("person_notes", owner, nth), user, id, text, time(&mut random), at, at],
        )?;
        let birthday = day(random.below(12_000));
        let date =
            params![self.id("person_dates", owner, nth), user, id, "birthday", birthday, random.chance(80), at, at];
        self.insert("person_dates", 8, date)?;
        let other = self.id("people", owner, random.below(owner.people));
        let relation = params![self.id("person_relations", owner, nth), user, id, other, "knows", at, at];
        self.insert("person_relations", 7, relation)?;
        for tag in 0..nth % 3 {
            let tag = TAGS[index_below(nth + 5 * tag, TAGS.len())];
            self.insert("person_tags", 5, params![user, id, tag, at, at])?;
        }
        Ok(())
    }
}
