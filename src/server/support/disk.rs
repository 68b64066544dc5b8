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
pub fn available_bytes(folder: &Path) -> io::Result<u64> {
    fs4::available_space(folder)
}

/// So much of a disk is left to others: what signs in, records and answers writes there, too.
pub const HEADROOM_BYTES: u64 = 64 << 20;

/// Whether so many bytes fit where `free` are left. If that is not known, a full disk ends what is written.
///
/// # Errors
/// `StorageFull`.
pub fn check_room(free: Option<u64>, needed: u64) -> io::Result<()> {
    match free {
        Some(free) if free < needed.saturating_add(HEADROOM_BYTES) => Err(io::ErrorKind::StorageFull.into()),
        _ => Ok(()),
    }
}

/// Bytes written between two syncs.
const SYNC_INTERVAL_BYTES: u64 = 64 << 20;

/// Syncs a file in the background while it is being written, so that the final sync does not take as long as the
/// writing did.
#[derive(Debug)]
pub struct BackgroundSync {
    file: File,
    unsynced_bytes: u64,
    sync_tx: SyncSender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl BackgroundSync {
    /// # Errors
    /// If the file handle cannot be duplicated.
    pub fn new(file: &File) -> io::Result<Self> {
        let (sync_tx, sync_rx) = sync_channel(1);
        let handle = file.try_clone()?;
        // The kernel reports a failed sync only once, here: `finish` must return it.
        let thread = std::thread::spawn(move || sync_rx.iter().try_for_each(|()| handle.sync_data()));
        Ok(Self { file: file.try_clone()?, unsynced_bytes: 0, sync_tx, thread })
    }

    /// Counts written bytes, and requests a sync when there are enough.
    pub fn record_written(&mut self, bytes: usize) {
        self.unsynced_bytes += bytes as u64;
        // While a sync is still pending, the next request waits for more bytes.
        if self.unsynced_bytes >= SYNC_INTERVAL_BYTES && self.sync_tx.try_send(()).is_ok() {
            self.unsynced_bytes = 0;
        }
    }

    /// Waits for the background sync, then syncs the rest of the file and its metadata.
    ///
    /// # Errors
    /// If this sync or an earlier one failed.
    pub fn finish(self) -> io::Result<()> {
        drop(self.sync_tx);
        self.thread.join().map_err(|_| io::Error::other("the sync thread panicked"))??;
        self.file.sync_all()
    }
}
