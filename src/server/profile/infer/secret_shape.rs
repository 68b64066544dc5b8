//! Recognises values that are entirely a secret: password hashes, tokens, keys, seeds.

use super::token::looks_random;

/// Prefixes of password hashes (PHC string format, crypt(3), RFC 2307).
const HASH_PREFIXES: &[&str] = &[
    "{SSHA", "{SHA", "{MD5", "{SMD5", "{CRYPT", "{BCRYPT", "pbkdf2", "scrypt:", "bcrypt", "argon2", "sha1$", "md5$",
    "sha256$",
];
/// Prefixes of API keys, as their vendors document them.
const API_KEY_PREFIXES: &[&str] = &[
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "pk_live_",
    "whsec_",
    "sk-",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xapp-",
    "AKIA",
    "ASIA",
    "AIza",
    "ya29.",
    "GOCSPX-",
    "SG.",
    "EAAC",
    "shpat_",
    "npm_",
    "pypi-",
    "dop_v1_",
    "hvs.",
    "otpauth:",
];

/// Recognises values that are entirely a secret.
pub fn secret_shape(text: &str) -> Option<&'static str> {
    let is_phc = || {
        let name = text.strip_prefix('$').and_then(|rest| rest.split_once('$')).map(|(name, _)| name);
        name.is_some_and(|name| {
            (1..=20).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
    };
    if is_phc() || HASH_PREFIXES.iter().any(|prefix| text.starts_with(prefix) && text.len() >= prefix.len() + 8) {
        Some("values look like password hashes")
    } else if text.starts_with("eyJ") && text.matches('.').count() >= 2 {
        Some("values look like JSON web tokens")
    } else if text.contains("PRIVATE KEY-----") {
        Some("values look like private keys")
    } else if API_KEY_PREFIXES.iter().any(|prefix| text.starts_with(prefix)) && text.len() >= 12 && !text.contains(' ')
    {
        Some("values look like API keys")
    } else if is_base32_seed(text) {
        Some("values look like one-time-code secrets")
    } else if is_mnemonic(text) {
        Some("values look like a wallet's seed phrase")
    } else {
        None
    }
}

/// Base32 as authenticator apps take it: sixteen characters or more; its only digits are 2 to 7 (RFC 4648).
fn is_base32_seed(text: &str) -> bool {
    let in_alphabet = text.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b) || b == b'=');
    in_alphabet && text.len() >= 16 && text.len().is_multiple_of(4) && looks_random(text.trim_end_matches('='))
}

/// BIP 39: 12 to 24 lower-case words, without the punctuation of a sentence.
fn is_mnemonic(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    let is_word = |word: &&str| (3..=10).contains(&word.chars().count()) && word.chars().all(char::is_lowercase);
    [12, 15, 18, 21, 24].contains(&words.len()) && words.iter().all(is_word)
}
