//! Which id each record of an archive gets.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::super::{Error, Result};
use crate::model::name::TableName;
use crate::model::text;

/// More ids that are exceptions are not kept in memory.
const MAX_EXCEPTIONS: usize = 2_000_000;

/// What the ids of an archive are to the importer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdOrigin {
    /// The importer's own, as a trusted signature says: they stay, but for those that somebody else has meanwhile.
    Own,
    /// Whoever's: those of the importer's records stay, and all others get new ones, whether somebody has them or not. So nobody can
    /// find out by an import which ids there are.
    Unknown,
    /// Of copies: every record gets a new one.
    Copied,
    /// Of copies of a part: its records get new ones, and what it refers to besides stays.
    Part,
}

/// Maps the ids of an archive to those of its records here. The same import gives the same ids.
pub struct IdMap {
    origin: IdOrigin,
    /// New ids are made of it: the importer's id, or the import's, of which each makes others.
    salt: String,
    /// What the origin's rule does not hold for.
    exceptions: HashSet<[u8; 16]>,
    /// The ids of records that are the importer's under another one.
    matched: HashMap<[u8; 16], String>,
}

impl IdMap {
    pub fn new(origin: IdOrigin, salt: String) -> Self {
        Self { origin, salt, exceptions: HashSet::new(), matched: HashMap::new() }
    }

    /// Says that a record of this table has the id, and whether it is the importer's.
    ///
    /// # Errors
    /// `Refused` if there are too many that the rule does not hold for.
    pub fn add_known(&mut self, table: &TableName, id: &str, is_own: bool) -> Result<()> {
        let is_exception = match self.origin {
            IdOrigin::Own => !is_own,
            IdOrigin::Unknown | IdOrigin::Part => is_own,
            IdOrigin::Copied => false,
        };
        if is_exception {
            self.exceptions.insert(digest(&["known", table.as_str(), id]));
        }
        if is_exception && self.origin == IdOrigin::Part {
            let folded = folded(id);
            if folded != id {
                self.exceptions.insert(digest(&["folded", table.as_str(), &folded]));
            }
        }
        if self.exceptions.len() > MAX_EXCEPTIONS {
            let most = text::count(MAX_EXCEPTIONS as u64);
            return Err(Error::Refused(vec![format!(
                "the file has more than {most} records whose ids would have to be known at once"
            )]));
        }
        Ok(())
    }

    /// Whether this is no known id, but one that a database may take for the same: with other letters of upper and lower case, or blanks
    /// behind it.
    pub fn is_known_otherwise(&self, table: &TableName, id: &str) -> bool {
        let folded = folded(id);
        let knows = |kind: &str, id: &str| self.exceptions.contains(&digest(&[kind, table.as_str(), id]));
        !knows("known", id) && (knows("known", &folded) || knows("folded", &folded))
    }

    /// Says that the record with this id in the archive is one of the importer's with another id.
    pub fn add_match(&mut self, table: &TableName, id: &str, own_id: &str) {
        self.matched.insert(digest(&["match", table.as_str(), id]), own_id.to_owned());
    }

    /// The id here of the record that has this one in the archive.
    pub fn map<'i>(&self, table: &TableName, id: &'i str) -> Cow<'i, str> {
        if let Some(own_id) = self.matched.get(&digest(&["match", table.as_str(), id])) {
            return Cow::Owned(own_id.clone());
        }
        let is_exception = || self.exceptions.contains(&digest(&["known", table.as_str(), id]));
        let stays = match self.origin {
            IdOrigin::Own | IdOrigin::Part => !is_exception(),
            IdOrigin::Unknown => is_exception(),
            IdOrigin::Copied => false,
        };
        if stays {
            return Cow::Borrowed(id);
        }
        let bytes = digest(&["new", &self.salt, table.as_str(), id]);
        // Version 8 is for ids that are made in one's own way (RFC 9562, 5.8).
        Cow::Owned(uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string())
    }
}

fn folded(id: &str) -> String {
    id.trim_end_matches(' ').to_ascii_lowercase()
}

/// Of texts, each with its length, so that no others give the same.
pub fn digest(texts: &[&str]) -> [u8; 16] {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize()[..16]);
    bytes
}

/// Whether the text is a UUID as databases write them.
pub fn is_uuid(text: &str) -> bool {
    Uuid::try_parse(text).is_ok_and(|uuid| uuid.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01900000-0000-7000-8000-000000000001";

    fn map(origin: IdOrigin, salt: &str, known: Option<bool>) -> String {
        let (mut ids, table) = (IdMap::new(origin, salt.to_owned()), TableName::from("jobs"));
        if let Some(is_own) = known {
            ids.add_known(&table, ID, is_own).unwrap();
        }
        ids.map(&table, ID).into_owned()
    }

    #[test]
    fn own_ids_stay_unless_somebody_else_has_them() {
        assert_eq!(map(IdOrigin::Own, "ada", None), ID);
        assert_eq!(map(IdOrigin::Own, "ada", Some(true)), ID);
        assert_ne!(map(IdOrigin::Own, "ada", Some(false)), ID);
    }

    #[test]
    fn an_id_in_another_spelling_is_told() {
        let (mut ids, table) = (IdMap::new(IdOrigin::Part, "ada".to_owned()), TableName::from("rooms"));
        for id in ["R1", "r2"] {
            ids.add_known(&table, id, true).unwrap();
        }
        for (id, expected) in [("R1", false), ("r1", true), ("r1 ", true), ("R2", true), ("r2", false), ("r3", false)] {
            assert_eq!(ids.is_known_otherwise(&table, id), expected, "{id}");
        }
    }

    #[test]
    fn of_an_archive_of_unknown_origin_it_cannot_be_told_whether_somebody_has_an_id() {
        let free = map(IdOrigin::Unknown, "ada", None);
        assert_ne!(free, ID);
        assert_eq!(map(IdOrigin::Unknown, "ada", Some(false)), free);
        assert_eq!(map(IdOrigin::Unknown, "ada", Some(true)), ID);
        assert_ne!(map(IdOrigin::Unknown, "bob", None), free, "another importer gets others");
    }

    #[test]
    fn copies_get_new_ids_every_time() {
        let first = map(IdOrigin::Copied, "import 1", Some(true));
        assert!(is_uuid(&first));
        assert_eq!(map(IdOrigin::Copied, "import 1", None), first);
        assert_ne!(map(IdOrigin::Copied, "import 2", None), first);
    }
}
