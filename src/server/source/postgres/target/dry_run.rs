//! What a dry run finds out once all records are staged.

use super::super::super::{Error, Kind, Result};
use super::super::catalog::Schema;
use super::super::database_session::DatabaseSession;
use super::super::search_paths::OWN_PATH;
use super::checked_rows::CheckedRows;
use super::prepared_table::PreparedTable;
use super::{staging, unique_values};

/// Checks unique values and references of what would be written. What is there already, unchanged, leads where it did.
///
/// # Errors
/// `Refused` if records would have unique values of others, or refer to what is not there.
pub fn check(session: &mut DatabaseSession, schema: &Schema, tables: &[PreparedTable]) -> Result<()> {
    session.execute(OWN_PATH)?;
    let removes = tables.iter().any(|table| table.load.removal.is_some());
    let (mut staged, mut new, mut written) = (Vec::new(), Vec::new(), Vec::new());
    for table in tables {
        let Some(rows) = &table.staged else { continue };
        staged.push((&table.load, rows));
        if removes || table.written > 0 {
            let checked = table.checked.as_ref().filter(|_| !removes);
            new.push((&table.load, rows));
            written.push((&table.load, checked.map_or(rows.name(), CheckedRows::name)));
        }
    }
    let taken = unique_values::find_taken(session, schema, &new)?;
    if !taken.is_empty() {
        return Err(Error::new(Kind::Refused, taken.join("; ")));
    }
    staging::check_references(session, schema, &written, &staged)
}
