//! Hashes on a second thread, so that a verifier checks records and computes digests in parallel.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use super::{CHUNK_BYTES, CHUNKS_IN_FLIGHT};
use crate::seal::{Digester, Digests, Hasher};

enum Part {
    Frame(Vec<u8>),
    Table(Vec<u8>),
    TableEnd,
}

/// A `Digester` that sends its input to a thread.
pub struct HashingThread {
    /// Bytes of the current table that are not sent yet.
    chunk: Vec<u8>,
    parts: SyncSender<Part>,
    used: Receiver<Vec<u8>>,
    thread: JoinHandle<Digests>,
}

impl HashingThread {
    #[must_use]
    pub fn start() -> Self {
        let (parts, arriving) = sync_channel(CHUNKS_IN_FLIGHT);
        let (give_back, used) = channel();
        let thread = std::thread::spawn(move || hash(&arriving, &give_back));
        Self { chunk: Vec::with_capacity(2 * CHUNK_BYTES), parts, used, thread }
    }

    /// Ignores a closed channel: the thread has panicked, and `end` resumes the panic.
    fn send(&self, part: Part) {
        let _ = self.parts.send(part);
    }

    fn flush(&mut self) {
        if !self.chunk.is_empty() {
            let next = self.used.try_recv().unwrap_or_else(|_| Vec::with_capacity(2 * CHUNK_BYTES));
            let chunk = std::mem::replace(&mut self.chunk, next);
            self.send(Part::Table(chunk));
        }
    }
}

fn hash(arriving: &Receiver<Part>, give_back: &Sender<Vec<u8>>) -> Digests {
    let mut hasher = Hasher::default();
    for part in arriving {
        match part {
            Part::Frame(bytes) => hasher.frame(&bytes),
            Part::Table(mut bytes) => {
                hasher.table(&bytes);
                bytes.clear();
                let _ = give_back.send(bytes);
            }
            Part::TableEnd => hasher.end_table(),
        }
    }
    hasher.end()
}

impl Digester for HashingThread {
    fn frame(&mut self, bytes: &[u8]) {
        self.flush();
        self.send(Part::Frame(bytes.to_vec()));
    }

    fn table(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(CHUNK_BYTES) {
            self.chunk.extend_from_slice(piece);
            if self.chunk.len() >= CHUNK_BYTES {
                self.flush();
            }
        }
    }

    fn end_table(&mut self) {
        self.flush();
        self.send(Part::TableEnd);
    }

    fn end(mut self) -> Digests {
        self.flush();
        let Self { parts, thread, .. } = self;
        // Closing the channel ends the thread.
        drop(parts);
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(mut digester: impl Digester, parts: &[(u8, Vec<u8>)]) -> Digests {
        for (kind, bytes) in parts {
            match kind {
                0 => digester.frame(bytes),
                1 => digester.table(bytes),
                _ => digester.end_table(),
            }
        }
        digester.end()
    }

    proptest! {
        #[test]
        fn the_thread_comes_to_the_same_digests(
            parts in proptest::collection::vec((0_u8..3, proptest::collection::vec(any::<u8>(), 0..2000)), 0..40),
            times in 1_usize..300,
        ) {
            let long: Vec<(u8, Vec<u8>)> = parts.into_iter().map(|(kind, bytes)| (kind, bytes.repeat(times))).collect();
            prop_assert_eq!(told(HashingThread::start(), &long), told(Hasher::default(), &long));
        }
    }
}
