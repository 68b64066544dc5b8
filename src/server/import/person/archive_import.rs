//! Turns an archive into a document of the importer's records.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;
use std::sync::Arc;

use super::super::check_file::CheckedFile;
use super::super::conversion::{
    Conversion, IdChanges, IdMap, IdOrigin, TableFile, UniqueNames, check_room, json_text, rewrite, text_of, visit,
    write_document,
};
use super::super::{Error, Result};
use super::archive_file::CheckedArchive;
use super::known_ids::KnownIds;
use super::media::{Media, is_media, remove_orphans};
use super::natural_keys::NaturalKeys;
use super::own_names::find_own_names;
use super::record_conversion::{ConvertedRecords, RecordConversion};
use super::table_shape::{TableShape, table_shapes};
use crate::model::import::ImportMode;
use crate::model::name::TableName;
use crate::model::selection::ScopeKind;
use crate::model::text;
use crate::server::layout::{DocumentReader, DocumentRecord, ReadError};
use crate::server::pipeline::verify_content;
use crate::server::profile::{Layout, Node, Profile, ScopeProfile};
use crate::server::rows::Catalog;
use crate::server::source::{Lookups, RowLookup};
use crate::server::support::blob_folder::{BlobFolder, FolderLock};

/// A value of a record is no longer than this: the longest of PostgreSQL, with room for escapes.
const MAX_LINE_BYTES: u64 = 2 << 30;
/// More of the keys that are not known are not told.
const MAX_NOTES: usize = 20;
const DOCUMENT_SUFFIX: &str = ".yaml";
const BATCH: usize = 1_000;

/// An import of an archive into the data of one person.
pub struct ArchiveImport<'a> {
    pub archive: &'a CheckedArchive,
    pub profile: &'a Profile,
    /// The importer's id, as the database has it.
    pub person: &'a str,
    pub mode: ImportMode,
    /// The id of this import.
    pub import: &'a str,
    pub folder: Option<&'a BlobFolder>,
    pub max_record_bytes: Option<usize>,
}

/// What an archive has become.
pub struct Converted<'a> {
    pub document: CheckedFile,
    pub about: Conversion,
    /// The ids that differ from those in the archive.
    pub id_changes: IdChanges,
    media: Option<Media<'a>>,
}

impl Converted<'_> {
    /// Writes the archive's files to the blob folder, before the commit of the records that refer to them. They are safe from other
    /// imports until the lock is dropped.
    ///
    /// # Errors
    /// `Media` if one cannot be written.
    pub fn write_media(&self) -> Result<Option<FolderLock>> {
        self.media.as_ref().map_or(Ok(None), Media::write)
    }

    /// Whether the importer and their files are still there that were found when the archive was converted, now that the tables are locked.
    ///
    /// # Errors
    /// `Refused` if not; `Target` if the database cannot be read.
    pub fn check(&self, database: &mut dyn Lookups, import: &ArchiveImport<'_>, scope: &ScopeProfile) -> Result<()> {
        import.check_person(database, scope)?;
        let Some((media, owner)) =
            self.media.as_ref().and_then(|media| Some((media, self.about.owners.as_ref()?.get(media.table())?)))
        else {
            return Ok(());
        };
        media.check(database, owner, import.person)
    }

    /// Removes them again, since nothing was committed.
    pub fn remove_media(&self) {
        if let Some(media) = &self.media {
            media.remove();
        }
    }
}

/// Both are of the profile.
struct Known<'a, 's> {
    layout: &'a Layout,
    shapes: &'s [TableShape],
}

impl<'a> ArchiveImport<'a> {
    /// The archive's layout, and the scope that it is of.
    ///
    /// # Errors
    /// `Refused` if the archive is of another application.
    pub fn find_layout(archive: &CheckedArchive, profile: &Profile) -> Result<(Layout, ScopeProfile)> {
        let refused = |what: String| Error::Refused(vec![what]);
        let name = &archive.contents.layout;
        let layout = profile.layout(name).filter(|layout| layout.scope == ScopeKind::Person);
        let layout = layout.ok_or_else(|| {
            let (name, own) = (text::one_line(name), &profile.name);
            refused(format!("the archive is of the application {name}, and this database is one of {own}"))
        })?;
        let scope = profile.scopes.of(ScopeKind::Person).cloned();
        Ok((layout, scope.ok_or_else(|| refused("the profile does not say whose data is whose".to_owned()))?))
    }

    /// Reads the archive, and looks up what of it is here already. Nothing is written or locked: an archive may be large. Who takes the id
    /// of one of its records meanwhile, or changes a file that is kept, ends the import, which then changes nothing.
    ///
    /// # Errors
    /// `Refused` or `InvalidArchive` with what is wrong; `Target` if the database cannot be read.
    pub fn convert(
        &self,
        database: &mut dyn Lookups,
        catalog: &Catalog,
        (layout, scope): (&'a Layout, &ScopeProfile),
    ) -> Result<Converted<'a>> {
        self.check_person(database, scope)?;
        let shapes = table_shapes(&self.archive.contents, layout, self.profile, scope, catalog)?;
        let (known, shapes) = (Known { layout, shapes: &shapes }, &shapes);
        let ids = self.find_ids(database, &known)?;
        let media = self.open_media(database, &known, &ids)?;
        let names = self.find_names(database, shapes)?;
        let records = RecordConversion::new(layout, self.person, (ids, media, names))?;
        let converted = self.write_document(&known, records)?;
        if let Some(media) = &converted.media {
            media.check_contents()?;
        }
        Ok(converted)
    }

    /// Whether this installation has made the archive for this very person.
    pub fn is_own(&self) -> bool {
        self.archive.file.signed_by.is_some() && self.archive.person() == Some(self.person)
    }

    fn check_person(&self, database: &mut dyn Lookups, scope: &ScopeProfile) -> Result<()> {
        let lookup = RowLookup { table: scope.table.clone(), key: scope.key.clone(), columns: Vec::new() };
        let mut is_there = false;
        database.find_rows(&lookup, &[self.person.to_owned()], &mut |_, _| is_there = true)?;
        if is_there {
            return Ok(());
        }
        Err(Error::Refused(vec![format!(
            "{} has nobody with the id {}: an archive has somebody's data, and never brings the account back",
            scope.table,
            text::one_line(self.person)
        )]))
    }

    fn find_ids(&self, database: &mut dyn Lookups, known: &Known<'_, '_>) -> Result<IdMap> {
        let mut ids = if self.mode == ImportMode::Copy {
            IdMap::new(IdOrigin::Copied, self.import.to_owned())
        } else {
            self.look_up_ids(database, known)?
        };
        self.match_records(database, known, &mut ids)?;
        Ok(ids)
    }

    fn look_up_ids(&self, database: &mut dyn Lookups, known: &Known<'_, '_>) -> Result<IdMap> {
        let origin = if self.is_own() { IdOrigin::Own } else { IdOrigin::Unknown };
        let mut ids = IdMap::new(origin, self.person.to_owned());
        let mut lookups = KnownIds::new(database, self.person, known.shapes, &mut ids);
        self.for_each_record(known, |_, shape, record| {
            if let Some(id) = shape.id.as_ref().and_then(|id| text_of(record.values.get(id)?)) {
                lookups.look_up(&shape.table, &id)?;
            }
            // What an own archive refers to besides its records stays, too, if it is nobody else's.
            let mut referred_to = Vec::new();
            for key in shape.references.iter().filter(|_| origin == IdOrigin::Own) {
                visit(key, &record.values, &mut |table, id| referred_to.push((table.clone(), id.to_owned())));
            }
            referred_to.iter().try_for_each(|(table, id)| lookups.look_up(table, id))
        })?;
        lookups.finish()?;
        Ok(ids)
    }

    /// Finds the records that are the importer's under another id.
    fn match_records(&self, database: &mut dyn Lookups, known: &Known<'_, '_>, ids: &mut IdMap) -> Result<()> {
        // What is replaced is what the archive does not have, by its ids.
        let shapes = if self.mode == ImportMode::Replace { &[] } else { known.shapes };
        let mut keys = BTreeMap::new();
        for shape in shapes {
            let of = (self.person, self.mode == ImportMode::Copy);
            if let Some(found) = NaturalKeys::find(database, shape, self.profile, of)? {
                keys.insert(&shape.table, found);
            }
        }
        if keys.is_empty() {
            return Ok(());
        }
        self.for_each_record(known, |_, shape, record| {
            let Some(keys) = keys.get(&shape.table) else { return Ok(()) };
            let mut values = record.values;
            let Some(old) = shape.id.as_ref().and_then(|id| text_of(values.get(id)?)) else { return Ok(()) };
            for key in &shape.references {
                rewrite(key, &mut values, ids);
            }
            values.insert(shape.owner.clone(), json_text(self.person));
            if let Some(own) = keys.match_record(&ids.map(&shape.table, &old), &values) {
                ids.add_match(&shape.table, &old, own);
            }
            Ok(())
        })?;
        Ok(())
    }

    fn open_media(&self, database: &mut dyn Lookups, known: &Known<'a, '_>, ids: &IdMap) -> Result<Option<Media<'a>>> {
        let Some(layout) = &known.layout.media else { return Ok(None) };
        let Some(shape) = known.shapes.iter().find(|shape| shape.table == layout.table) else { return Ok(None) };
        let records = self.archive.contents.record_counts.get(layout.table.as_str()).copied().unwrap_or_default();
        let Some(folder) = self.folder else {
            let needed =
                "the archive has records of files: say in which folder the application keeps files (--media FOLDER)";
            return if records == 0 { Ok(None) } else { Err(Error::Refused(vec![needed.to_owned()])) };
        };
        let mut media = Media::new(layout, (self.archive, self.is_own()), folder, self.import);
        if self.mode == ImportMode::Copy {
            return Ok(Some(media));
        }
        let mut batch = Vec::new();
        self.for_each_record(known, |_, of, record| {
            if of.table != layout.table {
                return Ok(());
            }
            let id = record.values.get(&layout.id).and_then(|json| text_of(json)).unwrap_or_default();
            batch.push(ids.map(&of.table, &id).into_owned());
            if batch.len() >= BATCH {
                media.find_own(database, &shape.owner, self.person, &std::mem::take(&mut batch))?;
            }
            Ok(())
        })?;
        media.find_own(database, &shape.owner, self.person, &batch)?;
        Ok(Some(media))
    }

    /// The names of the importer's records, where copies need others.
    fn find_names(
        &self,
        database: &mut dyn Lookups,
        shapes: &[TableShape],
    ) -> Result<BTreeMap<TableName, UniqueNames>> {
        let mut names = BTreeMap::new();
        for shape in shapes.iter().filter(|_| self.mode == ImportMode::Copy) {
            let Some(mut unique) = find_own_names(shape, self.profile) else { continue };
            let columns = vec![unique.column.clone()];
            let lookup = RowLookup { table: shape.table.clone(), key: shape.owner.clone(), columns };
            database.find_rows(&lookup, &[self.person.to_owned()], &mut |_, columns| {
                columns.iter().flatten().for_each(|name| unique.take(name));
            })?;
            names.insert(shape.table.clone(), unique);
        }
        Ok(names)
    }

    fn write_document(&self, known: &Known<'_, '_>, mut records: RecordConversion<'_, 'a>) -> Result<Converted<'a>> {
        let documents = self.archive.entries.iter().filter(|(name, _)| !is_media(name));
        check_room(documents.map(|(_, entry)| entry.bytes).sum()).map_err(Error::Temporary)?;
        let files = known
            .shapes
            .iter()
            .map(|shape| TableFile::new(shape.table.clone(), shape.schema()))
            .collect::<std::io::Result<Vec<_>>>();
        let mut files = files.map_err(Error::Temporary)?;
        let unknown = self.for_each_record(known, |document, shape, record| {
            let place = format!("{document}{DOCUMENT_SUFFIX}, line {}", record.line);
            let Some(values) = records.convert(&place, shape, &record)? else { return Ok(()) };
            let file = known.shapes.iter().position(|own| own.table == shape.table).and_then(|at| files.get_mut(at));
            file.map_or(Ok(()), |file| file.write(&values)).map_err(Error::Temporary)
        })?;
        let ConvertedRecords { id_changes, media, emptied } = records.finish()?;
        let document = write_document(&self.archive.metadata, files).map_err(|error| match error {
            crate::seal::Error::Write(error) => Error::Temporary(error),
            _ => Error::Changed,
        })?;
        let verified = verify_content(document.try_clone()?, |_| ())??;
        let CheckedFile { signed_by, sha256, .. } = &self.archive.file;
        let mut document = CheckedFile::new(verified, signed_by.clone(), Arc::new(document));
        document.sha256.clone_from(sha256);
        let unknown = unknown.into_iter().take(MAX_NOTES).map(|key| format!("{key} is not known here, and left out"));
        let emptied =
            emptied.into_iter().map(|field| format!("{field} refers to what no archive has, and is left empty"));
        let missing = media.as_ref().filter(|media| media.missing > 0).map(|media| {
            let files = text::count_with_noun(media.missing, "file");
            format!("the archive lacks {files} for which it has a record: they stay missing")
        });
        let notes = missing.into_iter().chain(unknown).chain(emptied).collect();
        let owners = known.shapes.iter().map(|shape| (shape.table.clone(), shape.owner.clone())).collect();
        let about = Conversion { is_own: self.is_own(), owners: Some(owners), notes, ..Conversion::default() };
        Ok(Converted { document, about, id_changes, media })
    }

    /// Reads the documents once, and returns the keys that are not known here.
    fn for_each_record(
        &self,
        known: &Known<'_, '_>,
        mut visit: impl FnMut(&str, &TableShape, DocumentRecord) -> Result<()>,
    ) -> Result<BTreeSet<String>> {
        let mut documents: BTreeMap<String, &Node> =
            known.layout.documents.iter().map(|node| (format!("{}{DOCUMENT_SUFFIX}", node.name), node)).collect();
        let (mut unknown, mut counts) = (BTreeSet::new(), BTreeMap::<TableName, u64>::new());
        let max_line_bytes = self.max_record_bytes.map_or(MAX_LINE_BYTES, |bytes| bytes as u64);
        self.archive.for_each_entry(|name, content| {
            let Some(node) = documents.remove(name) else { return Ok(!is_media(name)) };
            let schema = &self.archive.contents.schema;
            let invalid = |what: String| Error::InvalidArchive(format!("{name}: {what}"));
            let reader = DocumentReader::new(known.layout, node, schema)
                .ok_or_else(|| invalid("the seal does not say what columns its records have".to_owned()))?;
            let mut take = |table: &TableName, record: DocumentRecord| {
                let shape = known.shapes.iter().find(|shape| shape.table == *table);
                let shape = shape.ok_or_else(|| invalid(format!("records of {table} are not expected")))?;
                *counts.entry(table.clone()).or_default() += 1;
                visit(&node.name, shape, record)
            };
            let read = reader.read(BufReader::new(content), max_line_bytes, &mut take);
            unknown.extend(read.map_err(|error| match error {
                ReadError::Taken(error) => error,
                error => invalid(error.to_string()),
            })?);
            Ok(true)
        })?;
        let invalid = |what: String| Err(Error::InvalidArchive(what));
        if let Some((name, _)) =
            documents.iter().find(|(_, node)| self.archive.contents.schema.get(node.table.as_str()).is_some())
        {
            return invalid(format!("{name} is missing"));
        }
        for (table, declared) in self.archive.contents.record_counts.iter() {
            let found = counts.get(table).copied().unwrap_or_default();
            if found != *declared {
                return invalid(format!("its seal promises {declared} records of {table}, and it has {found}"));
            }
        }
        Ok(unknown)
    }
}

/// Removes the files of earlier imports to which nothing refers any more.
///
/// # Errors
/// `Target` if that cannot be found out.
pub fn remove_orphaned_media(
    database: &mut dyn Lookups,
    layout: &Layout,
    folder: &BlobFolder,
    newest_kept: Option<&str>,
) -> Result<()> {
    layout.media.as_ref().map_or(Ok(()), |media| remove_orphans(database, media, folder, newest_kept))
}
