//! Bounded channel from the thread that reads and encodes to the thread that hashes and writes.

use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, channel, sync_channel};

use tokio_util::sync::CancellationToken;

use super::ProgressCounter;
use crate::seal::{self, DocumentSummary, DocumentWriter};
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
    #[error("the thread that reads the database stopped unexpectedly")]
    Panicked,
}

enum Message {
    Bytes(Vec<u8>),
    TableEnd { table: String, records: u64 },
}

/// The encoder's end of the channel.
pub struct ChunkWriter<'m> {
    buffer: Vec<u8>,
    tx: SyncSender<Message>,
    recycled_rx: Receiver<Vec<u8>>,
    cancellation: &'m CancellationToken,
}

impl ChunkWriter<'_> {
    /// The chunk being filled. Call `flush_if_full` regularly.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Sends the chunk if it is full.
    ///
    /// # Errors
    /// When the writing side has ended, or the run was cancelled.
    pub fn flush_if_full(&mut self) -> Result<(), Stopped> {
        if self.buffer.len() < CHUNK_BYTES { Ok(()) } else { self.send_chunk() }
    }

    /// Sends the rest of the table and marks it as complete.
    ///
    /// # Errors
    /// As `flush_if_full`.
    pub fn end_table(&mut self, table: &str, records: u64) -> Result<(), Stopped> {
        self.send_chunk()?;
        self.tx.send(Message::TableEnd { table: table.to_owned(), records }).map_err(|_| Stopped)
    }

    fn send_chunk(&mut self) -> Result<(), Stopped> {
        if self.cancellation.is_cancelled() {
            return Err(Stopped);
        }
        let empty_buffer = match self.recycled_rx.try_recv() {
            Ok(recycled) => recycled,
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => Vec::with_capacity(CHUNK_BYTES + (16 << 10)),
        };
        let chunk = std::mem::replace(&mut self.buffer, empty_buffer);
        self.tx.send(Message::Bytes(chunk)).map_err(|_| Stopped)
    }
}

/// Runs `read` on a second thread and seals what it sends on this one. Blocks until both are done.
///
/// # Errors
/// `Seal` when hashing or writing failed, `Read` when `read` failed, `Panicked` when it panicked: a panic never
/// counts as the end of the data.
pub fn run_pipeline<W, E, R>(
    mut writer: DocumentWriter<'_, W>,
    progress: &ProgressCounter,
    cancellation: &CancellationToken,
    read: R,
) -> Result<(W, DocumentSummary), Error<E>>
where
    W: Write,
    E: std::error::Error + Send,
    R: FnOnce(&mut ChunkWriter<'_>) -> Result<(), E> + Send,
{
    let (tx, rx) = sync_channel(CHUNKS_IN_FLIGHT);
    let (recycle_tx, recycled_rx) = channel();
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut chunks =
                ChunkWriter { buffer: Vec::with_capacity(CHUNK_BYTES + (16 << 10)), tx, recycled_rx, cancellation };
            read(&mut chunks)
        });
        let write_result = write_messages(&mut writer, &rx, &recycle_tx, progress);
        // Closing the channel wakes a reader that waits to send.
        drop(rx);
        let read_result = reader.join();
        write_result.map_err(Error::Seal)?;
        read_result.map_err(|_| Error::Panicked)?.map_err(Error::Read)?;
        writer.finish().map_err(Error::Seal)
    })
}

fn write_messages<W: Write>(
    writer: &mut DocumentWriter<'_, W>,
    rx: &Receiver<Message>,
    recycle_tx: &std::sync::mpsc::Sender<Vec<u8>>,
    progress: &ProgressCounter,
) -> Result<(), seal::Error> {
    for message in rx {
        match message {
            Message::Bytes(mut chunk) => {
                writer.write_table(&chunk)?;
                progress.add_bytes(chunk.len());
                chunk.clear();
                // Do not keep the memory of one huge value for the rest of the run.
                if chunk.capacity() <= 2 * CHUNK_BYTES {
                    let _ = recycle_tx.send(chunk);
                }
            }
            Message::TableEnd { table, records } => writer.end_table(table, records)?,
        }
    }
    Ok(())
}
