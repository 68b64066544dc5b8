//! Which of the importer's records are those of the archive under another id: they have the same natural key.

use std::collections::{HashMap, HashSet};

use super::super::conversion::{Values, digest, text_of};
use super::super::{Error, Result};
use super::own_names::find_own_names;
use super::table_shape::TableShape;
use crate::model::text;
use crate::server::profile::Profile;
use crate::server::source::{Lookups, RowLookup};

/// Of one table, more records of the importer's are not kept in memory.
const MAX_RECORDS: usize = 1_000_000;

/// The importer's records of one table, by their natural keys.
pub struct NaturalKeys {
    keys: Vec<Vec<KeyColumn>>,
    by_key: HashMap<[u8; 16], String>,
    ids: HashSet<[u8; 16]>,
}

struct KeyColumn {
    name: String,
    folds_case: bool,
}

impl NaturalKeys {
    /// Reads the importer's records of a table; nothing if it has no natural keys that tell one person's records apart. `is_copy`: only
    /// those that copies cannot have twice under other names.
    ///
    /// # Errors
    /// `Target` if the database cannot be read; `Refused` if there are too many records.
    pub fn find(
        database: &mut dyn Lookups,
        shape: &TableShape,
        profile: &Profile,
        (person, is_copy): (&str, bool),
    ) -> Result<Option<Self>> {
        let (Some(id), Some(merge)) = (&shape.id, profile.merge_rules(&shape.table)) else { return Ok(None) };
        if is_copy && find_own_names(shape, profile).is_some() {
            return Ok(None);
        }
        let is_own =
            |column: &String| *column == shape.owner || shape.references.iter().any(|key| key.columns[0] == *column);
        let known = |column: &String| shape.columns.iter().any(|own| own.name == *column);
        let keys = merge.natural_keys.iter().filter(|key| key.iter().any(is_own) && key.iter().all(known));
        let column = |name: &String| KeyColumn { name: name.clone(), folds_case: merge.fold_case.contains(name) };
        let keys: Vec<Vec<KeyColumn>> = keys.map(|key| key.iter().map(column).collect()).collect();
        if keys.is_empty() {
            return Ok(None);
        }
        let mut found = Self { keys, by_key: HashMap::new(), ids: HashSet::new() };
        let columns = std::iter::once(id.clone()).chain(found.keys.iter().flatten().map(|column| column.name.clone()));
        let lookup = RowLookup { table: shape.table.clone(), key: shape.owner.clone(), columns: columns.collect() };
        let mut is_too_much = false;
        database.find_rows(&lookup, &[person.to_owned()], &mut |_, columns| {
            is_too_much |= found.ids.len() >= MAX_RECORDS;
            if !is_too_much {
                found.add(&columns);
            }
        })?;
        if is_too_much {
            let (table, most) = (&shape.table, text::count(MAX_RECORDS as u64));
            return Err(Error::Refused(vec![format!("{table} has more than {most} records of this person")]));
        }
        Ok(Some(found))
    }

    /// A row: its id, and the values of each key's columns.
    fn add(&mut self, columns: &[Option<String>]) {
        let Some((Some(id), mut rest)) = columns.split_first() else { return };
        self.ids.insert(digest(&[id]));
        for (number, key) in self.keys.iter().enumerate() {
            let (values, others) = rest.split_at(key.len().min(rest.len()));
            rest = others;
            let values: Option<Vec<String>> = values.iter().cloned().collect();
            if let Some(digest) = values.and_then(|values| digest_of(number, key, values)) {
                self.by_key.insert(digest, id.clone());
            }
        }
    }

    /// The id of the importer's record that this one is; nothing if it is there by its own id, or not at all. Its references are those
    /// that it has here.
    pub fn match_record(&self, new_id: &str, values: &Values) -> Option<&str> {
        if self.ids.contains(&digest(&[new_id])) {
            return None;
        }
        self.keys.iter().enumerate().find_map(|(number, key)| {
            let texts = key.iter().map(|column| {
                let json = values.get(&column.name).filter(|json| *json != "null")?;
                Some(text_of(json).unwrap_or_else(|| json.clone()))
            });
            let digest = digest_of(number, key, texts.collect::<Option<_>>()?)?;
            self.by_key.get(&digest).map(String::as_str)
        })
    }
}

fn digest_of(number: usize, key: &[KeyColumn], values: Vec<String>) -> Option<[u8; 16]> {
    let number = number.to_string();
    let values = values.into_iter().zip(key).map(
        |(value, column)| {
            if column.folds_case { value.to_ascii_lowercase() } else { value }
        },
    );
    let values: Vec<String> = std::iter::once(number).chain(values).collect();
    let texts: Vec<&str> = values.iter().map(String::as_str).collect();
    (texts.len() > 1).then(|| digest(&texts))
}
