//! `waybill user`: manages local accounts, sessions and second factors.

mod add;
mod list;
mod sessions;

use clap::{Args, Subcommand};

use super::args::StateArgs;
use super::exit::{CliError, Exit};
use super::terminal::{escape_control_chars, print_line};

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
        let operator = self.state.operator().await?;
        match self.command {
            Command::Add { admin } => add::run(&operator, &admin).await,
            Command::List { json } => list::run(&operator, json).await,
            Command::Disable { name } => {
                operator.disable(&name).await?;
                print_done(&name, "can no longer sign in; their sessions and exports end")
            }
            Command::Enable { name } => {
                operator.enable(&name).await?;
                print_done(&name, "may sign in")
            }
            Command::Remove { name } => {
                operator.remove(&name).await?;
                print_line(&format!("the account {} is removed", escape_control_chars(&name)))
            }
            Command::Sessions { name, end: true, .. } => sessions::end(&operator, name.as_deref()).await,
            Command::Sessions { name, json, .. } => sessions::list(&operator, name.as_deref(), json).await,
            Command::ResetSecondFactor { name } => {
                operator.reset_second_factor(&name).await?;
                print_done(&name, "signs in with the password alone; their sessions end")
            }
        }
    }
}

fn print_done(name: &str, what: &str) -> Result<Exit, CliError> {
    print_line(&format!("{} {what}", escape_control_chars(name)))
}
