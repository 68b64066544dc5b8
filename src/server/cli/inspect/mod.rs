//! `waybill inspect`: lists the tables of a file, describes one, or prints its records.

mod printer;
mod schema;

use std::fmt::Display;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use clap::Args;

use super::exit::{CliError, Exit};
use super::terminal::exit_of_output;
use crate::model::catalog::TableSchema;
use crate::model::name::{self, TableName};
use crate::server::inspect::{self, DocumentReader, RecordFilter};
use crate::server::pipeline::decompress::Decompressor;
use printer::{Format, Printer};
use schema::{print_columns, print_tables};

#[derive(Debug, Args)]
#[command(after_help = "Reads the file as a stream and does not check its seal; `waybill verify` does.")]
pub struct Inspect {
    /// The exported file, compressed or not.
    file: PathBuf,
    /// Table to describe, or whose records to print; without it, all tables are listed.
    table: Option<TableName>,
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

impl Inspect {
    pub fn run(self) -> Result<Exit, CliError> {
        if self.file.is_dir() {
            let what = "this is a folder: `waybill export --layout` writes one, whose files are the application's own JSON \
                        documents; read them with any JSON tool, and check them with `waybill verify FOLDER`";
            return Err(self.with_context(CliError::new(Exit::Usage, what)));
        }
        let file = File::open(&self.file).map_err(|error| {
            CliError::new(Exit::Failure, format!("{} cannot be read: {error}", self.file.display()))
        })?;
        let document = Decompressor::new(file)
            .map_err(inspect::Error::from)
            .and_then(|content| DocumentReader::open(BufReader::with_capacity(256 << 10, content)));
        let document = document.map_err(|error| self.with_context(error.into()))?;
        let Some(table) = &self.table else {
            return print_tables(&document.metadata, self.json);
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
            return print_columns(&schema, self.json);
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
        table: &TableName,
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
        exit_of_output(write_error.map_or_else(|| printer.flush(), Err))
    }

    fn with_context(&self, CliError { exit, message }: CliError) -> CliError {
        CliError::new(exit, format!("{}: {message}", self.file.display()))
    }
}

fn unknown_name_message<'a, T: Display + 'a>(what: &str, name: &T, known: impl Iterator<Item = &'a T>) -> String {
    format!("there is no {what} {name}; available: {}", name::join(&known.collect::<Vec<_>>()))
}
