//! `waybill profile`: drafts and checks profiles.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::args::{DatabaseArgs, SourceArgs};
use super::connect::{OpenedSource, is_same_file, run_blocking, system_user};
use super::exit::{CliError, Exit};
use super::terminal::{eprint_line, json_error, print_json, print_line};
use crate::model::drift::Drift;
use crate::server::export::check_owners;
use crate::server::identity::Caller;
use crate::server::profile::{Origin, SCHEMA};
use crate::server::profiles::{self, CheckReport};
use crate::server::support::atomic_file::{self, IfExists};

#[derive(Debug, Args)]
pub struct Profile {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Draft a profile: a guess with its reason for every column, for you to review and correct.
    Init(Init),
    /// Compare a profile with its database; exits with code 6 when they differ.
    Check(Check),
    /// Print the JSON Schema of a profile, for editors.
    Schema,
}

#[derive(Debug, Args)]
struct Init {
    #[command(flatten)]
    database: DatabaseArgs,
    /// File to write [default: standard output].
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite an existing file.
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
struct Check {
    #[command(flatten)]
    source: SourceArgs,
    /// Also find every organisation (the first hundred), and count the records that are in none: their owners disagree, or
    /// nobody owns them.
    #[arg(long)]
    data: bool,
    /// Print the differences as JSON.
    #[arg(long)]
    json: bool,
}

impl Profile {
    pub async fn run(self) -> Result<Exit, CliError> {
        match self.command {
            Command::Init(init) => init.run().await,
            Command::Check(check) => check.run().await,
            Command::Schema => print_line(SCHEMA.trim_end()),
        }
    }
}

impl Init {
    async fn run(self) -> Result<Exit, CliError> {
        let (url, source) = self.database.open().await?;
        if self.output.as_deref().zip(url.file()).is_some_and(|(output, file)| is_same_file(output, file)) {
            return Err(CliError::new(
                Exit::Usage,
                "the output would replace the database itself: choose another name",
            ));
        }
        let text = run_blocking(move || {
            let draft =
                profiles::draft(&*source, &url.database_name()).map_err(|error| url.with_context(error.into()))?;
            Ok(draft.to_toml(&format!("{} {}", source.engine(), source.engine_version())))
        })
        .await?;
        let Some(path) = self.output else { return print_line(text.trim_end()) };
        atomic_file::write(&path, text.as_bytes(), IfExists::replace_if(self.force)).map_err(|error| {
            match error.kind() {
                std::io::ErrorKind::AlreadyExists => CliError::new(
                    Exit::Output,
                    format!("{} exists; choose another name or add --force", path.display()),
                ),
                _ => CliError::new(Exit::Output, format!("{} cannot be written: {error}", path.display())),
            }
        })?;
        let path = path.display();
        eprint_line(&format!(
            "{path}: every class in it is a guess; review and correct it, then use it with --profile"
        ));
        Ok(Exit::Success)
    }
}

/// What `profile check --json` prints.
#[derive(Serialize)]
struct CheckResult<'a> {
    #[serde(flatten)]
    drift: &'a Drift,
    notes: &'a [String],
}

impl Check {
    async fn run(self) -> Result<Exit, CliError> {
        let OpenedSource { url, source, profile } = self.source.open().await?;
        if profile.origin == Origin::Guess {
            let message = "there is no profile to check: this database matches no built-in one; give --profile FILE, or draft one with `waybill profile init`";
            return Err(CliError::new(Exit::Usage, message));
        }
        let (counts_data, caller) = (self.data, Caller::command_line(&system_user()));
        let (CheckReport { drift, notes }, name) = run_blocking(move || {
            let mut checked = profiles::check(&*source, &profile).map_err(|error| url.with_context(error.into()))?;
            if counts_data {
                let counted = check_owners(&caller, &*source, &profile);
                checked.notes.extend(counted.map_err(|error| url.with_context(error.into()))?);
            }
            Ok((checked, profile.name))
        })
        .await?;
        if self.json {
            let checked = CheckResult { drift: &drift, notes: &notes };
            // By way of a value, which sorts the keys.
            print_json(&serde_json::to_value(checked).map_err(|error| json_error(&error))?)?;
        } else if drift.is_empty() {
            print_line(&format!("no drift: {name} knows every table and column"))?;
        } else {
            print_line(&drift.lines().join("\n"))?;
        }
        for note in notes {
            eprint_line(&format!("note: {note}"));
        }
        Ok(if drift.is_empty() { Exit::Success } else { Exit::Drift })
    }
}
