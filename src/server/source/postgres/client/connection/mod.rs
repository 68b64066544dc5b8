//! One session with a server.
//!
//! Flow: `Connection::open` connects and authenticates. `query` runs small queries, `select` reads rows in bulk, `copy_in`
//! writes them; all are built on `messages`. `stall` waits for a silent server, `cancel` ends what it is doing.

mod cancel;
mod copy_in;
mod messages;
mod query;
mod select;
mod stall;
mod statement;

use std::net::IpAddr;
use std::time::Duration;

use postgres_protocol::message::frontend;

use super::read_buffer::ReadBuffer;
use super::stream::{ShutdownHandle, Stream};
use super::tls::SslMode;
use super::{ConnectConfig, Error, Result, server_end_point};

pub(super) use cancel::CancelKey;
use cancel::CancelTarget;
pub(super) use messages::server_error;
pub use select::RowChunk;
use stall::OnStall;
pub use statement::Format;

/// SQLSTATE `invalid_authorization_specification`: no line of `pg_hba.conf` matches.
const INVALID_AUTHORIZATION: &str = "28000";

/// One session with a server. Dropping it during a query only closes the socket; `cancel_and_close` also cancels the query.
pub struct Connection {
    stream: Stream,
    /// The server's IP address; `None` for a Unix socket.
    peer_ip: Option<IpAddr>,
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
        let peer_ip = stream.peer_ip().map_err(Error::Closed)?;
        let pinned = peer_ip.map_or_else(|| config.clone(), |ip| config.clone().with_ip(ip));
        let mut connection = Self {
            stream,
            peer_ip,
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
        match self.peer_ip {
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
        // Before closing: a pooler forgets the cancel key of a client that has disconnected.
        self.cancel.request_cancel(timeout);
        // A server that is blocked on sending to us notices the close, but not the request.
        drop(self.stream);
    }
}
