//! What better-auth writes.

use super::super::format::{HashFormat, Scrypt};

/// In bytes.
const SALT_LENGTH: usize = 16;
const KEY_LENGTH: usize = 64;

/// `salt:key`, both hexadecimal; scrypt with N = 16384, r = 16, p = 1, and the salt's hexadecimal text as the salt.
pub fn parse(text: &str) -> Option<HashFormat> {
    let (salt, key) = text.split_once(':')?;
    let digest = hex::decode(key).ok().filter(|key| key.len() == KEY_LENGTH)?;
    hex::decode(salt).ok().filter(|salt| salt.len() == SALT_LENGTH)?;
    Some(HashFormat::Scrypt(with_digest(salt, digest)))
}

/// Writes the hash of a password, with a salt in hexadecimal.
pub fn hash(password: &str, salt: &str) -> String {
    let digest = with_digest(salt, vec![0; KEY_LENGTH]).derive(password).unwrap_or_default();
    format!("{salt}:{}", hex::encode(digest))
}

fn with_digest(salt: &str, digest: Vec<u8>) -> Scrypt {
    Scrypt { log_n: 14, r: 16, p: 1, salt: salt.into(), digest, is_nfkc_normalised: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by better-auth 1.7.25, and by Python's `hashlib.scrypt` with the same parameters.
    #[test]
    fn a_hash_is_the_one_that_better_auth_writes_whatever_the_unicode_form_of_the_password() {
        let stored = "d18917a7063b32dee420588b9e598505:8ab42aef003fc024aef59e8c15924b9dcee1217d9df57a82c2cfac2\
                      f0f87ef495c31deb0af91dc73df3884eace43da1b44d3b3af1fe6aeb528a944a78822e8e6";
        let (salt, _) = stored.split_once(':').unwrap();
        assert_eq!(hash("p\u{e4}ssword 1", salt), stored);
        assert_eq!(hash("pa\u{308}ssword 1", salt), stored);
        assert_eq!(parse(stored), Some(HashFormat::Scrypt(with_digest(salt, hex::decode(&stored[33..]).unwrap()))));
    }
}
