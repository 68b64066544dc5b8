//! What a merge changes, record by record: kept in a temporary file, with its hash and its sums.
//!
//! A `ChangeRecorder` gets the rows that `Load::end_table` pushes and writes one line of a plan file for each.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use sha2::{Digest, Sha256};

use super::change_groups::ChangeGroups;
use super::table_import::TableImport;
use crate::model::catalog::Codec;
use crate::model::change_reason::{ChangeReason, RecordAction};
use crate::model::import_plan::ChangeGroup;
use crate::model::name::TableName;
use crate::server::pipeline::ChunkWriter;
use crate::server::pipeline::encode::json::write_value;
use crate::server::rows::{RowSink, Stopped, Value};
use crate::server::source::TableLoad;

/// Longer values have their digest in the plan: it is to be read, and held in memory.
const MAX_VALUE_BYTES: usize = 64 << 10;

/// The changes of all tables so far.
pub struct ChangeRecorder {
    lines: BufWriter<File>,
    hasher: Sha256,
    groups: ChangeGroups,
    tables: Vec<RecordedTable>,
    columns: Vec<(String, Codec)>,
    key_columns: usize,
    reason: ChangeReason,
    /// The JSON texts of the row's values so far: its key, then two for each column.
    values: Vec<Vec<u8>>,
    next_value: usize,
    failure: Option<io::Error>,
}

/// The changes of one table in the temporary file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedTable {
    pub table: TableName,
    pub records: u64,
}

/// All changes of an import.
#[derive(Debug)]
pub struct RecordedChanges {
    /// One line for each record, in the order of `tables`.
    pub lines: File,
    pub tables: Vec<RecordedTable>,
    pub groups: Vec<ChangeGroup>,
    /// Of every line, with the names of the tables.
    pub digest: String,
}

impl ChangeRecorder {
    /// # Errors
    /// If no temporary file can be made.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            lines: BufWriter::with_capacity(256 << 10, tempfile::tempfile()?),
            hasher: Sha256::new(),
            groups: ChangeGroups::default(),
            tables: Vec::new(),
            columns: Vec::new(),
            key_columns: 0,
            reason: ChangeReason::NewKey,
            values: Vec::new(),
            next_value: 0,
            failure: None,
        })
    }

    /// Begins the changes of a table.
    pub fn begin_table(&mut self, table: &TableImport, load: &TableLoad) {
        let codec = |name: &String| {
            let column = table.columns.iter().find(|column| column.name == *name);
            (name.clone(), column.map_or(Codec::Native, |column| column.target_codec))
        };
        self.columns = load.key.iter().chain(load.replaced()).map(codec).collect();
        self.key_columns = load.key.len();
        self.values.resize_with(self.key_columns + 2 * (self.columns.len() - self.key_columns), Vec::new);
        self.next_value = 0;
        self.hasher.update(format!("{}\n", table.table));
        // Of a part, one table may be filled in two goes.
        if self.tables.last().is_none_or(|last| last.table != table.table) {
            self.tables.push(RecordedTable { table: table.table.clone(), records: 0 });
        }
    }

    /// Why the sink has stopped.
    pub fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// # Errors
    /// If the temporary file cannot be written.
    pub fn finish(self) -> io::Result<RecordedChanges> {
        let lines = self.lines.into_inner().map_err(io::IntoInnerError::into_error)?;
        let digest = hex::encode(self.hasher.finalize());
        Ok(RecordedChanges { lines, tables: self.tables, groups: self.groups.into_groups(), digest })
    }

    fn write_line(&mut self) -> io::Result<()> {
        let (key_names, names) = self.columns.split_at(self.key_columns);
        let (key_values, values) = self.values.split_at(self.key_columns);
        let key: Vec<(&str, &[u8])> =
            key_names.iter().zip(key_values).map(|((name, _), text)| (name.as_str(), &text[..])).collect();
        let pairs = names.iter().zip(values.chunks_exact(2));
        let changed = pairs.filter(|(_, pair)| self.reason.action() != RecordAction::Create && pair[0] != pair[1]);
        let changed: Vec<(&str, &[u8], &[u8])> =
            changed.map(|((name, _), pair)| (name.as_str(), &pair[0][..], &pair[1][..])).collect();
        let line = line(self.reason, &key, &changed)?;
        let Some(table) = self.tables.last() else { return Ok(()) };
        // Which values a removed record had is no kind of change.
        let kinds = if self.reason.action() == RecordAction::Delete { &[][..] } else { &changed };
        self.groups.add(&table.table, self.reason, &key, kinds);
        self.hasher.update(&line);
        self.lines.write_all(&line)?;
        if let Some(table) = self.tables.last_mut() {
            table.records += 1;
        }
        Ok(())
    }
}

/// What stands for a long value.
fn digest_of(bytes: &[u8]) -> Vec<u8> {
    let sha256 = hex::encode(Sha256::digest(bytes));
    serde_json::json!({"$long": {"bytes": bytes.len(), "sha256": sha256}}).to_string().into_bytes()
}

/// A record of a plan file, with the end of its line.
fn line(reason: ChangeReason, key: &[(&str, &[u8])], changed: &[(&str, &[u8], &[u8])]) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    line.extend_from_slice(b"{\"action\":");
    serde_json::to_writer(&mut line, &reason.action())?;
    line.extend_from_slice(b",\"reason\":");
    serde_json::to_writer(&mut line, &reason)?;
    line.extend_from_slice(b",\"key\":{");
    for (place, (name, value)) in key.iter().enumerate() {
        write_name(&mut line, place, name)?;
        line.extend_from_slice(value);
    }
    line.extend_from_slice(b"},\"changes\":{");
    for (place, (name, before, after)) in changed.iter().enumerate() {
        write_name(&mut line, place, name)?;
        line.extend_from_slice(&[b"{\"before\":", *before, b",\"after\":", after, b"}"].concat());
    }
    line.extend_from_slice(b"}}\n");
    Ok(line)
}

fn write_name(line: &mut Vec<u8>, place: usize, name: &str) -> io::Result<()> {
    if place > 0 {
        line.push(b',');
    }
    serde_json::to_writer(&mut *line, name)?;
    line.push(b':');
    Ok(())
}

impl RowSink for ChangeRecorder {
    fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        let place = self.next_value;
        self.next_value += 1;
        let Some(place) = place.checked_sub(1) else {
            let number = if let Value::Integer(number) = value { number } else { -1 };
            self.reason = ChangeReason::of_number(number).ok_or(Stopped)?;
            return Ok(());
        };
        let column = if place < self.key_columns { place } else { self.key_columns + (place - self.key_columns) / 2 };
        self.values[place] = match value {
            Value::SafeAscii(bytes) | Value::Text(bytes) | Value::Blob(bytes) if bytes.len() > MAX_VALUE_BYTES => {
                digest_of(bytes)
            }
            value => {
                let mut text = ChunkWriter::in_memory();
                write_value(&mut text, self.columns[column].1, value)?;
                std::mem::take(text.buffer())
            }
        };
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        self.next_value = 0;
        self.write_line().map_err(|error| {
            self.failure = Some(error);
            Stopped
        })
    }
}
