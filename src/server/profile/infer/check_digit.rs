//! Numbers with check digits: bank accounts and payment cards.

/// ISO 13616: two letters, two check digits, and a remainder of 1 modulo 97.
pub fn is_iban(text: &str) -> bool {
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
pub fn is_card_number(text: &str) -> bool {
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
