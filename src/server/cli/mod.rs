//! The command line, one file per subcommand.
//!
//! May import: `app` and what it offers, `inspect`, `guide`, `sample`, `http`, `worker`, `seal`. Flow:
//! `run` parses the arguments, `dispatch` runs the subcommand, and `Exit` becomes the exit code.

mod audit;
mod connect;
mod exit;
mod export;
mod guide;
mod inspect;
mod key;
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

pub use connect::SourceUrl;
pub use exit::{CliError, Exit};

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
     another name, a table of the profile is missing, or there is drift and --drift=refuse
  4  not intact: the file is cut off, altered or not a Waybill export, or not the expected one: its digest
     is not that of --sha256, or no key of --key has signed it
  5  the output exists already or cannot be written
  6  drift: profile and database differ; the export is written and complete, but without what the profile
     does not know";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the admin page.
    Serve(serve::Serve),
    /// Show what an export would contain: exact counts, measured size, what is left out.
    Preview(preview::Preview),
    /// Export the whole database into one sealed file.
    Export(export::Export),
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

/// The source database.
#[derive(Debug, Args)]
struct DatabaseArgs {
    /// Database to read: sqlite:PATH, or a libpq URL such as `postgres://user@host:5432/db?sslmode=verify-full`.
    ///
    /// A password is refused here, because other users of this machine could read it. Put it into `PGPASSWORD` or
    /// ~/.pgpass, or the URL with the password into `WAYBILL_SOURCE`.
    #[arg(long, value_name = "URL", env = "WAYBILL_SOURCE", hide_env_values = true)]
    source: SecretString,
    /// PostgreSQL role whose code may run with the rights of the connecting user; repeat it or separate with commas.
    ///
    /// Needed only to read tables whose owner has fewer rights than the connecting user, such as an application's
    /// tables as a superuser.
    #[arg(long, value_name = "ROLE", env = "WAYBILL_TRUST_OWNER", value_delimiter = ',')]
    trust_owner: Vec<String>,
}

/// The source database, and the profile that describes it.
#[derive(Debug, Args)]
struct SourceArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Profile that classifies tables and columns: a TOML file, or the name of a built-in one (supportsignal)
    /// [default: a built-in one that matches the database, else a guess].
    #[arg(long, value_name = "FILE|NAME")]
    profile: Option<String>,
}

/// The state file: history, audit trail, accounts.
#[derive(Debug, Args)]
struct StateFileArgs {
    #[arg(
        long,
        value_name = "URL",
        env = "WAYBILL_STATE",
        global = true,
        help = "State file for Waybill's own records (history, audit trail, accounts), not the source: sqlite:PATH [default: waybill/waybill.db in $XDG_STATE_HOME]"
    )]
    state: Option<String>,
}

/// The state file, and the name of one database in it.
#[derive(Debug, Args)]
struct StateArgs {
    #[command(flatten)]
    file: StateFileArgs,
    /// Name of this database in the state, to distinguish several that share it or a copy from its original
    /// [default: the database's name].
    #[arg(long, value_name = "NAME", env = "WAYBILL_SOURCE_NAME", global = true, value_parser = NonEmptyStringValueParser::new())]
    source_name: Option<String>,
}

/// The signing key.
#[derive(Debug, Args)]
struct SigningArgs {
    #[arg(
        long,
        value_name = "FILE",
        env = "WAYBILL_SIGNING_KEY_FILE",
        help = "Private key that signs files, in PEM; redundant servers share one \
                [default: waybill/signing-key.pem in $XDG_STATE_HOME, created on first use]"
    )]
    signing_key: Option<PathBuf>,
}

impl StateFileArgs {
    fn path(&self) -> Result<PathBuf, CliError> {
        match &self.state {
            Some(url) => match url.strip_prefix("sqlite:") {
                Some(path) => connect::sqlite_path(path).map_err(|message| CliError::new(Exit::Usage, message)),
                None => Err(CliError::new(Exit::Usage, "--state: write sqlite:PATH")),
            },
            None => connect::default_state_path(),
        }
    }
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

/// Prints to standard output. A broken pipe is not an error: the reader has seen enough.
fn print_line(text: &str) -> Result<Exit, CliError> {
    use std::io::Write;
    match writeln!(std::io::stdout(), "{}", escape_control_chars(text)) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(CliError::output(&error)),
        _ => Ok(Exit::Success),
    }
}

/// Prints to standard error.
fn eprint_line(text: &str) {
    eprintln!("{}", escape_control_chars(text));
}

/// Escapes terminal control characters as JSON does: names in a database may contain them.
fn escape_control_chars(text: &str) -> Cow<'_, str> {
    let is_escaped = |c: char| crate::model::text::needs_escaping(c) && c != '\n' && c != '\t';
    if !text.contains(is_escaped) {
        return text.into();
    }
    let escape = |c: char| if is_escaped(c) { format!("\\u{:04x}", u32::from(c)) } else { c.into() };
    text.chars().map(escape).collect()
}

async fn dispatch(command: Command) -> Result<Exit, CliError> {
    // With a handler for SIGXFSZ, exceeding the file size limit does not kill the process: the write fails,
    // and is reported and cleaned up like any other failed write.
    let _file_size_signal = tokio::signal::unix::signal(SignalKind::from_raw(libc::SIGXFSZ));
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
