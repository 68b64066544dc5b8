//! A file lock per worker process: the kernel releases it when the process ends, however it ends.

use std::time::Duration;

use crate::server::support::private_folder::{Error, FileLock, PrivateFolder};

const AFFIXES: (&str, &str) = ("worker-", ".lock");
/// A younger file may not be locked yet.
const GRACE_PERIOD: Duration = Duration::from_mins(1);

/// The lock of this process; its file is removed when it is dropped.
#[derive(Debug)]
pub struct WorkerLock {
    folder: PrivateFolder,
    name: String,
    _lock: FileLock,
}

impl WorkerLock {
    pub fn take(folder: &PrivateFolder, worker: &str) -> Result<Self, Error> {
        let name = file_name(worker);
        Ok(Self { _lock: folder.try_lock(&name)?, folder: folder.clone(), name })
    }
}

impl Drop for WorkerLock {
    fn drop(&mut self) {
        // Best effort: a file that stays is removed as stale later.
        let _ = self.folder.remove_file(&self.name);
    }
}

/// Whether the worker's process is known to be gone.
pub fn is_free(folder: &PrivateFolder, worker: &str) -> bool {
    folder.is_free(&file_name(worker))
}

/// Removes the files that killed workers left.
pub fn remove_stale(folder: &PrivateFolder) -> Result<(), Error> {
    for name in folder.names_older_than(GRACE_PERIOD)? {
        if name.starts_with(AFFIXES.0) && name.ends_with(AFFIXES.1) && folder.is_free(&name) {
            folder.remove_file(&name).map_err(|cause| folder.error(cause))?;
        }
    }
    Ok(())
}

fn file_name(worker: &str) -> String {
    format!("{}{worker}{}", AFFIXES.0, AFFIXES.1)
}
