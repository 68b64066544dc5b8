//! Prints records as JSON lines or CSV.

use std::io::{BufWriter, Write};

use clap::ValueEnum;

use crate::model::catalog::TableSchema;
use crate::server::cli::terminal::SafeStdout;
use crate::server::inspect::{Record, unquote};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One record per line, exactly as in the file.
    Json,
    /// RFC 4180 with a header line, but LF line ends; cells that a spreadsheet would run as a formula get a leading '.
    Csv,
}

pub enum Printer {
    Json(BufWriter<SafeStdout>),
    Csv(Box<csv::Writer<SafeStdout>>, Vec<String>),
}

impl Printer {
    pub fn begin(format: Format, schema: &TableSchema) -> std::io::Result<Self> {
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

    pub fn write_record(&mut self, text: &str, record: &Record) -> std::io::Result<()> {
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

    pub fn flush(mut self) -> std::io::Result<()> {
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
