//! What a client may take of the server.

use std::time::Duration;

/// Limits for clients.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// Concurrent connections.
    pub max_connections: usize,
    /// Timeout for a request head, from the start of the connection or the first byte of a later request.
    pub head_timeout: Duration,
    /// Timeout between two requests.
    pub idle_timeout: Duration,
    /// Minimum average rate while waiting for a request body, or for the client to read a response.
    pub min_bytes_per_second: u64,
    /// Averaging window for request bodies.
    pub body_window: Duration,
    /// Averaging window for responses; longer, because the client's kernel takes bytes in large steps.
    pub response_window: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            max_connections: 512,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            min_bytes_per_second: 1 << 10,
            body_window: Duration::from_secs(10),
            response_window: Duration::from_secs(30),
        }
    }
}

impl ConnectionLimits {
    /// The defaults, with at most a third of the process's file descriptor limit as connections: files, databases and
    /// downloads need the rest.
    #[must_use]
    pub fn for_this_process() -> Self {
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
        // A response may hold an open file, too.
        let max_connections = usize::try_from(files / 3).unwrap_or(usize::MAX);
        let limits = Self::default();
        Self { max_connections: limits.max_connections.min(max_connections), ..limits }
    }
}
