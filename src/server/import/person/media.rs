//! The files of an archive: which ones are taken, under which names, and their way into the blob folder.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Write};

use super::super::conversion::{Values, is_uuid, json_text, text_of};
use super::super::{Error, Result};
use super::archive_file::CheckedArchive;
use super::content_type::{HEAD_BYTES, is_disguised, kept_type};
use crate::model::name::TableName;
use crate::seal::archive::MEDIA_FOLDER;
use crate::server::layout::{DocumentRecord, media_path};
use crate::server::profile::MediaLayout;
use crate::server::source::{Lookups, RowLookup};
use crate::server::support::blob_folder::{BlobFolder, FolderLock};
use crate::server::support::disk::check_room;

/// The folder of the blob folder with a folder for each import.
const IMPORTS: &str = "imports";

/// How many records are looked up at once.
const BATCH: usize = 1_000;

/// What becomes of an archive's files.
pub struct Media<'m> {
    layout: &'m MediaLayout,
    archive: &'m CheckedArchive,
    folder: &'m BlobFolder,
    /// The id of the import, after which its folder is named.
    import: &'m str,
    /// Digest and file of the importer's own records, by their ids.
    own: HashMap<String, (String, String)>,
    /// Whether the archive is of the importer, who has had these files: their types are not looked at.
    is_own: bool,
    /// The names that files of the archive get in the blob folder.
    new: BTreeMap<String, NewFile>,
    /// The importer's records that keep their files, by their ids.
    kept: Vec<String>,
    /// Files that records stand for, and that the archive lacks.
    pub missing: u64,
}

struct NewFile {
    name: String,
    content_type: String,
}

impl<'m> Media<'m> {
    pub fn new(
        layout: &'m MediaLayout,
        (archive, is_own): (&'m CheckedArchive, bool),
        folder: &'m BlobFolder,
        import: &'m str,
    ) -> Self {
        let (own, new, kept) = (HashMap::new(), BTreeMap::new(), Vec::new());
        Self { layout, archive, folder, import, own, is_own, new, kept, missing: 0 }
    }

    /// The table of the files' records.
    pub fn table(&self) -> &TableName {
        &self.layout.table
    }

    /// Finds the importer's own records among these ids, which are those of the records here. `owner` is the column that says whose one is.
    pub fn find_own(&mut self, database: &mut dyn Lookups, owner: &str, person: &str, ids: &[String]) -> Result<()> {
        find_files(database, self.layout, (owner, person), ids, &mut self.own)
    }

    /// Decides which file the record gets. `values` are those that it has here, `old_id` is its id in the archive.
    ///
    /// # Errors
    /// A sentence about what the archive says wrongly.
    pub fn take(
        &mut self,
        record: &DocumentRecord,
        old_id: &str,
        values: &mut Values,
    ) -> std::result::Result<(), String> {
        let MediaLayout { id, file_name, content_type, storage_key, bytes, sha256, .. } = self.layout;
        let plain = [id, file_name, content_type, sha256];
        if let Some(other) = plain.into_iter().find(|name| values.get(*name).and_then(|json| text_of(json)).is_none()) {
            return Err(format!("{other} is no text"));
        }
        let text = |column: &String| values.get(column).and_then(|json| text_of(json)).unwrap_or_default();
        let (new_id, digest) = (text(id), text(sha256).to_ascii_lowercase());
        let path = media_path(old_id, &text(file_name));
        if record.media_path.as_ref().is_some_and(|named| *named != path) {
            return Err("the record names a file that is not its own".to_owned());
        }
        let entry = self.archive.entries.get(&path);
        if let Some(entry) = entry
            && (entry.sha256 != digest || values.get(bytes).and_then(|json| json.parse().ok()) != Some(entry.bytes))
        {
            return Err(format!("{path} is not the file that its record describes"));
        }
        let own = self.own.get(&new_id).filter(|(own, name)| *own == digest && self.folder.open_file(name).is_ok());
        let is_safe_name = is_uuid(&new_id);
        let kept = if self.is_own { text(content_type) } else { kept_type(&text(content_type)).to_owned() };
        let name = match (own, entry) {
            (Some((_, name)), _) => {
                self.kept.push(new_id.clone());
                name.clone()
            }
            (None, _) if !is_safe_name => {
                return Err("the id of the record is no UUID, after which its file could be named".to_owned());
            }
            (None, entry) => {
                let name = format!("{}/{new_id}", self.own_folder());
                let content_type = kept.clone();
                self.missing += u64::from(entry.is_none());
                if entry.is_some() {
                    self.new.insert(path, NewFile { name: name.clone(), content_type });
                }
                name
            }
        };
        values.insert(content_type.clone(), json_text(&kept));
        values.insert(storage_key.clone(), json_text(&name));
        Ok(())
    }

    /// Looks into the files of an archive that is not the importer's.
    ///
    /// # Errors
    /// `Refused` with those that are not what their types say.
    pub fn check_contents(&self) -> Result<()> {
        if self.new.is_empty() || self.is_own {
            return Ok(());
        }
        let mut risks = Vec::new();
        self.archive.for_each_entry(|name, content| {
            if let Some(new) = self.new.get(name) {
                let mut head = Vec::new();
                content.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
                let is_disguised = is_disguised(&new.content_type, &head);
                risks.extend(is_disguised.then(|| format!("{name} is not what its type says, {}", new.content_type)));
            }
            Ok(true)
        })?;
        if risks.is_empty() { Ok(()) } else { Err(Error::Refused(risks)) }
    }

    /// Whether the importer's records still have the files that they keep, and those that were written are there: nothing was locked when
    /// they were looked up, and written.
    ///
    /// # Errors
    /// `Refused` if not; `Target` if the records cannot be read.
    pub fn check(&self, database: &mut dyn Lookups, owner: &str, person: &str) -> Result<()> {
        let mut now = HashMap::new();
        for ids in self.kept.chunks(BATCH) {
            find_files(database, self.layout, (owner, person), ids, &mut now)?;
        }
        let is_there = |name: &String| self.folder.open_file(name).is_ok();
        let is_kept =
            |id: &String| now.get(id) == self.own.get(id) && now.get(id).is_some_and(|(_, name)| is_there(name));
        if self.kept.iter().all(is_kept) && self.new.values().all(|new| is_there(&new.name)) {
            return Ok(());
        }
        let moved = "a file of the importer's was changed or removed while the archive was read: import it again";
        Err(Error::Refused(vec![moved.to_owned()]))
    }

    /// Writes the files, and makes sure that they are on disk. Other imports take them for left behind once the lock is released, unless
    /// a record refers to them by then.
    ///
    /// # Errors
    /// `Media` if one cannot be written; nothing is left of them then.
    pub fn write(&self) -> Result<Option<FolderLock>> {
        if self.new.is_empty() {
            return Ok(None);
        }
        let sizes = self.new.keys().filter_map(|path| Some(self.archive.entries.get(path)?.bytes));
        self.check_room(sizes.sum())?;
        let lock = self.folder.create_locked(&self.own_folder()).map_err(Error::Media)?;
        match self.write_files() {
            Ok(()) => Ok(Some(lock)),
            Err(error) => {
                self.remove();
                Err(error)
            }
        }
    }

    /// Others write meanwhile: it is asked before each file.
    fn check_room(&self, needed: u64) -> Result<()> {
        check_room(self.folder.available_bytes().ok(), needed).map_err(Error::Media)
    }

    /// The folder of this import's files.
    fn own_folder(&self) -> String {
        format!("{IMPORTS}/{}", self.import)
    }

    fn write_files(&self) -> Result<()> {
        self.archive.for_each_entry(|name, content| {
            if let Some(new) = self.new.get(name) {
                self.check_room(self.archive.entries.get(name).map_or(0, |entry| entry.bytes))?;
                let mut file = self.folder.create_file(&new.name).map_err(Error::Media)?;
                copy(content, &mut file).map_err(Error::Media)?;
                file.sync_all().map_err(Error::Media)?;
            }
            Ok(true)
        })?;
        self.folder.sync_folder(&self.own_folder()).map_err(Error::Media)
    }

    /// Removes what was written: nothing refers to it.
    pub fn remove(&self) {
        for new in self.new.values() {
            let _ = self.folder.remove(&new.name, false);
        }
        let _ = self.folder.remove(&self.own_folder(), true);
        let _ = self.folder.remove(IMPORTS, true);
    }
}

/// Adds digest and file of those of these records that are the person's, by their ids.
fn find_files(
    database: &mut dyn Lookups,
    layout: &MediaLayout,
    (owner, person): (&str, &str),
    ids: &[String],
    found: &mut HashMap<String, (String, String)>,
) -> Result<()> {
    let MediaLayout { table, id, storage_key, sha256, .. } = layout;
    let columns = vec![owner.to_owned(), sha256.clone(), storage_key.clone()];
    let lookup = RowLookup { table: table.clone(), key: id.clone(), columns };
    let mut add = |at: usize, columns: Vec<Option<String>>| {
        if let [Some(owner), Some(sha256), Some(file)] = &columns[..]
            && owner == person
        {
            found.insert(ids[at].clone(), (sha256.to_ascii_lowercase(), file.clone()));
        }
    };
    Ok(database.find_rows(&lookup, ids, &mut add)?)
}

fn copy(content: &mut dyn Read, file: &mut dyn Write) -> io::Result<()> {
    io::copy(content, file).map(drop)
}

/// Whether the entry is a file, and no document.
pub fn is_media(entry: &str) -> bool {
    entry.starts_with(MEDIA_FOLDER)
}

/// Removes the files of imports to which no record refers: of those that were killed before their commit, or are undone. `newest_kept` is
/// the newest import that can be undone: that could bring back records with the files of earlier ones. The tables are locked: nobody
/// else commits an import, and those who wait to do so have locked the folders of their files.
///
/// # Errors
/// `Target` if the records cannot be read.
pub fn remove_orphans(
    database: &mut dyn Lookups,
    layout: &MediaLayout,
    folder: &BlobFolder,
    newest_kept: Option<&str>,
) -> Result<()> {
    let is_id = |name: &String| name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_final = |name: &String| newest_kept.is_none_or(|kept| name.as_str() > kept);
    // What is odd there is not ours, and keeps nobody from importing.
    let imports = folder.list(IMPORTS).unwrap_or_default();
    for earlier in imports.iter().filter(|name| is_id(name) && is_final(name)) {
        let within = format!("{IMPORTS}/{earlier}");
        let Ok(Some(_lock)) = folder.try_lock(&within) else { continue };
        let names = folder.list(&within).unwrap_or_default();
        let names: Vec<String> =
            names.into_iter().filter(|name| is_uuid(name)).map(|name| format!("{within}/{name}")).collect();
        let lookup = RowLookup { table: layout.table.clone(), key: layout.storage_key.clone(), columns: Vec::new() };
        let mut is_used = vec![false; names.len()];
        database.find_rows(&lookup, &names, &mut |at, _| is_used[at] = true)?;
        for (name, _) in names.iter().zip(&is_used).filter(|(_, is_used)| !**is_used) {
            if let Err(error) = folder.remove(name, false) {
                tracing::warn!(%error, %name, "a file that no record refers to could not be removed");
            }
        }
        if !is_used.contains(&true) {
            let _ = folder.remove(&within, true);
        }
    }
    Ok(())
}
