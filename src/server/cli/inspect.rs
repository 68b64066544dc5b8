//! `waybill inspect`: lists the tables of a file, describes one, or prints its records.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use comfy_table::{CellAlignment, Table, TableStyle};

use super::exit::{CliError, Exit};
use super::terminal::SafeStdout;
use super::terminal::print_line;
use crate::model::catalog::{Codec, TableSchema};
use crate::model::manifest::Metadata;
use crate::model::name;
use crate::model::redaction::NotIncluded;
use crate::model::text;
use crate::server::inspect::{self, DocumentReader, Record, RecordFilter, unquote};
use crate::server::pipeline::decompress::Decompressor;

#[derive(Debug, Args)]
#[command(after_help = "Reads the file as a stream and does not check its seal; `waybill verify` does.")]
pub struct Inspect {
    /// The exported file, compressed or not.
    file: PathBuf,
    /// Table to describe, or whose records to print; without it, all tables are listed.
    table: Option<String>,
    /// Print the record with this primary key; if the key has several columns, use --where.
    #[arg(long, value_name = "VALUE", requires = "table", allow_hyphen_values = true)]
    key: Option<String>,
    /// Print records with this value in a column, such as status=open; repeat the option to require several.
    #[arg(long = "where", value_name = "COLUMN=VALUE", requires = "table")]
    filters: Vec<RecordFilter>,
    /// Print at most this many records.
    #[arg(long, value_name = "N", requires = "table")]
    first: Option<u64>,
    /// Output format of records [default: json]; on its own, this option prints all records of the table.
    #[arg(long, value_enum, requires = "table")]
    format: Option<Format>,
    /// Print tables or columns as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One record per line, exactly as in the file.
    Json,
    /// RFC 4180 with a header line, but LF line ends; cells that a spreadsheet would run as a formula get a leading '.
    Csv,
}

impl Inspect {
    pub fn run(self) -> Result<Exit, CliError> {
        let file = File::open(&self.file).map_err(|error| {
            CliError::new(Exit::Failure, format!("{} cannot be read: {error}", self.file.display()))
        })?;
        let document = Decompressor::new(file)
            .map_err(inspect::Error::from)
            .and_then(|content| DocumentReader::open(BufReader::with_capacity(256 << 10, content)));
        let document = document.map_err(|error| self.with_context(error.into()))?;
        let Some(table) = &self.table else {
            return print_line(&format_tables(&document.metadata, self.json));
        };
        let Some(schema) = document.metadata.schema.get(table).cloned() else {
            return Err(CliError::new(
                Exit::Usage,
                unknown_name_message("table", table, document.metadata.schema.iter().map(|(name, _)| name)),
            ));
        };
        let wants_records =
            self.key.is_some() || !self.filters.is_empty() || self.first.is_some() || self.format.is_some();
        if !wants_records {
            return print_line(&format_columns(&schema, self.json));
        }
        let filters = self.resolve_filters(&schema)?;
        self.print_records(document, table, &schema, &filters)
    }

    fn resolve_filters(&self, schema: &TableSchema) -> Result<Vec<RecordFilter>, CliError> {
        let mut filters = self.filters.clone();
        if let Some(value) = &self.key {
            let [column] = &schema.primary_key[..] else {
                return Err(CliError::new(
                    Exit::Usage,
                    "this table's key does not consist of one column; use --where COLUMN=VALUE",
                ));
            };
            filters.push(RecordFilter { column: column.clone(), value: value.clone() });
        }
        let names = || schema.columns.iter().map(|column| &column.name);
        match filters.iter().find(|filter| !names().any(|name| *name == filter.column)) {
            Some(filter) => Err(CliError::new(Exit::Usage, unknown_name_message("column", &filter.column, names()))),
            None => Ok(filters),
        }
    }

    fn print_records(
        &self,
        document: DocumentReader<BufReader<Decompressor<File>>>,
        table: &str,
        schema: &TableSchema,
        filters: &[RecordFilter],
    ) -> Result<Exit, CliError> {
        let mut remaining = self.first.unwrap_or(u64::MAX);
        let mut printer =
            Printer::begin(self.format.unwrap_or(Format::Json), schema).map_err(|e| CliError::output(&e))?;
        let mut write_error = None;
        let read = document.for_each_record(table, |text, record| {
            if remaining > 0 && filters.iter().all(|filter| filter.matches(record)) {
                if let Err(error) = printer.write_record(text, record) {
                    write_error = Some(error);
                    return Ok(false);
                }
                remaining -= 1;
            }
            Ok(remaining > 0)
        });
        read.map_err(|error| self.with_context(error.into()))?;
        match write_error.map_or_else(|| printer.flush(), Err) {
            // The reader closed the pipe, as `| head` does: not an error.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Exit::Success),
            Err(error) => Err(CliError::output(&error)),
            Ok(()) => Ok(Exit::Success),
        }
    }

    fn with_context(&self, CliError { exit, message }: CliError) -> CliError {
        CliError::new(exit, format!("{}: {message}", self.file.display()))
    }
}

enum Printer {
    Json(BufWriter<SafeStdout>),
    Csv(Box<csv::Writer<SafeStdout>>, Vec<String>),
}

impl Printer {
    fn begin(format: Format, schema: &TableSchema) -> std::io::Result<Self> {
        let out = SafeStdout::lock();
        if format == Format::Json {
            return Ok(Self::Json(BufWriter::new(out)));
        }
        let names: Vec<String> = schema.columns.iter().map(|column| column.name.clone()).collect();
        // Always quoted, so that a spreadsheet that splits at semicolons or tabs does not split a value.
        let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(out);
        writer.write_record(names.iter().map(|name| escape_formula(name))).map_err(std::io::Error::from)?;
        Ok(Self::Csv(Box::new(writer), names))
    }

    fn write_record(&mut self, text: &str, record: &Record) -> std::io::Result<()> {
        match self {
            Self::Json(out) => writeln!(out, "{text}"),
            Self::Csv(out, names) => {
                let cell = |name: &String| match record.get(name).map(|value| value.get()) {
                    None | Some("null") => String::new(),
                    Some(json) if !json.starts_with('"') => json.to_owned(),
                    Some(json) => escape_formula(&unquote(json)),
                };
                out.write_record(names.iter().map(cell)).map_err(std::io::Error::from)
            }
        }
    }

    fn flush(mut self) -> std::io::Result<()> {
        match &mut self {
            Self::Json(out) => out.flush(),
            Self::Csv(out, _) => out.flush(),
        }
    }
}

/// Prefixes a quote to text that spreadsheets would run as a formula (OWASP, CSV injection). Signed numbers are
/// left alone.
fn escape_formula(text: &str) -> String {
    let first = text.trim_start().chars().next();
    let is_formula = first.is_some_and(|c| "=+-@＝＋－＠".contains(c)) || text.starts_with(['\t', '\r']);
    if is_formula && text.parse::<f64>().is_err() { format!("'{text}") } else { text.to_owned() }
}

fn format_tables(metadata: &Metadata, json: bool) -> String {
    if json {
        return serde_json::to_string_pretty(metadata).unwrap_or_default();
    }
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_header(["Table", "Records", "Columns"]);
    for (name, records) in metadata.record_counts.iter() {
        let columns = metadata.schema.get(name).map_or(0, |schema| schema.columns.len());
        table.add_row([name.clone(), text::count(*records), columns.to_string()]);
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
    lines.extend(redaction.excluded_tables.iter().map(|table| format!("left out: {} ({})", table.table, table.reason)));
    lines.extend(redaction.unclassified.iter().map(|field| format!("left out, unknown to the profile: {field}")));
    lines.extend(
        NotIncluded::lines_by_reason(&metadata.not_included).iter().map(|line| format!("not included: {line}")),
    );
    format!("{}\n\n{table}", lines.join("\n"))
}

fn format_columns(schema: &TableSchema, json: bool) -> String {
    if json {
        return serde_json::to_string_pretty(schema).unwrap_or_default();
    }
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_header(["Column", "Type", "As JSON", "", "References"]);
    for column in &schema.columns {
        let key = if schema.primary_key.contains(&column.name) { "key" } else { "" };
        let null = if column.nullable { "may be null" } else { "" };
        let notes = [key, null].iter().filter(|note| !note.is_empty()).copied().collect::<Vec<_>>().join(", ");
        let references = column.references.as_ref().map(ToString::to_string).unwrap_or_default();
        table.add_row([column.name.clone(), column.native_type.clone(), codec_name(column.codec), notes, references]);
    }
    table.to_string()
}

fn codec_name(codec: Codec) -> String {
    serde_json::to_string(&codec).unwrap_or_default().trim_matches('"').to_owned()
}

fn unknown_name_message<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a String>) -> String {
    let known: Vec<&str> = known.map(String::as_str).collect();
    format!("there is no {what} {name}; available: {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::escape_formula;

    #[test]
    fn numbers_are_no_formulas() {
        for number in ["-12.50", "-9007199254740993", "+1", "-0", "-1.5e-7", "12"] {
            assert_eq!(escape_formula(number), number);
        }
        for formula in ["=1+1", "-1+1", "+cmd|' /C calc'!A0", "@SUM(1)", " -x", "-1 days"] {
            assert_eq!(escape_formula(formula), format!("'{formula}"));
        }
    }
}
