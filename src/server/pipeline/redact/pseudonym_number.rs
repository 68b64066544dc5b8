//! Pseudonyms of numbers.

use std::io::Write;

use super::pseudonym_key::PseudonymKey;

/// Replaces digits and keeps all other characters in place. Numbers of up to 18 digits (without leading zeros)
/// are permuted, so that distinct ones stay distinct.
pub(super) fn pseudonymise_digits(plain: &str, key: &PseudonymKey, out: &mut Vec<u8>) {
    let all: Vec<u8> = plain.bytes().filter(u8::is_ascii_digit).collect();
    let leading = all.iter().take_while(|digit| **digit == b'0').count().min(all.len() - 1);
    let rest = &all[leading..];
    let number = std::str::from_utf8(rest).ok().filter(|_| rest.len() <= 18).and_then(|digits| digits.parse().ok());
    let mut new = all[..leading].to_vec();
    if let Some(number) = number {
        let from = if rest.len() == 1 { 0 } else { power_of_ten(rest.len() - 1) };
        let to = power_of_ten(rest.len());
        new.extend_from_slice(key.permute(number, from, to).to_string().as_bytes());
    } else {
        let mut stream = key.hmac("digits", rest).to_vec();
        while stream.len() < rest.len() {
            let more = key.hmac("more digits", &stream);
            stream.extend_from_slice(&more);
        }
        new.extend(stream.iter().take(rest.len()).enumerate().map(|(at, byte)| match at {
            0 => b'1' + byte % 9,
            _ => b'0' + byte % 10,
        }));
    }
    let mut new = new.into_iter();
    let mut next_digit = || new.next().unwrap_or_else(|| unreachable!("there are as many digits as before"));
    out.extend(plain.bytes().map(|byte| if byte.is_ascii_digit() { next_digit() } else { byte }));
}

/// `exponent` is at most 18.
fn power_of_ten(exponent: usize) -> u64 {
    (0..exponent).fold(1, |power, _| power * 10)
}

/// Replaces the mantissa's digits and keeps the exponent, and so the magnitude. Infinities and NaN carry no
/// personal data and stay.
pub(super) fn pseudonymise_double(n: f64, key: &PseudonymKey, text: &mut Vec<u8>) -> f64 {
    if !n.is_finite() {
        return n;
    }
    let mut format_buffer = zmij::Buffer::new();
    let formatted = format_buffer.format_finite(n);
    let (mantissa, exponent) = formatted.split_once('e').unwrap_or((formatted, "0"));
    pseudonymise_digits(mantissa, key, text);
    let _ = write!(text, "e{exponent}");
    let parsed = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok());
    let new = parsed.unwrap_or_else(|| unreachable!("digits, a point and an exponent"));
    // Another mantissa may be too large for the exponent: then the value is 0.
    if new.is_finite() { new } else { 0.0 }
}
