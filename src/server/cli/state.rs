//! `waybill state`: lists the databases of a state file, and rebinds one that no longer matches it.

use std::sync::Arc;

use clap::{ArgGroup, Args, Subcommand};
use comfy_table::{Table, TableStyle};

use super::args::{DatabaseArgs, StateArgs, StateFileArgs};
use super::connect::run_blocking;
use super::exit::{CliError, Exit};
use super::open_state::command_line_actor;
use super::terminal::print_line;
use crate::model::text;
use crate::server::binding::{self, Rebind as Change};
use crate::server::support::clock::SystemClock;
use crate::server::support::random::SystemRandom;

#[derive(Debug, Args)]
pub struct State {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the databases that a state keeps records of.
    List(List),
    /// Declare why a database no longer matches the state: it was moved, upgraded or renamed, or is a copy.
    Rebind(Rebind),
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    state: StateFileArgs,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["from", "new"])))]
struct Rebind {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    state: StateArgs,
    /// It is the database known by this name: its history and accounts stay with it, its sessions end.
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
    /// It is another database, such as a copy of a known one.
    #[arg(long)]
    new: bool,
}

impl State {
    pub async fn run(self) -> Result<Exit, CliError> {
        match self.command {
            Command::List(list) => list.run().await,
            Command::Rebind(rebind) => rebind.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Result<Exit, CliError> {
        let known = binding::list(&self.state.open().await?).await?;
        if known.is_empty() {
            return print_line("no database is known yet");
        }
        let mut table = Table::new();
        table.load_style(TableStyle::new()).set_header(["Name", "Database", "Known since"]);
        for source in known {
            table.add_row([source.name, source.identity, source.known_since].map(|cell| text::one_line(&cell)));
        }
        print_line(&table.to_string())
    }
}

impl Rebind {
    async fn run(self) -> Result<Exit, CliError> {
        let (url, source) = self.database.open().await?;
        let name = self.state.source_name.clone().unwrap_or_else(|| url.database_name());
        let identity = run_blocking(move || source.identity().map_err(|error| url.with_context(error.into()))).await?;
        let file = self.state.file.open().await?;
        let change = self.from.map_or(Change::New, Change::From);
        let actor = command_line_actor();
        binding::rebind(&file, &identity, &name, &change, &actor, Arc::new(SystemClock), &SystemRandom).await?;
        print_line(&match change {
            Change::From(from) if from == name => {
                format!("{name} is now this database; all of its sessions have ended")
            }
            Change::From(from) => format!("{from} is now called {name}; all of its sessions have ended"),
            Change::New => format!("{name} is now recorded as a separate database"),
        })
    }
}
