//! `waybill user`: manages local accounts, sessions and second factors.

use std::io::{BufRead, IsTerminal};
use std::sync::Arc;

use clap::{Args, Subcommand};
use secrecy::SecretString;
use serde_json::json;

use super::args::StateArgs;
use super::connect::system_user;
use super::exit::{CliError, Exit};
use super::terminal::{eprint_line, escape_control_chars, print_json, print_line};
use crate::model::text::count_with_noun;
use crate::server::audit::{Actor, Journal};
use crate::server::binding;
use crate::server::identity::Error;
use crate::server::identity::local_accounts::{AccountSummary, Operator, SessionSummary};
use crate::server::state::StateDatabase;
use crate::server::support::clock::SystemClock;
use crate::server::support::random::{SystemRandom, new_typeable_code};

/// Length of a generated password: 120 bits.
const GENERATED_PASSWORD_LENGTH: usize = 24;

#[derive(Debug, Args)]
pub struct User {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    state: StateArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add one of Waybill's own accounts, for databases that have none to sign in with.
    ///
    /// The password is the first line of standard input if that is not a terminal; otherwise, or if it is empty, a
    /// password is generated and shown once.
    Add {
        /// Name to sign in with; an existing account of that name gets a new password, and its sessions end.
        #[arg(long, value_name = "NAME")]
        admin: String,
    },
    /// List Waybill's own accounts.
    List {
        /// Print the accounts as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Disable an account: it cannot sign in, and its sessions and exports end.
    Disable {
        /// The name to sign in with.
        name: String,
    },
    /// Let a disabled account sign in again.
    Enable {
        /// The name to sign in with.
        name: String,
    },
    /// Remove an account. Its history and audit trail stay.
    Remove {
        /// The name to sign in with.
        name: String,
    },
    /// List or end sessions, of Waybill's own accounts and of the application's.
    Sessions {
        /// Only sessions of the account with this name.
        name: Option<String>,
        /// End the sessions instead of listing them.
        #[arg(long)]
        end: bool,
        /// Print the sessions as JSON.
        #[arg(long, conflicts_with = "end")]
        json: bool,
    },
    /// Remove the second factor of a user who lost it, from one of Waybill's own accounts or of the application's.
    ResetSecondFactor {
        /// The name to sign in with.
        name: String,
    },
}

impl User {
    pub async fn run(self) -> Result<Exit, CliError> {
        let file = StateDatabase::open(&self.state.file.path()?).await?;
        let source = self.state.source_name.as_deref();
        let state = binding::find_state(&file, source).await?;
        let user = format!("cli:{}", system_user());
        let journal = Journal::new(state.clone(), Arc::new(SystemClock));
        let operator = Operator { state: &state, journal: &journal, clock: &SystemClock, actor: Actor::local(&user) };
        match self.command {
            Command::Add { admin } => add(operator, &admin).await,
            Command::List { json } => list(operator.list().await.map_err(to_cli_error)?, json),
            Command::Disable { name } => {
                operator.disable(&name).await.map_err(to_cli_error)?;
                print_line(&format!(
                    "{} can no longer sign in; their sessions and exports end",
                    escape_control_chars(&name)
                ))
            }
            Command::Enable { name } => {
                operator.enable(&name).await.map_err(to_cli_error)?;
                print_line(&format!("{} may sign in", escape_control_chars(&name)))
            }
            Command::Remove { name } => {
                operator.remove(&name).await.map_err(to_cli_error)?;
                print_line(&format!("the account {} is removed", escape_control_chars(&name)))
            }
            Command::Sessions { name, end: true, .. } => {
                let count = operator.end_sessions(name.as_deref()).await.map_err(to_cli_error)?;
                print_line(&format!("{} ended", count_with_noun(count, "session")))
            }
            Command::Sessions { name, json, .. } => {
                print_sessions(name.as_deref(), &operator.sessions(name.as_deref()).await.map_err(to_cli_error)?, json)
            }
            Command::ResetSecondFactor { name } => {
                operator.reset_second_factor(&name).await.map_err(to_cli_error)?;
                print_line(&format!(
                    "{} signs in with the password alone; their sessions end",
                    escape_control_chars(&name)
                ))
            }
        }
    }
}

async fn add(operator: Operator<'_>, name: &str) -> Result<Exit, CliError> {
    let (password, generated) = if let Some(given) = read_password_from_stdin()? {
        (given, None)
    } else {
        let generated = new_typeable_code(&SystemRandom, GENERATED_PASSWORD_LENGTH);
        (generated.clone().into(), Some(generated))
    };
    let account = operator.upsert(&SystemRandom, name, password).await.map_err(to_cli_error)?;
    let name = escape_control_chars(&account.name).into_owned();
    if operator.state.source_id().is_none() {
        eprint_line("note: no database has been served yet; the account will belong to the first one that is");
    }
    if account.disabled_at.is_some() {
        eprint_line(&format!("note: the account is disabled; enable it with `waybill user enable {name}`"));
    }
    match generated {
        Some(password) => {
            print_line(&format!("{name} may sign in with the password {password}\nIt is not shown again."))
        }
        None => print_line(&format!("{name} may sign in")),
    }
}

fn list(accounts: Vec<AccountSummary>, as_json: bool) -> Result<Exit, CliError> {
    if as_json {
        let accounts = accounts.into_iter().map(|AccountSummary { account, has_second_factor, sessions }| {
            json!({
                "name": account.name, "createdAt": account.created_at, "disabledAt": account.disabled_at,
                "secondFactor": has_second_factor, "sessions": sessions
            })
        });
        return print_json(&accounts.collect::<Vec<_>>());
    }
    if accounts.is_empty() {
        return print_line("Waybill has no accounts of its own; create one with `waybill user add --admin NAME`");
    }
    let lines = accounts.into_iter().map(|AccountSummary { account, has_second_factor, sessions }| {
        let since = date_of(&account.created_at);
        let factor = if has_second_factor { "second factor" } else { "no second factor" };
        let status = account.disabled_at.as_deref().map_or_else(
            || count_with_noun(sessions as u64, "session"),
            |disabled_at| format!("disabled since {}", date_of(disabled_at)),
        );
        format!("{}  since {since} · {factor} · {status}", escape_control_chars(&account.name))
    });
    print_line(&lines.collect::<Vec<_>>().join("\n"))
}

fn print_sessions(name: Option<&str>, sessions: &[SessionSummary], as_json: bool) -> Result<Exit, CliError> {
    if as_json {
        let sessions = sessions.iter().map(|session| {
            json!({
                "name": session.name, "network": session.network, "createdAt": session.created_at,
                "lastSeenAt": session.last_seen_at
            })
        });
        return print_json(&sessions.collect::<Vec<_>>());
    }
    if sessions.is_empty() {
        return print_line(
            &name.map_or_else(|| "nobody is signed in".into(), |name| format!("\"{name}\" is not signed in")),
        );
    }
    let lines = sessions.iter().map(|session| {
        let network = session.network.as_deref().unwrap_or("an unknown address");
        let (since, seen) = (&session.created_at, &session.last_seen_at);
        format!("{}  from {network} · since {since} · last seen {seen}", escape_control_chars(&session.name))
    });
    print_line(&lines.collect::<Vec<_>>().join("\n"))
}

fn date_of(time: &str) -> &str {
    time.get(..10).unwrap_or(time)
}

#[expect(clippy::needless_pass_by_value, reason = "map_err gives it away")]
fn to_cli_error(error: Error) -> CliError {
    use Error::{AccountNotFound, Invalid, NotSignedIn, SecondFactorNotFound};
    let is_usage = matches!(error, Invalid(_) | AccountNotFound(_) | SecondFactorNotFound(_) | NotSignedIn(_));
    CliError::new(if is_usage { Exit::Usage } else { Exit::Failure }, error.to_string())
}

/// Reads the first line of standard input, unless that is a terminal. A blank line is a password (and too short).
fn read_password_from_stdin() -> Result<Option<SecretString>, CliError> {
    let input = std::io::stdin();
    if input.is_terminal() {
        return Ok(None);
    }
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    read.map_err(|error| CliError::new(Exit::Failure, format!("the password cannot be read: {error}")))?;
    Ok((!line.is_empty()).then(|| line.trim_end_matches(['\r', '\n']).to_owned().into()))
}
