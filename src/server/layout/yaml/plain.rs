//! What every reader of YAML takes for the same, however it is written.

/// Readers accept a key on one line up to 1024 characters, as they are written (YAML 1.2.2, 7.4).
pub const MAX_KEY_BYTES: usize = 1000;

/// Whether the name needs no quotes as a key: it is a word, and none that stands for a value
/// (yaml.org/type/bool.html, null.html).
pub fn is_plain_key(name: &str) -> bool {
    let is_word =
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let lower = name.to_ascii_lowercase();
    let is_reserved = matches!(lower.as_str(), "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null");
    is_word && !is_reserved
}

/// Whether the letter may stand in a quoted text as it is: it is printable, and no line break to anybody (YAML 1.2.2, 5.1; YAML 1.1,
/// 5.1 and 5.4).
pub fn is_plain_letter(letter: char) -> bool {
    !letter.is_control() && !matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Digits of which every reader keeps all.
const MAX_DIGITS: usize = 15;

/// Whether every reader takes the number for the same: no exponent, which YAML 1.1 reads as a text, few digits, and no
/// negative zero.
pub fn is_plain_number(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_simple = match digits.split_once('.') {
        // A zero at the end says how exact it is.
        Some((whole, fraction)) => all_digits(whole) && all_digits(fraction) && !fraction.ends_with('0'),
        None => all_digits(digits),
    };
    is_simple && digits.len() <= MAX_DIGITS && !(number.starts_with('-') && digits == "0")
}
