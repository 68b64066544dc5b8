//! Reads a file and checks its seal, on three threads.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

use indicatif::{ProgressBar, ProgressStyle};

use crate::seal::{CorruptStream, FileVerifier, Verified, VerifyError};
use crate::server::cli::exit::{CliError, Exit};
use crate::server::pipeline::decompress::Decompressor;
use crate::server::pipeline::hashing_thread::HashingThread;
use crate::server::pipeline::{CHUNK_BYTES, CHUNKS_IN_FLIGHT};

/// Verifies a file. The outer error: it cannot be read at all; the inner one: it is not intact.
pub fn verify_file(path: &Path) -> Result<Result<Verified, VerifyError>, CliError> {
    let read_error =
        |error: std::io::Error| CliError::new(Exit::Failure, format!("{} cannot be read: {error}", path.display()));
    let (input, bytes): (Box<dyn Read + Send>, u64) = if path == Path::new("-") {
        (Box::new(std::io::stdin()), 0)
    } else {
        let file = File::open(path).map_err(read_error)?;
        let bytes = file.metadata().map_err(read_error)?.len();
        (Box::new(file), bytes)
    };
    let bar = progress_bar(bytes);
    let verdict = match Decompressor::new(input) {
        Ok(input) => verify_content(input, &bar),
        Err(error) => Err(error),
    };
    bar.finish_and_clear();
    match verdict {
        Err(error) if CorruptStream::is_cause_of(&error) => {
            Ok(Err(VerifyError::CorruptStream { what: error.to_string() }))
        }
        verdict => verdict.map_err(read_error),
    }
}

/// Verifies decompressed content. The outer error: the file cannot be read, or its compressed stream is corrupt.
/// Reading, checking records and hashing take about equally long, so each has its own thread.
fn verify_content(
    input: Decompressor<impl Read + Send + 'static>,
    bar: &ProgressBar,
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
        bar.set_position(file_position);
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

fn progress_bar(bytes: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() || bytes < 64 << 20 {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(bytes);
    if let Ok(style) = ProgressStyle::with_template("checking {wide_bar} {bytes} of {total_bytes}  {eta} left") {
        bar.set_style(style);
    }
    bar
}
