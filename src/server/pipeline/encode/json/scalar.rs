//! Writes scalar values as JSON, exact to the last bit.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Largest integer that every JSON reader keeps exact (RFC 8259, section 6; RFC 7493, section 2.2).
pub const MAX_SAFE_INTEGER: i64 = (1 << 53) - 1;

/// Writes a number if every reader keeps it exact, else a string of its digits.
pub fn write_integer(out: &mut Vec<u8>, n: i64) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(n).as_bytes();
    if (-MAX_SAFE_INTEGER..=MAX_SAFE_INTEGER).contains(&n) {
        out.extend_from_slice(digits);
    } else {
        write_quoted(out, digits);
    }
}

/// Writes the shortest digits that read back to the same bits; NaN, infinities and -0 become strings.
pub fn write_double(out: &mut Vec<u8>, n: f64) {
    if n.is_finite() && !(n == 0.0 && n.is_sign_negative()) {
        out.extend_from_slice(zmij::Buffer::new().format_finite(n).as_bytes());
    } else {
        let name: &[u8] = match (n.is_nan(), n.is_infinite(), n.is_sign_negative()) {
            (true, ..) => b"NaN",
            (_, true, false) => b"Infinity",
            (_, true, true) => b"-Infinity",
            (_, false, _) => b"-0",
        };
        write_quoted(out, name);
    }
}

/// As `write_double`, in single precision, which needs fewer digits.
pub fn write_float(out: &mut Vec<u8>, n: f32) {
    if n.is_finite() && !(n == 0.0 && n.is_sign_negative()) {
        out.extend_from_slice(zmij::Buffer::new().format_finite(n).as_bytes());
    } else {
        write_double(out, n.into());
    }
}

/// Writes a string that needs no escapes.
pub fn write_quoted(out: &mut Vec<u8>, plain: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(plain);
    out.push(b'"');
}

/// Whether text is ASCII and needs no escapes, as most short text: one pass instead of two (UTF-8, escapes).
pub fn needs_no_escape(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks::<8>();
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    words.iter().chain([&last]).fold(0, |marks, word| marks | special_bytes(u64::from_le_bytes(*word))) == 0
}

/// Sets the highest bit of each byte that is a control character, a quote, a backslash or not ASCII. A byte
/// next to such a byte may be marked falsely (S. E. Anderson, "Bit Twiddling Hacks": zero byte in word).
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let zero_byte = |word: u64| word.wrapping_sub(ONES) & !word;
    let equal = |byte: u8| zero_byte(word ^ (ONES * u64::from(byte)));
    let below_space = word.wrapping_sub(ONES * 0x20) & !word;
    (word | below_space | equal(b'"') | equal(b'\\')) & (ONES * 0x80)
}

/// Writes the content of a JSON string (RFC 8259, section 7). Valid UTF-8 may come in pieces cut anywhere.
pub fn write_escaped(out: &mut Vec<u8>, mut text: &[u8]) {
    loop {
        let clean = unescaped_prefix_len(text);
        out.extend_from_slice(&text[..clean]);
        let Some(&special) = text.get(clean) else { return };
        write_escape_sequence(out, special);
        text = &text[clean + 1..];
    }
}

fn write_escape_sequence(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        }
    }
}

/// Returns the number of bytes before the first that needs an escape. Works in blocks so that the compiler
/// vectorises it.
#[expect(clippy::needless_bitwise_bool, reason = "a lazy operator branches, and a branch stops the vectors")]
fn unescaped_prefix_len(text: &[u8]) -> usize {
    const BLOCK: usize = 32;
    let is_special = |b: u8| (b < 0x20) | (b == b'"') | (b == b'\\');
    let blocks = text.chunks_exact(BLOCK);
    let has_special = |block: &[u8]| block.iter().fold(false, |any, &b| any | is_special(b));
    let clean = blocks.clone().take_while(|block| !has_special(block)).count() * BLOCK;
    let rest = &text[clean..];
    clean + rest.iter().position(|&b| is_special(b)).unwrap_or(rest.len())
}

/// Writes base64 (RFC 4648, section 4). A value may come in pieces if the length of all but the last is a
/// multiple of three.
pub fn write_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = STANDARD.encode_slice(bytes, &mut out[start..]);
    out.truncate(start + written.unwrap_or_else(|_| unreachable!("four digits for every three bytes")));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn a_plain_text_is_one_that_is_its_own_escape(text in "[ -~\\n\u{1f}\u{7f}é\u{80}]{0,40}") {
            let own = text.is_ascii() && written(|out| write_escaped(out, text.as_bytes())) == text;
            prop_assert_eq!(needs_no_escape(text.as_bytes()), own);
        }
    }

    #[test]
    fn integers_that_a_double_rounds_are_strings() {
        let edges = [MAX_SAFE_INTEGER, MAX_SAFE_INTEGER + 1, -MAX_SAFE_INTEGER, i64::MIN, 0];
        let shown = edges.map(|n| written(|out| write_integer(out, n)));
        let expected =
            ["9007199254740991", "\"9007199254740992\"", "-9007199254740991", "\"-9223372036854775808\"", "0"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn doubles_that_json_has_no_number_for_are_strings() {
        let edges = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0, 0.1 + 0.2, 5e-324];
        let shown = edges.map(|n| written(|out| write_double(out, n)));
        let expected = ["\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "\"-0\"", "0.0", "0.30000000000000004", "5e-324"];
        assert_eq!(shown, expected);
    }

    proptest! {
        #[test]
        fn any_text_reads_back_the_same(text in any::<String>()) {
            let json = format!("\"{}\"", written(|out| write_escaped(out, text.as_bytes())));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }

        #[test]
        fn any_double_reads_back_to_the_same_bits(bits in any::<u64>()) {
            let n = f64::from_bits(bits);
            prop_assume!(n.is_finite() && n.to_bits() != (-0.0f64).to_bits());
            let shown = written(|out| write_double(out, n));
            prop_assert_eq!(shown.parse::<f64>().unwrap().to_bits(), bits);
        }

        #[test]
        fn base64_in_pieces_is_base64_in_one(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let whole = written(|out| write_base64(out, &bytes));
            let pieces = written(|out| bytes.chunks(30).for_each(|piece| write_base64(out, piece)));
            prop_assert_eq!(&whole, &pieces);
            prop_assert_eq!(STANDARD.decode(whole).unwrap(), bytes);
        }
    }
}
