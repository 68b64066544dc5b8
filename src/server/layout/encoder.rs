//! Rows of a cursor as objects that are still open, so that nested values can follow.

use std::collections::VecDeque;
use std::ops::Range;

use super::format::{DocumentFormat, Place};
use super::key_style::key;
use super::media_path::media_path;
use super::yaml::{self, ValueKind};
use crate::model::catalog::{Codec, ColumnSchema};
use crate::server::pipeline::ChunkWriter;
use crate::server::pipeline::encode::json::write_value;
use crate::server::profile::{KeyStyle, MediaLayout};
use crate::server::rows::{RowSink, Stopped, Value};

/// A row that was read and not written yet.
pub struct Row {
    /// The row that it is nested in, as the source knows it.
    pub parent: Vec<u8>,
    pub key: Vec<u8>,
    /// In JSON the object without its closing brace, in YAML the lines of its columns.
    pub text: Vec<u8>,
}

/// How rows are written.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    pub format: DocumentFormat,
    pub keys: KeyStyle,
}

/// Encodes the columns of rows.
pub struct RowEncoder {
    format: DocumentFormat,
    columns: Vec<Column>,
    /// The column that says that a record was deleted.
    deleted_at: Option<usize>,
    /// The column that names the records, in YAML.
    keyed_by: Option<usize>,
    is_list: bool,
    indent: usize,
    constants: Vec<u8>,
    media_path: Option<MediaPath>,
    values: ChunkWriter,
    spans: Vec<Range<usize>>,
    is_deleted: bool,
    objects: VecDeque<Vec<u8>>,
}

/// The path of the file that a record stands for.
struct MediaPath {
    prefix: Vec<u8>,
    id: usize,
    file_name: usize,
}

struct Column {
    /// The key with its colon; nothing for a column that is not written.
    prefix: Option<Vec<u8>>,
    codec: Codec,
    kind: ValueKind,
    is_kept_when_deleted: bool,
}

impl RowEncoder {
    /// An encoder for rows of these columns.
    pub fn new(style: Style, place: Place<'_>, columns: &[ColumnSchema], media: Option<&MediaLayout>) -> Self {
        let (node, Style { format, keys }) = (place.node, style);
        let tombstone = node.tombstone.as_ref();
        let position = |name: &str| columns.iter().position(|column| column.name == name);
        let keyed_by = node.keyed_by.as_deref().filter(|_| format == DocumentFormat::Yaml).and_then(position);
        let column = |(at, column): (usize, &ColumnSchema)| Column {
            prefix: (node.writes(&column.name) && keyed_by != Some(at))
                .then(|| prefix(format, &key(keys, &column.name), place.indent)),
            codec: column.codec,
            kind: ValueKind::of(column),
            is_kept_when_deleted: tombstone.is_none_or(|tombstone| tombstone.keep.contains(&column.name)),
        };
        let mut constants = Vec::new();
        for (name, value) in &node.constants {
            if format == DocumentFormat::Json {
                constants.push(b',');
            }
            constants.extend(prefix(format, name, place.indent));
            push_value(format, &mut constants, ValueKind::Typed, value.to_string().as_bytes());
        }
        let media = media.filter(|media| media.table == node.table);
        let media_path = media.and_then(|media| {
            let (id, file_name) = (position(&media.id)?, position(&media.file_name)?);
            Some(MediaPath { prefix: prefix(format, &media.path, place.indent), id, file_name })
        });
        Self {
            format,
            columns: columns.iter().enumerate().map(column).collect(),
            deleted_at: tombstone.and_then(|it| position(&it.when)),
            keyed_by,
            is_list: !node.single && keyed_by.is_none(),
            indent: place.indent,
            constants,
            media_path,
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
        if let Some(span) = self.keyed_by.map(|at| &self.spans[at]) {
            write_record_key(&mut object, self.indent, &values[span.clone()]);
        }
        let mut is_first = true;
        for (column, span) in self.columns.iter().zip(&self.spans) {
            let Some(prefix) = &column.prefix else { continue };
            if self.format == DocumentFormat::Json {
                object.push(if is_first { b'{' } else { b',' });
            }
            object.extend_from_slice(prefix);
            let is_kept = !self.is_deleted || column.is_kept_when_deleted;
            let value = if is_kept { &values[span.clone()] } else { &b"null"[..] };
            push_value(self.format, &mut object, column.kind, value);
            is_first = false;
        }
        if is_first && self.format == DocumentFormat::Json {
            object.push(b'{');
        }
        object.extend_from_slice(&self.constants);
        if let Some(path) = &self.media_path {
            let text = |at: usize| text_of(&values[self.spans[at].clone()]);
            if self.format == DocumentFormat::Json {
                object.push(b',');
            }
            object.extend_from_slice(&path.prefix);
            let path = serde_json::Value::from(media_path(&text(path.id), &text(path.file_name)));
            push_value(self.format, &mut object, ValueKind::Typed, path.to_string().as_bytes());
        }
        if self.format == DocumentFormat::Yaml && self.is_list {
            mark_as_item(&mut object, self.indent);
        }
        object
    }
}

fn prefix(format: DocumentFormat, key: &str, indent: usize) -> Vec<u8> {
    match format {
        DocumentFormat::Json => format!("{}:", serde_json::Value::from(key)).into_bytes(),
        DocumentFormat::Yaml => {
            let mut prefix = Vec::new();
            yaml::write_name(&mut prefix, indent, key);
            prefix.push(b' ');
            prefix
        }
    }
}

/// Appends a value that was encoded as JSON.
fn push_value(format: DocumentFormat, object: &mut Vec<u8>, kind: ValueKind, json: &[u8]) {
    match format {
        DocumentFormat::Json => object.extend_from_slice(json),
        DocumentFormat::Yaml => {
            yaml::write_value(object, kind, json);
            object.push(b'\n');
        }
    }
}

/// Begins a record of a mapping. Its name is a text, whatever its type.
fn write_record_key(object: &mut Vec<u8>, indent: usize, json: &[u8]) {
    yaml::write_key(object, indent.saturating_sub(2), &text_of(json));
    object.push(b'\n');
}

/// The text of a value that was encoded as JSON.
fn text_of(json: &[u8]) -> String {
    serde_json::from_slice(json).unwrap_or_else(|_| String::from_utf8_lossy(json).into_owned())
}

/// Puts a dash before the first column of a record in a list.
fn mark_as_item(object: &mut Vec<u8>, indent: usize) {
    if let Some(first) = object.get_mut(indent.saturating_sub(2)) {
        *first = b'-';
    } else {
        yaml::pad(object, indent.saturating_sub(2));
        object.extend(b"- {}\n");
    }
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
