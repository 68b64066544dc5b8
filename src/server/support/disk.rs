//! Free disk space, and syncing of large files.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Returns the bytes that this process may still write to the file system of `folder`.
///
/// # Errors
/// Any error of the system call, such as a missing folder.
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    fs4::available_space(folder)
}

/// Bytes written between two syncs.
const SYNC_EVERY: u64 = 64 << 20;

/// Syncs a file in the background while it is being written, so that the final sync does not take as long as the
/// writing did.
#[derive(Debug)]
pub struct EarlySync {
    file: File,
    waiting: u64,
    ask: SyncSender<()>,
    syncing: JoinHandle<io::Result<()>>,
}

impl EarlySync {
    /// # Errors
    /// If the file handle cannot be duplicated.
    pub fn of(file: &File) -> io::Result<Self> {
        let (ask, asked) = sync_channel(1);
        let early = file.try_clone()?;
        // The kernel reports a failed sync only once, here: `finish` must return it.
        let syncing = std::thread::spawn(move || asked.iter().try_for_each(|()| early.sync_data()));
        Ok(Self { file: file.try_clone()?, waiting: 0, ask, syncing })
    }

    /// Counts written bytes, and requests a sync when there are enough.
    pub fn wrote(&mut self, bytes: usize) {
        self.waiting += bytes as u64;
        // While a sync is still pending, the next request waits for more bytes.
        if self.waiting >= SYNC_EVERY && self.ask.try_send(()).is_ok() {
            self.waiting = 0;
        }
    }

    /// Waits for the background sync, then syncs the rest of the file and its metadata.
    ///
    /// # Errors
    /// If this sync or an earlier one failed.
    pub fn finish(self) -> io::Result<()> {
        drop(self.ask);
        self.syncing.join().map_err(|_| io::Error::other("a thread was lost"))??;
        self.file.sync_all()
    }
}
