//! Notes about anything, and the files in their texts.

use rusqlite::params;

use super::files::{extension, files_of};
use super::texts::note;
use super::writer::{Owner, SampleWriter, time};

impl SampleWriter<'_> {
    pub fn insert_notes(&self, owner: Owner) -> rusqlite::Result<()> {
        (0..4 + owner.people / 2).try_for_each(|nth| {
            let mut random = self.random("note", owner, nth);
            let at = time(&mut random);
            let about = match nth % 5 {
                0 if owner.people > 0 => Some(("person", self.id("people", owner, random.below(owner.people)))),
                1 => Some(("organization", self.id("organizations", owner, nth % 6))),
                2 => Some(("job", self.id("jobs", owner, nth % 4))),
                3 => Some(("project", self.id("projects", owner, 0))),
                _ => None,
            };
            let mut body = note(&mut random, owner.number);
            if nth % 4 == 0 {
                let file = random.below(files_of(owner.people));
                let (id, extension) = (self.id("media", owner, file), extension(file));
                body = format!("{body}\n\n![The file](media/{id}.{extension})\n");
            }
            let (about_type, about_id) = about.unzip();
            self.insert(
                "notes",
                9,
                params![
                    self.id("notes", owner, nth),
                    self.id("users", owner, 0),
                    random.optional(60, |random| format!("Title {}: yes", random.below(100))),
                    body,
                    about_type,
                    about_id,
                    random.chance(10),
                    at,
                    at
                ],
            )
        })
    }
}
