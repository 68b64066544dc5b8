//! Counts the kinds of a column's values. Of the values themselves, only hashes with a random key and the leading letters
//! of the first code are kept.

use std::collections::HashSet;

use super::json::classify;
use super::value::ValueKind;

/// Distinct values are counted up to this number.
const MAX_DISTINCT: usize = 512;

/// Counts of one column's sampled values, by kind.
#[derive(Clone, Debug, Default)]
pub struct PatternCounts {
    /// Values that are neither NULL, empty nor binary.
    pub values: u32,
    /// Why the first secret among them was recognised as one.
    pub secret: Option<&'static str>,
    pub opaque: u32,
    /// Opaque values in hexadecimal: digests.
    pub hexadecimal: u32,
    /// Opaque values that cannot be parcel numbers: long, or in mixed case.
    pub tokens: u32,
    pub digits: u32,
    /// Digits and nothing else, of any length.
    pub whole_numbers: u32,
    pub cards: u32,
    pub codes: u32,
    pub uuids: u32,
    pub emails: u32,
    pub phones: u32,
    pub ip_addresses: u32,
    pub binaries: u32,
    /// Codes with the leading letters of the first one and numbers after them.
    pub same_prefix: u32,
    /// A word followed by digits and punctuation, as people choose passwords.
    pub password_like: u32,
    /// Values in a row in which another column names a secret.
    pub beside_secret_name: u32,
    distinct: HashSet<u64>,
    first_prefix: Option<String>,
}

impl PatternCounts {
    /// Counts a text that is not empty. Equal texts have equal hashes.
    pub fn count_text(&mut self, text: &str, hash: u64) {
        self.values += 1;
        if self.distinct.len() < MAX_DISTINCT {
            self.distinct.insert(hash);
        }
        self.whole_numbers += u32::from(text.bytes().all(|b| b.is_ascii_digit()));
        self.password_like += u32::from(looks_like_password(text));
        match classify(text) {
            ValueKind::Secret(reason) => self.secret = self.secret.or(Some(reason)),
            ValueKind::Opaque => {
                self.opaque += 1;
                self.hexadecimal += u32::from(text.bytes().all(|b| b.is_ascii_hexdigit()));
                let has = |test: fn(char) -> bool| text.contains(test);
                self.tokens += u32::from(text.len() > 24 || has(char::is_uppercase) && has(char::is_lowercase));
            }
            ValueKind::Digits => self.digits += 1,
            ValueKind::CardNumber => self.cards += 1,
            ValueKind::Code => self.count_code(text),
            ValueKind::Uuid => self.uuids += 1,
            ValueKind::Email => self.emails += 1,
            ValueKind::Phone => self.phones += 1,
            ValueKind::IpAddress => self.ip_addresses += 1,
            ValueKind::Readable => {}
        }
    }

    fn count_code(&mut self, text: &str) {
        self.codes += 1;
        let letters = text.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default();
        let first = self.first_prefix.get_or_insert_with(|| letters.to_owned());
        // The common prefix, and numbers after it.
        let rest = text.strip_prefix(first.as_str()).unwrap_or("x");
        let is_numbered = rest.chars().all(|c| c.is_ascii_digit() || "-/. ".contains(c));
        self.same_prefix += u32::from(!first.is_empty() && is_numbered);
    }

    /// Whether values repeat, as those of an enumeration do.
    pub fn is_enumeration(&self) -> bool {
        self.values >= 8 && self.distinct.len() * 2 <= self.values as usize && self.distinct.len() < MAX_DISTINCT
    }

    /// Whether `count` is at least half of the values.
    pub fn is_dominant(&self, count: u32) -> bool {
        count > 0 && count * 2 >= self.values
    }
}

/// `Winter703?`, `Bacalhau&99`: a word, then digits and punctuation that addresses and paths do not have.
fn looks_like_password(text: &str) -> bool {
    let rest = text.trim_start_matches(char::is_alphabetic);
    let has_digit = rest.contains(|c: char| c.is_ascii_digit());
    // `_` and `-` only after a capital: `option_5` is a name, and people begin passwords with a capital.
    let marks = if text.starts_with(char::is_uppercase) { "!?#*$&%@+=~^_-" } else { "!?#*$&%@+=~^" };
    let fits = rest.chars().all(|c| c.is_ascii_digit() || marks.contains(c));
    text.len() - rest.len() >= 4 && text.len() >= 7 && has_digit && fits
}
