//! Certificates and keys in PEM files.

use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::super::{Error, Result};
use super::error::tls_error;

pub fn load_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let certificates: Vec<_> = read.map_err(|error| pem_error(file, &error))?;
    if certificates.is_empty() {
        Err(tls_error(format!("{} holds no certificate", file.display())))
    } else {
        Ok(certificates)
    }
}

/// Loads a private key.
pub fn load_key(file: &Path) -> Result<PrivateKeyDer<'static>> {
    check_key_permissions(file)?;
    PrivateKeyDer::from_pem_file(file).map_err(|error| pem_error(file, &error))
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

fn pem_error(file: &Path, error: &rustls::pki_types::pem::Error) -> Error {
    tls_error(format!("{}: {error}", file.display()))
}
