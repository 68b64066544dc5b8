//! Bounded channel from the thread that reads and encodes to the thread that hashes and writes.

use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, channel, sync_channel};

use tokio_util::sync::CancellationToken;

use super::ProgressCounter;
use super::container::{self, ContainerWriter, Part};
use crate::model::name::TableName;
use crate::seal::DocumentSummary;
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
    Container(container::Error),
    #[error("the thread that reads the database stopped unexpectedly")]
    Panicked,
}

/// The encoder's end of the channel: a buffer that is sent in chunks, or one that stays in memory.
pub struct ChunkWriter {
    buffer: Vec<u8>,
    channel: Option<Channel>,
}

struct Channel {
    tx: SyncSender<Part>,
    recycled_rx: Receiver<Vec<u8>>,
    cancellation: CancellationToken,
}

impl ChunkWriter {
    /// A writer that sends nothing, to measure a sample of records.
    #[must_use]
    pub fn in_memory() -> Self {
        Self { buffer: Vec::new(), channel: None }
    }

    fn sending(channel: Channel) -> Self {
        Self { buffer: new_chunk(), channel: Some(channel) }
    }

    /// The chunk being filled. Call `flush_if_full` regularly.
    #[inline]
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Sends the chunk if it is full.
    ///
    /// # Errors
    /// When the writing side has ended, or the run was cancelled.
    #[inline]
    pub fn flush_if_full(&mut self) -> Result<(), Stopped> {
        if self.buffer.len() < CHUNK_BYTES { Ok(()) } else { self.send_chunk() }
    }

    /// Discards the chunk and returns its number of bytes.
    pub fn discard(&mut self) -> usize {
        let bytes = self.buffer.len();
        self.buffer.clear();
        bytes
    }

    /// Sends the rest of the table and marks it as complete.
    ///
    /// # Errors
    /// As `flush_if_full`.
    pub fn end_table(&mut self, table: TableName, records: u64) -> Result<(), Stopped> {
        self.send_chunk()?;
        let Some(channel) = &self.channel else { return Ok(()) };
        channel.tx.send(Part::TableEnd { table, records }).map_err(|_| Stopped)
    }

    fn send_chunk(&mut self) -> Result<(), Stopped> {
        let Some(channel) = &self.channel else { return Ok(()) };
        if channel.cancellation.is_cancelled() {
            return Err(Stopped);
        }
        let empty_buffer = match channel.recycled_rx.try_recv() {
            Ok(recycled) => recycled,
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => new_chunk(),
        };
        let chunk = std::mem::replace(&mut self.buffer, empty_buffer);
        channel.tx.send(Part::Bytes(chunk)).map_err(|_| Stopped)
    }
}

fn new_chunk() -> Vec<u8> {
    Vec::with_capacity(CHUNK_BYTES + (16 << 10))
}

/// Runs `read` on a second thread and gives what it sends to the container on this one. Blocks until both are done.
///
/// # Errors
/// `Container` when hashing or writing failed, `Read` when `read` failed, `Panicked` when it panicked: a panic never
/// counts as the end of the data.
pub fn run_pipeline<W, E, R>(
    mut container: Box<dyn ContainerWriter<W> + '_>,
    progress: &ProgressCounter,
    cancellation: &CancellationToken,
    read: R,
) -> Result<(W, DocumentSummary), Error<E>>
where
    E: std::error::Error + Send,
    R: FnOnce(ChunkWriter) -> Result<(), E> + Send,
{
    let (tx, rx) = sync_channel(CHUNKS_IN_FLIGHT);
    let (recycle_tx, recycled_rx) = channel();
    std::thread::scope(|scope| {
        let channel = Channel { tx, recycled_rx, cancellation: cancellation.clone() };
        let reader = scope.spawn(move || read(ChunkWriter::sending(channel)));
        let write_result = write_parts(&mut *container, &rx, &recycle_tx, progress);
        // Closing the channel wakes a reader that waits to send.
        drop(rx);
        let read_result = reader.join();
        write_result.map_err(Error::Container)?;
        read_result.map_err(|_| Error::Panicked)?.map_err(Error::Read)?;
        container.finish().map_err(Error::Container)
    })
}

fn write_parts<W>(
    container: &mut dyn ContainerWriter<W>,
    rx: &Receiver<Part>,
    recycle_tx: &std::sync::mpsc::Sender<Vec<u8>>,
    progress: &ProgressCounter,
) -> Result<(), container::Error> {
    for part in rx {
        match part {
            Part::Bytes(mut chunk) => {
                container.write(&chunk)?;
                progress.add_bytes(chunk.len());
                chunk.clear();
                // Do not keep the memory of one huge value for the rest of the run.
                if chunk.capacity() <= 2 * CHUNK_BYTES {
                    let _ = recycle_tx.send(chunk);
                }
            }
            Part::TableEnd { table, records } => container.end_table(table, records)?,
        }
    }
    Ok(())
}
