//! What better-auth writes.

use super::super::format::{HashFormat, Scrypt};

/// `salt:key`, both hexadecimal; scrypt with N = 16384, r = 16, p = 1, and the salt's hexadecimal text as the salt.
pub fn parse(text: &str) -> Option<HashFormat> {
    let (salt, key) = text.split_once(':')?;
    let digest = hex::decode(key).ok().filter(|key| key.len() == 64)?;
    hex::decode(salt).ok().filter(|salt| salt.len() == 16)?;
    Some(HashFormat::Scrypt(Scrypt { log_n: 14, r: 16, p: 1, salt: salt.into(), digest, is_nfkc_normalised: true }))
}
