//! A replacement removes what the file does not have: of a person what is theirs, otherwise of all tables of the file.

use super::request::ImportRequest;
use super::{Error, Result};
use crate::model::import::ImportMode;
use crate::model::manifest::Metadata;
use crate::server::source::Removal;

/// What an import removes.
///
/// # Errors
/// `Refused` if it cannot be told what the file would have if it were in the database.
pub fn removal(request: &ImportRequest, metadata: &Metadata) -> Result<Option<Removal>> {
    if request.mode != ImportMode::Replace {
        return Ok(None);
    }
    if let Some(person) = &request.person {
        return Ok(Some(Removal::OfOwner(person.id.clone())));
    }
    let refused = |what: &str| Err(Error::Refused(vec![what.to_owned()]));
    if !metadata.filters_applied.is_empty() {
        return refused(
            "the file is a part of a database, and what of that is not in it cannot be told here: import it with mode merge",
        );
    }
    if request.part.is_some() {
        return refused("mode replace is about the whole file: leave --table away, or use mode merge");
    }
    Ok(Some(Removal::All))
}
