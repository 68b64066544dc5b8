//! `waybill preview`.

use clap::Args;
use comfy_table::{CellAlignment, Table, TableStyle};

use super::{Exit, Failed, SourceArgs};
use crate::model::{export, text};
use crate::server::export::measure;
use crate::server::profile::Profile;
use crate::server::support::clock::SystemClock;

/// What the page assumes before the first export, too.
const BYTES_PER_SECOND: u64 = 150_000_000;

#[derive(Debug, Args)]
pub struct Preview {
    #[command(flatten)]
    source: SourceArgs,
    /// Print the preview as JSON.
    #[arg(long)]
    json: bool,
}

impl Preview {
    pub fn run(self) -> Result<Exit, Failed> {
        let profile = Profile::built_in(&self.source.profile)?;
        let source = self.source.source();
        let measured = measure(&*source, &profile, &SystemClock, BYTES_PER_SECOND, &|_| ());
        let preview = measured.map_err(|error| self.source.named(error.into()))?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&preview).unwrap_or_default());
        } else {
            println!("{}", as_text(&preview));
        }
        Ok(Exit::Done)
    }
}

fn as_text(preview: &export::Preview) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_header(["Table", "Records", "Size about", "Left out"]);
    for line in &preview.tables {
        let records = line.records.map(text::count).unwrap_or_default();
        let size = line.size.map(|size| text::bytes(size.bytes)).unwrap_or_default();
        table.add_row([line.name.clone(), records, size, line.left_out.join(", ")]);
    }
    for column in [1, 2] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let total = text::counted(preview.total_records().unwrap_or_default(), "record");
    let size = preview.total_size().unwrap_or_default();
    let band = format!("{}–{}", text::bytes(size.low_bytes), text::bytes(size.high_bytes));
    let tables = text::counted(preview.tables.len() as u64, "table");
    let mut text = format!("{table}\n\n{total} in {tables}, about {} ({band})\n", text::bytes(size.bytes));
    for excluded in &preview.excluded {
        text += &format!("not included: {} ({})\n", excluded.table, excluded.reason);
    }
    for object in &preview.not_included {
        text += &format!("not included: {} ({})\n", object.object, object.reason);
    }
    if !preview.unclassified.is_empty() {
        text += &format!("not included, unknown to the profile: {}\n", preview.unclassified.join(", "));
    }
    text + &format!("file name: {}", preview.file_name)
}
