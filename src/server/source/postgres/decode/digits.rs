//! Digits with leading zeros.

/// Pads `n` with leading zeros to `width` digits.
pub fn write_padded(text: &mut Vec<u8>, n: i64, width: usize) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(n).as_bytes();
    text.extend(std::iter::repeat_n(b'0', width.saturating_sub(digits.len())));
    text.extend_from_slice(digits);
}
