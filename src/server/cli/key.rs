//! `waybill key`: shows, exports and rotates the signing key.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::args::{SigningArgs, StateFileArgs};
use super::exit::{CliError, Exit};
use super::open_state::command_line_actor;
use super::terminal::{eprint_line, print_line};
use crate::server::key_rotation::{self, Rotated};
use crate::server::signing::{NextKey, PublicKeys, SigningKey};
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
        match self.command {
            Command::Show(args) => show(&args.key_path()?),
            Command::Export(args) => export(&args.key_path()?),
            Command::Rotate(args) => rotate(&args).await,
        }
    }
}

impl KeyArgs {
    fn key_path(&self) -> Result<PathBuf, CliError> {
        self.signing.key_path(&self.state)
    }
}

fn show(path: &Path) -> Result<Exit, CliError> {
    print_key(&read_existing_key(path)?, path)?;
    for earlier in PublicKeys::of_installation(path)?.0.iter().skip(1) {
        print_line(&format!("before   {}", earlier.id()))?;
    }
    if let Some(next) = NextKey::left_by_interruption(path)? {
        print_line(&format!("next     {}; its rotation was interrupted: run `waybill key rotate` again", next.id()))?;
    }
    Ok(Exit::Success)
}

fn export(path: &Path) -> Result<Exit, CliError> {
    read_existing_key(path)?;
    let keys = PublicKeys::of_installation(path)?;
    let pem: Vec<String> = keys.0.iter().map(|key| key.to_pem().trim_end().to_owned()).collect();
    print_line(&pem.join("\n"))
}

async fn rotate(args: &KeyArgs) -> Result<Exit, CliError> {
    let path = args.key_path()?;
    let (file, clock) = (args.state.open().await?, Arc::new(SystemClock));
    let Rotated { key, is_resumed } =
        key_rotation::rotate(&file, &path, &command_line_actor(), clock, &SystemRandom).await?;
    if is_resumed {
        eprint_line(
            "An earlier rotation was interrupted after it was recorded; its key is in force now. If that key may have been \
             read by others since, run `waybill key rotate` again.",
        );
    }
    eprint_line(
        "Running servers sign with the old key until they are restarted. Distribute the public keys again (waybill key \
         export): anyone who has only the old one will refuse new files.",
    );
    print_key(&key, &path)
}

fn print_key(key: &SigningKey, path: &Path) -> Result<Exit, CliError> {
    print_line(&format!("key      {}\nfile     {}", key.public_key().id(), path.display()))
}

/// Reads the existing key and never creates one: a key that has signed nothing is of no use here.
fn read_existing_key(path: &Path) -> Result<SigningKey, CliError> {
    SigningKey::read(path)?.ok_or_else(|| {
        let message =
            format!("{} does not exist: the first export creates it, or `waybill key rotate`", path.display());
        CliError::new(Exit::Failure, message)
    })
}
