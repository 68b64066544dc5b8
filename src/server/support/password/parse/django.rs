//! What Django writes.

use super::super::format::{HashFormat, Pbkdf2};
use super::fields::{check_digest_length, decode_base64, parse_prf, parse_u32, scrypt_format};
use super::modular_crypt::{self, parse_bcrypt};

/// `django.contrib.auth.hashers`: starts with the name of the algorithm.
pub fn parse(text: &str) -> Option<HashFormat> {
    let fields: Vec<&str> = text.split('$').collect();
    match fields[..] {
        ["argon2", ..] => modular_crypt::parse(text.strip_prefix("argon2")?),
        ["bcrypt", "", ..] => modular_crypt::parse(text.strip_prefix("bcrypt$")?),
        ["bcrypt_sha256", "", ..] => parse_bcrypt(text.strip_prefix("bcrypt_sha256$")?, true),
        ["scrypt", n, salt, r, p, digest] => scrypt_format(n, r, p, salt, decode_base64(digest)?),
        [scheme, rounds, salt, digest] => {
            let prf = parse_prf(scheme.strip_prefix("pbkdf2_")?)?;
            let (iterations, digest) = (parse_u32(rounds)?, check_digest_length(decode_base64(digest)?)?);
            Some(HashFormat::Pbkdf2(Pbkdf2 { prf, iterations, salt: salt.into(), digest }))
        }
        _ => None,
    }
}
