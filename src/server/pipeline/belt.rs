//! Bounded channel from the thread that reads and encodes to the thread that hashes and writes.

use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, channel, sync_channel};

use super::Meter;
use crate::seal::{self, Sealed, Sealer};
use crate::server::rows::Stopped;

/// Measured: below 64 KiB the channel's overhead shows, above 512 KiB the cache misses do.
pub const CHUNK_BYTES: usize = 256 << 10;
pub const CHUNKS_IN_FLIGHT: usize = 4;

#[derive(Debug, thiserror::Error)]
pub enum Error<E: std::error::Error> {
    /// Reading or encoding failed.
    #[error(transparent)]
    Read(E),
    /// Hashing or writing failed.
    #[error(transparent)]
    Seal(seal::Error),
    #[error("the reader stopped in the middle")]
    Panicked,
}

enum Part {
    Bytes(Vec<u8>),
    TableClosed { table: String, records: u64 },
}

/// The encoder's end of the channel.
pub struct Belt<'m> {
    buffer: Vec<u8>,
    full: SyncSender<Part>,
    empty: Receiver<Vec<u8>>,
    meter: &'m Meter,
}

impl Belt<'_> {
    /// The chunk being filled. Call `flush_if_full` regularly.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Sends the chunk if it is full.
    ///
    /// # Errors
    /// When the writing side has ended, or the run was cancelled.
    pub fn flush_if_full(&mut self) -> Result<(), Stopped> {
        if self.buffer.len() < CHUNK_BYTES { Ok(()) } else { self.flush() }
    }

    /// Sends the rest of the table and marks it as complete.
    ///
    /// # Errors
    /// As `flush_if_full`.
    pub fn close_table(&mut self, table: &str, records: u64) -> Result<(), Stopped> {
        self.flush()?;
        self.full.send(Part::TableClosed { table: table.to_owned(), records }).map_err(|_| Stopped)
    }

    fn flush(&mut self) -> Result<(), Stopped> {
        if self.meter.is_stopped() {
            return Err(Stopped);
        }
        let next = match self.empty.try_recv() {
            Ok(used) => used,
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => Vec::with_capacity(CHUNK_BYTES + (16 << 10)),
        };
        let chunk = std::mem::replace(&mut self.buffer, next);
        self.full.send(Part::Bytes(chunk)).map_err(|_| Stopped)
    }
}

/// Runs `read` on a second thread and seals what it sends on this one. Blocks until both are done.
///
/// # Errors
/// `Seal` when hashing or writing failed, `Read` when `read` failed, `Panicked` when it panicked: a panic never
/// counts as the end of the data.
pub fn convey<W, E, R>(mut sealer: Sealer<'_, W>, meter: &Meter, read: R) -> Result<(W, Sealed), Error<E>>
where
    W: Write,
    E: std::error::Error + Send,
    R: FnOnce(&mut Belt<'_>) -> Result<(), E> + Send,
{
    let (full, arriving) = sync_channel(CHUNKS_IN_FLIGHT);
    let (give_back, empty) = channel();
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut belt = Belt { buffer: Vec::with_capacity(CHUNK_BYTES + (16 << 10)), full, empty, meter };
            read(&mut belt)
        });
        let written = seal_parts(&mut sealer, &arriving, &give_back, meter);
        // Closing the channel wakes a reader that waits to send.
        drop(arriving);
        let read = reader.join();
        written.map_err(Error::Seal)?;
        read.map_err(|_| Error::Panicked)?.map_err(Error::Read)?;
        sealer.finish().map_err(Error::Seal)
    })
}

fn seal_parts<W: Write>(
    sealer: &mut Sealer<'_, W>,
    arriving: &Receiver<Part>,
    give_back: &std::sync::mpsc::Sender<Vec<u8>>,
    meter: &Meter,
) -> Result<(), seal::Error> {
    for part in arriving {
        match part {
            Part::Bytes(mut chunk) => {
                sealer.write(&chunk)?;
                meter.add_bytes(chunk.len());
                chunk.clear();
                // Do not keep the memory of one huge value for the rest of the run.
                if chunk.capacity() <= 2 * CHUNK_BYTES {
                    let _ = give_back.send(chunk);
                }
            }
            Part::TableClosed { table, records } => sealer.close_table(table, records)?,
        }
    }
    Ok(())
}
