//! Listens, unless other machines would be served in clear text.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpListener;

use super::super::exit::{CliError, Exit};
use crate::server::http::PublicUrl;

/// From where the server can be reached, apart from the address that it listens on.
pub struct Reach<'a> {
    pub public_url: Option<&'a PublicUrl>,
    pub has_proxy: bool,
    /// The operator allows passwords and records in clear text.
    pub allows_clear_text: bool,
}

/// Listens on the address, and returns it with the port that was chosen.
pub async fn listen(address: &str, reach: &Reach<'_>) -> Result<(TcpListener, SocketAddr), CliError> {
    let listener = TcpListener::bind(address).await.map_err(|error| listen_error(address, &error))?;
    let bound = listener.local_addr().map_err(|error| listen_error(address, &error))?;
    reach.require_tls(bound.ip())?;
    Ok((listener, bound))
}

impl Reach<'_> {
    /// Refuses to serve other machines without TLS: anyone on the network path could read the traffic.
    fn require_tls(&self, listening: IpAddr) -> Result<(), CliError> {
        let is_https = self.public_url.is_some_and(|url| url.is_https);
        let is_public = self.public_url.is_some_and(|url| !url.is_loopback());
        let is_reachable_from_network = is_public || !listening.is_loopback() || self.has_proxy;
        if is_https || !is_reachable_from_network || self.allows_clear_text {
            return Ok(());
        }
        let message = "other machines would send passwords and receive records in clear text: put a TLS proxy in front \
                       and give its address with --public-url https://…, or allow clear text with --insecure-http";
        Err(CliError::new(Exit::Usage, message))
    }
}

fn listen_error(address: &str, error: &io::Error) -> CliError {
    // Wrong usage only if it is not an address at all; one that is in use or not of this machine is a failure.
    let exit = if error.kind() == io::ErrorKind::InvalidInput { Exit::Usage } else { Exit::Failure };
    CliError::new(exit, format!("cannot listen on {address}: {error}"))
}
