//! The file that keeps what undoing one import needs: a database of its own, which only this user can read.
//!
//! It is complete and on disk before the import is committed; `ATTACH` would not commit both at once (<https://sqlite.org/lang_attach.html>). A
//! program that is killed between the two leaves a file that nothing in the database corresponds to: that a row is still what the
//! import has made of it, a digest of the whole row tells.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, OpenFlags, Statement, params, params_from_iter};

use super::super::super::{Error, Kind, Result, SourceIdentity, undo_rules};
use super::writing::open;
use crate::model::import_undo::KeptImport;
use crate::model::name::TableName;
use crate::server::support::clock::rfc3339;
use crate::server::support::private_folder::{PrivateFolder, is_private_to_process_user};
use crate::server::support::random::time_of_uuid_v7;

const SUFFIX: &str = ".undo";
const PARTIAL_SUFFIX: &str = ".partial";

/// A table that was imported into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptTable {
    pub number: usize,
    pub name: TableName,
    /// What its rows are found by.
    pub found_by: Vec<String>,
    /// All of its columns that hold what is written.
    pub columns: Vec<String>,
    /// The columns that the import may have replaced.
    pub replaced: Vec<String>,
}

/// Where the files of all imports are.
#[derive(Clone, Debug)]
pub struct UndoFolder(PathBuf);

/// The file of one import, to be read.
pub struct UndoFile {
    pub import: KeptImport,
    pub tables: Vec<KeptTable>,
    pub connection: Connection,
}

/// The file of an import that is not committed yet. Dropped before `finish`, nothing is left of it.
pub struct NewUndoFile {
    connection: Connection,
    partial: tempfile::TempPath,
    path: PathBuf,
    folder: PathBuf,
}

/// Takes the rows of one table that the import has written.
pub struct WrittenRows<'f>(Statement<'f>);

/// Takes the rows of one table that the import has removed.
pub struct RemovedRows<'f>(Statement<'f>);

impl UndoFolder {
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    fn path_of(&self, import: &str) -> PathBuf {
        self.0.join(format!("{import}{SUFFIX}"))
    }

    /// The files of imports into this database, the oldest first. One that cannot be read is nobody's import.
    pub fn list(&self, database: &SourceIdentity) -> Result<Vec<UndoFile>> {
        self.check_private()?;
        let mut ids = self.names(SUFFIX)?;
        ids.sort();
        Ok(ids.iter().filter_map(|id| self.open(id, database).ok()).collect())
    }

    /// # Errors
    /// `NotFound` if there is none of this import into this database.
    pub fn open(&self, import: &str, database: &SourceIdentity) -> Result<UndoFile> {
        self.check_private()?;
        let path = self.path_of(import);
        if !is_id(import) || !is_own_file(&path) {
            return Err(undo_rules::no_such_import());
        }
        UndoFile::open(&path, import, database)
            .map_err(|cause| self.unusable(&cause))?
            .ok_or_else(undo_rules::no_such_import)
    }

    /// Begins the file of a new import, and removes those that are too old to be undone.
    pub fn create(&self, import: &KeptImport, database: &SourceIdentity) -> Result<NewUndoFile> {
        PrivateFolder::open_or_create(self.0.clone())
            .map_err(|error| Error::new(Kind::Failed, format!("what an undo needs cannot be kept: {error}; {HINT}")))?;
        self.check_private()?;
        for suffix in [SUFFIX, PARTIAL_SUFFIX] {
            for old in self.names(suffix)?.iter().filter(|old| undo_rules::is_older(old, &import.id)) {
                self.remove(old, suffix);
            }
        }
        NewUndoFile::create(&self.0, import, database, self.path_of(&import.id)).map_err(|cause| self.unusable(&cause))
    }

    /// Forgets an import. A file that stays is of one that nothing in the database corresponds to any more.
    pub fn forget(&self, import: &str) {
        self.remove(import, SUFFIX);
    }

    fn remove(&self, import: &str, suffix: &str) {
        let path = self.0.join(format!("{import}{suffix}"));
        if let Err(error) = std::fs::remove_file(&path)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %path.display(), "what an undo needs could not be removed");
        }
    }

    /// What is in the folder decides what an undo writes.
    fn check_private(&self) -> Result<()> {
        match self.0.symlink_metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Ok(folder) if folder.is_dir() && is_private_to_process_user(&folder) => Ok(()),
            _ => {
                let what = format!(
                    "{} must be a folder of this user that nobody else can enter (chmod 700), since it has what undoes imports; {HINT}",
                    self.0.display()
                );
                Err(Error::new(Kind::Unsuitable, what))
            }
        }
    }

    /// The names of our own files with this suffix, without it.
    fn names(&self, suffix: &str) -> Result<Vec<String>> {
        let entries = match std::fs::read_dir(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| self.unusable(&error.into()))?,
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let names = names.filter(|name| is_own_file(&self.0.join(name)));
        let names = names.filter_map(|name| name.strip_suffix(suffix).map(str::to_owned));
        let has_id = |name: &String| is_id(name) || suffix == PARTIAL_SUFFIX && name.get(..32).is_some_and(is_id);
        Ok(names.filter(has_id).collect())
    }

    /// The file cannot be written or read.
    pub fn unusable(&self, cause: &FileError) -> Error {
        let problem = match cause {
            FileError::Sqlite(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull) => {
                "its disk is full".to_owned()
            }
            FileError::Io(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
                "its disk is full".to_owned()
            }
            FileError::Sqlite(error) => error.to_string(),
            FileError::Io(error) => error.to_string(),
            FileError::Format => "it is not as this version writes it".to_owned(),
        };
        Error::new(
            Kind::Failed,
            format!("what an undo needs cannot be kept or read in {}: {problem}; {HINT}", self.0.display()),
        )
    }
}

fn is_id(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether it is a regular file that only this user can read and write.
fn is_own_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|file| file.is_file() && is_private_to_process_user(&file))
}

const HINT: &str = "choose another folder with --undo-folder, or import with --no-undo";

/// Why the file cannot be used.
#[derive(Debug)]
pub enum FileError {
    Sqlite(rusqlite::Error),
    Io(io::Error),
    Format,
}

impl From<rusqlite::Error> for FileError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl UndoFile {
    /// The tables to which the import has written anything.
    pub fn written_tables(&self) -> Result<Vec<&TableName>> {
        let mut written = Vec::new();
        for table in &self.tables {
            let sql = format!("SELECT EXISTS (SELECT 1 FROM rows_{})", table.number);
            if self.connection.query_row(&sql, [], |row| row.get(0))? || self.has_removed(table)? {
                written.push(&table.name);
            }
        }
        Ok(written)
    }

    /// Whether the import has removed rows of the table.
    pub fn has_removed(&self, table: &KeptTable) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)";
        Ok(self.connection.query_row(sql, [format!("removed_{}", table.number)], |row| row.get(0))?)
    }

    /// Nothing if it is of another database.
    fn open(path: &Path, import: &str, database: &SourceIdentity) -> std::result::Result<Option<Self>, FileError> {
        let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|_| FileError::Format)?;
        connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA mmap_size = 0")?;
        let head = |row: &rusqlite::Row<'_>| {
            let text = |place| row.get::<_, String>(place);
            Ok((text(0)?, text(1)?, text(2)?, row.get(3)?, row.get(4)?))
        };
        let (file_sha256, mode, id, file_id, person) =
            connection.query_row("SELECT file_sha256, mode, database, database_file, person FROM import", [], head)?;
        let file_id: Option<String> = file_id;
        // A copy has the path of its original, or another one, and is another file.
        let is_same = match (&file_id, &database.file_id) {
            (Some(kept), Some(own)) => kept == own,
            _ => id == database.id,
        };
        if !is_same {
            return Ok(None);
        }
        let mode = serde_json::from_str(&mode).map_err(|_| FileError::Format)?;
        let at = time_of_uuid_v7(import).map(rfc3339).unwrap_or_default();
        let import = KeptImport { id: import.to_owned(), at, file_sha256, mode, person };
        let tables = read_tables(&connection)?;
        Ok(Some(Self { import, tables, connection }))
    }
}

fn read_tables(connection: &Connection) -> std::result::Result<Vec<KeptTable>, FileError> {
    let mut statement =
        connection.prepare("SELECT number, name, found_by, columns, replaced FROM tables ORDER BY number")?;
    let mut rows = statement.query([])?;
    let mut tables = Vec::new();
    while let Some(row) = rows.next()? {
        let names = |place: usize| -> std::result::Result<Vec<String>, FileError> {
            serde_json::from_str(&row.get::<_, String>(place)?).map_err(|_| FileError::Format)
        };
        tables.push(KeptTable {
            number: row.get(0)?,
            name: row.get::<_, String>(1)?.as_str().into(),
            found_by: names(2)?,
            columns: names(3)?,
            replaced: names(4)?,
        });
    }
    Ok(tables)
}

impl NewUndoFile {
    fn create(
        folder: &Path,
        import: &KeptImport,
        database: &SourceIdentity,
        path: PathBuf,
    ) -> std::result::Result<Self, FileError> {
        let partial = tempfile::Builder::new().prefix(&import.id).suffix(PARTIAL_SUFFIX).tempfile_in(folder)?;
        let partial = partial.into_temp_path();
        let connection = open(&partial, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|_| FileError::Format)?;
        connection.busy_timeout(Duration::ZERO)?;
        // Nothing needs to survive but the whole, which `finish` writes to disk.
        connection.execute_batch(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA mmap_size = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN;
             CREATE TABLE import (file_sha256 TEXT, mode TEXT, database TEXT, database_file TEXT, person TEXT);
             CREATE TABLE dangling (tab, row, parent, fkid, times);
             CREATE TABLE tables (number INTEGER PRIMARY KEY, name TEXT, found_by TEXT, columns TEXT, replaced TEXT);",
        )?;
        let mode = serde_json::to_string(&import.mode).map_err(|_| FileError::Format)?;
        connection.execute(
            "INSERT INTO import VALUES (?1, ?2, ?3, ?4, ?5)",
            params![import.file_sha256, mode, database.id, database.file_id, import.person],
        )?;
        Ok(Self { connection, partial, path, folder: folder.to_owned() })
    }

    /// Begins the rows of a table that the import has written.
    pub fn begin_table(&self, table: &KeptTable) -> std::result::Result<WrittenRows<'_>, FileError> {
        let json = |names: &[String]| serde_json::to_string(names).map_err(|_| FileError::Format);
        self.connection.execute(
            "INSERT INTO tables VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                table.number,
                table.name.as_str(),
                json(&table.found_by)?,
                json(&table.columns)?,
                json(&table.replaced)?
            ],
        )?;
        let columns = table.row_columns();
        self.connection.execute_batch(&format!("CREATE TABLE rows_{} ({})", table.number, columns.join(", ")))?;
        let places = vec!["?"; columns.len()].join(", ");
        let insert = format!("INSERT INTO rows_{} VALUES ({places})", table.number);
        Ok(WrittenRows(self.connection.prepare(&insert)?))
    }

    /// Begins the rows of a table that the import has removed.
    pub fn begin_removed(&self, table: &KeptTable) -> std::result::Result<RemovedRows<'_>, FileError> {
        let columns = table.all_columns();
        self.connection.execute_batch(&format!("CREATE TABLE removed_{} ({})", table.number, columns.join(", ")))?;
        let places = vec!["?"; columns.len()].join(", ");
        let insert = format!("INSERT INTO removed_{} VALUES ({places})", table.number);
        Ok(RemovedRows(self.connection.prepare(&insert)?))
    }

    /// Keeps which references led nowhere before the import: they may do so again after its undo.
    pub fn push_dangling(&self, row: &[ToSqlOutput<'_>; 5]) -> std::result::Result<(), FileError> {
        self.connection
            .prepare_cached("INSERT INTO dangling VALUES (?, ?, ?, ?, ?)")?
            .execute(params_from_iter(row))?;
        Ok(())
    }

    /// Writes it to disk, under its name.
    pub fn finish(self) -> std::result::Result<(), FileError> {
        self.connection.execute_batch("COMMIT")?;
        self.connection.close().map_err(|(_, error)| error)?;
        File::open(&self.partial)?.sync_all()?;
        self.partial.persist_noclobber(&self.path).map_err(|error| error.error)?;
        Ok(File::open(&self.folder)?.sync_all()?)
    }
}

impl WrittenRows<'_> {
    /// A row: its digest, whether it was there before, what it is found by, and what it had in the columns that may have been replaced.
    pub fn push(
        &mut self,
        digest: &[u8],
        was_absent: bool,
        values: &[ToSqlOutput<'_>],
    ) -> std::result::Result<(), FileError> {
        let head = [ToSqlOutput::from(digest), ToSqlOutput::from(was_absent)];
        self.0.execute(params_from_iter(head.iter().chain(values)))?;
        Ok(())
    }
}

impl RemovedRows<'_> {
    /// A row: the values of all columns.
    pub fn push(&mut self, values: &[ToSqlOutput<'_>]) -> std::result::Result<(), FileError> {
        self.0.execute(params_from_iter(values))?;
        Ok(())
    }
}

impl KeptTable {
    /// The columns of the table that has its removed rows: `c0` and on.
    pub fn all_columns(&self) -> Vec<String> {
        (0..self.columns.len()).map(|place| format!("c{place}")).collect()
    }

    /// The columns of the table that has its rows: `digest`, `was_absent`, `k0` and on, `c0` and on.
    pub fn row_columns(&self) -> Vec<String> {
        let keys = (0..self.found_by.len()).map(|place| format!("k{place}"));
        let values = (0..self.replaced.len()).map(|place| format!("c{place}"));
        ["digest".to_owned(), "was_absent".to_owned()].into_iter().chain(keys).chain(values).collect()
    }
}
