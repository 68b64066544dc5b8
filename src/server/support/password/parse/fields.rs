//! The fields of hashes that several formats share. What is not well-formed is none.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::super::format::{HashFormat, Prf, Scrypt};

/// In bytes. Shorter digests would match by chance; no framework writes longer ones.
const DIGEST_BYTES: std::ops::RangeInclusive<usize> = 16..=128;

/// With or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Scrypt with its cost in decimal numbers, and the salt's text as the salt.
pub fn scrypt_format(n: &str, r: &str, p: &str, salt: &str, digest: Vec<u8>) -> Option<HashFormat> {
    let n = parse_u32(n).filter(|n| n.is_power_of_two())?;
    let log_n = n.trailing_zeros().try_into().ok()?;
    let (r, p, digest) = (parse_u32(r)?, parse_u32(p)?, check_digest_length(digest)?);
    Some(HashFormat::Scrypt(Scrypt { log_n, r, p, salt: salt.into(), digest, is_nfkc_normalised: false }))
}

/// The hash function of an HMAC, by its name.
pub fn parse_prf(name: &str) -> Option<Prf> {
    match name {
        "sha1" => Some(Prf::Sha1),
        "sha256" => Some(Prf::Sha256),
        "sha512" => Some(Prf::Sha512),
        _ => None,
    }
}

/// `ln=15,r=8,p=1`: returns the values of these names and ignores others.
pub fn named_params<const N: usize>(params: &str, names: [&str; N]) -> Option<[u32; N]> {
    let value = |name| params.split(',').find_map(|pair| parse_u32(pair.strip_prefix(name)?.strip_prefix('=')?));
    let values: Option<Vec<u32>> = names.into_iter().map(value).collect();
    values?.try_into().ok()
}

/// A decimal number.
pub fn parse_u32(text: &str) -> Option<u32> {
    text.parse().ok()
}

/// passlib writes `.` in place of `+`.
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.replace('.', "+")).ok()
}

/// A digest that is long enough not to match by chance.
pub fn check_digest_length(digest: Vec<u8>) -> Option<Vec<u8>> {
    DIGEST_BYTES.contains(&digest.len()).then_some(digest)
}
