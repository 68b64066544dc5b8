//! `waybill audit`: prints, verifies and exports the audit trail.

mod entry_json;
mod export;
mod show;
mod verify;

use clap::{Args, Subcommand};

use super::args::StateFileArgs;
use super::exit::{CliError, Exit};

#[derive(Debug, Args)]
pub struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the newest entries.
    Show(show::Show),
    /// Check that the trail is unbroken, and that it still agrees with earlier exports.
    Verify(verify::Verify),
    /// Print all entries of all databases with their hashes, one JSON object per line.
    Export(StateFileArgs),
}

impl Audit {
    pub async fn run(self) -> Result<Exit, CliError> {
        match self.command {
            Command::Show(show) => show.run().await,
            Command::Verify(verify) => verify.run().await,
            Command::Export(state) => export::run(&state).await,
        }
    }
}
