//! The client's IP address, for sign-in rate limits and the audit trail.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::http::{Extensions, HeaderMap};

use super::super::state::AppState;

/// Returns the client's address. X-Forwarded-For is trusted only from a trusted proxy, and read from the right: the
/// client could have forged anything left of the last untrusted entry.
///
/// # Panics
/// Without the peer's address, which `connections::serve` adds to every request.
#[expect(clippy::expect_used, reason = "an address that is made up would be in the audit trail for ever")]
fn client_address(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    let ConnectInfo(peer) = peer.expect("the server adds the peer's address to every request");
    let peer = peer.ip().to_canonical();
    if !trusted.contains(&peer) {
        return peer;
    }
    let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = forwarded.flat_map(|line| line.split(',')).collect();
    for hop in hops.into_iter().rev() {
        let hop = hop.trim();
        let address = hop.parse().or_else(|_| hop.parse().map(|socket: SocketAddr| socket.ip()));
        match address.map(|address: IpAddr| address.to_canonical()) {
            Ok(address) if trusted.contains(&address) => {}
            Ok(address) => return address,
            // An entry that cannot be parsed is not trusted, nor is anything left of it.
            Err(_) => return peer,
        }
    }
    peer
}

/// The address of the client that sent a request.
pub fn client_ip_of(request: &Request, state: &AppState) -> IpAddr {
    client_address(request.extensions(), request.headers(), &state.config.trusted_proxies)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn seen(peer: &str, forwarded: &str, trusted: &[&str]) -> String {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_str(forwarded).unwrap());
        let trusted: Vec<IpAddr> = trusted.iter().map(|t| t.parse().unwrap()).collect();
        client_address(&extensions, &headers, &trusted).to_string()
    }

    #[test]
    fn a_client_cannot_choose_its_address() {
        assert_eq!(seen("192.0.2.7", "198.51.100.1", &[]), "192.0.2.7");
        assert_eq!(seen("192.0.2.7", "198.51.100.1, 203.0.113.9", &["192.0.2.7"]), "203.0.113.9");
        assert_eq!(seen("192.0.2.7", "nonsense", &["192.0.2.7"]), "192.0.2.7");
        assert_eq!(seen("192.0.2.7", "198.51.100.1, 203.0.113.9:4711", &["192.0.2.7"]), "203.0.113.9");
        assert_eq!(seen("192.0.2.7", "198.51.100.1, unknown", &["192.0.2.7"]), "192.0.2.7");
    }
}
