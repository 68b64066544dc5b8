//! The door of terminals and scripts.
//!
//! May import: `app` and what it offers, `inspect`, `guide`, `sample`, `http`, `worker`, `seal`. Flow:
//! `run` parses the command line, each command has its own file, and `Exit` says how it ended.

mod audit;
mod exit;
mod export;
mod guide;
mod inspect;
mod key;
mod open;
mod preview;
mod profile;
mod sample;
mod serve;
mod state;
mod terminal;
mod user;
mod verify;

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand};
use secrecy::SecretString;
use tokio::signal::unix::SignalKind;

use crate::server::support::telemetry;

pub use exit::{Exit, Failed};
pub use open::SourceUrl;

/// Takes an application's data out of its database and proves that all of it is there.
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
  0  done
  1  failed
  2  wrong usage
  3  refused, and nothing was written: the caller may not do this, a table of the profile is missing, or
     --drift=refuse met drift
  4  not whole: the file is cut, altered or not a snapshot, or not the one that was meant: another digest
     than --sha256 says, not signed with --key
  5  the output exists already or cannot be written
  6  drift: profile and database have grown apart; an export is written, whole, and without what the
     profile does not know";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the admin page.
    Serve(serve::Serve),
    /// Show what an export would hold: exact counts, measured size, what is left out.
    Preview(preview::Preview),
    /// Export the whole database into one sealed file.
    Export(export::Export),
    /// Check that files are whole, and whose signature they carry.
    Verify(verify::Verify),
    /// The key that files are signed with.
    Key(key::Key),
    /// List a file's tables, describe one, or print its records; files of any size.
    Inspect(inspect::Inspect),
    /// Draft a profile for a database, or hold one against it.
    Profile(profile::Profile),
    /// Accounts of Waybill's own.
    User(user::User),
    /// What was done and refused: read the audit trail, check it, take it out.
    Audit(audit::Audit),
    /// The databases that Waybill keeps records of.
    State(state::State),
    /// Print the guide for analysing an export with an AI assistant.
    Guide(guide::Guide),
    /// Make a sample database to try things on.
    Sample(sample::Sample),
}

/// Where the data comes from.
#[derive(Debug, Args)]
struct DatabaseArgs {
    /// The database: sqlite:PATH, or `postgres://user@host:port/db?sslmode=…` as libpq takes it. A
    /// password belongs into `WAYBILL_SOURCE`, `PGPASSWORD` or ~/.pgpass.
    #[arg(long, value_name = "URL", env = "WAYBILL_SOURCE", hide_env_values = true)]
    source: SecretString,
    /// A role of PostgreSQL whose code may run as the user who connects; may be given several times, or with
    /// commas. Needed only where its tables are read by a user who may do more than it may.
    #[arg(long, value_name = "ROLE", env = "WAYBILL_TRUST_OWNER", value_delimiter = ',')]
    trust_owner: Vec<String>,
}

/// Where the data comes from and what it means.
#[derive(Debug, Args)]
struct SourceArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// What its tables and columns mean: a file, or a built-in profile's name (supportsignal)
    /// [default: a built-in one that fits, else a guess].
    #[arg(long, value_name = "FILE|NAME")]
    profile: Option<String>,
}

/// Where history and audit are kept.
#[derive(Debug, Args)]
struct StateFileArgs {
    #[arg(
        long,
        value_name = "URL",
        env = "WAYBILL_STATE",
        global = true,
        help = "Waybill's own records, apart from the source: sqlite:PATH [default: waybill/waybill.db in $XDG_STATE_HOME]"
    )]
    state: Option<String>,
}

/// Where they are kept, and of which database.
#[derive(Debug, Args)]
struct StateArgs {
    #[command(flatten)]
    file: StateFileArgs,
    /// What you call this database, where several share a state, or one is a copy of another
    /// [default: the database's name].
    #[arg(long, value_name = "NAME", env = "WAYBILL_SOURCE_NAME", global = true, value_parser = NonEmptyStringValueParser::new())]
    source_name: Option<String>,
}

/// What files are signed with.
#[derive(Debug, Args)]
struct SigningArgs {
    #[arg(
        long,
        value_name = "FILE",
        env = "WAYBILL_SIGNING_KEY_FILE",
        help = "The key that files are signed with, in PEM; servers that stand for one another share it \
                [default: waybill/signing-key.pem in $XDG_STATE_HOME, made at the first use]"
    )]
    signing_key: Option<PathBuf>,
}

impl StateFileArgs {
    fn path(&self) -> Result<PathBuf, Failed> {
        match &self.state {
            Some(url) => match url.strip_prefix("sqlite:") {
                Some(path) => open::sqlite_path(path).map_err(|message| Failed::new(Exit::Usage, message)),
                None => Err(Failed::new(Exit::Usage, "--state: write sqlite:PATH")),
            },
            None => open::default_state(),
        }
    }
}

/// Runs the program. Errors go to standard error, as one sentence that says what to do.
#[must_use]
pub fn run() -> Exit {
    let cli = Cli::parse();
    // A server explains itself in its log; a command in its one sentence.
    telemetry::start(if matches!(cli.command, Command::Serve(_)) { "warn,waybill=info" } else { "off" });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => {
            let ended = runtime.block_on(dispatch(cli.command));
            // A database that still counts for a preview must not keep the program from ending.
            runtime.shutdown_timeout(Duration::from_secs(1));
            ended
        }
        Err(error) => Err(Failed::new(Exit::Failed, format!("no threads can be started: {error}"))),
    };
    ended.unwrap_or_else(|failed| {
        tell(&format!("waybill: {}", failed.message));
        failed.exit
    })
}

/// Prints to standard output. A reader that has seen enough is content.
fn print(text: &str) -> Result<Exit, Failed> {
    use std::io::Write;
    match writeln!(std::io::stdout(), "{}", printable(text)) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failed::output(&error)),
        _ => Ok(Exit::Done),
    }
}

/// Prints to standard error.
fn tell(text: &str) {
    eprintln!("{}", printable(text));
}

/// Names in a database may hold what steers a terminal: it is written as JSON writes it.
fn printable(text: &str) -> Cow<'_, str> {
    let steers = |c: char| crate::model::text::steers(c) && c != '\n' && c != '\t';
    if !text.contains(steers) {
        return text.into();
    }
    let shown = |c: char| if steers(c) { format!("\\u{:04x}", u32::from(c)) } else { c.into() };
    text.chars().map(shown).collect()
}

async fn dispatch(command: Command) -> Result<Exit, Failed> {
    // Past its file size limit a process is killed, unless somebody listens: then the write fails,
    // and a failed write is told and cleared up like any other.
    let _limit = tokio::signal::unix::signal(SignalKind::from_raw(libc::SIGXFSZ));
    match command {
        Command::Serve(serve) => serve.run().await,
        Command::Preview(preview) => preview.run().await,
        Command::Export(export) => export.run().await,
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
