//! A PostgreSQL client that blocks, for few connections with much to say (protocol version 3:
//! PostgreSQL manual, chapter 55).
//!
//! May import: nothing of ours. Flow: `Address` is what was typed, its password hidden; `Stream` is the
//! socket, with TLS as libpq names its modes; `Connection` signs in and talks. Messages and SCRAM are
//! postgres-protocol's. Our own is how rows are read: in place, a large one in pieces. Clients that keep
//! messages whole hold one large value two or three times.

mod address;
mod connection;
mod end_point;
mod incoming;
mod passfile;
mod proof;
mod row;
mod sign_in;
mod stream;
mod tls;

use std::io;

pub use address::Address;
pub use connection::{Connection, Format, Selected};
pub use row::Row;
pub use stream::HangUp;

/// What can go wrong between us and a server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the server cannot be reached: {0}")]
    Unreachable(#[source] io::Error),
    #[error("TLS cannot be used: {0}")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the server asks for a password, and none was given")]
    NoPassword,
    #[error("the server asks for a way to sign in that is not known here; SCRAM, MD5 and plain passwords are")]
    UnknownSignIn,
    #[error("the server asks for a password that anybody on the way could use")]
    WeakSignIn,
    #[error("the server asks for another way to sign in than require_auth allows")]
    NotAllowedWay,
    #[error("the server does not bind the sign-in to its TLS connection")]
    Unbound,
    #[error("the server does not prove that it knows the password")]
    Unproven,
    #[error("the connection was closed")]
    Closed(#[source] io::Error),
    #[error("the server is silent")]
    Silent,
    #[error("the server sent something that cannot be understood")]
    Protocol,
    /// What the server itself says: its SQLSTATE, and words that may hold values.
    #[error("{message} (SQLSTATE {code})")]
    Server { code: String, message: String },
}

pub type Result<T> = std::result::Result<T, Error>;
