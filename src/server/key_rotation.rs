//! The use case that replaces the signing key, with its entry in the audit trail.
//!
//! May import: `signing`, `audit`, `state`, `support`. A file and a database cannot change in one transaction. So the next
//! key is on disk before the entry is committed, and only a rename is left to do after it: before the commit, the old key
//! stays in force and the trail says so; after it, the next rotation finds the key that is recorded and finishes. A key
//! that was prepared and not recorded is never used: it may have been anywhere since. One rotation of a key at a time.

use std::path::Path;
use std::sync::Arc;

use super::audit::{self, Actor, Event, Journal};
use super::signing::{self, PublicKey, Rotation, SigningKey};
use super::state::{self, StateDatabase, Tx};
use super::support::clock::Clock;
use super::support::random::Random;

/// How far back an interrupted rotation of this key is looked for.
const NEWEST_ROTATIONS: u32 = 1000;

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

/// A key that is in force now.
#[derive(Debug)]
pub struct Rotated {
    pub key: SigningKey,
    /// Whether an earlier rotation had recorded the key, and this one only put it in force.
    pub is_resumed: bool,
}

/// Replaces the signing key at `path` with a new one, keeps the old public key on file, and records it. A rotation that
/// was interrupted after its entry is finished instead: with the key that it has recorded, and without a second entry.
///
/// # Errors
/// `Signing` when another rotation is running, or the files of the keys cannot be read or written; `NotRecorded` when the
/// entry cannot be committed: the old key stays in force. `NotInForce` when it is committed and the file cannot be
/// renamed.
pub async fn rotate(
    file: &StateDatabase,
    path: &Path,
    actor: &str,
    clock: Arc<dyn Clock>,
    random: &dyn Random,
) -> Result<Rotated, Error> {
    let rotation = Rotation::begin(path)?;
    let journal = Journal::new(file.for_source(None), clock);
    // Takes the write lock first: nothing is prepared when the trail cannot be written.
    let mut tx = journal.begin().await?;
    let is_resumed = is_recorded(&mut *tx, &rotation).await?;
    let from = rotation.current().map(PublicKey::id);
    let next = if is_resumed { rotation.with_left_key(random)? } else { rotation.with_new_key(random)? };
    let event = Event::KeyRotated { from, to: next.public_key().id() };
    journal.commit_if(tx, Actor::local(actor), (!is_resumed).then_some(event)).await?;
    let key = next.put_in_force().map_err(|error| match error {
        signing::Error::NotDurable { .. } => Error::Signing(error),
        error => Error::NotInForce(error),
    })?;
    Ok(Rotated { key, is_resumed })
}

/// Whether the newest recorded rotation of the key in force is to the key that was left.
async fn is_recorded(tx: &mut dyn Tx, rotation: &Rotation) -> Result<bool, state::Error> {
    let Some(left) = rotation.left() else { return Ok(false) };
    let from = rotation.current().map(PublicKey::id);
    let rotations = audit::details_of_kind(tx, "key_rotated", NEWEST_ROTATIONS).await?;
    let newest = rotations.iter().find(|detail| detail["from"].as_str() == from.as_deref());
    Ok(newest.is_some_and(|detail| detail["to"].as_str() == Some(&left.id())))
}
