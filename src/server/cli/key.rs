//! `waybill key`: shows, exports and rotates the signing key.

use std::path::Path;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::args::{SigningArgs, StateFileArgs};
use super::connect::system_user;
use super::exit::{CliError, Exit};
use super::terminal::{eprint_line, print_line};
use crate::server::audit::{Actor, Event, Journal};
use crate::server::signing::{self, PublicKeys, SigningKey};
use crate::server::state::StateDatabase;
use crate::server::support::clock::SystemClock;
use crate::server::support::random::SystemRandom;

#[derive(Debug, Args)]
pub struct Key {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct KeyArgs {
    #[command(flatten)]
    signing: SigningArgs,
    #[command(flatten)]
    state: StateFileArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the id and the file of the current signing key, and the ids of earlier ones.
    Show(KeyArgs),
    /// Print the public keys in PEM, for `waybill verify --key` on any machine; distribute them separately from
    /// the files.
    Export(KeyArgs),
    /// Create a new key and sign with it from now on; the old public key is kept, so older files still verify.
    Rotate(KeyArgs),
}

impl Key {
    pub async fn run(self) -> Result<Exit, CliError> {
        let (Command::Show(args) | Command::Export(args) | Command::Rotate(args)) = &self.command;
        let path = args.signing.key_path(&args.state)?;
        let to_cli_error = |error: signing::Error| CliError::new(Exit::Failure, error.to_string());
        match self.command {
            Command::Show(_) => {
                let key = read_existing_key(&path)?;
                print_line(&format!("key      {}\nfile     {}", key.public_key().id(), path.display()))?;
                for earlier in PublicKeys::of_installation(&path).map_err(to_cli_error)?.0.iter().skip(1) {
                    print_line(&format!("before   {}", earlier.id()))?;
                }
                Ok(Exit::Success)
            }
            Command::Export(_) => {
                read_existing_key(&path)?;
                let keys = PublicKeys::of_installation(&path).map_err(to_cli_error)?;
                let pem: Vec<String> = keys.0.iter().map(|key| key.to_pem().trim_end().to_owned()).collect();
                print_line(&pem.join("\n"))
            }
            Command::Rotate(_) => {
                let key = rotate(&path, &args.state).await?;
                eprint_line(
                    "Running servers sign with the old key until they are restarted. Distribute the public keys again \
                     (waybill key export): anyone who has only the old one will refuse new files.",
                );
                print_line(&format!("key      {}\nfile     {}", key.public_key().id(), path.display()))
            }
        }
    }
}

/// Begins the audit transaction first, so that nothing is rotated when the trail cannot be opened for writing.
async fn rotate(path: &Path, state: &StateFileArgs) -> Result<SigningKey, CliError> {
    let to_cli_error = |error: signing::Error| CliError::new(Exit::Failure, error.to_string());
    let from = SigningKey::read(path).map_err(to_cli_error)?.map(|key| key.public_key().id());
    let file = StateDatabase::open(&state.path()?).await?;
    let journal = Journal::new(file.for_source(None), Arc::new(SystemClock));
    let tx = journal.begin().await?;
    let key = SigningKey::rotate(path, &SystemRandom).map_err(to_cli_error)?;
    let actor = format!("cli:{}", system_user());
    let event = Event::KeyRotated { from, to: key.public_key().id() };
    journal.commit(tx, Actor::local(&actor), event).await?;
    Ok(key)
}

/// Reads the existing key and never creates one: a key that has signed nothing is of no use here.
fn read_existing_key(path: &Path) -> Result<SigningKey, CliError> {
    let read = SigningKey::read(path).map_err(|error| CliError::new(Exit::Failure, error.to_string()))?;
    let missing_key_error = || {
        let message =
            format!("{} does not exist: the first export creates it, or `waybill key rotate`", path.display());
        CliError::new(Exit::Failure, message)
    };
    read.ok_or_else(missing_key_error)
}
