//! TLS with libpq's modes (PostgreSQL manual, 34.19).

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
    StreamOwned,
};

use super::{Error, Result};

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
                check_key_permissions(key)?;
                let key = PrivateKeyDer::from_pem_file(key).map_err(|error| pem_error(key, &error))?;
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

/// Refuses a key that others may read, as libpq does (PostgreSQL manual, 34.19.2). A key owned by root may be
/// readable by its group.
fn check_key_permissions(key: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let file = key.metadata().map_err(|error| tls_error(format!("{}: {error}", key.display())))?;
    let forbidden_mode = if file.uid() == 0 { 0o037 } else { 0o077 };
    if file.mode() & forbidden_mode == 0 {
        return Ok(());
    }
    Err(tls_error(format!("{} may be read by other users; run chmod 600 on it", key.display())))
}

/// rustls reports rejected handshakes as `InvalidData`; other errors come from the network.
fn handshake_error(error: std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::InvalidData { tls_error(error) } else { Error::Unreachable(error) }
}

fn load_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let certificates: Vec<_> = read.map_err(|error| pem_error(file, &error))?;
    if certificates.is_empty() {
        Err(tls_error(format!("{} holds no certificate", file.display())))
    } else {
        Ok(certificates)
    }
}

fn pem_error(file: &Path, error: &rustls::pki_types::pem::Error) -> Error {
    tls_error(format!("{}: {error}", file.display()))
}

fn tls_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Tls(error.into())
}

/// Verifies the certificate as far as the mode demands, and always the handshake's signature.
#[derive(Debug)]
struct CertVerifier {
    chain: Option<Arc<WebPkiServerVerifier>>,
    verifies_name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for CertVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // rustls verifies the name last, so everything else is valid.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.verifies_name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
