//! Hashes on a second thread, so that a verifier checks records and computes digests in parallel.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use super::{CHUNK_BYTES, CHUNKS_IN_FLIGHT};
use crate::seal::{Digester, Digests, Sha256Digester};

enum Message {
    Frame(Vec<u8>),
    Table(Vec<u8>),
    TableEnd,
}

/// A `Digester` that sends its input to a thread.
pub struct HashingThread {
    /// Bytes of the current table that are not sent yet.
    chunk: Vec<u8>,
    tx: SyncSender<Message>,
    recycled_rx: Receiver<Vec<u8>>,
    thread: JoinHandle<Digests>,
}

impl HashingThread {
    #[must_use]
    pub fn start() -> Self {
        let (tx, rx) = sync_channel(CHUNKS_IN_FLIGHT);
        let (recycle_tx, recycled_rx) = channel();
        let thread = std::thread::spawn(move || hash_messages(&rx, &recycle_tx));
        Self { chunk: Vec::with_capacity(2 * CHUNK_BYTES), tx, recycled_rx, thread }
    }

    /// Ignores a closed channel: the thread has panicked, and `finish` resumes the panic.
    fn send(&self, message: Message) {
        let _ = self.tx.send(message);
    }

    fn send_chunk(&mut self) {
        if !self.chunk.is_empty() {
            let empty_buffer = self.recycled_rx.try_recv().unwrap_or_else(|_| Vec::with_capacity(2 * CHUNK_BYTES));
            let chunk = std::mem::replace(&mut self.chunk, empty_buffer);
            self.send(Message::Table(chunk));
        }
    }
}

fn hash_messages(rx: &Receiver<Message>, recycle_tx: &Sender<Vec<u8>>) -> Digests {
    let mut hasher = Sha256Digester::default();
    for message in rx {
        match message {
            Message::Frame(bytes) => hasher.update_frame(&bytes),
            Message::Table(mut bytes) => {
                hasher.update_table(&bytes);
                bytes.clear();
                let _ = recycle_tx.send(bytes);
            }
            Message::TableEnd => hasher.end_table(),
        }
    }
    hasher.finish()
}

impl Digester for HashingThread {
    fn update_frame(&mut self, bytes: &[u8]) {
        self.send_chunk();
        self.send(Message::Frame(bytes.to_vec()));
    }

    fn update_table(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(CHUNK_BYTES) {
            self.chunk.extend_from_slice(piece);
            if self.chunk.len() >= CHUNK_BYTES {
                self.send_chunk();
            }
        }
    }

    fn end_table(&mut self) {
        self.send_chunk();
        self.send(Message::TableEnd);
    }

    fn finish(mut self) -> Digests {
        self.send_chunk();
        let Self { tx, thread, .. } = self;
        // Closing the channel ends the thread.
        drop(tx);
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn digest_parts(mut digester: impl Digester, parts: &[(u8, Vec<u8>)]) -> Digests {
        for (kind, bytes) in parts {
            match kind {
                0 => digester.update_frame(bytes),
                1 => digester.update_table(bytes),
                _ => digester.end_table(),
            }
        }
        digester.finish()
    }

    proptest! {
        #[test]
        fn the_thread_computes_the_same_digests(
            parts in proptest::collection::vec((0_u8..3, proptest::collection::vec(any::<u8>(), 0..2000)), 0..40),
            times in 1_usize..300,
        ) {
            let long: Vec<(u8, Vec<u8>)> = parts.into_iter().map(|(kind, bytes)| (kind, bytes.repeat(times))).collect();
            prop_assert_eq!(digest_parts(HashingThread::start(), &long), digest_parts(Sha256Digester::default(), &long));
        }
    }
}
