//! What is asked of an import.

use crate::model::import::ImportMode;

/// What is asked of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportRequest {
    pub mode: ImportMode,
    /// Nothing is written: the report says what would be.
    pub dry_run: bool,
    /// A file that no trusted key has signed is taken, too: anyone could have made it.
    pub accept_unsigned: bool,
}
