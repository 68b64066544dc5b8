//! Checks the seal of a file, on three threads.

use std::io::Read;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

use super::decompress::Decompressor;
use super::hashing_thread::HashingThread;
use super::{CHUNK_BYTES, CHUNKS_IN_FLIGHT};
use crate::seal::decompress::CorruptStream;
use crate::seal::{FileVerifier, Verified, VerifyError};

/// Verifies a file, compressed or not, and tells how far in it it is. The outer error: the file cannot be read; the inner one:
/// it is not intact.
///
/// # Errors
/// Of reading.
pub fn verify_content(
    file: impl Read + Send + 'static,
    on_progress: impl FnMut(u64),
) -> std::io::Result<Result<Verified, VerifyError>> {
    match Decompressor::new(file).and_then(|content| verify_decompressed(content, on_progress)) {
        Err(error) if CorruptStream::is_cause_of(&error) => {
            Ok(Err(VerifyError::CorruptStream { what: error.to_string() }))
        }
        verdict => verdict,
    }
}

/// Reading, checking records and hashing take about equally long, so each has its own thread.
fn verify_decompressed(
    input: Decompressor<impl Read + Send + 'static>,
    mut on_progress: impl FnMut(u64),
) -> std::io::Result<Result<Verified, VerifyError>> {
    let (tx, rx) = sync_channel(CHUNKS_IN_FLIGHT);
    let (recycle_tx, recycled_rx) = channel();
    // The thread ends when the receiver is dropped. It is not joined: a silent pipe could block it forever.
    std::thread::spawn(move || read_ahead(input, &tx, &recycled_rx));
    let mut verifier = FileVerifier::with_digester(HashingThread::start());
    // The size of the file itself, compressed or not.
    let mut bytes = 0;
    for chunk in rx {
        let Chunk { content, len, file_position } = chunk?;
        if let Err(error) = verifier.feed(&content[..len]) {
            return Ok(Err(error));
        }
        bytes = file_position;
        on_progress(file_position);
        let _ = recycle_tx.send(content);
    }
    Ok(verifier.finish().map(|verified| Verified { bytes, ..verified }))
}

/// A chunk of content, and the position in the file (before decompression) after reading it.
struct Chunk {
    content: Vec<u8>,
    len: usize,
    file_position: u64,
}

fn read_ahead(
    mut input: Decompressor<impl Read>,
    tx: &SyncSender<std::io::Result<Chunk>>,
    recycled_rx: &Receiver<Vec<u8>>,
) {
    loop {
        let mut content = recycled_rx.try_recv().unwrap_or_else(|_| vec![0; CHUNK_BYTES]);
        let chunk = match input.read(&mut content) {
            // The size of the file is known only at its end.
            Ok(0) => {
                let _ = tx.send(Ok(Chunk { content, len: 0, file_position: input.bytes_read() }));
                return;
            }
            Ok(len) => Ok(Chunk { content, len, file_position: input.bytes_read() }),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        if tx.send(chunk).is_err() {
            return;
        }
    }
}
