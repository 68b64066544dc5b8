//! Queries, bulk reads, `COPY` and cancellation on one connection.

use std::io::{self, Read, Write};
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::{
    BIND_COMPLETE_TAG, COMMAND_COMPLETE_TAG, DATA_ROW_TAG, ERROR_RESPONSE_TAG, ErrorResponseBody, Header, Message,
    NOTICE_RESPONSE_TAG, NOTIFICATION_RESPONSE_TAG, PARAMETER_STATUS_TAG, PARSE_COMPLETE_TAG,
};
use postgres_protocol::message::frontend;

use super::read_buffer::ReadBuffer;
use super::stream::{ShutdownHandle, Stream};
use super::tls::SslMode;
use super::{ConnectConfig, Error, Result, Row, server_end_point};

/// Tag and length.
const HEADER_BYTES: usize = 5;
/// Longest message except rows, which are read in pieces.
const MAX_MESSAGE_BYTES: usize = 64 << 20;
/// SQLSTATE `invalid_authorization_specification`: no line of `pg_hba.conf` matches.
const INVALID_AUTHORIZATION: &str = "28000";

/// Called after each stall timeout; returns whether to keep waiting.
pub type OnStall = Box<dyn FnMut() -> bool + Send>;

/// One session with a server. Dropping it during a query only closes the socket; `cancel_and_close` also cancels the query.
pub struct Connection {
    stream: Stream,
    buffer: ReadBuffer,
    on_stall: OnStall,
    cancel: CancelTarget,
    /// Every query has been answered.
    is_ready: bool,
    /// As of the last `ReadyForQuery`.
    is_in_transaction: bool,
    /// Bytes of the current row that were not returned yet.
    row_bytes_left: usize,
}

/// Return value of `Connection::read`.
pub enum RowChunk<'a> {
    Bytes(&'a [u8]),
    /// The end, with the number of rows.
    End(u64),
}

/// Wire format of a column's values (PostgreSQL manual, 55.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text = 0,
    Binary = 1,
}

/// Process id and secret key of a session.
pub(super) type CancelKey = (i32, i32);

/// What is needed to cancel a session's statement over another connection.
struct CancelTarget {
    config: ConnectConfig,
    mode: SslMode,
    key: Option<CancelKey>,
}

impl Connection {
    /// Connects and authenticates. `timeout` limits every single wait, during and after connecting.
    ///
    /// # Errors
    /// When the server cannot be reached, TLS fails or the server refuses the user.
    pub fn open(config: &ConnectConfig, timeout: Duration) -> Result<Self> {
        match (config.tls.mode, Self::open_with_mode(config, config.tls.mode, timeout)) {
            // As in libpq: these two modes fall back, since neither requires TLS or forbids it.
            (SslMode::Allow, Err(Error::Server { .. })) => Self::open_with_mode(config, SslMode::Require, timeout),
            (SslMode::Prefer, Err(Error::Tls(_))) => Self::open_with_mode(config, SslMode::Disable, timeout),
            (SslMode::Prefer, Err(Error::Server { code, .. })) if code == INVALID_AUTHORIZATION => {
                Self::open_with_mode(config, SslMode::Disable, timeout)
            }
            (_, opened) => opened,
        }
    }

    fn open_with_mode(config: &ConnectConfig, mode: SslMode, timeout: Duration) -> Result<Self> {
        let stream = Stream::open(config, mode, timeout)?;
        let pinned = stream.peer_ip().map_or_else(|| config.clone(), |ip| config.clone().with_ip(ip));
        let mut connection = Self {
            stream,
            buffer: ReadBuffer::new(),
            on_stall: Box::new(|| false),
            cancel: CancelTarget { config: pinned, mode, key: None },
            is_ready: false,
            is_in_transaction: false,
            row_bytes_left: 0,
        };
        connection.cancel.key = connection.start_up(config)?;
        Ok(connection)
    }

    /// Sets the stall timeout: from now on, `on_stall` decides after each `stall_timeout` whether to keep waiting.
    ///
    /// # Errors
    /// When the socket rejects the timeout.
    pub fn set_stall_handler(&mut self, stall_timeout: Duration, on_stall: OnStall) -> Result<()> {
        self.on_stall = on_stall;
        self.stream.set_timeouts(stall_timeout).map_err(Error::Closed)
    }

    /// Returns a handle to shut the connection down from another thread.
    ///
    /// # Errors
    /// When the system is out of file descriptors.
    pub fn shutdown_handle(&self) -> Result<ShutdownHandle> {
        self.stream.shutdown_handle().map_err(Error::Closed)
    }

    /// Whether a man in the middle is ruled out: the server is on this machine, or TLS has verified it.
    pub(super) fn is_channel_trusted(&self, config: &ConnectConfig) -> bool {
        match self.stream.peer_ip() {
            None => true,
            Some(ip) if ip.to_canonical().is_loopback() => true,
            Some(_) => matches!(self.stream, Stream::Tls(_)) && config.tls.verifies_server(self.cancel.mode),
        }
    }

    /// The certificate hash for channel binding, if the server has presented a certificate.
    pub(super) fn channel_binding_data(&self) -> Option<Vec<u8>> {
        self.stream.certificate().and_then(server_end_point::tls_server_end_point)
    }

    /// The address of this very server, its IP address pinned.
    pub fn config(&self) -> &ConnectConfig {
        &self.cancel.config
    }

    /// Whether the next query can be sent.
    pub fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// Whether a transaction, failed or not, was open when the server was last ready.
    pub fn is_in_transaction(&self) -> bool {
        self.is_in_transaction
    }

    /// Runs statements that return no rows.
    ///
    /// # Errors
    /// As `query`.
    pub fn execute(&mut self, sql: &str) -> Result<()> {
        self.send(|out| frontend::query(sql, out))?;
        self.receive_until_ready(|_| Ok(()))
    }

    /// Runs a query with `values` for `$1`, `$2`, …, each as text of the type that the statement infers.
    ///
    /// # Errors
    /// `Server` for an error of the server, after which the connection stays usable; otherwise as `start_select`.
    pub fn query(&mut self, sql: &str, values: &[&str]) -> Result<Vec<Row>> {
        self.query_typed(sql, &[], values)
    }

    /// Like `query`, with the OID of each value's type, whose input function reads it; the type is inferred where
    /// none is given. No user-defined cast is involved.
    ///
    /// # Errors
    /// As `query`.
    pub fn query_typed(&mut self, sql: &str, types: &[u32], values: &[&str]) -> Result<Vec<Row>> {
        self.send_query(sql, types, values, &[])?;
        let mut rows = Vec::new();
        self.receive_until_ready(|message| {
            if let Message::DataRow(body) = message {
                rows.push(Row::from_body(&body)?);
            }
            Ok(())
        })?;
        Ok(rows)
    }

    /// Starts to read the rows of `sql`, with one format for each column, one for all, or none for text. Call `read`
    /// until it returns `End`.
    ///
    /// # Errors
    /// `Closed` or `Stalled` when the connection fails, `Protocol` for a NUL byte in a text. Errors of the server come
    /// from `read`.
    pub fn start_select(&mut self, sql: &str, formats: &[Format]) -> Result<()> {
        self.send_query(sql, &[], &[], formats)
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
        let mut rows = None;
        self.receive_until_ready(|message| {
            if let Message::CommandComplete(body) = message {
                // Such as "SELECT 12".
                rows = body.tag().ok().and_then(|tag| tag.rsplit(' ').next()?.parse().ok());
            }
            Ok(())
        })?;
        rows.map(RowChunk::End).ok_or(Error::Protocol)
    }

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

    /// Ends a `COPY … FROM STDIN`.
    ///
    /// # Errors
    /// As `query`.
    pub fn finish_copy_in(&mut self) -> Result<()> {
        self.send(|out| {
            frontend::copy_done(out);
            Ok(())
        })?;
        self.receive_until_ready(|_| Ok(()))
    }

    /// Sends Terminate. Best effort: the caller has all its results.
    pub fn close(mut self) {
        let _ = self.send(|out| {
            frontend::terminate(out);
            Ok(())
        });
    }

    /// Sends `CancelRequest` on a second connection, then closes this one: the server may otherwise run on long after
    /// the client has gone. Best effort; each step takes at most `timeout`.
    pub fn cancel_and_close(self, timeout: Duration) {
        let CancelTarget { config, mode, key } = &self.cancel;
        // Before closing: a pooler forgets the cancel key of a client that has disconnected.
        if let (Some((process, secret)), Ok(mut other)) = (key, Stream::open(config, *mode, timeout)) {
            let mut request = BytesMut::new();
            frontend::cancel_request(*process, *secret, &mut request);
            // The server closes the connection once it has forwarded the request.
            let _ = other.write_all(&request).and_then(|()| other.flush()).and_then(|()| other.read(&mut [0]));
        }
        // A server that is blocked on sending to us notices the close, but not the request.
        drop(self.stream);
    }

    fn send_query(&mut self, sql: &str, types: &[u32], values: &[&str], formats: &[Format]) -> Result<()> {
        self.send(|out| {
            frontend::parse("", sql, types.iter().copied(), out)?;
            let write = |value: &&str, out: &mut BytesMut| {
                out.put_slice(value.as_bytes());
                Ok(IsNull::No)
            };
            let formats = formats.iter().map(|format| *format as i16);
            frontend::bind("", "", [], values, write, formats, out).map_err(|_| io::ErrorKind::InvalidInput)?;
            frontend::execute("", 0, out)?;
            frontend::sync(out);
            Ok(())
        })
    }

    /// Writes messages to the socket.
    pub(super) fn send(&mut self, write: impl FnOnce(&mut BytesMut) -> io::Result<()>) -> Result<()> {
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
    pub(super) fn receive_until_ready(&mut self, mut on_message: impl FnMut(Message) -> Result<()>) -> Result<()> {
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
    pub(super) fn receive(&mut self) -> Result<Message> {
        loop {
            match self.read_message()? {
                Message::NoticeResponse(_) | Message::NotificationResponse(_) | Message::ParameterStatus(_) => {}
                message => return Ok(message),
            }
        }
    }

    fn read_message(&mut self) -> Result<Message> {
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
    fn peek_header(&mut self) -> Result<(u8, usize)> {
        self.fill(HEADER_BYTES)?;
        let header = Header::parse(self.buffer.buffered()).ok().flatten().ok_or(Error::Protocol)?;
        // The length includes itself.
        let length = usize::try_from(header.len() - 4).map_err(|_| Error::Protocol)?;
        Ok((header.tag(), length))
    }

    fn fill(&mut self, count: usize) -> Result<()> {
        retry_while_stalled(&mut self.on_stall, || self.buffer.fill(count, &mut self.stream))
    }
}

/// Repeats an I/O operation while it times out and `on_stall` wants to keep waiting.
fn retry_while_stalled<T>(on_stall: &mut OnStall, mut work: impl FnMut() -> io::Result<T>) -> Result<T> {
    loop {
        match work() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) => {
                if !on_stall() {
                    return Err(Error::Stalled);
                }
            }
            done => return done.map_err(Error::Closed),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

pub(super) fn server_error(body: &ErrorResponseBody) -> Error {
    use fallible_iterator::FallibleIterator;
    let field = |wanted: u8| {
        let found = body.fields().find(|field| Ok(field.type_() == wanted)).ok().flatten();
        found.map(|field| String::from_utf8_lossy(field.value_bytes()).into_owned()).unwrap_or_default()
    };
    Error::Server { code: field(b'C'), message: field(b'M') }
}
