//! Why the records of a selection cannot be found.

use super::invalid_selection::InvalidSelection;
use crate::server::source;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The selection names a filter, a value or a table that does not exist.
    #[error(transparent)]
    Invalid(#[from] InvalidSelection),
    #[error(transparent)]
    Source(#[from] source::Error),
}

pub type Result<T> = std::result::Result<T, Error>;
