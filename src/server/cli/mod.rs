//! The command line, one file per subcommand.
//!
//! May import: `app` and what it offers (`export`, `identity`, `import`, `profile`, `source`), `http`, `worker`; what works without an
//! app: `key_rotation`, `profiles`, `binding`, `audit`, `signing`, `state`, `inspect`, `guide`, `sample`, and of `pipeline`
//! the decompression; `seal`, `support`, `model`. Flow: `run` parses the arguments, `dispatch` runs the subcommand, and
//! `Exit` becomes the exit code.

mod args;
mod audit;
mod connect;
mod exit;
mod explain;
mod export;
mod guide;
mod import;
mod inspect;
mod key;
mod open_state;
mod preview;
mod profile;
mod record_key;
mod sample;
mod serve;
mod source_url;
mod state;
mod state_path;
mod terminal;
mod user;
mod verify;

use std::time::Duration;

use clap::{Parser, Subcommand};
use tokio::signal::unix::SignalKind;

use crate::server::support::telemetry;

pub use exit::{CliError, Exit};
pub use source_url::SourceUrl;
use terminal::eprint_line;

/// Exports an application's database and proves that the export is complete.
#[derive(Debug, Parser)]
#[command(name = "waybill", version, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Start with your own database:
  export WAYBILL_SOURCE=postgres://user:password@host:5432/database    # or sqlite:PATH
  waybill export --output .

Or with a sample:
  waybill sample --output data/sample.db
  waybill export --source sqlite:data/sample.db --output .
  waybill verify supportsignal-db-export-*.json

Exit codes:
  0  success
  1  failure
  2  wrong usage
  3  refused, nothing was written: not allowed, the database is in use by another server or known under
     another name, a table of the profile is missing, there is drift and --drift=refuse, or file and
     database of an import do not fit
  4  not intact: the file is cut off, altered or not a Waybill export, or not the expected one: its digest
     is not that of --sha256, or no key of --key has signed it
  5  the output exists already or cannot be written
  6  drift: profile and database differ; the export is written and complete, but without what the profile
     does not know
  8  the plan of an import is stale, nothing was written: the database is not what it was";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the admin page.
    Serve(serve::Serve),
    /// Show what an export would contain: exact counts, estimated size, what is left out.
    Preview(preview::Preview),
    /// Tell why a record is in a part of the database, or why it is not.
    Explain(explain::Explain),
    /// Export the whole database, or a part of it, into one sealed file.
    Export(export::Export),
    /// Put the records of an exported file into a database, all of them or none.
    Import(Box<import::Import>),
    /// Check that files are complete and unchanged, and who signed them.
    Verify(verify::Verify),
    /// Show, export or rotate the key that signs files.
    Key(key::Key),
    /// List the tables of a file, describe one, or print its records; works for files of any size.
    Inspect(inspect::Inspect),
    /// Draft a profile for a database, or check one against it.
    Profile(profile::Profile),
    /// Manage Waybill's own accounts, and all sessions and second factors.
    User(user::User),
    /// Show, verify or export the audit trail: what was done and what was refused.
    Audit(audit::Audit),
    /// List the databases that Waybill keeps records of, or rebind one that was moved or copied.
    State(state::State),
    /// Print the guide for analysing an export with an AI assistant.
    Guide(guide::Guide),
    /// Create a sample database to try Waybill with.
    Sample(sample::Sample),
}

/// Runs the program. An error is printed to standard error, as one sentence that says what to do.
#[must_use]
pub fn run() -> Exit {
    let cli = Cli::parse();
    // Only the server logs by default: any other command reports an error in its one sentence.
    telemetry::init(if matches!(cli.command, Command::Serve(_)) { "warn,waybill=info" } else { "off" });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(dispatch(cli.command));
            // Do not wait for a database that is still counting for a preview.
            runtime.shutdown_timeout(Duration::from_secs(1));
            result
        }
        Err(error) => Err(CliError::new(Exit::Failure, format!("cannot start threads: {error}"))),
    };
    result.unwrap_or_else(|failed| {
        eprint_line(&format!("waybill: {}", failed.message));
        failed.exit
    })
}

async fn dispatch(command: Command) -> Result<Exit, CliError> {
    // With a handler for SIGXFSZ, exceeding the file size limit does not kill the process: the write fails,
    // and is reported and cleaned up like any other failed write.
    let _file_size_signal = tokio::signal::unix::signal(SignalKind::from_raw(libc::SIGXFSZ));
    match command {
        Command::Serve(serve) => serve.run().await,
        Command::Preview(preview) => preview.run().await,
        Command::Explain(explain) => explain.run().await,
        Command::Export(export) => export.run().await,
        Command::Import(import) => import.run().await,
        Command::Verify(verify) => verify.run(),
        Command::Key(key) => key.run().await,
        Command::Inspect(inspect) => inspect.run(),
        Command::Profile(profile) => profile.run().await,
        Command::User(user) => user.run().await,
        Command::Audit(audit) => audit.run().await,
        Command::State(state) => state.run().await,
        Command::Guide(guide) => guide.run(),
        Command::Sample(sample) => sample.run(),
    }
}
