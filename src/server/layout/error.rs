//! Why a document cannot be written.

use std::io;

use crate::server::source;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error("the output cannot be written")]
    Write(#[from] io::Error),
    /// The documents would not hold what was counted.
    #[error("{0}")]
    Inconsistent(String),
    #[error("stopped")]
    Stopped,
}
