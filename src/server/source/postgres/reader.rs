//! Splits rows into values as they arrive (PostgreSQL manual, 55.7, `DataRow`).

use super::super::Error;
use super::decode::{self, PgType};
use super::error;
use crate::server::rows::{RowSink, Value};

/// Buffer capacity kept for values that span chunks.
const MAX_KEPT_CAPACITY: usize = 1 << 20;

/// Pushes rows into a sink. Chunks may end anywhere; only incomplete values are buffered.
pub struct RowReader<'a> {
    types: &'a [PgType],
    sink: &'a mut dyn RowSink,
    /// Index of the next value in the current row; `types.len()` between rows.
    next_column: usize,
    rows: u64,
    partial: Vec<u8>,
    scratch: Vec<u8>,
}

impl<'a> RowReader<'a> {
    pub fn new(types: &'a [PgType], sink: &'a mut dyn RowSink) -> Self {
        Self { types, sink, next_column: types.len(), rows: 0, partial: Vec::new(), scratch: Vec::new() }
    }

    /// Pushes every complete value of a chunk.
    ///
    /// # Errors
    /// `SinkStopped` when the sink stops, `Protocol` when the bytes are not rows of this many columns and types.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), Error> {
        if self.partial.is_empty() {
            let consumed = self.consume(chunk)?;
            self.partial.extend_from_slice(&chunk[consumed..]);
            return Ok(());
        }
        let mut partial = std::mem::take(&mut self.partial);
        partial.extend_from_slice(chunk);
        let consumed = self.consume(&partial)?;
        partial.drain(..consumed);
        // Do not keep the memory of one huge cell for the rest of the table.
        if partial.is_empty() && partial.capacity() > MAX_KEPT_CAPACITY {
            partial = Vec::new();
        }
        self.partial = partial;
        Ok(())
    }

    /// Checks that every row the server sent has arrived completely.
    ///
    /// # Errors
    /// `Protocol` when rows or bytes are missing.
    pub fn finish(&self, sent_rows: u64) -> Result<(), Error> {
        let is_complete = self.next_column == self.types.len() && self.partial.is_empty() && self.rows == sent_rows;
        if is_complete { Ok(()) } else { Err(error::invalid_message()) }
    }

    /// Consumes complete values and returns the number of bytes consumed.
    fn consume(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        let mut rest = bytes;
        loop {
            if self.next_column == self.types.len() {
                let Some((&count, after)) = rest.split_first_chunk() else { break };
                if usize::from(u16::from_be_bytes(count)) != self.types.len() {
                    return Err(error::invalid_message());
                }
                (self.next_column, rest) = (0, after);
            }
            while let Some(&pg_type) = self.types.get(self.next_column) {
                let Some((value, after)) = split_value(rest)? else { return Ok(bytes.len() - rest.len()) };
                let value =
                    value.map_or(Ok(Value::Null), |value| decode::decode_value(pg_type, value, &mut self.scratch))?;
                self.sink.push_value(value).map_err(|_| Error::sink_stopped())?;
                (self.next_column, rest) = (self.next_column + 1, after);
            }
            self.rows += 1;
            self.sink.end_row().map_err(|_| Error::sink_stopped())?;
        }
        Ok(bytes.len() - rest.len())
    }
}

/// A value (`None` for NULL) and the bytes after it; `None` while it is incomplete.
type SplitValue<'b> = Option<(Option<&'b [u8]>, &'b [u8])>;

fn split_value(bytes: &[u8]) -> Result<SplitValue<'_>, Error> {
    let Some((&length, rest)) = bytes.split_first_chunk() else { return Ok(None) };
    match i32::from_be_bytes(length) {
        -1 => Ok(Some((None, rest))),
        length => {
            let length = usize::try_from(length).map_err(|_| error::invalid_message())?;
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
    struct CollectedRows(Vec<Vec<Option<Vec<u8>>>>, Vec<Option<Vec<u8>>>);

    impl RowSink for CollectedRows {
        fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
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

    fn encode_rows(rows: &[Vec<Option<Vec<u8>>>]) -> Vec<u8> {
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
            let bytes = encode_rows(&rows);
            let mut seen = CollectedRows::default();
            let mut reader = RowReader::new(&[PgType::Bytes; 3], &mut seen);
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
            let bytes = encode_rows(&vec![vec![Some(b"value".to_vec()), None, None]; rows]);
            let mut seen = CollectedRows::default();
            let mut reader = RowReader::new(&[PgType::Bytes; 3], &mut seen);
            reader.feed(&bytes[..bytes.len().saturating_sub(cut)]).unwrap();
            prop_assert!(reader.finish(rows as u64).is_err());
        }
    }
}
