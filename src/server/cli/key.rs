//! `waybill key`: shows, exports and rotates the signing key.

use std::path::Path;

use clap::{Args, Subcommand};

use super::open::system_user;
use super::{Exit, Failed, SigningArgs, StateFileArgs, print, tell};
use crate::server::audit::{self, Entry, Event};
use crate::server::export;
use crate::server::signing::{self, PublicKeys, SigningKey};
use crate::server::state::StateFile;
use crate::server::support::clock::{Clock, SystemClock, rfc3339};
use crate::server::support::random::SystemRandom;

#[derive(Debug, Args)]
pub struct Key {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Place {
    #[command(flatten)]
    signing: SigningArgs,
    #[command(flatten)]
    state: StateFileArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the id and the file of the current signing key, and the ids of earlier ones.
    Show(Place),
    /// Print the public keys in PEM, for `waybill verify --key` on any machine; distribute them separately from
    /// the files.
    Export(Place),
    /// Create a new key and sign with it from now on; the old public key is kept, so older files still verify.
    Rotate(Place),
}

impl Key {
    pub async fn run(self) -> Result<Exit, Failed> {
        let (Command::Show(place) | Command::Export(place) | Command::Rotate(place)) = &self.command;
        let path = place.signing.path(&place.state)?;
        let failed = |error: signing::Error| Failed::new(Exit::Failed, error.to_string());
        match self.command {
            Command::Show(_) => {
                let key = present(&path)?;
                print(&format!("key      {}\nfile     {}", key.public().id(), path.display()))?;
                for before in PublicKeys::of_installation(&path).map_err(failed)?.0.iter().skip(1) {
                    print(&format!("before   {}", before.id()))?;
                }
                Ok(Exit::Done)
            }
            Command::Export(_) => {
                present(&path)?;
                let keys = PublicKeys::of_installation(&path).map_err(failed)?;
                let pem: Vec<String> = keys.0.iter().map(|key| key.to_pem().trim_end().to_owned()).collect();
                print(&pem.join("\n"))
            }
            Command::Rotate(_) => {
                let key = rotate(&path, &place.state).await?;
                tell(
                    "Running servers sign with the old key until they are started again. Give out the public keys \
                     anew (waybill key export): who has only the old one refuses new files.",
                );
                print(&format!("key      {}\nfile     {}", key.public().id(), path.display()))
            }
        }
    }
}

/// Begins the audit transaction first, so that nothing is rotated when the trail cannot be opened for writing.
async fn rotate(path: &Path, state: &StateFileArgs) -> Result<SigningKey, Failed> {
    let failed = |error: signing::Error| Failed::new(Exit::Failed, error.to_string());
    let from = SigningKey::read(path).map_err(failed)?.map(|key| key.public().id());
    let file = StateFile::open(&state.path()?).await.map_err(export::Error::from)?;
    let mut tx = file.of(None).begin().await.map_err(export::Error::from)?;
    let key = SigningKey::rotate(path, &SystemRandom).map_err(failed)?;
    let (at, actor) = (rfc3339(SystemClock.now()), format!("cli:{}", system_user()));
    let event = Event::KeyRotated { from, to: key.public().id() };
    let entry = Entry { at, actor: &actor, network: None, export: None, event };
    audit::append(&mut tx, &entry).await.map_err(export::Error::from)?;
    tx.commit().await.map_err(export::Error::from)?;
    Ok(key)
}

/// Reads the existing key and never creates one: a key that has signed nothing is of no use here.
fn present(path: &Path) -> Result<SigningKey, Failed> {
    let read = SigningKey::read(path).map_err(|error| Failed::new(Exit::Failed, error.to_string()))?;
    let none = || {
        let message = format!("{} is not there: the first export makes it, or `waybill key rotate`", path.display());
        Failed::new(Exit::Failed, message)
    };
    read.ok_or_else(none)
}
