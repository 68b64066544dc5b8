//! Binds a source that is used: finds it among the known ones, or adds it.

use std::sync::Arc;

use super::error::Error;
use super::matching::{Match, match_source};
use super::source_name::SourceName;
use crate::server::audit::{Actor, Event, Journal};
use crate::server::source::SourceIdentity;
use crate::server::state::sources::KnownSource;
use crate::server::state::{SourceState, StateDatabase, Tx};
use crate::server::support::clock::{Clock, rfc3339};
use crate::server::support::random::{Random, new_uuid_v7};

/// Returns the part of the state that belongs to this source, and the source's id. Adds an unknown source.
///
/// # Errors
/// `NameMismatch`, `IdentityMismatch` or `Moved` when identity and name disagree with the known sources; `State` when the
/// state cannot be read or written.
pub async fn bind(
    file: &StateDatabase,
    identity: &SourceIdentity,
    name: &SourceName,
    clock: Arc<dyn Clock>,
    random: &dyn Random,
) -> Result<(SourceState, String), Error> {
    // Takes the write lock: of two concurrent calls, the second one finds the source that the first one added.
    let journal = Journal::new(file.for_source(None), clock.clone());
    let mut tx = journal.begin().await?;
    let known = tx.sources().all().await?;
    let id = match match_source(&known, identity, name)? {
        Match::Known(source) => {
            if let Some(file_id) = identity.file_id.clone().filter(|found| source.file_id.as_ref() != Some(found)) {
                let event = set_file(&mut *tx, source, file_id).await?;
                journal.commit_if(tx, Actor::PROGRAM, event).await?;
            }
            source.id.clone()
        }
        Match::New(name) => {
            let added = add_source(&mut *tx, &journal, identity, name, &*clock, random).await?;
            tx.commit().await?;
            added
        }
    };
    Ok((file.for_source(Some(id.clone())), id))
}

/// Binds a known source to the file that is at its path now. Returns the event if another file was there before, such as
/// the one that a restored backup has replaced; a source of which no file was known has only learnt its own.
async fn set_file(tx: &mut dyn Tx, source: &KnownSource, file_id: String) -> Result<Option<Event>, Error> {
    tx.set_source(&source.id);
    let is_replaced = source.file_id.as_deref().is_some_and(|known| on_any_device(known) != on_any_device(&file_id));
    tx.sources().upsert(&KnownSource { file_id: Some(file_id), ..source.clone() }).await?;
    Ok(is_replaced.then(|| Event::SourceFileReplaced { name: source.name.clone() }))
}

/// The part of a file's identifier that a remount does not change: some file systems get another device number then.
fn on_any_device(file_id: &str) -> &str {
    file_id.split_once(':').map_or(file_id, |(_, on_device)| on_device)
}

/// Adds a source that the state does not know, with its entry in the audit trail.
pub(super) async fn add_source(
    tx: &mut dyn Tx,
    journal: &Journal,
    identity: &SourceIdentity,
    name: &str,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<String, Error> {
    let id = new_uuid_v7(clock, random).to_string();
    let source = KnownSource {
        id: id.clone(),
        identity: identity.id.clone(),
        file_id: identity.file_id.clone(),
        name: name.to_owned(),
        known_since: rfc3339(clock.now()),
    };
    tx.sources().upsert(&source).await?;
    tx.set_source(&id);
    journal.record(tx, Actor::PROGRAM, Event::SourceAdded { name: name.to_owned() }).await?;
    Ok(id)
}
