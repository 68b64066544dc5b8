//! Why a container cannot be written.

use std::io;

use crate::seal;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Seal(#[from] seal::Error),
    /// Before the first table or after the last one.
    #[error("the compressed output cannot be begun or ended")]
    Compress(#[source] io::Error),
}
