//! Binary `COPY` output, taken apart as it arrives (PostgreSQL manual, COPY, "Binary Format").

use super::super::Error;
use super::decode::{self, Wire};
use crate::server::rows::{RowSink, Value};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Signature, flags, length of the (empty) extension.
const HEADER_BYTES: usize = SIGNATURE.len() + 8;
/// Memory for values that are cut which is kept for the next one.
const KEPT_BYTES: usize = 1 << 20;

/// Pushes rows into a sink. Pieces may be cut anywhere; only a value that is cut is kept.
pub struct CopyReader<'a> {
    wires: &'a [Wire],
    sink: &'a mut dyn RowSink,
    expect: Expect,
    carried: Vec<u8>,
    text: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Header,
    Row,
    Field(usize),
    End,
}

impl<'a> CopyReader<'a> {
    pub fn new(wires: &'a [Wire], sink: &'a mut dyn RowSink) -> Self {
        Self { wires, sink, expect: Expect::Header, carried: Vec::new(), text: Vec::new() }
    }

    /// # Errors
    /// `Stopped` when the sink wants no more, `Protocol` for what is no copy.
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), Error> {
        if self.carried.is_empty() {
            let used = self.take(piece)?;
            self.carried.extend_from_slice(&piece[used..]);
            return Ok(());
        }
        let mut carried = std::mem::take(&mut self.carried);
        carried.extend_from_slice(piece);
        let used = self.take(&carried)?;
        carried.drain(..used);
        // One huge cell must not keep its memory for the rest of the table.
        if carried.is_empty() && carried.capacity() > KEPT_BYTES {
            carried = Vec::new();
        }
        self.carried = carried;
        Ok(())
    }

    /// Every row came, and the end after them.
    ///
    /// # Errors
    /// `Protocol` when the copy was cut.
    pub fn finish(self) -> Result<(), Error> {
        if self.expect == Expect::End && self.carried.is_empty() { Ok(()) } else { Err(Error::Protocol) }
    }

    /// Takes what is whole and says how many bytes that were.
    fn take(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let mut used = 0;
        while let Some(length) = self.step(&bytes[used..])? {
            used += length;
        }
        Ok(used)
    }

    /// One header, row length or value; `None` when more bytes are needed.
    fn step(&mut self, bytes: &[u8]) -> Result<Option<usize>, Error> {
        match self.expect {
            Expect::Header => {
                let Some(header) = bytes.get(..HEADER_BYTES) else { return Ok(None) };
                if !header.starts_with(SIGNATURE) || header[SIGNATURE.len()..] != [0; 8] {
                    return Err(Error::Protocol);
                }
                self.expect = Expect::Row;
                Ok(Some(HEADER_BYTES))
            }
            Expect::Row => {
                let Some((&count, _)) = bytes.split_first_chunk() else { return Ok(None) };
                match i16::from_be_bytes(count) {
                    -1 => self.expect = Expect::End,
                    count if usize::try_from(count) == Ok(self.wires.len()) => self.next_field(0)?,
                    _ => return Err(Error::Protocol),
                }
                Ok(Some(2))
            }
            Expect::Field(at) => self.field(at, bytes),
            Expect::End if bytes.is_empty() => Ok(None),
            Expect::End => Err(Error::Protocol),
        }
    }

    fn field(&mut self, at: usize, bytes: &[u8]) -> Result<Option<usize>, Error> {
        let Some((&length, rest)) = bytes.split_first_chunk() else { return Ok(None) };
        let length = i32::from_be_bytes(length);
        if length == -1 {
            self.sink.value(Value::Null).map_err(|_| Error::Stopped)?;
            self.next_field(at + 1)?;
            return Ok(Some(4));
        }
        let length = usize::try_from(length).map_err(|_| Error::Protocol)?;
        let Some(value) = rest.get(..length) else { return Ok(None) };
        let value = decode::value(self.wires[at], value, &mut self.text)?;
        self.sink.value(value).map_err(|_| Error::Stopped)?;
        self.next_field(at + 1)?;
        Ok(Some(4 + length))
    }

    fn next_field(&mut self, at: usize) -> Result<(), Error> {
        if at < self.wires.len() {
            self.expect = Expect::Field(at);
            return Ok(());
        }
        self.expect = Expect::Row;
        self.sink.end_row().map_err(|_| Error::Stopped)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::server::rows::Stopped;

    #[derive(Default, Debug, PartialEq)]
    struct Seen(Vec<Vec<Option<Vec<u8>>>>, Vec<Option<Vec<u8>>>);

    impl RowSink for Seen {
        fn value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
            self.1.push(match value {
                Value::Blob(bytes) => Some(bytes.to_vec()),
                _ => None,
            });
            Ok(())
        }

        fn end_row(&mut self) -> Result<(), Stopped> {
            self.0.push(std::mem::take(&mut self.1));
            Ok(())
        }
    }

    fn encoded(rows: &[Vec<Option<Vec<u8>>>]) -> Vec<u8> {
        let mut out = [SIGNATURE, &[0; 8]].concat();
        for row in rows {
            out.extend(i16::try_from(row.len()).unwrap().to_be_bytes());
            for value in row {
                match value {
                    None => out.extend((-1_i32).to_be_bytes()),
                    Some(bytes) => {
                        out.extend(i32::try_from(bytes.len()).unwrap().to_be_bytes());
                        out.extend(bytes);
                    }
                }
            }
        }
        out.extend((-1_i16).to_be_bytes());
        out
    }

    proptest! {
        #[test]
        fn rows_arrive_whole_however_the_wire_cuts_them(
            rows in proptest::collection::vec(proptest::collection::vec(proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20)), 3), 0..8),
            cuts in proptest::collection::vec(1_usize..30, 1..40),
        ) {
            let bytes = encoded(&rows);
            let mut seen = Seen::default();
            let mut reader = CopyReader::new(&[Wire::Bytes; 3], &mut seen);
            let (mut at, mut cuts) = (0, cuts.iter().cycle());
            while at < bytes.len() {
                let end = (at + cuts.next().unwrap()).min(bytes.len());
                reader.feed(&bytes[at..end]).unwrap();
                at = end;
            }
            reader.finish().unwrap();
            prop_assert_eq!(seen.0, rows);
        }

        #[test]
        fn a_cut_copy_is_never_taken_for_a_whole_one(rows in 0_usize..4, cut in 1_usize..60) {
            let bytes = encoded(&vec![vec![Some(b"value".to_vec()), None, None]; rows]);
            let mut seen = Seen::default();
            let mut reader = CopyReader::new(&[Wire::Bytes; 3], &mut seen);
            reader.feed(&bytes[..bytes.len().saturating_sub(cut)]).unwrap();
            prop_assert!(reader.finish().is_err());
        }
    }
}
