//! `waybill preview`: counts and measures without exporting.

use clap::Args;
use comfy_table::{CellAlignment, Table, TableStyle};

use super::args::{SelectionArgs, SourceArgs};
use super::connect::{OpenedSource, run_blocking, system_user};
use super::exit::{CliError, Exit};
use super::terminal::{print_json, print_line};
use crate::model::redaction::NotIncluded;
use crate::model::{preview, text};
use crate::server::export::preview_source;
use crate::server::identity::Caller;
use crate::server::support::clock::SystemClock;

#[derive(Debug, Args)]
pub struct Preview {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Count what the documents hold in which this application itself exports an organisation or a person's data; only with
    /// --organization or --person.
    #[arg(long, value_name = "APPLICATION")]
    layout: Option<String>,
    /// Print the preview as JSON.
    #[arg(long)]
    json: bool,
}

impl Preview {
    pub async fn run(self) -> Result<Exit, CliError> {
        let selection = self.selection.parse()?;
        let OpenedSource { url, source, profile } = self.source.open().await?;
        let layout = self.layout;
        let caller = Caller::command_line(&system_user());
        let preview = run_blocking(move || {
            let preview = preview_source(&caller, &*source, &profile, &selection, layout.as_deref(), &SystemClock);
            preview.map_err(|error| url.with_context(error.into()))
        })
        .await?;
        if self.json { print_json(&preview) } else { print_line(&to_text(&preview)) }
    }
}

fn to_text(preview: &preview::Preview) -> String {
    let mut lines = vec![table(preview).to_string(), String::new()];
    lines.extend(total_line(preview));
    lines.extend(part_lines(preview));
    let deviations = preview.drift.to_deviations();
    if deviations.has_drifted() {
        lines.push(format!("an export would be {}", deviations.headline()));
        lines.extend(deviations.lines());
    }
    lines.extend(not_included_lines(preview));
    if !preview.guesses.is_empty() {
        let left_out = preview.guesses.iter().filter(|guess| guess.line.is_some());
        lines.extend(
            left_out.map(|guess| format!("left out: {} ({})", text::one_line(&guess.field.to_string()), guess.reason)),
        );
        lines.push(GUESS_NOTE.into());
    }
    lines.push(format!("file name: {}", preview.file_name));
    lines.join("\n")
}

const GUESS_NOTE: &str = "no profile was given, so which columns are exported is a guess, and a guess can be wrong; draft one with \
                          `waybill profile init`";

/// What a cell shows that was not counted or measured.
const UNKNOWN: &str = "–";

fn table(preview: &preview::Preview) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_header(["Table", "Records", "Estimated size", "Left out"]);
    for line in &preview.tables {
        let records = line.records.map_or_else(|| UNKNOWN.to_owned(), text::count);
        let size = line.size.map_or_else(|| UNKNOWN.to_owned(), |size| text::bytes(size.bytes));
        table.add_row([line.name.to_string(), records, size, line.left_out.join(", ")]);
    }
    for column in [1, 2] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// None if not every table was counted and measured.
fn total_line(preview: &preview::Preview) -> Option<String> {
    let records = text::count_with_noun(preview.total_records()?, "record");
    let size = preview.total_size()?;
    let range = format!("{}–{}", text::bytes(size.low_bytes), text::bytes(size.high_bytes));
    let tables = text::count_with_noun(preview.tables.len() as u64, "table");
    Some(format!("{records} in {tables}, about {} ({range})", text::bytes(size.bytes)))
}

/// What a part holds and why, and what stays outside.
fn part_lines(preview: &preview::Preview) -> Vec<String> {
    let Some(part) = &preview.part else { return Vec::new() };
    let share = preview.total_records().zip(part.database_records).filter(|(_, all)| *all > 0);
    let share = share.map(|(records, all)| format!("{} of the database", text::percent(records, all)));
    let contains = preview.contains.iter().map(|contains| format!("contains {contains}"));
    let [sums, outside] = [&part.sums, &part.outside].map(|lines| lines.iter().map(|line| text::one_line(line)));
    share.into_iter().chain(contains).chain(sums).chain(outside).collect()
}

fn not_included_lines(preview: &preview::Preview) -> impl Iterator<Item = String> {
    let excluded = preview.excluded.iter().map(|table| format!("{} ({})", table.table, table.reason.as_str()));
    let lines = excluded.chain(NotIncluded::lines_by_reason(&preview.not_included));
    lines.map(|line| format!("not included: {line}"))
}
