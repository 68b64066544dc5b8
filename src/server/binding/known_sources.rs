//! Finds sources of a state without opening a database.

use super::error::Error;
use crate::server::state::sources::KnownSource;
use crate::server::state::{SourceState, StateDatabase};

/// Lists the sources of a state, ordered by name.
///
/// # Errors
/// `State` when it cannot be read.
pub async fn list(file: &StateDatabase) -> Result<Vec<KnownSource>, Error> {
    Ok(file.for_source(None).connect().await?.sources().all().await?)
}

/// Returns the part of the state that accounts belong to, without opening a source: that of the named source, or of
/// the only one. With no source yet, accounts belong to none until the first served source adopts them.
///
/// # Errors
/// `Unknown` when no source has that name, `Ambiguous` when there are several and no name is given, `State` when the
/// state cannot be read.
pub async fn find_state(file: &StateDatabase, name: Option<&str>) -> Result<SourceState, Error> {
    let known = list(file).await?;
    let found = match (name, &known[..]) {
        (Some(name), _) => {
            let found = known.iter().find(|source| source.name == name);
            Some(found.ok_or_else(|| Error::Unknown(name.to_owned()))?)
        }
        (None, []) => None,
        (None, [only]) => Some(only),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|source| source.name.as_str()).collect();
            return Err(Error::Ambiguous(names.join(", ")));
        }
    };
    Ok(file.for_source(found.map(|source| source.id.clone())))
}
