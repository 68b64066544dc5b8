//! Rows of a cursor as JSON objects that are still open, so that nested values can follow.

use std::collections::VecDeque;
use std::ops::Range;

use super::key_style::key;
use crate::model::catalog::{Codec, ColumnSchema};
use crate::server::pipeline::ChunkWriter;
use crate::server::pipeline::encode::json::write_value;
use crate::server::profile::{KeyStyle, Node};
use crate::server::rows::{RowSink, Stopped, Value};

/// A row that was read and not written yet.
pub struct Row {
    /// The row that it is nested in, as the source knows it.
    pub parent: Vec<u8>,
    pub key: Vec<u8>,
    /// The object without its closing brace.
    pub json: Vec<u8>,
}

/// Encodes the columns of rows.
pub struct RowEncoder {
    columns: Vec<Column>,
    /// The column that says that a record was deleted.
    deleted_at: Option<usize>,
    constants: Vec<u8>,
    values: ChunkWriter,
    spans: Vec<Range<usize>>,
    is_deleted: bool,
    objects: VecDeque<Vec<u8>>,
}

struct Column {
    /// The key with its quotes and colon; nothing for a column that is not written.
    prefix: Option<Vec<u8>>,
    codec: Codec,
    is_kept_when_deleted: bool,
}

impl RowEncoder {
    /// An encoder for rows of these columns.
    pub fn new(style: KeyStyle, node: &Node, columns: &[ColumnSchema]) -> Self {
        let tombstone = node.tombstone.as_ref();
        let column = |column: &ColumnSchema| Column {
            prefix: node.writes(&column.name).then(|| prefix(&key(style, &column.name))),
            codec: column.codec,
            is_kept_when_deleted: tombstone.is_none_or(|tombstone| tombstone.keep.contains(&column.name)),
        };
        let mut constants = Vec::new();
        for (name, value) in &node.constants {
            constants.push(b',');
            constants.extend(prefix(name));
            constants.extend(value.to_string().into_bytes());
        }
        Self {
            columns: columns.iter().map(column).collect(),
            deleted_at: tombstone.and_then(|it| columns.iter().position(|column| column.name == it.when)),
            constants,
            values: ChunkWriter::in_memory(),
            spans: Vec::new(),
            is_deleted: false,
            objects: VecDeque::new(),
        }
    }

    /// The objects that were encoded, and removes them.
    pub fn take(&mut self) -> VecDeque<Vec<u8>> {
        std::mem::take(&mut self.objects)
    }

    fn object(&mut self) -> Vec<u8> {
        let values = self.values.buffer();
        let mut object = Vec::with_capacity(values.len() + 16 * self.columns.len());
        for (column, span) in self.columns.iter().zip(&self.spans) {
            let Some(prefix) = &column.prefix else { continue };
            object.push(if object.is_empty() { b'{' } else { b',' });
            object.extend_from_slice(prefix);
            let is_kept = !self.is_deleted || column.is_kept_when_deleted;
            object.extend_from_slice(if is_kept { &values[span.clone()] } else { b"null" });
        }
        if object.is_empty() {
            object.push(b'{');
        }
        object.extend_from_slice(&self.constants);
        object
    }
}

fn prefix(key: &str) -> Vec<u8> {
    format!("{}:", serde_json::Value::from(key)).into_bytes()
}

impl RowSink for RowEncoder {
    fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        let place = self.spans.len();
        let Some(column) = self.columns.get(place) else { return Err(Stopped) };
        if Some(place) == self.deleted_at {
            self.is_deleted = value != Value::Null;
        }
        let start = self.values.buffer().len();
        match value {
            // The database stores UTC without saying so.
            Value::SafeAscii(time) if column.codec == Codec::Timestamp && !time.ends_with(b"Z") => {
                let buffer = self.values.buffer();
                buffer.push(b'"');
                buffer.extend_from_slice(time);
                buffer.extend_from_slice(b"Z\"");
            }
            value => write_value(&mut self.values, column.codec, value)?,
        }
        self.spans.push(start..self.values.buffer().len());
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        let object = self.object();
        self.objects.push_back(object);
        self.values.discard();
        self.spans.clear();
        self.is_deleted = false;
        Ok(())
    }
}
