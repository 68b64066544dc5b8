//! Splits rows into values as they arrive (PostgreSQL manual, 55.7, `DataRow`).

use super::super::Error;
use super::decode::{self, Wire};
use crate::server::rows::{RowSink, Value};

/// Buffer capacity kept for values that span chunks.
const KEPT_BYTES: usize = 1 << 20;

/// Pushes rows into a sink. Chunks may end anywhere; only incomplete values are buffered.
pub struct RowReader<'a> {
    wires: &'a [Wire],
    sink: &'a mut dyn RowSink,
    /// Index of the next value in the current row; `wires.len()` between rows.
    next: usize,
    rows: u64,
    carried: Vec<u8>,
    text: Vec<u8>,
}

impl<'a> RowReader<'a> {
    pub fn new(wires: &'a [Wire], sink: &'a mut dyn RowSink) -> Self {
        Self { wires, sink, next: wires.len(), rows: 0, carried: Vec::new(), text: Vec::new() }
    }

    /// Pushes every complete value of a chunk.
    ///
    /// # Errors
    /// `Stopped` when the sink stops, `Protocol` when the bytes are not rows of this many columns and types.
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
        // Do not keep the memory of one huge cell for the rest of the table.
        if carried.is_empty() && carried.capacity() > KEPT_BYTES {
            carried = Vec::new();
        }
        self.carried = carried;
        Ok(())
    }

    /// Checks that every row the server sent has arrived completely.
    ///
    /// # Errors
    /// `Protocol` when rows or bytes are missing.
    pub fn finish(&self, sent: u64) -> Result<(), Error> {
        let is_whole = self.next == self.wires.len() && self.carried.is_empty() && self.rows == sent;
        if is_whole { Ok(()) } else { Err(Error::Protocol) }
    }

    /// Consumes complete values and returns the number of bytes consumed.
    fn take(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let mut rest = bytes;
        loop {
            if self.next == self.wires.len() {
                let Some((&count, after)) = rest.split_first_chunk() else { break };
                if usize::from(u16::from_be_bytes(count)) != self.wires.len() {
                    return Err(Error::Protocol);
                }
                (self.next, rest) = (0, after);
            }
            while let Some(&wire) = self.wires.get(self.next) {
                let Some((value, after)) = split_value(rest)? else { return Ok(bytes.len() - rest.len()) };
                let value = value.map_or(Ok(Value::Null), |value| decode::value(wire, value, &mut self.text))?;
                self.sink.value(value).map_err(|_| Error::Stopped)?;
                (self.next, rest) = (self.next + 1, after);
            }
            self.rows += 1;
            self.sink.end_row().map_err(|_| Error::Stopped)?;
        }
        Ok(bytes.len() - rest.len())
    }
}

/// A value (`None` for NULL) and the bytes after it; `None` while it is incomplete.
type Split<'b> = Option<(Option<&'b [u8]>, &'b [u8])>;

fn split_value(bytes: &[u8]) -> Result<Split<'_>, Error> {
    let Some((&length, rest)) = bytes.split_first_chunk() else { return Ok(None) };
    match i32::from_be_bytes(length) {
        -1 => Ok(Some((None, rest))),
        length => {
            let length = usize::try_from(length).map_err(|_| Error::Protocol)?;
            Ok(rest.split_at_checked(length).map(|(value, after)| (Some(value), after)))
        }
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
        let mut out = Vec::new();
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
            let mut reader = RowReader::new(&[Wire::Bytes; 3], &mut seen);
            let (mut at, mut cuts) = (0, cuts.iter().cycle());
            while at < bytes.len() {
                let end = (at + cuts.next().unwrap()).min(bytes.len());
                reader.feed(&bytes[at..end]).unwrap();
                at = end;
            }
            reader.finish(rows.len() as u64).unwrap();
            prop_assert_eq!(seen.0, rows);
        }

        #[test]
        fn rows_that_were_cut_are_never_taken_for_all_of_them(rows in 1_usize..4, cut in 1_usize..60) {
            let bytes = encoded(&vec![vec![Some(b"value".to_vec()), None, None]; rows]);
            let mut seen = Seen::default();
            let mut reader = RowReader::new(&[Wire::Bytes; 3], &mut seen);
            reader.feed(&bytes[..bytes.len().saturating_sub(cut)]).unwrap();
            prop_assert!(reader.finish(rows as u64).is_err());
        }
    }
}
