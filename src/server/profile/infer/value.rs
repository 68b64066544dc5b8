//! Recognises the kind of a single value: a secret, plainly harmless, or undecided.

use std::net::IpAddr;

use super::check_digit::{is_card_number, is_iban};
use super::format::{
    is_color, is_date_or_time, is_digits, is_email, is_number, is_phone, is_public_key, is_uuid, is_version,
};
use super::secret_inside::secret_inside;
use super::secret_shape::secret_shape;
use super::token::{Token, looks_random, tokens};

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
