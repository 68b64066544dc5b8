//! `waybill import`: puts the records of a file into a database.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use secrecy::SecretString;

use super::args::{DatabaseArgs, SigningArgs, SourceArgs, StateArgs};
use super::connect::{build_app, is_same_file, system_user};
use super::exit::{CliError, Exit};
use super::terminal::{print_json, print_line};
use crate::model::import::{ImportMode, ImportReport, TableEffect, TableReport};
use crate::model::text;
use crate::server::identity::Caller;
use crate::server::import::{ImportRequest, Imports};
use crate::server::profile::SecondFactorPolicy;
use crate::server::signing::PublicKeys;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Import {
    /// The exported file, compressed or not.
    file: PathBuf,
    /// Database to write to: sqlite:PATH, or a libpq URL such as `postgres://owner@host:5432/db`. Its tables exist already.
    ///
    /// Triggers, checks and casts of the database run with the rights of the user in the URL: connect as the owner of the
    /// tables. Superusers and roles with BYPASSRLS or CREATEROLE are refused. A password is refused here, because other users
    /// of this machine could read it: put it into `PGPASSWORD` or ~/.pgpass, or the URL into `WAYBILL_TARGET`.
    #[arg(long, value_name = "URL", env = "WAYBILL_TARGET", hide_env_values = true)]
    target: SecretString,
    /// PostgreSQL role whose triggers may run with the rights of the connecting user; repeat it or separate with commas.
    #[arg(long, value_name = "ROLE", env = "WAYBILL_TRUST_OWNER", value_delimiter = ',')]
    trust_owner: Vec<String>,
    /// What the tables may have already.
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,
    /// Write nothing: check everything that an import checks, and say what would be written. On PostgreSQL, what a trigger
    /// refuses is not found, nor a value that another unique index than the primary key has already.
    #[arg(long)]
    dry_run: bool,
    /// Profile that says what omitted columns get that must not be null (`on_import`): a TOML file or the name of a built-in
    /// one [default: a built-in one that matches the database].
    #[arg(long, value_name = "FILE|NAME")]
    profile: Option<String>,
    /// File with the public keys to trust, in PEM, as `waybill key export` prints them [default: this installation's own keys].
    #[arg(long, value_name = "PEM-FILE")]
    key: Option<PathBuf>,
    /// Take a file that no trusted key has signed: anyone could have made it.
    #[arg(long)]
    accept_unsigned: bool,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    signing: SigningArgs,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
The file's seal is checked first, then everything is written in one transaction: nobody sees a part of it, and nothing is left
of an import that fails. The other writers of the tables wait meanwhile.";

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Mode {
    /// Every table that the file has must be empty.
    #[default]
    RequireEmpty,
    /// The file's records are new: a key that is there already ends the import.
    Append,
    /// A record whose primary key is there already gets the file's values where they differ; the others are new.
    Merge,
}

impl From<Mode> for ImportMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::RequireEmpty => Self::RequireEmpty,
            Mode::Append => Self::Append,
            Mode::Merge => Self::Merge,
        }
    }
}

impl Import {
    pub async fn run(self) -> Result<Exit, CliError> {
        let database = DatabaseArgs { source: self.target.clone(), trust_owner: self.trust_owner.clone() };
        let source = SourceArgs { database, profile: self.profile.clone() };
        let named = |error: CliError| CliError::new(error.exit, as_target(&error.message));
        let url = source.database.url().map_err(named)?;
        if url.file().is_some_and(|file| is_same_file(&self.file, file)) {
            return Err(CliError::new(Exit::Usage, "the file to import is the database itself: choose another one"));
        }
        let trusted_keys = self.trusted_keys()?;
        let (app, url) =
            build_app(&source, &self.state, &self.signing, SecondFactorPolicy::Optional).await.map_err(named)?;
        let imports = Arc::new(Imports {
            target: url.target(&self.trust_owner),
            profile: app.profile.clone(),
            trusted_keys,
            journal: app.journal.clone(),
            random: app.random.clone(),
        });
        let request =
            ImportRequest { mode: self.mode.into(), dry_run: self.dry_run, accept_unsigned: self.accept_unsigned };
        let bar = progress_bar();
        let shown = bar.clone();
        let on_progress = move |records| shown.set_position(records);
        let caller = Caller::command_line(&system_user());
        let imported = imports.import_file(&caller, &self.file, request, on_progress).await;
        bar.finish_and_clear();
        let report = imported.map_err(|error| {
            if error.is_about_file() {
                let CliError { exit, message } = error.into();
                return CliError::new(exit, format!("{}: {message}", self.file.display()));
            }
            url.with_context(error.into())
        })?;
        if self.json { print_json(&report) } else { print_line(&to_text(&report)) }
    }

    fn trusted_keys(&self) -> Result<PublicKeys, CliError> {
        match &self.key {
            Some(path) => Ok(PublicKeys::from_file(path)?),
            None => Ok(PublicKeys::of_installation(&self.signing.key_path(&self.state.file)?)?),
        }
    }
}

/// The options of a source have other names where a database is written to.
fn as_target(message: &str) -> String {
    message.replace("--source:", "--target:").replace("WAYBILL_SOURCE", "WAYBILL_TARGET")
}

fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{human_pos} records  {elapsed}") {
        bar.set_style(style);
    }
    bar
}

/// For people.
fn to_text(report: &ImportReport) -> String {
    let records = text::count_with_noun(report.effect().total(), "record");
    let tables = text::count_with_noun(report.tables.len() as u64, "table");
    let effect = describe(report.effect());
    let mut lines = vec![if report.written {
        format!("imported: {records} in {tables}, {effect}, in {}", text::duration(report.duration_ms))
    } else {
        format!("would import: {records} in {tables}, {effect}; nothing was written")
    }];
    let changed = report.tables.iter().filter(|table| table.effect.created + table.effect.updated > 0);
    lines.extend(changed.map(|TableReport { table, effect }| {
        format!("          {}: {}", text::one_line(table.as_str()), describe(*effect))
    }));
    lines.push(format!("seal      {}", report.sha256));
    let signed = report.signed_by.as_ref();
    let key = signed.map_or_else(|| "by no trusted key".to_owned(), |key| format!("by the key {key}"));
    lines.push(format!("signed    {key}"));
    lines.extend(report.triggers.iter().map(|trigger| format!("trigger   {} may run", text::one_line(trigger))));
    lines.extend(report.notes.iter().map(|note| format!("note      {}", text::one_line(note))));
    lines.join("\n")
}

/// Such as `12 new, 3 changed, 2,485 unchanged`.
fn describe(effect: TableEffect) -> String {
    let parts = [(effect.created, "new"), (effect.updated, "changed"), (effect.unchanged, "unchanged")];
    let parts = parts.iter().filter(|(records, _)| *records > 0);
    let parts: Vec<String> = parts.map(|(records, what)| format!("{} {what}", text::count(*records))).collect();
    if parts.is_empty() { "none of them".to_owned() } else { parts.join(", ") }
}
