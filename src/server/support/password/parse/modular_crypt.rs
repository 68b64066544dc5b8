//! The modular crypt format, PHC strings and bcrypt.

use argon2::password_hash::phc::PasswordHash;

use super::super::format::{HashFormat, Pbkdf2, Prf, Scrypt};
use super::fields::{check_digest_length, decode_base64, named_params, parse_prf, parse_u32};

/// `$argon2id$…`, `$2b$…`, `$scrypt$ln=…`, `$pbkdf2-sha256$…`: the modular crypt format and PHC strings.
pub fn parse(text: &str) -> Option<HashFormat> {
    if text.starts_with("$2") {
        return parse_bcrypt(text, false);
    }
    let fields: Vec<&str> = text.strip_prefix('$')?.split('$').collect();
    match fields[..] {
        ["argon2id" | "argon2i" | "argon2d", ..] => {
            PasswordHash::new(text).ok().map(|_| HashFormat::Argon2(text.to_owned()))
        }
        ["scrypt", params, salt, digest] => {
            let [log_n, r, p] = named_params(params, ["ln", "r", "p"])?;
            let scrypt = Scrypt {
                log_n: log_n.try_into().ok()?,
                r,
                p,
                salt: decode_base64(salt)?,
                digest: check_digest_length(decode_base64(digest)?)?,
                is_nfkc_normalised: false,
            };
            Some(HashFormat::Scrypt(scrypt))
        }
        [scheme, params, salt, digest] => {
            let prf = match scheme {
                "pbkdf2" => Prf::Sha1,
                _ => parse_prf(scheme.strip_prefix("pbkdf2-")?)?,
            };
            // passlib writes the number of rounds without a name.
            let iterations = parse_u32(params).or_else(|| named_params(params, ["i"]).map(|[rounds]| rounds))?;
            Some(HashFormat::Pbkdf2(Pbkdf2 {
                prf,
                iterations,
                salt: decode_base64(salt)?,
                digest: check_digest_length(decode_base64(digest)?)?,
            }))
        }
        _ => None,
    }
}

/// `$2b$…`; prehashed is what Django does to take passwords of any length.
pub fn parse_bcrypt(text: &str, is_sha256_prehashed: bool) -> Option<HashFormat> {
    let [_, version, cost, rest] = text.split('$').collect::<Vec<_>>().try_into().ok()?;
    let is_well_formed = matches!(version, "2a" | "2b" | "2x" | "2y") && cost.len() == 2 && rest.len() == 53;
    let cost = parse_u32(cost).filter(|_| is_well_formed)?;
    Some(HashFormat::Bcrypt { text: text.to_owned(), cost, is_sha256_prehashed })
}
