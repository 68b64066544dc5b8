//! `waybill import`: puts the records of a file into a database.

mod report;
mod show;
mod trust_args;
mod undo;

use std::fs::File;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use secrecy::SecretString;

use super::args::{DatabaseArgs, SigningArgs, SourceArgs, StateArgs, UndoFolderArgs, as_target};
use super::connect::{AppOptions, build_app, is_same_file, system_user};
use super::exit::{CliError, Exit};
use super::record_key::parse_key;
use super::terminal::{print_json, print_line};
use crate::model::import::{ImportMode, TablePolicies, TablePolicy};
use crate::model::name::TableName;
use crate::server::identity::Caller;
use crate::server::import::{ExpectedPlan, ImportRequest, PartRequest, PersonRequest};
use crate::server::support::blob_folder::BlobFolder;
use report::{UndoPlace, to_text};
use trust_args::TrustArgs;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Import {
    #[command(subcommand)]
    command: Option<Command>,
    /// The exported file, as it is: compressed at most by Waybill itself.
    #[arg(required = true)]
    file: Option<PathBuf>,
    /// Database to write to: sqlite:PATH, or a libpq URL such as `postgres://owner@host:5432/db`. Its tables exist already, or are created (`--create-tables`).
    ///
    /// Triggers, checks and casts of the database run with the rights of the user in the URL: connect as the owner of the
    /// tables. Superusers and roles with BYPASSRLS or CREATEROLE are refused. A password is refused here, because other users
    /// of this machine could read it: put it into `PGPASSWORD` or ~/.pgpass, or the URL into `WAYBILL_TARGET`.
    #[arg(long, value_name = "URL", env = "WAYBILL_TARGET", hide_env_values = true, required = true)]
    target: Option<SecretString>,
    /// PostgreSQL role whose triggers may run with the rights of the connecting user; repeat it or separate with commas.
    #[arg(long, value_name = "ROLE", env = "WAYBILL_TRUST_OWNER", value_delimiter = ',')]
    trust_owner: Vec<String>,
    /// What the tables may have already.
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,
    /// Create the tables first, in a database that has none: columns, primary keys, and references to these. A file has no indexes,
    /// checks, defaults or triggers.
    #[arg(long, conflicts_with = "table")]
    create_tables: bool,
    /// Only the records of this table, and those that they refer to by foreign keys of the database. Of the latter, one that is there
    /// stays as it is.
    #[arg(long, value_name = "TABLE")]
    table: Option<String>,
    /// Only the record with this primary key; COLUMN=VALUE, repeated, for a key of several columns.
    #[arg(long, value_name = "VALUE", requires = "table")]
    key: Vec<String>,
    /// The file is a person's archive, and its records become this person's, whoever's they were: the id of the account in the database.
    /// Modes are `merge`, `replace` and `copy`.
    #[arg(long, value_name = "ID", conflicts_with_all = ["table", "create_tables"])]
    person: Option<String>,
    /// Folder in which the application keeps files: those of a person's archive come into its folder `imports`.
    #[arg(long, value_name = "FOLDER", requires = "person")]
    media: Option<PathBuf>,
    /// New file for the ids that records have got instead of those in a person's archive, or in the file of an organisation that is copied,
    /// as CSV; records that keep theirs, or have none of their own, are not in it.
    #[arg(long, value_name = "CSV", conflicts_with = "dry_run")]
    id_map: Option<PathBuf>,
    /// What a merge does with the records of one table: `file` (the file's values replace what differs), `newer` (but not in records that
    /// were changed here since the file was made, or are hidden), `mine` (a record that is there stays as it is), `stop` (one that
    /// differs ends the import) or `skip` (nothing is imported). Repeat it for more tables; without TABLE it is for all others. Without
    /// any, the file's values replace what differs, and records that were changed here since or are hidden, as the profile tells, end the
    /// import. A copy of an organisation takes `mine`, `stop` and `skip`.
    #[arg(long, value_name = "[TABLE=]POLICY", value_parser = parse_policy)]
    policy: Vec<(Option<TableName>, TablePolicy)>,
    /// Write nothing: check everything that an import checks, and say what would be written; ends with 3 where something must be decided
    /// first. On PostgreSQL, what a trigger
    /// refuses is not found, nor what an exclusion constraint refuses, or a unique index of an expression or of some rows only.
    #[arg(long)]
    dry_run: bool,
    /// New file for the plan of a dry run: what happens to each record, sealed. It has values of the database.
    #[arg(long, value_name = "PLAN", requires = "dry_run")]
    output: Option<PathBuf>,
    /// Keep nothing that would be needed to undo the import, which is kept for a day otherwise.
    #[arg(long)]
    no_undo: bool,
    /// Import only if exactly what this plan says would happen: its hash, or its file, which tells what has moved since.
    #[arg(long, value_name = "HASH|PLAN", conflicts_with = "dry_run")]
    plan: Option<String>,
    /// Profile that says what omitted columns get that must not be null (`on_import`), what a merge goes by (`[tables.T.merge]`), and what a part is that is replaced: a
    /// TOML file or the name of a built-in one [default: a built-in one that matches the database].
    #[arg(long, value_name = "FILE|NAME")]
    profile: Option<String>,
    #[command(flatten)]
    undo: UndoFolderArgs,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    signing: SigningArgs,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the plan of an import: what it does in sums, by kind of change, and to each record.
    Show(show::Show),
    /// Take back what an import has done, or list the imports that can be undone.
    Undo(undo::Undo),
}

const AFTER_HELP: &str = "\
The file's seal is checked first, then everything is written in one transaction: nobody sees a part of it, and nothing is left
of an import that fails. The other writers of the tables wait meanwhile.";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Every table that the file has must be empty.
    #[default]
    RequireEmpty,
    /// The file's records are new: a key that is there already ends the import.
    Append,
    /// A record whose primary key is there already, or a natural key of the profile, gets the file's values where they differ; the
    /// others are new.
    Merge,
    /// As merge by primary key, and what the file does not have is removed: of a person's archive what is that person's, of a part of a
    /// database what its selection names here, otherwise of all tables of the file.
    Replace,
    /// Of a person's archive, or the export of an organisation (`--organization`): every record that belongs to them is new, under another
    /// id, and so is what refers to it.
    Copy,
}

impl From<Mode> for ImportMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::RequireEmpty => Self::RequireEmpty,
            Mode::Append => Self::Append,
            Mode::Merge => Self::Merge,
            Mode::Replace => Self::Replace,
            Mode::Copy => Self::Copy,
        }
    }
}

impl Import {
    /// The policies of single tables, and that of all others.
    fn policies(&self) -> Result<(TablePolicies, Option<TablePolicy>), CliError> {
        let usage = |message: String| Err(CliError::new(Exit::Usage, message));
        if !self.policy.is_empty() && matches!(self.mode, Mode::RequireEmpty | Mode::Append) {
            return usage("--policy is for the other modes: this one changes no record that is there".to_owned());
        }
        if self.mode == Mode::Copy && self.person.is_some() && !self.policy.is_empty() {
            return usage("--policy is for the copy of an organisation: an archive is copied whole".to_owned());
        }
        let replaces = |policy: &TablePolicy| matches!(policy, TablePolicy::File | TablePolicy::Newer);
        if self.mode == Mode::Copy && self.policy.iter().any(|(_, policy)| replaces(policy)) {
            return usage("a copy changes no record that is there: its policies are mine, stop and skip".to_owned());
        }
        let (mut policies, mut of_others) = (TablePolicies::new(), None);
        for (table, policy) in &self.policy {
            let earlier = match table {
                Some(table) => policies.insert(table.clone(), *policy),
                None => of_others.replace(*policy),
            };
            if earlier.is_some_and(|earlier| earlier != *policy) {
                let about = table.as_ref().map_or("all other tables", TableName::as_str);
                return usage(format!("--policy says two things about {about}"));
            }
        }
        Ok((policies, of_others))
    }

    /// Whose an archive's records become.
    fn person_request(&self) -> Result<Option<PersonRequest>, CliError> {
        let usage = |message: &str| Err(CliError::new(Exit::Usage, message));
        let is_of_archive = matches!(self.mode, Mode::Merge | Mode::Replace | Mode::Copy);
        let Some(id) = &self.person else {
            if self.id_map.is_some() && self.mode != Mode::Copy {
                return usage("--id-map is for --mode copy, and for a person's archive: other records keep their ids");
            }
            return Ok(None);
        };
        if !is_of_archive {
            return usage("choose --mode merge, replace or copy: a person's archive comes to what they have already");
        }
        let open = |path: &PathBuf| {
            let opened = BlobFolder::open(path);
            opened
                .map(Arc::new)
                .map_err(|error| CliError::new(Exit::Usage, format!("--media {}: {error}", path.display())))
        };
        Ok(Some(PersonRequest { id: id.clone(), media: self.media.as_ref().map(open).transpose()? }))
    }

    pub async fn run(self) -> Result<Exit, CliError> {
        match self.command {
            Some(Command::Show(show)) => return show.run(),
            Some(Command::Undo(undo)) => return undo.run().await,
            None => {}
        }
        // The arguments are required where there is no subcommand.
        let (Some(file), Some(target)) = (&self.file, &self.target) else {
            return Err(CliError::new(
                Exit::Usage,
                "say which FILE to import, and into which database with --target URL",
            ));
        };
        let database = DatabaseArgs { source: target.clone(), trust_owner: self.trust_owner.clone() };
        let source = SourceArgs { database, profile: self.profile.clone() };
        let named = |error: CliError| CliError::new(error.exit, as_target(&error.message));
        let url = source.database.url().map_err(named)?;
        if url.file().is_some_and(|database| is_same_file(file, database)) {
            return Err(CliError::new(Exit::Usage, "the file to import is the database itself: choose another one"));
        }
        let trusted_keys = self.trust.keys(&self.signing, &self.state)?;
        let (app, url) = build_app(&source, &self.state, &self.signing, AppOptions::default()).await.map_err(named)?;
        let target = url.target(&self.trust_owner, self.undo.path(&self.state.file)?);
        let imports = app.imports_into(target, url.to_argument(), trusted_keys, 0);
        let (policies, policy) = self.policies()?;
        let request = ImportRequest {
            mode: self.mode.into(),
            dry_run: self.dry_run,
            accept_unsigned: self.trust.accept_unsigned,
            without_undo: self.no_undo,
            max_record_bytes: None,
            create_tables: self.create_tables,
            policies,
            policy,
            person: self.person_request()?,
            part: self.table.as_deref().map(|table| PartRequest { table: table.into(), key: parse_key(&self.key) }),
            expected_plan: self.plan.as_deref().map(expected_plan),
            plan_output: self.output.clone(),
            id_map_output: self.id_map.clone(),
        };
        let bar = progress_bar();
        let shown = bar.clone();
        let on_progress = move |records| shown.set_position(records);
        let caller = Caller::command_line(&system_user());
        let imported = match File::open(file) {
            Ok(opened) => imports.import_file(&caller, opened, request, Box::new(|| Ok(())), on_progress).await,
            Err(error) => Err(error.into()),
        };
        bar.finish_and_clear();
        let report = imported.map_err(|error| {
            if error.is_about_plan() {
                return error.into();
            }
            if error.is_about_file() {
                let CliError { exit, message } = error.into();
                return CliError::new(exit, format!("{}: {message}", file.display()));
            }
            url.with_context(error.into())
        })?;
        let exit = if report.conflicts.is_empty() { Exit::Success } else { Exit::Refused };
        if self.json {
            return print_json(&report).map(|_| exit);
        }
        let saved = self.output.as_ref().map(|path| format!("\nwritten   {}", path.display())).unwrap_or_default();
        let place = UndoPlace::new(&imports.target_name, &self.state.file, &self.undo);
        print_line(&format!("{}{saved}", to_text(&report, &place))).map(|_| exit)
    }
}

/// A table's name may have an equals sign.
fn parse_policy(text: &str) -> Result<(Option<TableName>, TablePolicy), String> {
    let (table, policy) = text.rsplit_once('=').map_or((None, text), |(table, policy)| (Some(table), policy));
    let policy = match policy {
        "file" => TablePolicy::File,
        "newer" => TablePolicy::Newer,
        "mine" => TablePolicy::Mine,
        "stop" => TablePolicy::Stop,
        "skip" => TablePolicy::Skip,
        _ => return Err("write TABLE=POLICY or POLICY; the policies are file, newer, mine, stop and skip".to_owned()),
    };
    match table {
        Some("") => Err("write TABLE=POLICY, or POLICY for all tables".to_owned()),
        table => Ok((table.map(TableName::from), policy)),
    }
}

fn expected_plan(text: &str) -> ExpectedPlan {
    let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { ExpectedPlan::Hash(text.to_ascii_lowercase()) } else { ExpectedPlan::File(text.into()) }
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
