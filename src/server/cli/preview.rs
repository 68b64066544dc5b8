//! `waybill preview`: counts and measures without exporting.

use clap::Args;
use comfy_table::{CellAlignment, Table, TableStyle};

use super::args::SourceArgs;
use super::connect::{OpenedSource, run_blocking};
use super::exit::{CliError, Exit};
use super::terminal::print_line;
use crate::model::redaction::NotIncluded;
use crate::model::{export, text};
use crate::server::export::compute_preview;
use crate::server::support::clock::SystemClock;

/// The assumed speed of an export; the page assumes the same before the first one.
const ASSUMED_BYTES_PER_SECOND: u64 = 150_000_000;

#[derive(Debug, Args)]
pub struct Preview {
    #[command(flatten)]
    source: SourceArgs,
    /// Print the preview as JSON.
    #[arg(long)]
    json: bool,
}

impl Preview {
    pub async fn run(self) -> Result<Exit, CliError> {
        let OpenedSource { url, source, profile } = self.source.open().await?;
        let preview = run_blocking(move || {
            let measured = compute_preview(&*source, &profile, &SystemClock, ASSUMED_BYTES_PER_SECOND, &|_| ());
            measured.map_err(|error| url.with_context(error.into()))
        })
        .await?;
        let text =
            if self.json { serde_json::to_string_pretty(&preview).unwrap_or_default() } else { to_text(&preview) };
        print_line(&text)
    }
}

fn to_text(preview: &export::Preview) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_header(["Table", "Records", "Estimated size", "Left out"]);
    for line in &preview.tables {
        let records = line.records.map(text::count).unwrap_or_default();
        let size = line.size.map(|size| text::bytes(size.bytes)).unwrap_or_default();
        table.add_row([line.name.to_string(), records, size, line.left_out.join(", ")]);
    }
    for column in [1, 2] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let total = text::count_with_noun(preview.total_records().unwrap_or_default(), "record");
    let size = preview.total_size().unwrap_or_default();
    let range = format!("{}–{}", text::bytes(size.low_bytes), text::bytes(size.high_bytes));
    let tables = text::count_with_noun(preview.tables.len() as u64, "table");
    let total = format!("{total} in {tables}, about {} ({range})", text::bytes(size.bytes));
    let excluded = preview.excluded.iter().map(|table| (&table.table, table.reason.as_str()));
    let left_out = excluded.map(|(name, reason)| format!("{name} ({reason})"));
    let left_out =
        left_out.chain(NotIncluded::lines_by_reason(&preview.not_included)).map(|line| format!("not included: {line}"));
    let deviations = preview.drift.to_deviations();
    let mut lines = vec![table.to_string(), String::new(), total];
    if deviations.has_drifted() {
        lines.push(format!("an export would be {}", deviations.headline()));
        lines.extend(deviations.lines());
    }
    lines.extend(left_out);
    if !preview.guesses.is_empty() {
        let left_out_guesses = preview.guesses.iter().filter(|guess| guess.line.is_some());
        lines.extend(
            left_out_guesses
                .map(|guess| format!("left out: {} ({})", text::one_line(&guess.field.to_string()), guess.reason)),
        );
        lines.push(
            "no profile was given, so which columns are exported is a guess, and a guess can be wrong; draft one with `waybill profile init`"
                .into(),
        );
    }
    lines.push(format!("file name: {}", preview.file_name));
    lines.join("\n")
}
