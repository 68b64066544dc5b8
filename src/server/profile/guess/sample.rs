//! Tallies what the sampled values of a table say: nothing of a value is kept.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use super::name::Name;
use super::value::{Sign, sign};
use super::words;
use crate::server::rows::{RowSink, Stopped, Table, Value};
use crate::server::support::password::HashTally;

/// So much of a value is looked at.
const LONGEST: usize = 64 << 10;
/// More different values than this are many.
const MANY: usize = 512;

/// What was seen of one column.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Values that say something: neither NULL nor empty.
    pub values: u32,
    /// Why one of them is a secret.
    pub secret: Option<&'static str>,
    pub opaque: u32,
    /// Of these, digests in hexadecimal.
    pub hexadecimal: u32,
    /// Of these, such as are no numbers of parcels: long, or of both cases.
    pub tokens: u32,
    pub digits: u32,
    /// Digits and nothing else, however few.
    pub whole_numbers: u32,
    pub cards: u32,
    pub codes: u32,
    pub uuids: u32,
    pub emails: u32,
    pub phones: u32,
    pub addresses: u32,
    pub binaries: u32,
    /// Codes that begin with the letters of the first one.
    pub alike: u32,
    /// Words with digits or marks at their end, as people make passwords.
    pub like_passwords: u32,
    /// Beside a name of a secret in the same row.
    pub beside_secret: u32,
    distinct: HashSet<u64>,
    first_letters: Option<String>,
}

/// Takes rows of one table's columns, in their order.
pub struct Sample {
    columns: Vec<Tally>,
    /// Of columns that are called what stored passwords are called.
    passwords: BTreeMap<usize, (String, HashTally)>,
    /// Columns that name what stands beside them, and columns that may hold it.
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

    /// What the columns of this table hold that seem to be stored passwords.
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

/// `Winter703?`, `Bacalhau&99`: a word, then digits and marks that stand in no address and no path.
fn is_like_a_password(text: &str) -> bool {
    let rest = text.trim_start_matches(char::is_alphabetic);
    let has_digit = rest.contains(|c: char| c.is_ascii_digit());
    // `option_5` is a name; people begin passwords with a capital.
    let marks = if text.starts_with(char::is_uppercase) { "!?#*$&%@+=~^_-" } else { "!?#*$&%@+=~^" };
    let fits = rest.chars().all(|c| c.is_ascii_digit() || marks.contains(c));
    text.len() - rest.len() >= 4 && text.len() >= 7 && has_digit && fits
}

impl Tally {
    fn code(&mut self, text: &str) {
        self.codes += 1;
        let letters = text.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default();
        let first = self.first_letters.get_or_insert_with(|| letters.to_owned());
        // A prefix, and numbers after it.
        let rest = text.strip_prefix(first.as_str()).unwrap_or("x");
        let counts = rest.chars().all(|c| c.is_ascii_digit() || "-/. ".contains(c));
        self.alike += u32::from(!first.is_empty() && counts);
    }

    /// Whether values come again and again, as those of a list to choose from do.
    pub fn repeats(&self) -> bool {
        self.values >= 8 && self.distinct.len() * 2 <= self.values as usize && self.distinct.len() < MANY
    }

    /// Whether most values are of a kind.
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
