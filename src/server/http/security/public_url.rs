//! The public URL, and the hosts that a request may name.

use std::net::IpAddr;
use std::str::FromStr;

use axum::http::Uri;
use axum::http::uri::Authority;

/// Such as `https://waybill.example.org`: a scheme, a host and perhaps a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    pub is_https: bool,
    /// As browsers send it in `Origin` (RFC 6454).
    pub origin: String,
    host: String,
}

impl FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let syntax_error = "expected a URL such as https://waybill.example.org";
        let uri: Uri = text.parse().map_err(|_| syntax_error)?;
        let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme)).ok_or(syntax_error)?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or(syntax_error)?;
        if uri.path_and_query().is_some_and(|rest| rest.as_str() != "/") {
            return Err(
                "it has a path, which is not supported: Waybill serves the root of its host. Give it a host name of its own",
            );
        }
        let origin = format!("{scheme}://{}", authority.as_str().to_ascii_lowercase());
        Ok(Self { is_https: scheme == "https", origin, host: normalised_host(authority) })
    }
}

impl PublicUrl {
    /// Whether the host is a loopback address or `localhost`.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }
}

/// Whether a Host header names this server. Any other name may be an attacker's that resolves to this server, and
/// browsers would treat the two as one origin (DNS rebinding). IP addresses cannot be rebound.
pub fn is_own_host(host_header: &str, public_url: Option<&PublicUrl>) -> bool {
    let Ok(authority) = host_header.parse::<Authority>() else { return false };
    let host = normalised_host(&authority);
    host == "localhost" || host.parse::<IpAddr>().is_ok() || public_url.is_some_and(|url| url.host == host)
}

/// Normalises a host: lower case, IPv6 addresses without brackets, names without a trailing dot.
fn normalised_host(authority: &Authority) -> String {
    authority.host().trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_taken_in_any_letters_and_without_a_path() {
        let url: PublicUrl = "HTTPS://Waybill.Example.org/".parse().unwrap();
        assert!(url.is_https && url.origin == "https://waybill.example.org" && !url.is_loopback());
        assert!(!"http://localhost:8118".parse::<PublicUrl>().unwrap().is_https);
        assert!("http://[::1]:8118".parse::<PublicUrl>().unwrap().is_loopback());
        for wrong in
            ["waybill.example.org", "ftp://x", "https://", "https://ada:pw@x", "https://x/waybill", "https://x/?q"]
        {
            assert!(wrong.parse::<PublicUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_name_that_is_not_ours_is_none_of_us() {
        let url = "https://waybill.example.org".parse().unwrap();
        for ours in [
            "localhost",
            "localhost:8118",
            "127.0.0.1:8118",
            "[::1]:8118",
            "10.1.2.3",
            "WAYBILL.example.org:443",
            "localhost.",
        ] {
            assert!(is_own_host(ours, Some(&url)), "{ours}");
        }
        for other in [
            "evil.example",
            "evil.example:8118",
            "waybill.example.org.evil.example",
            "",
            "a b",
            "localhost.evil.example",
        ] {
            assert!(!is_own_host(other, Some(&url)), "{other}");
        }
        assert!(!is_own_host("waybill.example.org", None));
    }
}
