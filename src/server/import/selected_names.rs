//! Which records the values of a file's filters name: as the file tells, since another record may have the name here.

use std::collections::BTreeMap;

use super::check_file::CheckedFile;
use super::write::Importing;
use super::{Error, Result};
use crate::model::name::TableName;
use crate::model::selection::Selection;
use crate::model::text::unquote;
use crate::server::inspect::{DataEvent, Record};
use crate::server::profile::Profile;
use crate::server::rows::Catalog;

/// A filter that names records of a table.
struct Named {
    filter: String,
    table: TableName,
    /// The columns of the key and of the name.
    key: String,
    show: String,
    /// For each value, the keys of the records that have the name; the value itself if a record has it for its key.
    keys: BTreeMap<String, Vec<String>>,
}

impl Importing<'_> {
    /// The selection with the keys of the records in place of their names.
    ///
    /// # Errors
    /// `Refused` if the file does not have a record that is named, or several.
    pub fn with_keys(
        &self,
        file: &CheckedFile,
        mut selection: Selection,
        profile: &Profile,
        catalog: &Catalog,
    ) -> Result<Selection> {
        let mut filters = named(&selection, profile, catalog);
        if filters.is_empty() {
            return Ok(selection);
        }
        let mut table = TableName::from("");
        self.read_events(file, |event, _| {
            match event {
                DataEvent::TableOpened(name) => table = name.clone(),
                DataEvent::Record(text) if filters.iter().any(|filter| filter.table == table) => {
                    let record: Record = serde_json::from_slice(text).map_err(|_| Error::Changed)?;
                    filters.iter_mut().filter(|filter| filter.table == table).for_each(|filter| filter.find(&record));
                }
                DataEvent::Record(_) | DataEvent::TableClosed => {}
            }
            Ok(())
        })?;
        for Named { filter, table, keys, .. } in filters {
            let keys = keys.into_iter().map(|(value, keys)| match &keys[..] {
                _ if keys.contains(&value) => Ok(value),
                [key] => Ok(key.clone()),
                found => Err(Error::refused(&format!(
                    "the file has {} of {table} with the key or the name `{value}`, so what it is about cannot be told: mode merge brings its \
                     records back without removing any",
                    if found.is_empty() { "no record" } else { "several records" }
                ))),
            });
            selection.filters.insert(filter, keys.collect::<Result<_>>()?);
        }
        Ok(selection)
    }
}

fn named(selection: &Selection, profile: &Profile, catalog: &Catalog) -> Vec<Named> {
    let filters = selection.filters.iter().filter_map(|(name, values)| {
        let filter = profile.filters.get(name)?;
        let (table, show) = (filter.table.clone()?, filter.show.clone()?);
        let [key] = &catalog.table(&table)?.primary_key[..] else { return None };
        let keys = values.iter().map(|value| (value.clone(), Vec::new())).collect();
        Some(Named { filter: name.clone(), key: key.clone(), table, show, keys })
    });
    filters.collect()
}

impl Named {
    fn find(&mut self, record: &Record) {
        let text = |column: &str| record.get(column).map(|value| unquote(value.get()).to_string());
        let Some(key) = text(&self.key) else { return };
        let name = text(&self.show);
        for (value, keys) in &mut self.keys {
            if *value == key || name.as_ref() == Some(value) {
                keys.push(key.clone());
            }
        }
    }
}
