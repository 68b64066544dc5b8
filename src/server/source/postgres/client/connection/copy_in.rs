//! `COPY … FROM STDIN`.

use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;

use super::super::{Error, Result};
use super::Connection;
use super::messages::server_error;

impl Connection {
    /// Begins a `COPY … FROM STDIN`.
    ///
    /// # Errors
    /// As `query`.
    pub fn copy_in(&mut self, sql: &str) -> Result<()> {
        self.send(|out| frontend::query(sql, out))?;
        match self.receive()? {
            Message::CopyInResponse(_) => Ok(()),
            Message::ErrorResponse(body) => {
                // The server's error matters more than a failure after it.
                let _ = self.receive_until_ready(|_| Ok(()));
                Err(server_error(&body))
            }
            _ => Err(Error::Protocol),
        }
    }

    /// Sends data of a `COPY … FROM STDIN`.
    ///
    /// # Errors
    /// When the connection fails. The server reports errors in the data at the end of the copy.
    pub fn copy_data(&mut self, bytes: &[u8]) -> Result<()> {
        self.send(|out| frontend::CopyData::new(bytes).map(|data| data.write(out)))
    }

    /// Ends a `COPY … FROM STDIN`, and returns how many rows the table has taken.
    ///
    /// # Errors
    /// As `query`.
    pub fn finish_copy_in(&mut self) -> Result<u64> {
        self.send(|out| {
            frontend::copy_done(out);
            Ok(())
        })?;
        self.receive_row_count()
    }
}
