//! A blocking PostgreSQL client, for few connections that transfer much (protocol version 3: PostgreSQL manual,
//! chapter 55).
//!
//! May import: nothing of ours. Flow: `ConnectConfig` is the parsed connection URL, its password hidden; `Stream` is the
//! socket, with libpq's TLS modes; `Connection` authenticates and runs queries. Messages and SCRAM come from
//! postgres-protocol. Reading rows is our own: in place, large ones in pieces. Clients that buffer complete messages
//! hold a large value two or three times.

mod auth_policy;
mod connect_config;
mod connection;
mod passfile;
mod read_buffer;
mod row;
mod server_end_point;
mod startup;
mod stream;
mod tls;

use std::io;

pub use connect_config::ConnectConfig;
pub use connection::{Connection, Format, RowChunk};
pub use row::Row;
pub use stream::ShutdownHandle;

/// Why the server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the server cannot be reached: {0}")]
    Unreachable(#[source] io::Error),
    #[error("TLS cannot be used: {0}")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the server asks for a password, and none was given")]
    NoPassword,
    #[error(
        "the server asks for an authentication method that is not supported; SCRAM, MD5 and cleartext passwords are"
    )]
    UnsupportedAuth,
    #[error("the server asks for the password in a form that could be intercepted on the way")]
    WeakAuth,
    #[error("the server asks for an authentication method that require_auth does not allow")]
    AuthNotAllowed,
    #[error("the server does not support channel binding")]
    ChannelNotBound,
    #[error("the server did not prove that it knows the password")]
    ServerUnproven,
    #[error("the connection was closed")]
    Closed(#[source] io::Error),
    #[error("the server stopped responding")]
    Stalled,
    #[error("the server sent an invalid message")]
    Protocol,
    /// The server's own error: its SQLSTATE, a message that may contain values, the constraint that refuses a row, and of a
    /// `COPY` the line and the column that it is about.
    #[error("{message} (SQLSTATE {code})")]
    Server { code: String, message: String, constraint: Option<String>, line: Option<u64>, column: Option<String> },
}

pub type Result<T> = std::result::Result<T, Error>;
