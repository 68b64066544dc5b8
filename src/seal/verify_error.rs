//! Errors of verification, with their place in the file.

use crate::model::name::TableName;

/// The first error found in a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    #[error("the file is empty")]
    Empty,
    #[error("this is not a Waybill export: line {line} does not match the format")]
    NotAnExport { line: u64 },
    #[error("made by {} in format {format}, but this version reads format {reads}: upgrade Waybill first", escape_name(.made_by))]
    NewerFormat { made_by: String, format: u32, reads: u32 },
    #[error("made by {} in format {format}, which was never released: export again with a released version", escape_name(.made_by))]
    OlderFormat { made_by: String, format: u32 },
    #[error("cut off at line {line}{}: the seal is missing", in_table(.table.as_ref()))]
    Truncated { line: u64, table: Option<TableName> },
    #[error("damaged at line {line}{}: {what}", in_table(.table.as_ref()))]
    Damaged { line: u64, table: Option<TableName>, what: String },
    #[error("table {} has {found} records, but the metadata says {declared} (line {line})", escape_name(.table.as_str()))]
    CountMismatch { line: u64, table: TableName, found: u64, declared: u64 },
    #[error("bytes were changed {}: the digest does not match", escape_name(.place))]
    DigestMismatch { place: String },
    #[error("the seal itself was changed (line {line})")]
    SealAltered { line: u64 },
    #[error("the signature was changed, or belongs to another file")]
    InvalidSignature,
    #[error("there are more bytes after the seal (line {line})")]
    TrailingBytes { line: u64 },
    #[error("this is the seal of a folder, whose files were not checked: verify the folder")]
    FolderSealAlone,
    #[error("{what}")]
    DamagedDocuments { what: String },
    #[error("{what}")]
    CorruptStream { what: String },
}

/// Escapes control characters in names from the file, so that they stay on one line.
fn escape_name(text: &str) -> String {
    crate::model::text::one_line(text)
}

fn in_table(table: Option<&TableName>) -> String {
    table.map(|name| format!(", in table {}", escape_name(name.as_str()))).unwrap_or_default()
}
