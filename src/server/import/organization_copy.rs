//! A copy of an organisation: what belongs to it comes once more, under new ids, and what else its file has stays as it is here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::check_file::CheckedFile;
use super::conversion::{
    Conversion, IdChanges, IdMap, IdOrigin, TableFile, Values, find_disguised, json_text, numbered, rewrite, text_of,
    visit, write_document,
};
use super::copied_tables::{CopiedTable, find_copied_tables};
use super::write::{Imported, Importing};
use super::{Error, Result};
use crate::model::manifest::Metadata;
use crate::model::name::TableName;
use crate::model::text;
use crate::server::inspect::{DataEvent, Record};
use crate::server::pipeline::verify_content;
use crate::server::source::{Load, Lookups, RowLookup};

/// How many names are looked up at once.
const BATCH: usize = 500;
/// So many copies of one name are told apart.
const MAX_NUMBER: u64 = 100;
/// More names are not kept in memory.
const MAX_NAMES: usize = 100_000;

/// A record of the file.
enum FileRecord {
    Own(Values),
    /// What is left of a record that stays outside.
    Stub(Values),
}

impl FileRecord {
    fn own(self) -> Option<Values> {
        match self {
            Self::Own(values) => Some(values),
            Self::Stub(_) => None,
        }
    }
}

/// An organisation's records as others.
struct Copied {
    document: CheckedFile,
    changes: IdChanges,
    given: Vec<GivenNames>,
    /// How many references lead to records of copied tables that the file does not have.
    left_behind: u64,
}

/// The names that copied records have in one column.
struct GivenNames {
    lookup: RowLookup,
    names: Vec<String>,
}

impl GivenNames {
    fn none_yet(table: &TableName, column: &str) -> Self {
        let lookup = RowLookup { table: table.clone(), key: column.to_owned(), columns: Vec::new() };
        Self { lookup, names: Vec::new() }
    }
}

/// # Errors
/// `Refused` if somebody has taken one of the names since they were looked up.
fn check_free(load: &mut dyn Load, given: &[GivenNames]) -> Result<()> {
    for GivenNames { lookup, names } in given {
        for batch in names.chunks(BATCH) {
            let mut is_taken = false;
            load.find_rows(lookup, batch, &mut |_, _| is_taken = true)?;
            if is_taken {
                let (table, column) = (&lookup.table, &lookup.key);
                return Err(Error::refused(&format!(
                    "{table} has got a record with a {column} of the copy's while the file was read: import it again"
                )));
            }
        }
    }
    Ok(())
}

impl Importing<'_> {
    /// # Errors
    /// `Refused` if the file is of no organisation, or its records cannot get other ids; otherwise as `import`.
    pub fn import_copy(&self, file: &CheckedFile) -> Result<Imported> {
        if self.request.part.is_some() {
            return Err(Error::refused("mode copy is about the whole file: leave --table out"));
        }
        let metadata = self.open(file)?.metadata;
        let mut database = self.target.begin_lookups()?;
        let catalog = database.catalog()?;
        let mut tables = find_copied_tables(self.profile, &metadata, &catalog, &self.request.policies)?;
        let ids = self.find_ids(file, &tables)?;
        self.find_names(&mut *database, file, &mut tables)?;
        drop(database);
        let copy = self.write_copy(file, &metadata, &mut tables, &ids)?;
        let copied = tables.iter().filter(|(_, table)| table.is_own).map(|(name, _)| name.clone()).collect();
        let mut notes = vec![
            "what belongs to the organisation comes under new ids; what else the file has stays as it is here, and comes if it is missing"
                .to_owned(),
        ];
        if copy.left_behind > 0 {
            let counted = text::count_with_noun(copy.left_behind, "reference");
            notes.push(format!(
                "{counted} to records that the file does not have, of tables that are copied: they stay what they are"
            ));
        }
        let about = Conversion { copied, notes, ..Conversion::default() };
        (self.still_allowed)()?;
        let mut load = self.begin_load()?;
        let known: Vec<TableName> = tables.into_keys().filter(|name| catalog.table(name).is_some()).collect();
        load.lock(&known)?;
        check_free(&mut *load, &copy.given)?;
        if !self.request.dry_run {
            self.check_order(&self.target.list_kept_imports()?)?;
        }
        let imported = self.import(load, &copy.document, Some(&about))?;
        Ok(Imported { id_changes: Some(copy.changes), ..imported })
    }

    /// Which ids change: those of the records that are copied.
    fn find_ids(&self, file: &CheckedFile, tables: &BTreeMap<TableName, CopiedTable>) -> Result<IdMap> {
        let mut ids = IdMap::new(IdOrigin::Part, self.id.to_owned());
        self.for_each_record(file, tables, |name, table, record, _| {
            let Some(record) = record.own() else { return Ok(()) };
            let id = table.id.as_ref().and_then(|id| text_of(record.get(id)?));
            id.map_or(Ok(()), |id| ids.add_known(name, &id, true))
        })?;
        Ok(ids)
    }

    /// The names that are taken here, of those that records of the file have and that can be there once.
    fn find_names(
        &self,
        database: &mut dyn Lookups,
        file: &CheckedFile,
        tables: &mut BTreeMap<TableName, CopiedTable>,
    ) -> Result<()> {
        let mut used: BTreeMap<(TableName, usize), BTreeSet<String>> = BTreeMap::new();
        self.for_each_record(file, tables, |name, table, record, _| {
            let Some(record) = record.own() else { return Ok(()) };
            for (place, names) in table.names.iter().enumerate() {
                let value = record.get(&names.column).and_then(|json| text_of(json));
                let used = used.entry((name.clone(), place)).or_default();
                used.extend(value);
                if used.len() > MAX_NAMES {
                    return Err(Error::refused(&format!(
                        "{name} has more than {MAX_NAMES} names that can be there once"
                    )));
                }
            }
            Ok(())
        })?;
        for ((name, place), values) in used {
            let Some(names) = tables.get_mut(&name).and_then(|table| table.names.get_mut(place)) else { continue };
            let lookup = RowLookup { table: name, key: names.column.clone(), columns: Vec::new() };
            let values: Vec<String> = values.into_iter().collect();
            for batch in values.chunks(BATCH) {
                let mut taken = BTreeSet::new();
                database.find_rows(&lookup, batch, &mut |at, _| {
                    taken.insert(batch[at].clone());
                })?;
                for value in taken {
                    let others: Vec<String> = (2..=MAX_NUMBER).map(|number| numbered(&value, number)).collect();
                    names.take(&value);
                    let mut found = BTreeSet::new();
                    database.find_rows(&lookup, &others, &mut |at, _| {
                        names.take(&others[at]);
                        found.insert(at);
                    })?;
                    if found.len() == others.len() {
                        let (table, column) = (&lookup.table, &lookup.key);
                        return Err(Error::refused(&format!(
                            "{table} has {MAX_NUMBER} records with one {column}, numbered: remove some of these copies first"
                        )));
                    }
                }
            }
        }
        Ok(())
    }

    fn write_copy(
        &self,
        file: &CheckedFile,
        metadata: &Metadata,
        tables: &mut BTreeMap<TableName, CopiedTable>,
        ids: &IdMap,
    ) -> Result<Copied> {
        let (mut changes, mut left_behind) = (IdChanges::new()?, 0);
        let files = metadata.schema.iter().map(|(name, schema)| TableFile::new(name.clone(), schema.clone()));
        let mut files = files.collect::<std::io::Result<Vec<_>>>().map_err(Error::Temporary)?;
        let mut names: BTreeMap<TableName, Vec<_>> = BTreeMap::new();
        for (name, table) in tables.iter_mut() {
            let unique = std::mem::take(&mut table.names).into_iter().map(|names| {
                let given = GivenNames::none_yet(name, &names.column);
                (names, given)
            });
            names.insert(name.clone(), unique.collect());
        }
        self.for_each_record(file, tables, |name, table, record, line| {
            let invalid = |what: String| Error::InvalidRecord { line, what };
            let place = metadata.schema.iter().position(|(known, _)| known == name);
            let file = place.and_then(|place| files.get_mut(place)).ok_or(Error::Changed)?;
            let mut values = match record {
                FileRecord::Own(values) => values,
                FileRecord::Stub(values) => return file.write(&values).map_err(Error::Temporary),
            };
            if let Some(column) = find_disguised(table.references.iter(), &values) {
                return Err(invalid(format!("{column} is not written as a reference is")));
            }
            if let Some(id) = &table.id {
                let old = values.get(id).and_then(|json| text_of(json));
                let old = old.ok_or_else(|| invalid("the id of the record is no text".to_owned()))?;
                if table.only_id.as_ref().is_some_and(|only| *only != old) {
                    return Err(invalid("it is another organisation than the one that the file is of".to_owned()));
                }
                let new = ids.map(name, &old);
                changes.add(name, &old, &new)?;
                values.insert(id.clone(), json_text(&new));
            }
            let mut belongs = !table.is_own || table.only_id.is_some();
            for key in &table.owners {
                let mut is_strange = false;
                visit(key, &values, &mut |target, id| {
                    let leads_outside = ids.map(target, id) == id;
                    (belongs, is_strange) = (belongs || !leads_outside, is_strange || leads_outside);
                });
                if is_strange {
                    let what = format!(
                        "{} leads to what the file does not have, so it is not the organisation's",
                        key.columns[0]
                    );
                    return Err(invalid(what));
                }
            }
            if !belongs {
                return Err(invalid("it belongs to nobody, so it is not the organisation's".to_owned()));
            }
            for key in &table.references {
                let mut is_other_spelling = false;
                visit(key, &values, &mut |target, id| {
                    left_behind += u64::from(ids.map(target, id) == id);
                    is_other_spelling |= ids.is_known_otherwise(target, id);
                });
                if is_other_spelling {
                    let what =
                        "refers to a record of the file by another spelling of its id: write it as the record has it";
                    return Err(invalid(format!("{} {what}", key.columns[0])));
                }
                rewrite(key, &mut values, ids);
            }
            for (names, given) in names.get_mut(name).into_iter().flatten() {
                given.names.extend(names.make_unique(&mut values));
            }
            file.write(&values).map_err(Error::Temporary)
        })?;
        let document = write_document(metadata, files).map_err(|error| match error {
            crate::seal::Error::Write(error) => Error::Temporary(error),
            _ => Error::Changed,
        })?;
        let verified = verify_content(document.try_clone()?, |_| ())??;
        let mut document = CheckedFile::new(verified, file.signed_by.clone(), Arc::new(document));
        document.sha256.clone_from(&file.sha256);
        let given = names.into_values().flatten().map(|(_, given)| given).collect();
        Ok(Copied { document, changes, given, left_behind })
    }

    /// Reads the file once: the table of each record, its values, and its line.
    fn for_each_record(
        &self,
        file: &CheckedFile,
        tables: &BTreeMap<TableName, CopiedTable>,
        mut take: impl FnMut(&TableName, &CopiedTable, FileRecord, u64) -> Result<()>,
    ) -> Result<()> {
        let (mut current, mut records) = (None, 0);
        self.read_events(file, |event, line| {
            match event {
                DataEvent::TableOpened(name) => (current, records) = (tables.get_key_value(name), 0),
                DataEvent::Record(text) => {
                    let (name, table) = current.ok_or(Error::Changed)?;
                    let record: Record = serde_json::from_slice(text)
                        .map_err(|error| Error::InvalidRecord { line, what: error.to_string() })?;
                    let values = record.iter().map(|(column, json)| (column.clone(), json.get().to_owned()));
                    records += 1;
                    let is_stub = records > table.records;
                    let record = if is_stub { FileRecord::Stub } else { FileRecord::Own };
                    take(name, table, record(values.collect()), line)?;
                }
                DataEvent::TableClosed => {}
            }
            Ok(())
        })
    }
}
