//! Errors of verification, with their place in the file.

/// The first error found in a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    #[error("the file is empty")]
    Empty,
    #[error("this is not a Waybill snapshot: line {line} is not what the format has there")]
    Foreign { line: u64 },
    #[error("made by {} in format {format}, and this version reads format {reads}: upgrade first", shown(.made_by))]
    Newer { made_by: String, format: u32, reads: u32 },
    #[error("made by {} in format {format}, which was never released: make it again with a released version", shown(.made_by))]
    Older { made_by: String, format: u32 },
    #[error("cut off at line {line}{}: the seal is missing", inside(.table.as_deref()))]
    Cut { line: u64, table: Option<String> },
    #[error("damaged at line {line}{}: {what}", inside(.table.as_deref()))]
    Damaged { line: u64, table: Option<String>, what: String },
    #[error("table {} holds {found} records where {promised} were promised (line {line})", shown(.table))]
    Miscounted { line: u64, table: String, found: u64, promised: u64 },
    #[error("bytes were changed {}: the digest does not match", shown(.place))]
    Altered { place: String },
    #[error("the seal itself was changed (line {line})")]
    SealAltered { line: u64 },
    #[error("the signature was changed, or is another file's")]
    Signature,
    #[error("there are more bytes after the seal (line {line})")]
    Trailing { line: u64 },
    #[error("{what}")]
    Packing { what: String },
}

/// Escapes control characters in names from the file, so that they stay on one line.
fn shown(text: &str) -> String {
    crate::model::text::one_line(text)
}

fn inside(table: Option<&str>) -> String {
    table.map(|name| format!(", in table {}", shown(name))).unwrap_or_default()
}
