//! What Werkzeug (Flask) writes.

use super::super::format::{HashFormat, Pbkdf2};
use super::fields::{check_digest_length, parse_prf, parse_u32, scrypt_format};

/// `werkzeug.security`: the method with its parameters, salt, hexadecimal digest.
pub fn parse(text: &str) -> Option<HashFormat> {
    let [method, salt, digest] = text.split('$').collect::<Vec<_>>().try_into().ok()?;
    let digest = hex::decode(digest).ok()?;
    match method.split(':').collect::<Vec<_>>()[..] {
        ["scrypt", n, r, p] => scrypt_format(n, r, p, salt, digest),
        ["pbkdf2", hash, rounds] => {
            let (prf, iterations) = (parse_prf(hash)?, parse_u32(rounds)?);
            Some(HashFormat::Pbkdf2(Pbkdf2 {
                prf,
                iterations,
                salt: salt.into(),
                digest: check_digest_length(digest)?,
            }))
        }
        _ => None,
    }
}
