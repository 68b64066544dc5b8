//! Which known source a database is, by its identity and its name.

use std::path::Path;

use super::error::Error;
use super::source_name::SourceName;
use crate::server::source::SourceIdentity;
use crate::server::state::sources::KnownSource;

/// What a database is to the state.
pub enum Match<'a> {
    Known(&'a KnownSource),
    /// To be added under this name.
    New(&'a str),
}

/// Compares a database with the known sources.
///
/// # Errors
/// `NameMismatch`, `IdentityMismatch` or `Moved` when identity and name disagree.
pub fn match_source<'a>(
    known: &'a [KnownSource],
    identity: &SourceIdentity,
    name: &'a SourceName,
) -> Result<Match<'a>, Error> {
    let find_by_name = |name: &str| known.iter().find(|source| source.name == name);
    let names = [Some(&name.name), name.fallback.as_ref()];
    let same =
        names.into_iter().flatten().filter_map(|name| find_by_name(name)).find(|source| source.identity == identity.id);
    if let Some(source) = same {
        return Ok(Match::Known(source));
    }
    if let Some(other) = known.iter().find(|source| source.identity == identity.id) {
        return Err(Error::NameMismatch { known: other.name.clone(), name: name.name.clone() });
    }
    let is_moved_file = |source: &&KnownSource| {
        identity.file_id.is_some() && source.file_id == identity.file_id && is_file_missing(source)
    };
    if let Some(source) = known.iter().find(is_moved_file) {
        let (known, identity) = (source.name.clone(), source.identity.clone());
        return Err(Error::Moved { known, identity, name: name.name.clone() });
    }
    match (find_by_name(&name.name), &name.fallback) {
        (None, _) => Ok(Match::New(&name.name)),
        // File names are not unique: while the other file still exists at its path, this is a different source.
        (Some(other), Some(longer)) if !is_file_missing(other) && find_by_name(longer).is_none() => {
            Ok(Match::New(longer))
        }
        (Some(KnownSource { identity, known_since, .. }), _) => {
            let (identity, since) = (identity.clone(), known_since.clone());
            Err(Error::IdentityMismatch { name: name.name.clone(), identity, since })
        }
    }
}

/// Whether the source is a file that no longer exists at its path.
fn is_file_missing(source: &KnownSource) -> bool {
    source.identity.strip_prefix("sqlite:").is_some_and(|path| !Path::new(path).exists())
}
