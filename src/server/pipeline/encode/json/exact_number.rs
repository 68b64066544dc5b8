//! Whether a number is the same after a reader has parsed it as a double.

use super::scalar::MAX_SAFE_INTEGER;

/// Whether a reader that parses numbers as doubles prints the same number: same digits, same exponent.
pub(super) fn is_exact_as_double(number: &str) -> bool {
    let Ok(double) = number.parse::<f64>() else { return false };
    if !number.contains(['.', 'e', 'E']) {
        return number != "-0"
            && number.parse().is_ok_and(|n: i64| n.unsigned_abs() <= MAX_SAFE_INTEGER.unsigned_abs());
    }
    let negative_zero = double == 0.0 && number.starts_with('-');
    !negative_zero
        && double.is_finite()
        && significant_digits(number) == significant_digits(zmij::Buffer::new().format_finite(double))
}

/// Returns a number's significant digits and the power of ten of the last one.
fn significant_digits(number: &str) -> Option<(String, i64)> {
    let number = number.trim_start_matches('-');
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    let dropped = i64::try_from(digits.len() - significant.len()).ok()?;
    let power = exponent.parse::<i64>().ok()? - i64::try_from(fraction.len()).ok()? + dropped;
    let significant = significant.trim_start_matches('0').to_owned();
    let power = if significant.is_empty() { 0 } else { power };
    Some((significant, power))
}
