//! Reads of the rows of a set in the order in which they are stored.

use super::super::Result;
use super::client;
use super::database_session::DatabaseSession;
use super::error;
use super::key_sets::{KeySets, Stored, stored_table};
use crate::server::rows::KeySetId;

/// Places of rows that the server holds in memory, at 12 bytes each.
const PLACES_AT_ONCE: u64 = 4_000_000;
/// Places of rows that are not read, in a hash table: at 32 bytes each, as the planner counts, which must not expect more than
/// `work_mem`. It would look each row up in the whole list otherwise.
const OTHERS_AT_ONCE: u64 = 1_000_000;

impl KeySets {
    /// The conditions that select the rows `t` of the set, one after another: a few million places each, in their order. Stored
    /// places are sorted and looked up; of a set that stores the places of others, the table is scanned.
    pub fn by_place(&self, session: &mut DatabaseSession, id: KeySetId) -> Result<Vec<String>> {
        let (keys, set) = (stored_table(id), self.set(id)?);
        let (number, at_once) = match set.stored {
            Stored::Rows => (set.rows, PLACES_AT_ONCE),
            Stored::Others { number, .. } => (number, OTHERS_AT_ONCE),
        };
        let ends = if number <= at_once { Vec::new() } else { ends(session, &keys, at_once)? };
        let mut conditions = Vec::new();
        let mut after = "(0,0)".to_owned();
        for end in ends.into_iter().map(Some).chain([None]) {
            let range = |place: &str| match &end {
                Some(end) => format!("{place} > '{after}' AND {place} <= '{end}'"),
                None => format!("{place} > '{after}'"),
            };
            let stored = format!("SELECT place FROM {keys} WHERE {}", range("place"));
            conditions.push(match set.stored {
                Stored::Rows => format!("t.ctid = ANY (ARRAY({stored}))"),
                Stored::Others { .. } => format!("{} AND t.ctid NOT IN ({stored})", range("t.ctid")),
            });
            after = end.unwrap_or_default();
        }
        Ok(conditions)
    }
}

/// Every so many places of a set's table, the place.
fn ends(session: &mut DatabaseSession, keys: &str, at_once: u64) -> Result<Vec<String>> {
    let numbered = format!("SELECT place, row_number() OVER (ORDER BY place) AS number FROM {keys}");
    let last_ones = format!(
        "SELECT CAST(place AS text) AS place FROM ({numbered}) AS numbered WHERE number % {at_once} = 0 ORDER BY number"
    );
    let ends = session.fetch(&last_ones, &[])?;
    ends.iter().map(|row| row.parse("place")).collect::<client::Result<Vec<String>>>().map_err(error::map_error)
}
