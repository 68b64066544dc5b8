//! Prints records as JSON lines or CSV.

use std::io::{BufWriter, Write};

use clap::ValueEnum;

use crate::model::catalog::TableSchema;
use crate::model::csv;
use crate::server::cli::terminal::SafeStdout;
use crate::server::inspect::Record;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One record per line, exactly as in the file.
    Json,
    /// RFC 4180 with a header line, but LF line ends; cells that a spreadsheet would run as a formula get a leading '.
    Csv,
}

pub enum Printer {
    Json(BufWriter<SafeStdout>),
    Csv(BufWriter<SafeStdout>, Vec<String>),
}

impl Printer {
    pub fn begin(format: Format, schema: &TableSchema) -> std::io::Result<Self> {
        let mut out = BufWriter::new(SafeStdout::lock());
        if format == Format::Json {
            return Ok(Self::Json(out));
        }
        let names: Vec<String> = schema.columns.iter().map(|column| column.name.clone()).collect();
        out.write_all(csv::line(names.iter().map(|name| csv::escape_formula(name))).as_bytes())?;
        Ok(Self::Csv(out, names))
    }

    pub fn write_record(&mut self, text: &str, record: &Record) -> std::io::Result<()> {
        match self {
            Self::Json(out) => writeln!(out, "{text}"),
            Self::Csv(out, names) => {
                let cell = |name: &String| record.get(name).map_or_else(String::new, |value| csv::cell(value.get()));
                out.write_all(csv::line(names.iter().map(cell)).as_bytes())
            }
        }
    }

    pub fn flush(mut self) -> std::io::Result<()> {
        match &mut self {
            Self::Json(out) | Self::Csv(out, _) => out.flush(),
        }
    }
}
