//! TLS with libpq's modes (PostgreSQL manual, 34.19).

mod cert_verifier;
mod error;
mod pem_files;

use std::net::TcpStream;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::Result;

use cert_verifier::CertVerifier;
use error::{handshake_error, tls_error};
use pem_files::{load_certificates, load_key};

/// When TLS is used, and how far the server's certificate is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    Disable,
    /// Only if the server refuses plaintext.
    Allow,
    /// If the server supports it.
    Prefer,
    Require,
    /// The certificate must be issued by a trusted authority.
    VerifyCa,
    /// And also match the server's name.
    VerifyFull,
}

#[derive(Clone, Debug)]
pub struct TlsConfig {
    pub mode: SslMode,
    /// The certificate authorities that are trusted.
    pub root_certs: Option<RootCerts>,
    /// Client certificate and key (PEM), for servers that require them.
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub enum RootCerts {
    /// A file of certificates (PEM).
    File(PathBuf),
    /// Those that browsers trust: they issue certificates for any name, so the name must be verified.
    WebPki,
}

impl FromStr for SslMode {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        Ok(match text {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return Err(()),
        })
    }
}

impl TlsConfig {
    /// Performs the TLS handshake on a socket whose server has agreed to TLS.
    pub fn handshake(&self, mut socket: TcpStream, name: &str) -> Result<StreamOwned<ClientConnection, TcpStream>> {
        let name = ServerName::try_from(name.to_owned()).map_err(tls_error)?;
        let mut state = ClientConnection::new(Arc::new(self.client_config()?), name).map_err(tls_error)?;
        while state.is_handshaking() {
            state.complete_io(&mut socket).map_err(handshake_error)?;
        }
        Ok(StreamOwned::new(state, socket))
    }

    /// Whether the server's certificate is verified in this mode.
    pub fn verifies_server(&self, mode: SslMode) -> bool {
        match mode {
            SslMode::Disable | SslMode::Allow | SslMode::Prefer => false,
            SslMode::Require => matches!(self.root_certs, Some(RootCerts::File(_))),
            SslMode::VerifyCa | SslMode::VerifyFull => true,
        }
    }

    fn client_config(&self) -> Result<ClientConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let verifier = CertVerifier {
            chain: self.chain_verifier(&provider)?,
            verifies_name: self.mode == SslMode::VerifyFull,
            provider,
        };
        let builder = builder.map_err(tls_error)?.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                let key = load_key(key)?;
                builder.with_client_auth_cert(load_certificates(certificate)?, key).map_err(tls_error)
            }
            (None, None) => Ok(builder.with_no_client_auth()),
            _ => Err(tls_error("sslcert and sslkey must be set together")),
        }
    }

    /// The verifier of the certificate chain. As in libpq, `require` also verifies if there is a file of authorities.
    fn chain_verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Option<Arc<WebPkiServerVerifier>>> {
        let mut trusted = RootCertStore::empty();
        match (&self.root_certs, self.mode) {
            (Some(RootCerts::File(file)), SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull) => {
                for certificate in load_certificates(file)? {
                    trusted.add(certificate).map_err(tls_error)?;
                }
            }
            (Some(RootCerts::WebPki) | None, SslMode::VerifyFull) => {
                trusted.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            }
            (Some(RootCerts::WebPki) | None, SslMode::VerifyCa) => {
                return Err(tls_error("sslmode=verify-ca needs sslrootcert; without one, use verify-full"));
            }
            (_, SslMode::Disable | SslMode::Allow | SslMode::Prefer | SslMode::Require) => return Ok(None),
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(trusted), provider.clone());
        verifier.build().map(Some).map_err(tls_error)
    }
}
