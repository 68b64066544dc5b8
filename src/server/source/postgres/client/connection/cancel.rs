//! Cancelling a session's statement over another connection.

use std::io::{Read, Write};
use std::time::Duration;

use bytes::BytesMut;
use postgres_protocol::message::frontend;

use super::super::ConnectConfig;
use super::super::stream::Stream;
use super::super::tls::SslMode;

/// Process id and secret key of a session.
pub(in super::super) type CancelKey = (i32, i32);

/// What is needed to cancel a session's statement over another connection.
pub(super) struct CancelTarget {
    pub config: ConnectConfig,
    pub mode: SslMode,
    pub key: Option<CancelKey>,
}

impl CancelTarget {
    /// Sends `CancelRequest`. Best effort; each step takes at most `timeout`.
    pub fn request_cancel(&self, timeout: Duration) {
        let Some((process, secret)) = self.key else { return };
        let Ok(mut other) = Stream::open(&self.config, self.mode, timeout) else { return };
        let mut request = BytesMut::new();
        frontend::cancel_request(process, secret, &mut request);
        // The server closes the connection once it has forwarded the request.
        let _ = other.write_all(&request).and_then(|()| other.flush()).and_then(|()| other.read(&mut [0]));
    }
}
