//! Prints the tables of a file, or the columns of one.

use comfy_table::{CellAlignment, Table, TableStyle};

use crate::model::catalog::TableSchema;
use crate::model::manifest::Metadata;
use crate::model::name;
use crate::model::redaction::NotIncluded;
use crate::model::text;
use crate::server::cli::exit::{CliError, Exit};
use crate::server::cli::terminal::{print_json, print_line};

pub fn print_tables(metadata: &Metadata, json: bool) -> Result<Exit, CliError> {
    if json {
        return print_json(metadata);
    }
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_header(["Table", "Records", "Columns"]);
    for (name, records) in metadata.record_counts.iter() {
        let columns = metadata.schema.get(name).map_or(0, |schema| schema.columns.len());
        table.add_row([name.to_string(), text::count(*records), columns.to_string()]);
    }
    for column in [1, 2] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let (at, by) = (&metadata.exported_at, &metadata.exported_by);
    let source = format!("{} · {} {}", metadata.source.name, metadata.source.engine, metadata.source.engine_version);
    let total = text::count_with_noun(metadata.total_records, "record");
    let redaction = &metadata.redaction;
    let left_out =
        if redaction.removed_fields.is_empty() { "nothing".into() } else { name::join(&redaction.removed_fields) };
    let mut lines = vec![format!("exported {at} by {by} from {source}"), format!("{total}; left out: {left_out}")];
    lines.extend(part_lines(metadata));
    lines.extend(redaction.excluded_tables.iter().map(|table| format!("left out: {} ({})", table.table, table.reason)));
    lines.extend(redaction.unclassified.iter().map(|field| format!("left out, unknown to the profile: {field}")));
    lines.extend(
        NotIncluded::lines_by_reason(&metadata.not_included).iter().map(|line| format!("not included: {line}")),
    );
    print_line(&format!("{}\n\n{table}", lines.join("\n")))
}

/// Of a part: what it was chosen by, and what is known of records that are not whole.
fn part_lines(metadata: &Metadata) -> Vec<String> {
    let chosen = metadata.filters_applied.iter().map(|(name, values)| format!("{name} {}", values.join(", ")));
    let chosen = chosen.collect::<Vec<_>>().join("; ");
    let stubs = metadata.selected_records.iter().filter(|(_, records)| records.stubs > 0).map(|(table, records)| {
        let last = text::count_with_noun(records.stubs, "record");
        format!("{table}: {last} at the end belong to others, and have a few columns only")
    });
    let part = (!chosen.is_empty()).then(|| format!("a part of the database: {}", text::one_line(&chosen)));
    part.into_iter().chain(stubs).collect()
}

pub fn print_columns(schema: &TableSchema, json: bool) -> Result<Exit, CliError> {
    if json {
        return print_json(schema);
    }
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_header(["Column", "Type", "As JSON", "", "References"]);
    for column in &schema.columns {
        let key = if schema.primary_key.contains(&column.name) { "key" } else { "" };
        let null = if column.nullable { "may be null" } else { "" };
        let notes = [key, null].iter().filter(|note| !note.is_empty()).copied().collect::<Vec<_>>().join(", ");
        let references = column.references.as_ref().map(ToString::to_string).unwrap_or_default();
        table.add_row([column.name.clone(), column.native_type.clone(), column.codec.to_string(), notes, references]);
    }
    print_line(&table.to_string())
}
