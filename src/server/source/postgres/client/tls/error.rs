//! Errors of TLS.

use super::super::Error;

pub fn tls_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Tls(error.into())
}

/// rustls reports rejected handshakes as `InvalidData`; other errors come from the network.
pub fn handshake_error(error: std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::InvalidData { tls_error(error) } else { Error::Unreachable(error) }
}
