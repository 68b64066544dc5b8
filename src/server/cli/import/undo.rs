//! `waybill import undo`: takes back what an import has done.

use clap::Args;
use secrecy::SecretString;

use super::report::UndoPlace;
use crate::model::import_undo::{KeptImport, UndoReport, UndoneTable};
use crate::model::text;
use crate::server::cli::args::{DatabaseArgs, SigningArgs, SourceArgs, StateArgs, UndoFolderArgs, as_target};
use crate::server::cli::connect::{AppOptions, build_app, system_user};
use crate::server::cli::exit::{CliError, Exit};
use crate::server::cli::terminal::{print_json, print_line};
use crate::server::identity::Caller;
use crate::server::import::Imports;
use crate::server::signing::PublicKeys;
use crate::server::source::{Purpose, UndoRequest};

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Undo {
    /// The import's id, as its report and the audit trail have it; without one, the imports are listed that can be undone.
    id: Option<String>,
    /// Database that was imported into: sqlite:PATH, or a libpq URL such as `postgres://owner@host:5432/db`, with the same user.
    #[arg(long, value_name = "URL", env = "WAYBILL_TARGET", hide_env_values = true)]
    target: SecretString,
    /// PostgreSQL role whose triggers may run with the rights of the connecting user; repeat it or separate with commas.
    #[arg(long, value_name = "ROLE", env = "WAYBILL_TRUST_OWNER", value_delimiter = ',')]
    trust_owner: Vec<String>,
    /// Write nothing: say what would be removed and restored, and what stays because it was changed since.
    #[arg(long, requires = "id")]
    dry_run: bool,
    /// Leave records that were changed since the import as they are, and undo the rest.
    #[arg(long, requires = "id")]
    keep_changed: bool,
    #[command(flatten)]
    kept_in: UndoFolderArgs,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    signing: SigningArgs,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Everything happens in one transaction. Records that somebody has changed since are not touched: they end the undo, unless
--keep-changed is given. What an undo needs is kept for a day: PostgreSQL keeps it itself, and for SQLite it is a file.";

impl Undo {
    pub async fn run(self) -> Result<Exit, CliError> {
        let database = DatabaseArgs { source: self.target.clone(), trust_owner: self.trust_owner.clone() };
        let source = SourceArgs { database, profile: None };
        let named = |error: CliError| CliError::new(error.exit, as_target(&error.message));
        let (app, url) = build_app(&source, &self.state, &self.signing, AppOptions::default()).await.map_err(named)?;
        let target = url.target(&self.trust_owner, self.kept_in.path(&self.state.file)?);
        let imports = app.imports_into(target, url.to_argument(), PublicKeys::default(), 0);
        let caller = Caller::command_line(&system_user());
        let done = self.list_or_undo(&imports, &caller).await;
        done.map_err(|error| url.with_context(error))
    }

    async fn list_or_undo(&self, imports: &std::sync::Arc<Imports>, caller: &Caller) -> Result<Exit, CliError> {
        let Some(import) = &self.id else {
            let kept = imports.list_kept(caller).await?;
            let place = UndoPlace::new(&imports.target_name, &self.state.file, &self.kept_in);
            return if self.json { print_json(&kept) } else { print_line(&list(&kept, &place)) };
        };
        let purpose = if self.dry_run { Purpose::DryRun } else { Purpose::Write };
        let import = import.replace('-', "");
        let report = imports
            .undo(caller, UndoRequest { import, purpose, keeps_changed: self.keep_changed, expected: None })
            .await?;
        // As the undo itself would end.
        let is_refused = !self.keep_changed && report.tables.iter().any(|table| table.changed_since > 0);
        let exit = if is_refused { Exit::Refused } else { Exit::Success };
        if self.json { print_json(&report) } else { print_line(&to_text(&report, self.keep_changed)) }.map(|_| exit)
    }
}

fn list(kept: &[KeptImport], place: &UndoPlace) -> String {
    if kept.is_empty() {
        return "no import by this user can be undone here".to_owned();
    }
    let line = |import: &KeptImport| {
        let whose = import.person.as_ref().map(|id| format!("  into the data of {id}")).unwrap_or_default();
        format!("{}  {}  seal {}  {}{whose}", import.id, import.mode, import.file_sha256, import.at)
    };
    let newest = kept.last().map(|import| format!("{} undoes the last one", place.undo_command(&import.id)));
    kept.iter().map(line).chain(newest).collect::<Vec<_>>().join("\n")
}

fn to_text(report: &UndoReport, keep_changed: bool) -> String {
    let sum = |part: fn(&UndoneTable) -> u64| report.tables.iter().map(part).sum::<u64>();
    let all = UndoneTable {
        removed: sum(|table| table.removed),
        restored: sum(|table| table.restored),
        returned: sum(|table| table.returned),
        changed_since: sum(|table| table.changed_since),
        ..UndoneTable::default()
    };
    let effect = describe(&all);
    let mut lines = vec![if report.written {
        format!("undone: {effect}")
    } else {
        format!("would undo: {effect}; nothing was written")
    }];
    if !report.written && !keep_changed && sum(|table| table.changed_since) > 0 {
        lines.push(
            "          add --keep-changed to leave what was changed since as it is: without it, nothing is undone"
                .to_owned(),
        );
    }
    for undone in report.tables.iter().filter(|undone| undone.total() + undone.changed_since > 0) {
        let UndoneTable { table, examples, .. } = undone;
        let such_as = if examples.is_empty() { String::new() } else { format!(" (such as {})", examples.join(", ")) };
        lines.push(text::one_line(&format!("          {table}: {}{such_as}", describe(undone))));
    }
    lines.join("\n")
}

/// Such as `12 removed, 3 restored, 2 brought back, 1 changed since and kept`.
fn describe(undone: &UndoneTable) -> String {
    let parts = [
        (undone.removed, "removed"),
        (undone.restored, "restored"),
        (undone.returned, "brought back"),
        (undone.changed_since, "changed since and kept"),
    ];
    let parts = parts.iter().filter(|(records, _)| *records > 0);
    let parts: Vec<String> = parts.map(|(records, what)| format!("{} {what}", text::count(*records))).collect();
    if parts.is_empty() { "there was nothing to do".to_owned() } else { parts.join(", ") }
}
