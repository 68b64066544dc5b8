//! Counts the kinds of a table's sampled values. Of the values themselves, only hashes with a random key and
//! the leading letters of the first code are kept.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use super::json::classify;
use super::name::Name;
use super::value::ValueKind;
use super::words;
use crate::model::name::TableName;
use crate::server::rows::{RowSink, Stopped, Table, Value};
use crate::server::support::password::HashStats;

/// Bytes of a value that are inspected.
const MAX_INSPECTED_BYTES: usize = 64 << 10;
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

/// The row sink that counts: values arrive in the order of the table's columns.
pub struct ColumnSampler {
    columns: Vec<PatternCounts>,
    /// Hash tallies of columns named like stored passwords.
    hash_stats: BTreeMap<usize, (String, HashStats)>,
    /// Which columns may hold the keys (`is_key_column`) and the values (`is_value_column`) of a key-value table.
    is_key_column: Vec<bool>,
    is_value_column: Vec<bool>,
    hasher: RandomState,
    column: usize,
    row_names_secret: bool,
    is_single_token: Vec<bool>,
}

impl ColumnSampler {
    #[must_use]
    pub fn new(table: &Table) -> Self {
        let names: Vec<Name> = table.columns.iter().map(|column| Name::new(&column.name)).collect();
        let passwords = table.columns.iter().enumerate();
        let passwords =
            passwords.filter(|(_, column)| words::PASSWORD_COLUMNS.contains(&column.name.to_lowercase().as_str()));
        Self {
            hash_stats: passwords.map(|(at, column)| (at, (column.name.clone(), HashStats::default()))).collect(),
            columns: vec![PatternCounts::default(); names.len()],
            is_value_column: names.iter().map(|name| name.is_any_of(words::GENERIC_NAMES.all())).collect(),
            is_single_token: vec![false; names.len()],
            is_key_column: names.iter().map(|name| name.is_any_of(words::KEY_COLUMN_NAMES.all())).collect(),
            hasher: RandomState::new(),
            column: 0,
            row_names_secret: false,
        }
    }

    pub fn pattern_counts(&self, column: usize) -> Option<&PatternCounts> {
        self.columns.get(column)
    }

    /// The hash tallies of the columns that seem to hold stored passwords.
    pub fn hash_stats(&self, table: &TableName) -> impl Iterator<Item = ((TableName, String), HashStats)> {
        self.hash_stats.values().map(move |(column, tally)| ((table.clone(), column.clone()), tally.clone()))
    }

    fn count_text(&mut self, text: &str, at: usize) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        if let Some((_, tally)) = self.hash_stats.get_mut(&at) {
            let _ = tally.record(text);
        }
        let tally = &mut self.columns[at];
        tally.values += 1;
        if tally.distinct.len() < MAX_DISTINCT {
            tally.distinct.insert(self.hasher.hash_one(text));
        }
        self.row_names_secret |= self.is_key_column[at] && text.len() <= 100 && Name::new(text).secret_word().is_some();
        self.is_single_token[at] = !text.contains(' ');
        tally.whole_numbers += u32::from(text.bytes().all(|b| b.is_ascii_digit()));
        tally.password_like += u32::from(looks_like_password(text));
        match classify(text) {
            ValueKind::Secret(reason) => tally.secret = tally.secret.or(Some(reason)),
            ValueKind::Opaque => {
                tally.opaque += 1;
                tally.hexadecimal += u32::from(text.bytes().all(|b| b.is_ascii_hexdigit()));
                let has = |test: fn(char) -> bool| text.contains(test);
                tally.tokens += u32::from(text.len() > 24 || has(char::is_uppercase) && has(char::is_lowercase));
            }
            ValueKind::Digits => tally.digits += 1,
            ValueKind::CardNumber => tally.cards += 1,
            ValueKind::Code => tally.count_code(text),
            ValueKind::Uuid => tally.uuids += 1,
            ValueKind::Email => tally.emails += 1,
            ValueKind::Phone => tally.phones += 1,
            ValueKind::IpAddress => tally.ip_addresses += 1,
            ValueKind::Readable => {}
        }
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

impl PatternCounts {
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

impl RowSink for ColumnSampler {
    fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        let at = self.column;
        self.column += 1;
        let tally = self.columns.get_mut(at).ok_or(Stopped)?;
        match value {
            Value::Null => {}
            Value::Text(bytes) | Value::SafeAscii(bytes) => {
                match std::str::from_utf8(&bytes[..bytes.len().min(MAX_INSPECTED_BYTES)]) {
                    Ok(text) => self.count_text(text, at),
                    Err(error) if bytes.len() > MAX_INSPECTED_BYTES => {
                        let valid = &bytes[..error.valid_up_to()];
                        self.count_text(
                            std::str::from_utf8(valid).unwrap_or_else(|_| unreachable!("valid up to there")),
                            at,
                        );
                    }
                    Err(_) => tally.binaries += 1,
                }
            }
            Value::Blob(_) => tally.binaries += 1,
            Value::Integer(n) => {
                let text = itoa::Buffer::new().format(n).to_owned();
                tally.values += 1;
                tally.digits += u32::from(text.len() >= 4);
            }
            Value::Boolean(_) | Value::Float(_) | Value::Double(_) => tally.values += 1,
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        if std::mem::take(&mut self.row_names_secret) {
            for (at, tally) in self.columns.iter_mut().enumerate() {
                tally.beside_secret_name += u32::from(self.is_value_column[at] && self.is_single_token[at]);
            }
        }
        self.is_single_token.fill(false);
        self.column = 0;
        Ok(())
    }
}
