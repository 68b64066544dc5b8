//! What is the same for all engines when an import is undone: how long that can be, and what is said if it cannot.

use chrono::TimeDelta;

use super::{Error, Kind};
use crate::model::import_undo::UndoReport;
use crate::model::text;
use crate::server::support::random::time_of_uuid_v7;

/// How long what an undo needs is kept at least.
pub const RETENTION_HOURS: i64 = 24;
/// More keys of rows that were changed since are not named.
pub const MAX_EXAMPLES: usize = 5;

/// Whether one import was more than the retention before another one, as their ids say.
pub fn is_older(old: &str, new: &str) -> bool {
    let times = time_of_uuid_v7(old).zip(time_of_uuid_v7(new));
    times.is_some_and(|(old, new)| new - old > TimeDelta::hours(RETENTION_HOURS))
}

pub fn no_such_import() -> Error {
    Error::new(
        Kind::NotFound,
        "there is no import of this id by this user that can be undone here: it is undone already, or more than a day old, or of \
         another database, or mistyped; without an id, waybill import undo lists those that can be",
    )
}

/// Since somebody has looked at what the undo would do.
pub fn moved_since_look() -> Error {
    let what = "records have moved since it was looked at what the undo would do: look again";
    Error::new(Kind::Refused, what)
}

/// What is kept stays kept: who has changed the records may put them back.
pub fn nothing_left() -> Error {
    Error::new(Kind::Refused, "all of its records were changed since, so that there is nothing to undo")
}

pub fn changed_since(report: &UndoReport) -> Error {
    let changed = report.tables.iter().filter(|table| table.changed_since > 0).map(|table| {
        let keys =
            if table.examples.is_empty() { String::new() } else { format!(", such as {}", table.examples.join(", ")) };
        format!("{} ({} changed or removed{keys})", table.table, text::count_with_noun(table.changed_since, "record"))
    });
    let what = format!(
        "records are no longer what the import has made of them: {}; add --keep-changed to leave these as they are and undo the rest",
        changed.collect::<Vec<_>>().join(", ")
    );
    Error::new(Kind::Refused, what)
}

/// Some records get other values than they had.
pub fn restored_differently(table: &impl std::fmt::Display, different: u64, restored: u64) -> Error {
    let what = format!(
        "the database gives {different} of {restored} records of {table} other values than they had: a trigger changes them; \
         disable it while the import is undone"
    );
    Error::new(Kind::Refused, what)
}

/// # Errors
/// `Refused` if not all rows were changed: a trigger that returns nothing keeps a row as it is.
pub fn check_done(table: &impl std::fmt::Display, expected: u64, done: u64) -> Result<(), Error> {
    if done == expected {
        return Ok(());
    }
    let what = format!(
        "the database has changed {done} of {expected} records of {table}: a trigger or a rule keeps the others"
    );
    Err(Error::new(Kind::Refused, what))
}

/// Some rows could not be told from others later.
pub fn not_found_again(table: &impl std::fmt::Display, found: u64, written: u64) -> Error {
    let what = format!(
        "{found} of {written} records of {table} could be told from others later, so that the import could not be undone: \
         a trigger changes them; add --no-undo"
    );
    Error::new(Kind::Refused, what)
}
