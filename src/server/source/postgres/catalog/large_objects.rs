//! Large objects: counted, so that an export can say that it does not hold them.

use super::super::super::Result;
use super::super::database_session::DatabaseSession;
use super::super::error;
use crate::model::redaction::NotIncluded;

const LARGE_OBJECTS_QUERY: &str = "SELECT count(*) AS objects FROM pg_largeobject_metadata";

/// One entry for all large objects, if there are any.
pub fn read(session: &mut DatabaseSession) -> Result<Option<NotIncluded>> {
    let counted = session.fetch(LARGE_OBJECTS_QUERY, &[])?;
    let count: u64 = counted.first().map_or(Ok(0), |row| row.parse("objects")).map_err(error::map_error)?;
    let reason = format!("{count} of them, which are stored outside tables");
    Ok((count > 0).then(|| NotIncluded { object: "large objects".into(), reason }))
}
