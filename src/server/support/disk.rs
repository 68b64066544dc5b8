//! How much room there is, and how a file gets onto the disk.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Bytes that this process may still write to the file system of `folder`.
///
/// # Errors
/// When the folder is not there.
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    fs4::available_space(folder)
}

/// So much is written before the disk is asked to take it.
const SYNC_EVERY: u64 = 64 << 20;

/// Lets the disk take a file while it is still being written, so that making it durable at the end does
/// not take as long as the writing did.
#[derive(Debug)]
pub struct EarlySync {
    file: File,
    waiting: u64,
    ask: SyncSender<()>,
    syncing: JoinHandle<io::Result<()>>,
}

impl EarlySync {
    /// # Errors
    /// When the system gives no second handle.
    pub fn of(file: &File) -> io::Result<Self> {
        let (ask, asked) = sync_channel(1);
        let early = file.try_clone()?;
        // A failed sync is reported once: here, so it must not be lost here.
        let syncing = std::thread::spawn(move || asked.iter().try_for_each(|()| early.sync_data()));
        Ok(Self { file: file.try_clone()?, waiting: 0, ask, syncing })
    }

    /// So many bytes were written.
    pub fn wrote(&mut self, bytes: usize) {
        self.waiting += bytes as u64;
        // While the disk is still busy with the last request, the next one waits for more bytes.
        if self.waiting >= SYNC_EVERY && self.ask.try_send(()).is_ok() {
            self.waiting = 0;
        }
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// When the disk has refused any part of it, now or earlier.
    pub fn finish(self) -> io::Result<()> {
        drop(self.ask);
        self.syncing.join().map_err(|_| io::Error::other("a thread was lost"))??;
        self.file.sync_all()
    }
}
