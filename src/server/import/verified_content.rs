//! A file that is read a second time must still be what was checked.

use std::io::{self, Read};

use crate::seal::FileVerifier;
use crate::server::pipeline::hashing_thread::HashingThread;

/// Content that is verified while it is read.
pub struct VerifiedContent<R> {
    content: R,
    /// Nothing once the content is found damaged.
    verifier: Option<FileVerifier<HashingThread>>,
}

impl<R: Read> VerifiedContent<R> {
    pub fn new(content: R) -> Self {
        Self { content, verifier: Some(FileVerifier::with_digester(HashingThread::start())) }
    }

    /// Reads the rest. Returns the digest of the seal, or nothing if it is not right.
    pub fn finish(mut self) -> Option<String> {
        io::copy(&mut self, &mut io::sink()).ok()?;
        Some(self.verifier?.finish().ok()?.sha256)
    }
}

impl<R: Read> Read for VerifiedContent<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        if let Some(verifier) = &mut self.verifier
            && verifier.feed(&buffer[..read]).is_err()
        {
            self.verifier = None;
        }
        Ok(read)
    }
}
