//! A part of a file: the records that were asked for, and those that they refer to, as the database's foreign keys say.

use std::collections::{BTreeMap, HashSet};
use std::io::BufReader;

use sha2::{Digest, Sha256};

use super::check_file::{CheckedFile, FileReader};
use super::request::PartRequest;
use super::{Error, Result};
use crate::model::import_plan::FilePart;
use crate::model::manifest::Metadata;
use crate::model::name::TableName;
use crate::model::text;
use crate::server::inspect::{DataEvent, DocumentReader, Record};
use crate::server::pipeline::decompress::Decompressor;
use crate::server::rows::Catalog;

/// Of more records than this, what they refer to is not looked for: their keys are kept in memory.
const MAX_KEYS: usize = 2_000_000;
/// Nor what is more steps away: each is another reading of the file.
const MAX_STEPS: usize = 100;

/// A key, as a digest of the texts of its values.
type KeyDigest = [u8; 16];

/// Why a record is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Only since others refer to it: one that the database has stays as it is.
    ReferredTo,
    Asked,
}

/// Which records of a file are imported.
#[derive(Debug)]
pub struct Part {
    pub asked: FilePart,
    tables: BTreeMap<TableName, TablePart>,
    keys: usize,
}

/// Which records of one table.
#[derive(Debug, Default)]
struct TablePart {
    /// How many there are in the file for each reason.
    records: BTreeMap<Role, u64>,
    /// The columns that are referred to, each with the values that others have there.
    referred_to: Vec<(Vec<String>, HashSet<KeyDigest>)>,
}

impl Part {
    /// Reads the file as often as it takes until no further record is referred to.
    ///
    /// # Errors
    /// `Refused` if nothing in the file is what was asked for, or too much is referred to.
    pub fn find(file: &CheckedFile, request: &PartRequest, catalog: &Catalog) -> Result<Self> {
        let asked = request.resolve(&document(file)?.metadata)?;
        let mut part = Self { tables: BTreeMap::from([(asked.table.clone(), TablePart::default())]), asked, keys: 0 };
        for _ in 0..MAX_STEPS {
            let keys = part.keys;
            part.read(file, catalog)?;
            if part.records(&part.asked.table, Role::Asked) == 0 {
                let what = if part.asked.key.is_empty() { "has no records" } else { "has no record with this key" };
                return Err(Error::Refused(vec![format!("{} {what} in the file", part.asked.table)]));
            }
            if part.keys == keys {
                return Ok(part);
            }
        }
        Err(too_much())
    }

    /// How many records of the table are imported for this reason.
    pub fn records(&self, table: &TableName, role: Role) -> u64 {
        self.tables.get(table).and_then(|part| part.records.get(&role)).copied().unwrap_or_default()
    }

    /// Why records of the table are imported, first of all.
    pub fn role_in(&self, table: &TableName) -> Role {
        if *table == self.asked.table { Role::Asked } else { Role::ReferredTo }
    }

    /// Whether anything of the table is imported.
    pub fn includes(&self, table: &TableName) -> bool {
        self.tables.get(table).is_some_and(|part| !part.records.is_empty())
    }

    /// Why a record is imported, if it is.
    ///
    /// # Errors
    /// `Changed` if the text is no record: it was one when the file was checked.
    pub fn role(&self, table: &TableName, record: &[u8]) -> Result<Option<Role>> {
        if *table == self.asked.table && self.asked.key.is_empty() {
            return Ok(Some(Role::Asked));
        }
        Ok(self.role_of(table, &serde_json::from_slice(record).map_err(|_| Error::Changed)?))
    }

    fn role_of(&self, table: &TableName, record: &Record) -> Option<Role> {
        let part = self.tables.get(table)?;
        let is_asked = *table == self.asked.table
            && self.asked.key.iter().all(|(column, value)| {
                record.get(column).is_some_and(|own| own.get() != "null" && text::unquote(own.get()) == *value)
            });
        if is_asked {
            return Some(Role::Asked);
        }
        let mut referred_to = part.referred_to.iter();
        let is_referred_to =
            referred_to.any(|(columns, keys)| key_of(record, columns).is_some_and(|key| keys.contains(&key)));
        is_referred_to.then_some(Role::ReferredTo)
    }

    /// Reads the file once, counts the records of the part, and adds what they refer to.
    fn read(&mut self, file: &CheckedFile, catalog: &Catalog) -> Result<()> {
        let mut counts: BTreeMap<TableName, BTreeMap<Role, u64>> = BTreeMap::new();
        let mut table = TableName::from("");
        document(file)?.for_each_event(|event, _| {
            match event {
                DataEvent::TableOpened(name) => table = name.clone(),
                DataEvent::Record(text) if self.tables.contains_key(&table) => {
                    let record: Record = serde_json::from_slice(text).map_err(|_| Error::Changed)?;
                    if let Some(role) = self.role_of(&table, &record) {
                        *counts.entry(table.clone()).or_default().entry(role).or_default() += 1;
                        self.follow(&table, &record, catalog)?;
                    }
                }
                DataEvent::Record(_) | DataEvent::TableClosed => {}
            }
            Ok::<(), Error>(())
        })?;
        for (name, table) in &mut self.tables {
            table.records = counts.remove(name).unwrap_or_default();
        }
        Ok(())
    }

    /// Adds the keys that a record refers to. One that is half NULL refers to nothing.
    fn follow(&mut self, table: &TableName, record: &Record, catalog: &Catalog) -> Result<()> {
        for reference in catalog.table(table).into_iter().flat_map(|table| &table.foreign_keys) {
            let Some(key) = key_of(record, &reference.columns) else { continue };
            let target = self.tables.entry(reference.target.clone()).or_default();
            let known = target.referred_to.iter_mut().find(|(columns, _)| *columns == reference.target_columns);
            let is_new = if let Some((_, keys)) = known {
                keys.insert(key)
            } else {
                target.referred_to.push((reference.target_columns.clone(), HashSet::from([key])));
                true
            };
            self.keys += usize::from(is_new);
            if self.keys > MAX_KEYS {
                return Err(too_much());
            }
        }
        Ok(())
    }
}

fn too_much() -> Error {
    let (keys, steps) = (text::count_with_noun(MAX_KEYS as u64, "other"), text::count(MAX_STEPS as u64));
    Error::Refused(vec![format!(
        "the records refer to more than {keys}, or further than {steps} steps: import the whole file"
    )])
}

fn document(file: &CheckedFile) -> Result<DocumentReader<BufReader<Decompressor<FileReader>>>> {
    Ok(DocumentReader::open(BufReader::with_capacity(256 << 10, file.content()?))?)
}

/// The values of these columns; `None` if one is NULL or missing.
fn key_of(record: &Record, columns: &[String]) -> Option<KeyDigest> {
    let mut digest = Sha256::new();
    for column in columns {
        let value = record.get(column).filter(|value| value.get() != "null")?;
        let text = text::unquote(value.get());
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text.as_bytes());
    }
    let mut key = KeyDigest::default();
    let length = key.len();
    key.copy_from_slice(&digest.finalize()[..length]);
    Some(key)
}

impl PartRequest {
    /// Names the columns of the key.
    ///
    /// # Errors
    /// `Refused` if the file has no such table, or its key has other columns.
    fn resolve(&self, metadata: &Metadata) -> Result<FilePart> {
        let Self { table, key } = self;
        let refused = |what: String| Err(Error::Refused(vec![what]));
        let Some(schema) = metadata.schema.get(table) else {
            return refused(format!(
                "the file has no table {}: waybill inspect FILE lists those that it has",
                text::one_line(table.as_str())
            ));
        };
        let columns = &schema.primary_key;
        let named = match (&key[..], &columns[..]) {
            (key, []) if !key.is_empty() => return refused(format!("{table} has no primary key: leave --key away")),
            ([(None, value)], [column]) => {
                let value = value.strip_prefix(&format!("{column}=")).unwrap_or(value);
                vec![(column.clone(), value.to_owned())]
            }
            (key, _) => {
                let column = |column: &String| {
                    let given = key.iter().find(|(name, _)| name.as_ref() == Some(column));
                    given.map(|(_, value)| (column.clone(), value.clone()))
                };
                let named: Vec<(String, String)> = columns.iter().filter_map(column).collect();
                if named.len() != key.len() || !key.is_empty() && named.len() != columns.len() {
                    let example: Vec<String> = columns.iter().map(|column| format!("--key {column}=VALUE")).collect();
                    return refused(format!(
                        "the key of {table} needs a value for each of its columns: {}",
                        example.join(" ")
                    ));
                }
                named
            }
        };
        Ok(FilePart { table: table.clone(), key: named })
    }
}
