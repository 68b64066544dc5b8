//! The lock that makes a process the only server of a source.

use super::error::Error;
use crate::server::state::StateDatabase;
use crate::server::support::private_folder::{self, FileLock};

/// Makes this process the only server of a source and state while it holds the lock.
///
/// # Errors
/// `Served` while another one holds it; `Lock` when the lock file cannot be opened.
pub fn lock_for_server(file: &StateDatabase, source_id: &str) -> Result<FileLock, Error> {
    file.files_folder().try_lock(&format!("{source_id}.lock")).map_err(|error| match error {
        private_folder::Error::Locked => Error::Served,
        error => Error::Lock(error),
    })
}
