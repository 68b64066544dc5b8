//! Reads the documents that `writer` writes as YAML: the records of each table, each as a JSON object of its columns.
//!
//! A document is read line by line. Of a record, the columns come before what is nested in it, so that only one record of each
//! level is in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use super::key_style::key;
use super::yaml::{self, Content, Line, Lines, is_number};
use crate::model::catalog::{Codec, TableSchema};
use crate::model::name::TableName;
use crate::model::ordered_map::OrderedMap;
use crate::server::profile::{Layout, Node};

/// A record has no more keys, known and unknown ones.
const MAX_KEYS: usize = 1_000;
/// More keys that no column has are not told.
const MAX_UNKNOWN: usize = 20;

/// A record of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentRecord {
    /// The number of its first line.
    pub line: u64,
    /// The JSON texts of its columns, those that name it and those by which it is nested among them, by their names.
    pub values: BTreeMap<String, String>,
    /// The path of the file that it stands for, if it does.
    pub media_path: Option<String>,
}

/// Why a document is not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError<E> {
    #[error(transparent)]
    Yaml(#[from] yaml::Error),
    /// A sentence about what is wrong.
    #[error("line {line}: {what}")]
    Invalid { line: u64, what: String },
    /// Of whoever takes the records.
    #[error("{0}")]
    Taken(E),
}

/// What is read of a document and of what is nested in it.
pub struct DocumentReader<'l> {
    root: Shape<'l>,
}

/// What the records of a node look like.
struct Shape<'l> {
    node: &'l Node,
    /// The column of each key.
    columns: BTreeMap<String, (&'l str, Codec)>,
    /// What names the records.
    keyed_by: Option<(&'l str, Codec)>,
    /// Keys that say nothing new.
    known: BTreeSet<String>,
    /// The key of the path of a record's file.
    media_path: Option<&'l str>,
    children: Vec<Self>,
}

impl<'l> DocumentReader<'l> {
    /// A reader of the layout's document, of tables with these columns. Nothing if one of them is missing.
    pub fn new(layout: &'l Layout, document: &'l Node, schema: &'l OrderedMap<TableName, TableSchema>) -> Option<Self> {
        Some(Self { root: Shape::new(layout, document, schema)? })
    }

    /// Calls `take` with each record, a parent before its children, and returns the keys that no column has.
    ///
    /// # Errors
    /// `Yaml` or `Invalid` for what the writer does not write; `Taken` with the error of `take`.
    pub fn read<R: BufRead, E>(
        &self,
        input: R,
        max_record_bytes: u64,
        take: &mut dyn FnMut(&'l TableName, DocumentRecord) -> Result<(), E>,
    ) -> Result<BTreeSet<String>, ReadError<E>> {
        let mut reading =
            Reading { lines: Lines::new(input, max_record_bytes), max_record_bytes, take, unknown: BTreeSet::new() };
        let is_nothing = |line: &Line| matches!(&line.content, Content::Value(text) if is_nothing(text));
        if reading.lines.next_if(|line| line.indent == 0 && !line.begins_item && is_nothing(line))?.is_none() {
            reading.read_records(&self.root, 0, None)?;
        }
        match reading.lines.peek()? {
            None => Ok(reading.unknown),
            Some(line) => Err(invalid(line.number, "belongs to no record")),
        }
    }
}

/// How a place without records is written.
fn is_nothing(json: &str) -> bool {
    matches!(json, "{}" | "[]" | "null")
}

fn invalid<E>(line: u64, what: impl Into<String>) -> ReadError<E> {
    ReadError::Invalid { line, what: what.into() }
}

impl<'l> Shape<'l> {
    fn new(layout: &'l Layout, node: &'l Node, schema: &'l OrderedMap<TableName, TableSchema>) -> Option<Self> {
        let columns = &schema.get(node.table.as_str())?.columns;
        let keyed_by = node.keyed_by.as_deref();
        let named = |name: &str| columns.iter().find(|column| column.name == name);
        let written = columns.iter().filter(|column| node.writes(&column.name) && keyed_by != Some(&column.name));
        let children = node.children.iter().map(|child| Self::new(layout, child, schema));
        Some(Self {
            node,
            columns: written
                .map(|column| (key(layout.keys, &column.name), (column.name.as_str(), column.codec)))
                .collect(),
            keyed_by: match keyed_by {
                Some(name) => Some(named(name).map(|column| (column.name.as_str(), column.codec))?),
                None => None,
            },
            known: node.constants.keys().cloned().collect(),
            media_path: layout
                .media
                .as_ref()
                .filter(|media| media.table == node.table)
                .map(|media| media.path.as_str()),
            children: children.collect::<Option<_>>()?,
        })
    }
}

struct Reading<'t, 'l, R, E> {
    lines: Lines<R>,
    max_record_bytes: u64,
    take: &'t mut dyn FnMut(&'l TableName, DocumentRecord) -> Result<(), E>,
    unknown: BTreeSet<String>,
}

/// The columns of the record around.
type Parent<'p> = Option<&'p BTreeMap<String, String>>;

impl<'l, R: BufRead, E> Reading<'_, 'l, R, E> {
    /// Reads the records whose names or dashes begin at `indent`.
    fn read_records(&mut self, shape: &Shape<'l>, indent: usize, parent: Parent<'_>) -> Result<(), ReadError<E>> {
        if shape.node.single {
            return self.read_record(shape, indent, None, parent);
        }
        let mut last = None;
        loop {
            if let Some((name, codec)) = shape.keyed_by {
                let Some(line) = self.lines.next_if(|line| line.indent == indent && !line.begins_item)? else {
                    return Ok(());
                };
                let Content::Entry { key, value: None } = line.content else {
                    return Err(invalid(line.number, format!("is no record of {}", shape.node.name)));
                };
                let value = (name.to_owned(), key_json(codec, &key));
                // Whoever keeps the records notices one that is there twice; the next one is noticed here.
                if last.replace(key.clone()) == Some(key) {
                    return Err(invalid(line.number, "has the id of an earlier record"));
                }
                self.read_record(shape, indent + 2, Some((line.number, value)), parent)?;
            } else {
                let is_item = |line: &Line| line.begins_item && line.indent == indent + 2;
                match self.lines.peek()? {
                    Some(line) if is_item(line) => self.read_record(shape, indent + 2, None, parent)?,
                    _ => return Ok(()),
                }
            }
        }
    }

    /// Reads the record whose columns begin at `indent`, with what is nested in it.
    fn read_record(
        &mut self,
        shape: &Shape<'l>,
        indent: usize,
        name: Option<(u64, (String, String))>,
        parent: Parent<'_>,
    ) -> Result<(), ReadError<E>> {
        let mut record = DocumentRecord { line: 0, values: BTreeMap::new(), media_path: None };
        let mut is_first = name.is_none() && !shape.node.single;
        if let Some((line, value)) = name {
            record.line = line;
            record.values.extend([value]);
        }
        for (own, of_parent) in &shape.node.on {
            let value = parent.and_then(|parent| parent.get(of_parent)).map_or("null", String::as_str);
            record.values.insert(own.clone(), value.to_owned());
        }
        let (mut seen, mut is_taken, mut bytes) = (BTreeSet::new(), false, 0);
        while let Some(line) = self.lines.next_if(|line| line.indent == indent && line.begins_item == is_first)? {
            if record.line == 0 {
                record.line = line.number;
            }
            is_first = false;
            let (key, value) = match line.content {
                Content::Entry { key, value } => (key, value),
                // An element without any column.
                Content::Value(text) if line.begins_item && text == "{}" => continue,
                Content::Value(_) => return Err(invalid(line.number, "is no column of a record")),
            };
            if seen.len() >= MAX_KEYS {
                return Err(invalid(line.number, "the record has too many keys"));
            }
            if !seen.insert(key.clone()) {
                return Err(invalid(line.number, format!("{} is there twice", shown(&key))));
            }
            if let Some(child) = shape.children.iter().find(|child| child.node.name == key) {
                if !std::mem::replace(&mut is_taken, true) {
                    self.hand_on(shape, record.clone(), parent)?;
                }
                match value {
                    None => self.read_records(child, indent + 2, Some(&record.values))?,
                    Some(value) if is_nothing(&value) => {}
                    Some(_) => return Err(invalid(line.number, format!("{} is no list of records", shown(&key)))),
                }
            } else if is_taken {
                return Err(invalid(line.number, format!("{} comes after what is nested in its record", shown(&key))));
            } else {
                let value = value.ok_or_else(|| invalid(line.number, format!("{} has no value", shown(&key))))?;
                bytes += value.len() as u64;
                if bytes > self.max_record_bytes {
                    return Err(invalid(line.number, "the record is too long"));
                }
                self.keep(shape, &mut record, &key, &value);
            }
        }
        if is_taken { Ok(()) } else { self.hand_on(shape, record, parent) }
    }

    fn hand_on(&mut self, shape: &Shape<'l>, record: DocumentRecord, parent: Parent<'_>) -> Result<(), ReadError<E>> {
        let missing = shape.columns.iter().find(|(_, (name, _))| !record.values.contains_key(*name));
        if let Some((key, _)) = missing {
            return Err(invalid(record.line, format!("the record has no {key}")));
        }
        // A look-up repeats a record that is elsewhere, and a stub is none.
        if shape.node.stubs || shape.node.single && parent.is_some() {
            return Ok(());
        }
        (self.take)(&shape.node.table, record).map_err(ReadError::Taken)
    }

    fn keep(&mut self, shape: &Shape<'l>, record: &mut DocumentRecord, key: &str, value: &str) {
        if let Some((name, codec)) = shape.columns.get(key) {
            record.values.insert((*name).to_owned(), typed(*codec, value));
        } else if shape.media_path == Some(key) {
            record.media_path = serde_json::from_str(value).ok();
        } else if !shape.known.contains(key) && self.unknown.len() < MAX_UNKNOWN {
            self.unknown.insert(format!("{}.{}", shape.node.name, shown(key)));
        }
    }
}

/// A key of a file in a sentence: as JSON, and not all of it.
fn shown(key: &str) -> String {
    let short: String = key.chars().take(40).collect();
    serde_json::Value::from(short).to_string()
}

/// The name of a record is a text, whatever its type.
fn key_json(codec: Codec, key: &str) -> String {
    let is_bare = matches!(codec, Codec::Integer | Codec::Double | Codec::Dynamic) && is_number(key);
    if is_bare { key.to_owned() } else { serde_json::Value::from(key).to_string() }
}

/// Numbers that not all readers take for the same are quoted; here the column says that they are numbers.
fn typed(codec: Codec, json: &str) -> String {
    const REAL: &str = "{\"$real\": \"";
    let unquoted = |text: &str| Some(text.to_owned()).filter(|text| text != "-0" && is_number(text));
    let bare = match json.strip_prefix(REAL) {
        Some(rest) => rest
            .strip_suffix("\"}")
            .and_then(unquoted)
            .map(|number| format!("{}{number}}}", REAL.trim_end_matches('"'))),
        None if codec == Codec::Double => {
            json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).and_then(unquoted)
        }
        None => None,
    };
    bare.unwrap_or_else(|| json.to_owned())
}

#[cfg(test)]
mod tests;
