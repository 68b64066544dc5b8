//! `waybill user`.

use std::io::{BufRead, IsTerminal};

use clap::{Args, Subcommand};
use secrecy::SecretString;

use super::open::system_user;
use super::{Exit, Failed, StateArgs, print};
use crate::server::identity::{self, put_admin};
use crate::server::state::StateFile;
use crate::server::support::clock::SystemClock;
use crate::server::support::random::{SystemRandom, token};
use crate::server::{binding, export};

#[derive(Debug, Args)]
pub struct User {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add an account of Waybill's own, for databases that have none to sign in with.
    Add(Add),
}

#[derive(Debug, Args)]
struct Add {
    /// The name to sign in with. An account of that name gets a new password, and its sessions end.
    #[arg(long, value_name = "NAME")]
    admin: String,
    #[command(flatten)]
    state: StateArgs,
}

impl User {
    pub async fn run(self) -> Result<Exit, Failed> {
        let Command::Add(Add { admin, state }) = self.command;
        let given = password_from_pipe()?;
        let made_up = given.is_none().then(|| token(&SystemRandom)[..20].to_owned());
        let password = given.or_else(|| made_up.clone().map(SecretString::from)).unwrap_or_default();
        let actor = format!("cli:{}", system_user());
        let file = StateFile::open(&state.file.path()?).await.map_err(export::Error::from)?;
        let state = binding::by_name(&file, state.source_name.as_deref()).await.map_err(export::Error::from)?;
        let added = put_admin(&state, &SystemClock, &SystemRandom, &admin, password, &actor);
        added.await.map_err(|error| {
            let is_usage = matches!(error, identity::Error::Unusable(_));
            Failed::new(if is_usage { Exit::Usage } else { Exit::Failed }, error.to_string())
        })?;
        match made_up {
            Some(password) => {
                print(&format!("{admin} may sign in with the password {password}\nIt is shown this once."))
            }
            None => print(&format!("{admin} may sign in")),
        }
    }
}

/// The first line of standard input, when something is piped into it.
fn password_from_pipe() -> Result<Option<SecretString>, Failed> {
    let input = std::io::stdin();
    if input.is_terminal() {
        return Ok(None);
    }
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    read.map_err(|error| Failed::new(Exit::Failed, format!("the password cannot be read: {error}")))?;
    let line = line.trim_end_matches(['\r', '\n']);
    Ok((!line.is_empty()).then(|| line.to_owned().into()))
}
