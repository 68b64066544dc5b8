//! The row sink that samples a table: it counts the kinds of each column's values.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use super::name::Name;
use super::pattern_counts::PatternCounts;
use super::words;
use crate::model::name::TableName;
use crate::server::rows::{RowSink, Stopped, Table, Value};
use crate::server::support::password::HashStats;

/// Bytes of a value that are inspected.
const MAX_INSPECTED_BYTES: usize = 64 << 10;
/// The row sink that counts: values arrive in the order of the table's columns.
pub struct ColumnSampler {
    columns: Vec<PatternCounts>,
    /// Hash statistics of columns named like stored passwords.
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

    /// The hash statistics of the columns that seem to hold stored passwords.
    pub fn hash_stats(&self, table: &TableName) -> impl Iterator<Item = ((TableName, String), HashStats)> {
        self.hash_stats.values().map(move |(column, counts)| ((table.clone(), column.clone()), counts.clone()))
    }

    fn count_text(&mut self, text: &str, at: usize) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        if let Some((_, stats)) = self.hash_stats.get_mut(&at) {
            let _ = stats.record(text);
        }
        self.row_names_secret |= self.is_key_column[at] && text.len() <= 100 && Name::new(text).secret_word().is_some();
        self.is_single_token[at] = !text.contains(' ');
        self.columns[at].count_text(text, self.hasher.hash_one(text));
    }
}

impl RowSink for ColumnSampler {
    fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        let at = self.column;
        self.column += 1;
        let counts = self.columns.get_mut(at).ok_or(Stopped)?;
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
                    Err(_) => counts.binaries += 1,
                }
            }
            Value::Blob(_) => counts.binaries += 1,
            Value::Integer(n) => {
                let text = itoa::Buffer::new().format(n).to_owned();
                counts.values += 1;
                counts.digits += u32::from(text.len() >= 4);
            }
            Value::Boolean(_) | Value::Float(_) | Value::Double(_) => counts.values += 1,
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        if std::mem::take(&mut self.row_names_secret) {
            for (at, counts) in self.columns.iter_mut().enumerate() {
                counts.beside_secret_name += u32::from(self.is_value_column[at] && self.is_single_token[at]);
            }
        }
        self.is_single_token.fill(false);
        self.column = 0;
        Ok(())
    }
}
