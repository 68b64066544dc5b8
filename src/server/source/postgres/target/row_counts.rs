//! Whether the database has taken the rows that were sent, and no others.

use super::super::super::{Error, Kind, Result};
use crate::model::name::TableName;
use crate::model::text;

/// A trigger that returns nothing drops a row without a word.
pub fn check_taken(table: &TableName, expected: u64, taken: u64) -> Result<()> {
    if taken == expected {
        return Ok(());
    }
    let what = format!(
        "the database has taken {taken} of {expected} records of {table}: a trigger or a rule drops the others"
    );
    Err(Error::new(Kind::Refused, what))
}

/// The table may take two keys for one, as of `24 hours` and `1 day`; a trigger may change keys, or add rows.
pub fn check_added(table: &TableName, expected: u64, added: u64) -> Result<()> {
    if added == expected {
        return Ok(());
    }
    let what = format!(
        "{} of {table} would be new, and the database adds {added}: it takes keys for the same that are written differently, or a \
         trigger changes them",
        text::count_with_noun(expected, "record")
    );
    Err(Error::new(Kind::Refused, what))
}
