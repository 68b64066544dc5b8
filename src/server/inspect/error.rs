//! Why a file cannot be read, and the limits of what can be.

use crate::model::manifest::FORMAT_VERSION;
use crate::seal::MAX_METADATA_BYTES;

/// A PostgreSQL value has at most 1 GiB. Without a limit, a compressed file of a few MB could exhaust memory.
pub(super) const MAX_LINE_BYTES: usize = 1 << 30;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the file cannot be read: {0}")]
    Read(#[from] std::io::Error),
    #[error(
        "this is not a Waybill export; an application's own documents (--layout, POST /api/admin/export) are read with any JSON tool, a person's archive with tar, and both are checked with `waybill verify`"
    )]
    NotAnExport,
    #[error("made in format {0}, but this version reads format {FORMAT_VERSION}: upgrade Waybill first")]
    NewerFormat(u32),
    #[error("the file is cut off; `waybill verify` says where")]
    Truncated,
    #[error("line {line} is longer than {} MiB, the limit for a record{}", limit >> 20, if *limit < MAX_LINE_BYTES { " here" } else { "; run `waybill verify` on the file" })]
    LineTooLong { line: u64, limit: usize },
    #[error("the metadata is larger than {} MiB, the limit for an export; run `waybill verify` on the file", MAX_METADATA_BYTES >> 20)]
    MetadataTooLarge,
    #[error("line {0} is not a record; run `waybill verify` on the file")]
    InvalidRecord(u64),
}
