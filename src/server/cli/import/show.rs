//! `waybill import show`: the plan of an import in three levels: one sentence, tables and kinds of changes, records.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;

use super::report::{describe, group_lines, policy_line, signed_line};
use super::trust_args::TrustArgs;
use crate::model::import::TableReport;
use crate::model::import_plan::PlannedChange;
use crate::model::name::TableName;
use crate::model::{plan_csv, text};
use crate::server::cli::args::{SigningArgs, StateArgs};
use crate::server::cli::exit::{CliError, Exit};
use crate::server::cli::terminal::{SafeStdout, exit_of_output, print_json, print_line};
use crate::server::import::{self, PlanFile, has_key, how_to_decide, parse_change};

#[derive(Debug, Args)]
#[command(
    after_help = "Checks the plan's seal and signature first. The values of a plan are those of the database when it was made."
)]
pub struct Show {
    /// The plan, as `waybill import … --dry-run --output PLAN` writes it.
    plan: PathBuf,
    /// Print what happens to the records of this table.
    #[arg(long, value_name = "TABLE")]
    table: Option<TableName>,
    /// Print what happens to the record with this key.
    #[arg(long, value_name = "VALUE", requires = "table", allow_hyphen_values = true)]
    key: Option<String>,
    /// Print every change that is asked for as CSV, for a spreadsheet: a line for each value that changes, and for each record that
    /// comes or goes.
    #[arg(long, conflicts_with_all = ["json", "first"])]
    csv: bool,
    /// Print at most this many records.
    #[arg(long, value_name = "N", requires = "table", default_value_t = 50)]
    first: u64,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    signing: SigningArgs,
    /// Print the head of the plan as JSON.
    #[arg(long, conflicts_with = "table")]
    json: bool,
}

impl Show {
    pub fn run(self) -> Result<Exit, CliError> {
        let with_context = |error: import::Error| {
            let CliError { exit, message } = error.into();
            CliError::new(exit, format!("{}: {message}", self.plan.display()))
        };
        let trusted = self.trust.keys(&self.signing, &self.state)?;
        let plan = PlanFile::open(&self.plan, &trusted, self.trust.accept_unsigned).map_err(with_context)?;
        if self.json {
            return print_json(&plan.head);
        }
        match &self.table {
            None if self.csv => exit_of_output(self.print_csv(&plan).map_err(with_context)?),
            None => print_line(&summary(&plan)),
            Some(table) if !plan.head.tables.iter().any(|known| known.table == *table) => {
                let known: Vec<&str> = plan.head.tables.iter().map(|known| known.table.as_str()).collect();
                let what = format!("the plan has no table {table}; it has {}", known.join(", "));
                Err(CliError::new(Exit::Usage, text::one_line(&what)))
            }
            Some(_) if self.csv => exit_of_output(self.print_csv(&plan).map_err(with_context)?),
            Some(table) => self.print_records(&plan, table).map_err(with_context),
        }
    }

    fn is_asked_for(&self, change: &PlannedChange) -> bool {
        self.key.as_ref().is_none_or(|key| has_key(change, key))
    }

    /// Returns whether standard output could be written.
    fn print_csv(&self, plan: &PlanFile) -> import::Result<io::Result<()>> {
        let mut out = BufWriter::new(SafeStdout::lock());
        let mut written = out.write_all(plan_csv::header().as_bytes());
        plan.for_each_change(|table, line| {
            let change = parse_change(line)?;
            let is_asked_for = self.table.as_ref().is_none_or(|asked| asked == table) && self.is_asked_for(&change);
            if written.is_ok() && is_asked_for {
                written = out.write_all(plan_csv::lines(table, &change).as_bytes());
            }
            Ok(())
        })?;
        Ok(written.and_then(|()| out.flush()))
    }

    fn print_records(&self, plan: &PlanFile, table: &TableName) -> import::Result<Exit> {
        let (mut found, mut shown, mut lines) = (0, 0, Vec::new());
        plan.for_each_change(|name, line| {
            if name != table {
                return Ok(());
            }
            let change = parse_change(line)?;
            if !self.is_asked_for(&change) {
                return Ok(());
            }
            found += 1;
            if shown < self.first {
                shown += 1;
                lines.extend(record_lines(&change));
            }
            Ok(())
        })?;
        if found > shown {
            lines.push(format!("… and {} more: --first N shows more of them", text::count(found - shown)));
        }
        if found == 0 {
            lines.push(if self.key.is_some() {
                format!("{table}: the plan changes no record with this key")
            } else {
                format!("{table}: the plan changes no record")
            });
        }
        Ok(print_line(&lines.join("\n")).unwrap_or(Exit::Output))
    }
}

/// A record's key, and a line for each column that changes.
fn record_lines(change: &PlannedChange) -> Vec<String> {
    let action = change.action.describe();
    let reason = change.reason.describe().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let mut lines = vec![text::one_line(&format!("{action:<7}  {}{reason}", change.named_key()))];
    lines.extend(change.changes.iter().map(|(column, pair)| {
        let [before, after] = [&pair.before, &pair.after].map(|value| text::one_line(value.get()));
        format!("    {}: {before} → {after}", text::one_line(column))
    }));
    lines
}

fn summary(plan: &PlanFile) -> String {
    let head = &plan.head;
    let effect = head.tables.iter().map(|table| table.effect).sum();
    let mut lines = vec![format!("would import: {}", describe(effect))];
    let changed = head.tables.iter().filter(|table| table.effect.created + table.effect.updated > 0);
    lines.extend(changed.map(|TableReport { table, effect }| {
        format!("          {}: {}", text::one_line(table.as_str()), describe(*effect))
    }));
    lines.extend(group_lines(&head.groups));
    lines.extend(head.conflicts.iter().map(|conflict| format!("conflict  {}", text::one_line(conflict))));
    let hints = how_to_decide(&head.tables, &head.policies);
    lines.extend(hints.iter().filter(|_| !head.conflicts.is_empty()).map(|hint| format!("          {hint}")));
    lines.push(format!("mode      {}", head.mode));
    lines.extend(policy_line(&head.policies));
    lines.push(format!("into      {}", text::one_line(&head.target)));
    lines.push(format!("file      {}", text::one_line(&head.file_sha256)));
    lines.push(format!("plan      {}", text::one_line(&head.hash)));
    lines.push(signed_line(plan.signed_by.as_deref()));
    lines.extend(head.triggers.iter().map(|trigger| format!("trigger   {} may run", text::one_line(trigger))));
    lines.extend(head.notes.iter().map(|note| format!("note      {}", text::one_line(note))));
    lines.join("\n")
}
