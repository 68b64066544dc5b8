//! The type that a replacement must fit, and the shapes of values.

use crate::model::catalog::{Codec, ColumnSchema};

/// The type that a column's replacement values must fit.
#[derive(Clone, Copy, Debug)]
pub struct ColumnType {
    pub codec: Codec,
    /// In characters; `usize::MAX` where the type has no limit.
    pub max_chars: usize,
    /// Whether a timestamp has a time zone.
    pub has_time_zone: bool,
}

impl ColumnType {
    pub fn from_schema(column: &ColumnSchema) -> Self {
        let has_time_zone = column.native_type.contains("with time zone") || column.native_type == "timestamptz";
        Self { codec: column.codec, max_chars: column.max_chars().unwrap_or(usize::MAX), has_time_zone }
    }
}

/// Truncates text to at most `max_chars` characters.
pub fn truncate_chars(text: &mut Vec<u8>, max_chars: usize) {
    let Ok(shown) = std::str::from_utf8(text) else { return };
    if let Some((end, _)) = shown.char_indices().nth(max_chars) {
        text.truncate(end);
    }
}

/// `YYYY-MM-DD`, and nothing else.
pub fn is_date(text: &str) -> bool {
    let shape = |(at, byte): (usize, u8)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(shape)
}

/// Digits and the punctuation of telephone numbers and other numbers stored as text.
pub fn is_digits_and_punctuation(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().all(|c| c.is_ascii_digit() || b"+ ()-/.".contains(&c))
}

/// A decimal number in plain digits.
pub fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.bytes().any(|byte| byte.is_ascii_digit()) && digits.bytes().all(|c| c.is_ascii_digit() || c == b'.')
}

pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
