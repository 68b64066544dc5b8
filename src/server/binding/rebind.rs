//! The operator's decision on a database whose identity and name disagree with what the state knows.

use std::sync::Arc;

use super::bind::add_source;
use super::error::Error;
use super::server_lock::lock_for_server;
use crate::server::audit::{Actor, Event, Journal};
use crate::server::source::SourceIdentity;
use crate::server::state::sources::KnownSource;
use crate::server::state::{StateDatabase, Tx};
use crate::server::support::clock::Clock;
use crate::server::support::private_folder::FileLock;
use crate::server::support::random::Random;

/// The operator's decision on a database whose identity and name disagree with the known sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rebind {
    /// It is the known source of this name: moved, upgraded or renamed.
    From(String),
    /// It is a different database, such as a copy.
    New,
}

/// Records the operator's decision. Ends all sessions of a rebound source.
///
/// # Errors
/// `Unknown` when there is no source of the old name, `NameTaken` when another source has the new one, `InUse` while a
/// server uses the source, `State` when the state cannot be written.
pub async fn rebind(
    file: &StateDatabase,
    identity: &SourceIdentity,
    name: &str,
    rebind: &Rebind,
    actor: &str,
    clock: Arc<dyn Clock>,
    random: &dyn Random,
) -> Result<(), Error> {
    let journal = Journal::new(file.for_source(None), clock.clone());
    let mut tx = journal.begin().await?;
    let known = tx.sources().all().await?;
    match rebind {
        Rebind::New => {
            if find(&known, name).is_some() {
                return Err(Error::NameTaken(name.to_owned()));
            }
            add_source(&mut *tx, &journal, identity, name, &*clock, random).await?;
            Ok(tx.commit().await?)
        }
        Rebind::From(from) => {
            let source = source_to_rebind(&known, from, name)?;
            // Held until the commit, so that no server starts in between.
            let _server_lock = lock_unserved(file, source)?;
            give_database(&mut *tx, source, identity, name).await?;
            let event = Event::SourceRebound { from: from.clone(), name: name.to_owned() };
            Ok(journal.commit(tx, Actor::local(actor), event).await?)
        }
    }
}

fn find<'a>(known: &'a [KnownSource], name: &str) -> Option<&'a KnownSource> {
    known.iter().find(|source| source.name == name)
}

/// The source that is called `from` and may be called `name`.
fn source_to_rebind<'a>(known: &'a [KnownSource], from: &str, name: &str) -> Result<&'a KnownSource, Error> {
    let source = find(known, from).ok_or_else(|| Error::Unknown(from.to_owned()))?;
    match find(known, name) {
        Some(other) if other.id != source.id => Err(Error::NameTaken(name.to_owned())),
        _ => Ok(source),
    }
}

fn lock_unserved(file: &StateDatabase, source: &KnownSource) -> Result<FileLock, Error> {
    lock_for_server(file, &source.id).map_err(|error| match error {
        Error::Served => Error::InUse(source.name.clone()),
        error => error,
    })
}

/// Binds the source to this database under this name. Its sessions end: they were opened for another one.
async fn give_database(
    tx: &mut dyn Tx,
    source: &KnownSource,
    identity: &SourceIdentity,
    name: &str,
) -> Result<(), Error> {
    let rebound = KnownSource {
        identity: identity.id.clone(),
        file_id: identity.file_id.clone(),
        name: name.to_owned(),
        ..source.clone()
    };
    tx.sources().upsert(&rebound).await?;
    tx.set_source(&rebound.id);
    tx.sessions().remove_all().await?;
    Ok(())
}
