//! Bulk reads: rows as they arrive, long ones in pieces.

use postgres_protocol::message::backend::{
    BIND_COMPLETE_TAG, COMMAND_COMPLETE_TAG, DATA_ROW_TAG, ERROR_RESPONSE_TAG, NOTICE_RESPONSE_TAG,
    NOTIFICATION_RESPONSE_TAG, PARAMETER_STATUS_TAG, PARSE_COMPLETE_TAG,
};

use super::super::read_buffer::ReadBuffer;
use super::super::{Error, Result};
use super::Connection;
use super::messages::HEADER_BYTES;
use super::statement::{self, Format};

/// Return value of `Connection::next_chunk`.
pub enum RowChunk<'a> {
    Bytes(&'a [u8]),
    /// The end, with the number of rows.
    End(u64),
}

impl Connection {
    /// Starts to read the rows of `sql`, with one format for each column, one for all, or none for text. Call
    /// `next_chunk` until it returns `End`.
    ///
    /// # Errors
    /// `Closed` or `Stalled` when the connection fails, `Protocol` for a NUL byte in a text. Errors of the server come
    /// from `next_chunk`.
    pub fn start_select(&mut self, sql: &str, formats: &[Format]) -> Result<()> {
        self.send(|out| {
            statement::write_bound(sql, &[], &[], formats, out)?;
            statement::write_execute(out)
        })
    }

    /// Returns the next bytes of the rows: a complete row, or a piece of a long one. Each row begins with its column
    /// count and each value with its length (PostgreSQL manual, 55.7, `DataRow`).
    ///
    /// # Errors
    /// As `query`.
    pub fn next_chunk(&mut self) -> Result<RowChunk<'_>> {
        while self.row_bytes_left == 0 {
            let (tag, length) = self.peek_header()?;
            match tag {
                DATA_ROW_TAG => {
                    self.buffer.consume(HEADER_BYTES);
                    self.row_bytes_left = length;
                }
                COMMAND_COMPLETE_TAG | ERROR_RESPONSE_TAG => return self.finish_rows(),
                PARSE_COMPLETE_TAG
                | BIND_COMPLETE_TAG
                | NOTICE_RESPONSE_TAG
                | NOTIFICATION_RESPONSE_TAG
                | PARAMETER_STATUS_TAG => drop(self.read_message()?),
                _ => return Err(Error::Protocol),
            }
        }
        let chunk_len = ReadBuffer::chunk_len(self.row_bytes_left);
        self.fill(chunk_len)?;
        self.row_bytes_left -= chunk_len;
        Ok(RowChunk::Bytes(self.buffer.consume(chunk_len)))
    }

    fn finish_rows(&mut self) -> Result<RowChunk<'static>> {
        self.receive_row_count().map(RowChunk::End)
    }
}
