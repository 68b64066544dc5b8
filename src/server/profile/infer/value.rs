//! Recognises the kind of a single value: a secret, plainly harmless, or undecided.

use std::net::IpAddr;

use super::token::{Token, looks_random, tokens};
use super::words;

/// The kind of a value, independent of the column's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// A credential: its holder can act as somebody else. Carries the reason.
    Secret(&'static str),
    /// Characters without a visible structure: a token, a digest, an image.
    Opaque,
    /// Four digits or more, perhaps with separators: an ordinary number, or a code.
    Digits,
    /// Digits that are valid as a payment card number (ISO/IEC 7812-1, annex B).
    CardNumber,
    /// Letters and digits in one word.
    Code,
    Uuid,
    Email,
    Phone,
    IpAddress,
    /// What people write and read: words, names, numbers with a meaning, addresses.
    Readable,
}

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

/// Returns the kind of a value that is not JSON. `text` is trimmed and not empty.
pub fn classify_plain(text: &str) -> ValueKind {
    if is_public_key(text) {
        return ValueKind::Readable;
    }
    if let Some(reason) = secret_shape(text).or_else(|| secret_inside(text)) {
        return ValueKind::Secret(reason);
    }
    if is_email(text) {
        return ValueKind::Email;
    }
    if text.contains("://") && !text.contains(char::is_whitespace) || is_version(text) {
        return ValueKind::Readable;
    }
    if text.split_once('/').map_or(text, |(address, _)| address).parse::<IpAddr>().is_ok() {
        return ValueKind::IpAddress;
    }
    if is_uuid(text) {
        return ValueKind::Uuid;
    }
    if is_iban(text) || is_date_or_time(text) || is_number(text) || is_color(text) {
        return ValueKind::Readable;
    }
    if is_card_number(text) {
        return ValueKind::CardNumber;
    }
    if text.starts_with(['+', '0', '(']) && is_phone(text) && text.contains([' ', '-', '/', '+', '(']) {
        return ValueKind::Phone;
    }
    if is_digits(text) {
        return ValueKind::Digits;
    }
    classify_tokens(text)
}

/// Recognises values that are entirely a secret.
fn secret_shape(text: &str) -> Option<&'static str> {
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

/// Recognises secrets inside longer texts.
fn secret_inside(text: &str) -> Option<&'static str> {
    if has_authorization_header(text) {
        return Some("values contain an Authorization header");
    }
    if has_credentials_in_url(text) {
        return Some("values are URLs with a password or a key");
    }
    if has_secret_assignment(text) || reveals_code(text) {
        return Some("values contain a named password or key");
    }
    let words: Vec<Token<'_>> = tokens(text).collect();
    let long_and_random = |token: &Token<'_>| token.text.len() >= 20 && looks_random(token.text);
    // `classify_tokens` judges a single token.
    (words.len() > 1 && !is_user_agent(text) && words.iter().any(long_and_random))
        .then_some("values contain long random strings")
}

fn has_authorization_header(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let after = |word: &str| {
        let at = lower.find(word)?;
        text.get(at + word.len()..)
    };
    ["bearer ", "authorization: basic ", "authorization: token "]
        .into_iter()
        .any(|word| after(word).is_some_and(|rest| rest.bytes().take_while(u8::is_ascii_graphic).count() >= 8))
}

/// A URL with a user's password, a secret parameter, or a random path that only its holder can know.
fn has_credentials_in_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    if scheme.is_empty() || scheme.len() > 40 || scheme.contains(char::is_whitespace) {
        return false;
    }
    let rest = rest.split(char::is_whitespace).next().unwrap_or_default();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    if user.is_some_and(|user| user.split_once(':').is_some_and(|(_, password)| !password.is_empty())) {
        return true;
    }
    let (path, query) = path.split_once(['?', '#']).unwrap_or((path, ""));
    let parameter = |pair: &str| {
        pair.split_once('=')
            .is_some_and(|(name, value)| !value.is_empty() && is_secret_name(name, value) || looks_random(value))
    };
    let part = |part: &str| part.len() >= 8 && looks_random(part);
    query.split(['&', ';', '#']).any(parameter) || !is_image_path(path) && path.split('/').any(part)
}

/// Images often have random names and are no secrets.
fn is_image_path(path: &str) -> bool {
    [".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".avif"].iter().any(|end| path.ends_with(end))
}

/// `password=…`, `pwd: …`, `<pass>…</pass>`.
fn has_secret_assignment(text: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.match_indices(['=', ':', '>']).any(|(at, sign)| {
        let before = text[..at].trim_end().trim_end_matches(['"', '\'']);
        let name = before.rsplit(|c: char| !is_name(c)).next().unwrap_or_default();
        let after = text[at + 1..].trim_start_matches(['"', '\'', ' ']);
        let value: &str = after.split(|c: char| c.is_whitespace() || ";,&\"'<".contains(c)).next().unwrap_or_default();
        let is_set = value.len() >= 3
            && !["true", "false", "null", "none", "yes", "no"].contains(&value.to_lowercase().as_str());
        let is_tag = sign != ">" || before.get(..before.len() - name.len()).is_some_and(|rest| rest.ends_with('<'));
        // In prose, a colon stands between two words.
        let is_sentence = sign == ":" && value.chars().all(char::is_alphabetic);
        // `root:toor`
        let is_root = sign == ":" && ["root", "admin", "sa"].contains(&name) && text[at + 1..].starts_with(value);
        is_set && is_tag && (!is_sentence && is_secret_name(name, value) || is_root)
    })
}

/// "The PIN is 50219", "door code 5673": a word for a secret, soon followed by what looks like one.
fn reveals_code(text: &str) -> bool {
    let words: Vec<Token<'_>> = tokens(text).collect();
    let looks_like_code = |word: &&Token<'_>| {
        let is_number = (4..=8).contains(&word.text.len()) && word.text.bytes().all(|b| b.is_ascii_digit());
        is_number || word.text.len() >= 6 && word.is_code()
    };
    words.iter().enumerate().any(|(at, word)| {
        let before = at.checked_sub(1).map(|before| words[before].text.to_lowercase()).unwrap_or_default();
        let reach = match word.text.to_lowercase().as_str() {
            "code" | "codigo" | "código" if !words::PUBLIC_CODES.all().contains(&before.as_str()) => 1,
            "pin" | "puk" | "passwort" | "password" | "kennwort" | "wachtwoord" | "contraseña" | "senha" | "mdp" => 3,
            _ => 0,
        };
        words[at + 1..].iter().take(reach).any(|word| looks_like_code(&word))
    })
}

/// Whether a name inside a value is that of a secret. Ambiguous ones (`key`, `code`) need a value of six bytes or more.
pub fn is_secret_name(name: &str, value: &str) -> bool {
    let name = super::name::Name::new(name);
    let is_ambiguous = || name.is_any_of(&["sig", "signature", "key", "auth", "sid", "code", "accesskeyid"]);
    name.secret_word().is_some() || value.len() >= 6 && is_ambiguous()
}

fn classify_tokens(text: &str) -> ValueKind {
    let words: Vec<Token<'_>> = tokens(text).collect();
    match &words[..] {
        [only] if looks_random(only.text) => ValueKind::Opaque,
        [only] if only.is_code() => ValueKind::Code,
        [] | [_] => ValueKind::Readable,
        several => {
            let random = several.iter().filter(|word| looks_random(word.text)).count();
            if random * 2 >= several.len() { ValueKind::Opaque } else { ValueKind::Readable }
        }
    }
}

/// A rough check: a local part, an @, and a domain with a dot, without spaces.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let inside = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\"".contains(c);
    !local.is_empty() && domain.trim_matches('.').contains('.') && text.len() <= 254 && text.chars().all(inside)
}

fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    (7..=15).contains(&digits) && text.chars().all(|c| c.is_ascii_digit() || "+ ()-/.".contains(c))
}

pub fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

/// Four digits or more, separators between them allowed.
fn is_digits(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits >= 4 && text.chars().all(|c| c.is_ascii_digit() || " -./,;".contains(c))
}

/// A decimal, or fewer than four digits. Amounts and measures have a decimal point; codes have none.
fn is_number(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let plain = text.trim_start_matches(['-', '+']);
    let (whole, fraction) = plain.split_once(['.', ',']).unwrap_or((plain, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let is_decimal = !whole.is_empty() && !fraction.is_empty() && all_digits(whole) && all_digits(fraction);
    digits > 0 && (is_decimal && fraction.len() <= 8 && whole.len() <= 9 || digits < 4 && all_digits(plain))
}

/// Begins like an RFC 3339 date, or is a time of day.
fn is_date_or_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let is = |at: usize, c: u8| bytes.get(at) == Some(&c);
    let of_numbers = text.bytes().all(|b| b.is_ascii_digit() || b"-:./TZ+ ".contains(&b));
    let is_date = (0..4).all(digit) && is(4, b'-') && digit(5) && digit(6) && is(7, b'-') && digit(8) && digit(9);
    let is_time = digit(0) && digit(1) && is(2, b':') && digit(3) && digit(4) && text.len() <= 15;
    of_numbers && (is_date || is_time)
}

/// Small numbers separated by dots, perhaps with a word as suffix.
fn is_version(text: &str) -> bool {
    let (numbers, word) = text.split_once(['-', '+', ' ']).unwrap_or((text, ""));
    let numbers: Vec<&str> = numbers.trim_start_matches('v').split('.').collect();
    let is_small = |number: &&str| (1..=4).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    (2..=4).contains(&numbers.len()) && numbers.iter().all(is_small) && word.len() <= 12 && !looks_random(word)
}

fn is_color(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|hex| [3, 6, 8].contains(&hex.len()) && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn is_public_key(text: &str) -> bool {
    ["ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-", "-----BEGIN PUBLIC KEY", "-----BEGIN CERTIFICATE"]
        .iter()
        .any(|begin| text.starts_with(begin))
        && !text.contains("PRIVATE KEY")
}

pub fn is_user_agent(text: &str) -> bool {
    ["Mozilla/", "curl/", "Dalvik/", "okhttp/", "PostmanRuntime/", "python-requests/"]
        .iter()
        .any(|begin| text.starts_with(begin))
}

/// ISO 13616: two letters, two check digits, and a remainder of 1 modulo 97.
fn is_iban(text: &str) -> bool {
    let compact: String = text.chars().filter(|c| *c != ' ').collect();
    let bytes = compact.as_bytes();
    let shaped = (15..=34).contains(&bytes.len())
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        && bytes.iter().all(u8::is_ascii_alphanumeric);
    shaped
        && compact[4..].chars().chain(compact[..4].chars()).try_fold(0, |rest: u32, c| {
            let value = c.to_digit(36)?;
            Some(if value < 10 { (rest * 10 + value) % 97 } else { (rest * 100 + value) % 97 })
        }) == Some(1)
}

/// Thirteen to nineteen digits that begin like an issuer's (2 to 6) and pass the Luhn check.
fn is_card_number(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter(char::is_ascii_digit).filter_map(|c| c.to_digit(10)).collect();
    let of_digits = text.chars().all(|c| c.is_ascii_digit() || c == ' ' || c == '-');
    let luhn = || {
        let doubled = digits.iter().rev().enumerate().map(|(at, digit)| match (at % 2, digit * 2) {
            (0, _) => *digit,
            (_, double) => double / 10 + double % 10,
        });
        doubled.sum::<u32>() % 10 == 0
    };
    of_digits && (13..=19).contains(&digits.len()) && (2..=6).contains(&digits[0]) && luhn()
}

#[cfg(test)]
mod tests {
    use super::super::json::classify;
    use super::*;

    #[test]
    fn values_are_known_by_what_they_say() {
        let secret = |text| matches!(classify(text), ValueKind::Secret(_));
        for text in [
            "$2b$12$abcdefghijklmnopqrstuv",
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
            "pbkdf2_sha256$600000$salt$hash",
            "{SSHA}TlBWin/zTqHutEaHpEMYEMoj1rvBajaz",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "JBSWY3DPEHPK3PXP",
            "postgres://shop:hVnIbVI9CzY@db7.internal/shop",
            "jdbc:mysql://db4.example:3306/shop?user=shop&password=geheim1",
            "Server=sql3.corp.example;Database=erp;User Id=sa;Password=abc123;",
            "https://hooks.example.com/services/T0A1/B9x8/Zk3jJq0PwVx81mQz",
            "https://app.example.com/auth/verify?token=abc",
            "curl -H 'Authorization: Bearer jvvE9xVabc'",
            "benutzer=box66;kennwort=pEGABY80ls",
            "<conn><host>ftp8</host><pass>Qx7abc</pass></conn>",
            "abandon ability able about above absent absorb abstract absurd abuse access accident",
            "the key is 3prudC_OquOElw1wAU1aqrHFEKwJ",
        ] {
            assert!(secret(text), "{text}: {:?}", classify(text));
        }
        for (text, expected) in [
            ("ada@example.org", ValueKind::Email),
            ("+44 20 7946 0018", ValueKind::Phone),
            ("2001:db8::1", ValueKind::IpAddress),
            ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", ValueKind::Opaque),
            ("0190b6a4-7c1e-7b7a-8c2e-3f1d5a6b7c8d", ValueKind::Uuid),
            ("eFNhSMt2NHiADhC0XACajQ", ValueKind::Opaque),
            ("869513", ValueKind::Digits),
            ("5555 5558 4067 4452", ValueKind::CardNumber),
            ("CMD-8531720", ValueKind::Code),
            ("2026-11-20", ValueKind::Readable),
            ("2026-11-20T14:02:11Z", ValueKind::Readable),
            ("DE98671420939784211882", ValueKind::Readable),
            ("A sentence about nothing in particular.", ValueKind::Readable),
            ("The password: he forgot it again.", ValueKind::Readable),
            ("write to ada@example.org today", ValueKind::Readable),
            ("tasse-a-cafe-nantes", ValueKind::Readable),
            ("errors.token_expired", ValueKind::Readable),
            ("Schlüsseldienst-Monteur", ValueKind::Readable),
            ("https://shop.example.net/about/910", ValueKind::Readable),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:103.0) Gecko/20100101 Firefox/103.0", ValueKind::Readable),
            ("#e493b6", ValueKind::Readable),
            ("12.50", ValueKind::Readable),
        ] {
            assert_eq!(classify(text), expected, "{text}");
        }
    }
}
