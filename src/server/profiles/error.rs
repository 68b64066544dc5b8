//! Errors of the use cases around profiles.

use crate::server::{profile, source};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error(transparent)]
    Profile(#[from] profile::Error),
}
