//! The use case that replaces the signing key, with its entry in the audit trail.
//!
//! May import: `signing`, `audit`, `state`, `support`. A file and a database cannot change in one transaction. So the new
//! key is on disk before the entry is committed, and only a rename is left to do after it: before the commit, the old key
//! stays in force and the trail says so; after it, the next rotation finds the prepared key and finishes what is recorded.

use std::path::Path;
use std::sync::Arc;

use super::audit::{self, Actor, Event, Journal};
use super::signing::{self, NextKey, SigningKey};
use super::state::{self, StateDatabase};
use super::support::clock::Clock;
use super::support::random::Random;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Signing(#[from] signing::Error),
    #[error("the audit trail cannot record a rotation, so none took place and the key in force is unchanged: {0}")]
    NotRecorded(#[from] state::Error),
    #[error(
        "the rotation is recorded, but the old key is still in force: {0}; run `waybill key rotate` again to finish it"
    )]
    NotInForce(signing::Error),
}

/// Replaces the signing key at `path` with a new one, keeps the old public key on file, and records it. A rotation that
/// was interrupted is finished instead: with the key that it has prepared, and without a second entry.
///
/// # Errors
/// `Signing` when the files of the keys cannot be read or written, `NotRecorded` when the entry cannot be committed: the
/// old key stays in force. `NotInForce` when it is committed and the file cannot be renamed.
pub async fn rotate(
    file: &StateDatabase,
    path: &Path,
    actor: &str,
    clock: Arc<dyn Clock>,
    random: &dyn Random,
) -> Result<SigningKey, Error> {
    let journal = Journal::new(file.for_source(None), clock);
    // Takes the write lock first: nothing is prepared when the trail cannot be written, and two rotations wait for each
    // other.
    let mut tx = journal.begin().await?;
    let next = NextKey::prepare(path, random)?;
    let event = Event::KeyRotated { from: next.current().map(signing::PublicKey::id), to: next.public_key().id() };
    let is_recorded = audit::is_newest_of_its_kind(&mut *tx, &event).await?;
    journal.commit_if(tx, Actor::local(actor), (!is_recorded).then_some(event)).await?;
    next.put_in_force().map_err(Error::NotInForce)
}
