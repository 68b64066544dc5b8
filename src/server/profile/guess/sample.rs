//! Counts the kinds of a table's sampled values. Of the values themselves, only hashes with a random key and
//! the leading letters of the first code are kept.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use super::name::Name;
use super::value::{Sign, sign};
use super::words;
use crate::server::rows::{RowSink, Stopped, Table, Value};
use crate::server::support::password::HashTally;

/// Bytes of a value that are inspected.
const LONGEST: usize = 64 << 10;
/// Distinct values are counted up to this number.
const MANY: usize = 512;

/// Counts of one column's sampled values, by kind.
#[derive(Clone, Debug, Default)]
pub struct Tally {
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
    pub addresses: u32,
    pub binaries: u32,
    /// Codes with the leading letters of the first one and numbers after them.
    pub alike: u32,
    /// A word followed by digits and punctuation, as people choose passwords.
    pub like_passwords: u32,
    /// Values in a row in which another column names a secret.
    pub beside_secret: u32,
    distinct: HashSet<u64>,
    first_letters: Option<String>,
}

/// The row sink that counts: values arrive in the order of the table's columns.
pub struct Sample {
    columns: Vec<Tally>,
    /// Hash tallies of columns named like stored passwords.
    passwords: BTreeMap<usize, (String, HashTally)>,
    /// Which columns may hold the keys (`names`) and the values (`values`) of a key-value table.
    names: Vec<bool>,
    values: Vec<bool>,
    hasher: RandomState,
    at: usize,
    names_secret: bool,
    readable: Vec<bool>,
}

impl Sample {
    #[must_use]
    pub fn of(table: &Table) -> Self {
        let names: Vec<Name> = table.columns.iter().map(|column| Name::new(&column.name)).collect();
        let passwords = table.columns.iter().enumerate();
        let passwords =
            passwords.filter(|(_, column)| words::STORED_PASSWORDS.contains(&column.name.to_lowercase().as_str()));
        Self {
            passwords: passwords.map(|(at, column)| (at, (column.name.clone(), HashTally::default()))).collect(),
            columns: vec![Tally::default(); names.len()],
            values: names.iter().map(|name| name.is(words::GENERIC.all())).collect(),
            readable: vec![false; names.len()],
            names: names.iter().map(|name| name.is(words::NAMES_OF_KEYS.all())).collect(),
            hasher: RandomState::new(),
            at: 0,
            names_secret: false,
        }
    }

    pub fn tally(&self, column: usize) -> Option<&Tally> {
        self.columns.get(column)
    }

    /// The hash tallies of the columns that seem to hold stored passwords.
    pub fn stored_passwords(&self, table: &str) -> impl Iterator<Item = ((String, String), HashTally)> {
        self.passwords.values().map(move |(column, tally)| ((table.to_owned(), column.clone()), tally.clone()))
    }

    fn text(&mut self, text: &str, at: usize) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        if let Some((_, tally)) = self.passwords.get_mut(&at) {
            let _ = tally.see(text);
        }
        let tally = &mut self.columns[at];
        tally.values += 1;
        if tally.distinct.len() < MANY {
            tally.distinct.insert(self.hasher.hash_one(text));
        }
        self.names_secret |= self.names[at] && text.len() <= 100 && Name::new(text).secret_word().is_some();
        self.readable[at] = !text.contains(' ');
        tally.whole_numbers += u32::from(text.bytes().all(|b| b.is_ascii_digit()));
        tally.like_passwords += u32::from(is_like_a_password(text));
        match sign(text) {
            Sign::Secret(reason) => tally.secret = tally.secret.or(Some(reason)),
            Sign::Opaque => {
                tally.opaque += 1;
                tally.hexadecimal += u32::from(text.bytes().all(|b| b.is_ascii_hexdigit()));
                let has = |test: fn(char) -> bool| text.contains(test);
                tally.tokens += u32::from(text.len() > 24 || has(char::is_uppercase) && has(char::is_lowercase));
            }
            Sign::Digits => tally.digits += 1,
            Sign::CardNumber => tally.cards += 1,
            Sign::Code => tally.code(text),
            Sign::Uuid => tally.uuids += 1,
            Sign::Email => tally.emails += 1,
            Sign::Phone => tally.phones += 1,
            Sign::IpAddress => tally.addresses += 1,
            Sign::Readable => {}
        }
    }
}

/// `Winter703?`, `Bacalhau&99`: a word, then digits and punctuation that addresses and paths do not have.
fn is_like_a_password(text: &str) -> bool {
    let rest = text.trim_start_matches(char::is_alphabetic);
    let has_digit = rest.contains(|c: char| c.is_ascii_digit());
    // `_` and `-` only after a capital: `option_5` is a name, and people begin passwords with a capital.
    let marks = if text.starts_with(char::is_uppercase) { "!?#*$&%@+=~^_-" } else { "!?#*$&%@+=~^" };
    let fits = rest.chars().all(|c| c.is_ascii_digit() || marks.contains(c));
    text.len() - rest.len() >= 4 && text.len() >= 7 && has_digit && fits
}

impl Tally {
    fn code(&mut self, text: &str) {
        self.codes += 1;
        let letters = text.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default();
        let first = self.first_letters.get_or_insert_with(|| letters.to_owned());
        // The common prefix, and numbers after it.
        let rest = text.strip_prefix(first.as_str()).unwrap_or("x");
        let counts = rest.chars().all(|c| c.is_ascii_digit() || "-/. ".contains(c));
        self.alike += u32::from(!first.is_empty() && counts);
    }

    /// Whether values repeat, as those of an enumeration do.
    pub fn repeats(&self) -> bool {
        self.values >= 8 && self.distinct.len() * 2 <= self.values as usize && self.distinct.len() < MANY
    }

    /// Whether `count` is at least half of the values.
    pub fn mostly(&self, count: u32) -> bool {
        count > 0 && count * 2 >= self.values
    }
}

impl RowSink for Sample {
    fn value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        let at = self.at;
        self.at += 1;
        let tally = self.columns.get_mut(at).ok_or(Stopped)?;
        match value {
            Value::Null => {}
            Value::Text(bytes) | Value::Plain(bytes) => match std::str::from_utf8(&bytes[..bytes.len().min(LONGEST)]) {
                Ok(text) => self.text(text, at),
                Err(error) if bytes.len() > LONGEST => {
                    let whole = &bytes[..error.valid_up_to()];
                    self.text(std::str::from_utf8(whole).unwrap_or_default(), at);
                }
                Err(_) => tally.binaries += 1,
            },
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
        if std::mem::take(&mut self.names_secret) {
            for (at, tally) in self.columns.iter_mut().enumerate() {
                tally.beside_secret += u32::from(self.values[at] && self.readable[at]);
            }
        }
        self.readable.fill(false);
        self.at = 0;
        Ok(())
    }
}
