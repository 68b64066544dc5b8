//! Recognises the formats of harmless values: addresses, numbers, dates, versions.

use super::token::looks_random;

/// A rough check: a local part, an @, and a domain with a dot, without spaces.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let inside = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\"".contains(c);
    !local.is_empty() && domain.trim_matches('.').contains('.') && text.len() <= 254 && text.chars().all(inside)
}

pub fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    (7..=15).contains(&digits) && text.chars().all(|c| c.is_ascii_digit() || "+ ()-/.".contains(c))
}

pub fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

/// Four digits or more, separators between them allowed.
pub fn is_digits(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits >= 4 && text.chars().all(|c| c.is_ascii_digit() || " -./,;".contains(c))
}

/// A decimal, or fewer than four digits. Amounts and measures have a decimal point; codes have none.
pub fn is_number(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let plain = text.trim_start_matches(['-', '+']);
    let (whole, fraction) = plain.split_once(['.', ',']).unwrap_or((plain, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let is_decimal = !whole.is_empty() && !fraction.is_empty() && all_digits(whole) && all_digits(fraction);
    digits > 0 && (is_decimal && fraction.len() <= 8 && whole.len() <= 9 || digits < 4 && all_digits(plain))
}

/// Begins like an RFC 3339 date, or is a time of day.
pub fn is_date_or_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let is = |at: usize, c: u8| bytes.get(at) == Some(&c);
    let of_numbers = text.bytes().all(|b| b.is_ascii_digit() || b"-:./TZ+ ".contains(&b));
    let is_date = (0..4).all(digit) && is(4, b'-') && digit(5) && digit(6) && is(7, b'-') && digit(8) && digit(9);
    let is_time = digit(0) && digit(1) && is(2, b':') && digit(3) && digit(4) && text.len() <= 15;
    of_numbers && (is_date || is_time)
}

/// Small numbers separated by dots, perhaps with a word as suffix.
pub fn is_version(text: &str) -> bool {
    let (numbers, word) = text.split_once(['-', '+', ' ']).unwrap_or((text, ""));
    let numbers: Vec<&str> = numbers.trim_start_matches('v').split('.').collect();
    let is_small = |number: &&str| (1..=4).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    (2..=4).contains(&numbers.len()) && numbers.iter().all(is_small) && word.len() <= 12 && !looks_random(word)
}

pub fn is_color(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|hex| [3, 6, 8].contains(&hex.len()) && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

pub fn is_public_key(text: &str) -> bool {
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
