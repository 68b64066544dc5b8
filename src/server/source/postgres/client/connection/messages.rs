//! Sending and receiving messages.

use std::io::{self, Write};

use bytes::BytesMut;
use postgres_protocol::message::backend::{ErrorResponseBody, Header, Message};

use super::super::{Error, Result};
use super::Connection;
use super::stall::retry_while_stalled;

/// Tag and length.
pub(super) const HEADER_BYTES: usize = 5;
/// Longest message except rows, which are read in pieces.
const MAX_MESSAGE_BYTES: usize = 64 << 20;

impl Connection {
    /// Writes messages to the socket.
    pub(in super::super) fn send(&mut self, write: impl FnOnce(&mut BytesMut) -> io::Result<()>) -> Result<()> {
        let mut out = BytesMut::new();
        // Fails for a text that contains a NUL byte, which the protocol cannot carry.
        write(&mut out).map_err(|_| Error::Protocol)?;
        self.is_ready = false;
        let mut rest = &out[..];
        while !rest.is_empty() {
            rest = &rest[retry_while_stalled(&mut self.on_stall, || self.stream.write(rest))?..];
        }
        retry_while_stalled(&mut self.on_stall, || self.stream.flush())
    }

    /// Receives messages until the server is ready, and returns the first error among them.
    pub(in super::super) fn receive_until_ready(
        &mut self,
        mut on_message: impl FnMut(Message) -> Result<()>,
    ) -> Result<()> {
        let mut first_error = None;
        loop {
            match self.receive() {
                Ok(Message::ReadyForQuery(body)) => {
                    self.is_ready = true;
                    self.is_in_transaction = body.status() != b'I';
                    return first_error.map_or(Ok(()), Err);
                }
                Ok(Message::ErrorResponse(body)) => _ = first_error.get_or_insert_with(|| server_error(&body)),
                Ok(message) => on_message(message)?,
                // A server that ends a session sends the reason before it closes.
                Err(error) => return Err(first_error.unwrap_or(error)),
            }
        }
    }

    /// Receives the next message, skipping asynchronous ones.
    pub(in super::super) fn receive(&mut self) -> Result<Message> {
        loop {
            match self.read_message()? {
                Message::NoticeResponse(_) | Message::NotificationResponse(_) | Message::ParameterStatus(_) => {}
                message => return Ok(message),
            }
        }
    }

    pub(super) fn read_message(&mut self) -> Result<Message> {
        let (_, length) = self.peek_header()?;
        let message_bytes = HEADER_BYTES + length;
        if message_bytes > MAX_MESSAGE_BYTES {
            return Err(Error::Protocol);
        }
        self.fill(message_bytes)?;
        let mut bytes = BytesMut::from(self.buffer.consume(message_bytes));
        Message::parse(&mut bytes).ok().flatten().ok_or(Error::Protocol)
    }

    /// Tag and body length of the next message, which stays in the buffer.
    pub(super) fn peek_header(&mut self) -> Result<(u8, usize)> {
        self.fill(HEADER_BYTES)?;
        let header = Header::parse(self.buffer.buffered()).ok().flatten().ok_or(Error::Protocol)?;
        // The length includes itself.
        let length = usize::try_from(header.len() - 4).map_err(|_| Error::Protocol)?;
        Ok((header.tag(), length))
    }

    pub(super) fn fill(&mut self, count: usize) -> Result<()> {
        retry_while_stalled(&mut self.on_stall, || self.buffer.fill(count, &mut self.stream))
    }
}

/// The server's error; `Protocol` without a code or a message, which are always present (PostgreSQL manual, 55.8).
pub(in super::super) fn server_error(body: &ErrorResponseBody) -> Error {
    use fallible_iterator::FallibleIterator;
    let field = |wanted: u8| {
        let found = body.fields().find(|field| Ok(field.type_() == wanted)).ok().flatten()?;
        Some(String::from_utf8_lossy(found.value_bytes()).into_owned())
    };
    match (field(b'C'), field(b'M')) {
        (Some(code), Some(message)) => {
            let context = field(b'W').unwrap_or_default();
            let column = field(b'c').or_else(|| copy_column(&context));
            Error::Server { code, message, constraint: field(b'n'), line: copy_line(&context), column }
        }
        _ => Error::Protocol,
    }
}

/// The line in a context such as `COPY users, line 5, column name: "value"`. The number is the last one that follows the word
/// before any value.
fn copy_line(context: &str) -> Option<u64> {
    let (_, rest) = context.split_once("COPY ")?.1.split_once(", line ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The column in such a context. A name that holds a colon and a blank is cut there, and shows no value either way.
fn copy_column(context: &str) -> Option<String> {
    let (_, rest) = context.split_once("COPY ")?.1.split_once(", line ")?;
    let (_, rest) = rest.split_once(", column ")?;
    Some(rest.split_once(": ")?.0.to_owned())
}
