//! The certificate hash for SCRAM channel binding (RFC 5929, section 4.1: `tls-server-end-point`).

use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// OIDs of signature algorithms (RFC 8017, RFC 5758), grouped by their hash function.
const SHA_256: [&str; 2] = ["1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2"];
const SHA_384: [&str; 2] = ["1.2.840.113549.1.1.12", "1.2.840.10045.4.3.3"];
const SHA_512: [&str; 2] = ["1.2.840.113549.1.1.13", "1.2.840.10045.4.3.4"];
/// MD5 and SHA-1, which the RFC replaces with SHA-256.
const WEAK_HASHES: [&str; 3] = ["1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.2.840.10045.4.1"];

/// Returns the certificate's hash. `None` where the RFC defines none (Ed25519, RSA-PSS): channel binding is not
/// possible.
pub fn tls_server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let signature = Certificate::from_der(certificate).ok()?.signature_algorithm().oid.to_string();
    let signature = signature.as_str();
    if SHA_256.contains(&signature) || WEAK_HASHES.contains(&signature) {
        Some(Sha256::digest(certificate).to_vec())
    } else if SHA_384.contains(&signature) {
        Some(Sha384::digest(certificate).to_vec())
    } else if SHA_512.contains(&signature) {
        Some(Sha512::digest(certificate).to_vec())
    } else {
        None
    }
}
