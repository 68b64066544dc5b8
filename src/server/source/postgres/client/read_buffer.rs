//! The read buffer: bytes received and not consumed yet.

use std::io::{self, Read};

/// Measured: larger buffers read no faster, smaller ones wake up more often.
const CAPACITY: usize = 256 << 10;

pub struct ReadBuffer {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl ReadBuffer {
    pub fn new() -> Self {
        Self { buffer: vec![0; CAPACITY], start: 0, end: 0 }
    }

    /// The buffered bytes.
    pub fn buffered(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub fn consume(&mut self, count: usize) -> &[u8] {
        let consumed = &self.buffer[self.start..self.end][..count];
        self.start += count;
        consumed
    }

    /// Reads until `count` bytes are buffered; may buffer more.
    ///
    /// # Errors
    /// Any error of `from`, `UnexpectedEof` at its end. The buffer stays intact: after a timeout, call again.
    pub fn fill(&mut self, count: usize, mut from: impl Read) -> io::Result<()> {
        if self.end - self.start >= count {
            return Ok(());
        }
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if count > self.buffer.len() || self.buffer.len() > CAPACITY {
            self.buffer.resize(count.max(CAPACITY), 0);
            self.buffer.shrink_to(CAPACITY);
        }
        while self.end < count {
            match from.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.end += read,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// How many of `length` bytes to request from `fill` at once, for a message that may be read in pieces.
    pub fn chunk_len(length: usize) -> usize {
        length.min(CAPACITY)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns a few bytes at a time, and now and then none.
    struct Trickle<'a> {
        bytes: &'a [u8],
        steps: std::iter::Cycle<std::slice::Iter<'a, usize>>,
    }

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let step = *self.steps.next().unwrap();
            if step == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let count = step.min(buffer.len()).min(self.bytes.len());
            buffer[..count].copy_from_slice(&self.bytes[..count]);
            self.bytes = &self.bytes[count..];
            Ok(count)
        }
    }

    proptest! {
        #[test]
        fn every_byte_comes_once_and_in_order(
            length in 0_usize..900_000,
            steps in proptest::collection::vec(prop_oneof![Just(0_usize), 1_usize..300_000], 1..8),
            takes in proptest::collection::vec(1_usize..400_000, 1..8),
        ) {
            prop_assume!(steps.iter().any(|step| *step > 0));
            let sent: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let mut wire = Trickle { bytes: &sent, steps: steps.iter().cycle() };
            let (mut buffer, mut seen, mut takes) = (ReadBuffer::new(), Vec::new(), takes.iter().cycle());
            while seen.len() < length {
                let count = (*takes.next().unwrap()).min(length - seen.len());
                while let Err(error) = buffer.fill(count, &mut wire) {
                    prop_assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                }
                seen.extend_from_slice(buffer.consume(count));
            }
            prop_assert_eq!(&seen, &sent);
            let ended = loop {
                match buffer.fill(1, &mut wire) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    ended => break ended,
                }
            };
            prop_assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
