//! The address of a source database, as it is typed.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use super::exit::{CliError, Exit};
use crate::server::binding::SourceName;
use crate::server::source::postgres::{ConnectConfig, PostgresSource, PostgresTarget};
use crate::server::source::sqlite::{SqliteSource, SqliteTarget};
use crate::server::source::{Source, Target};

/// The address of a source database.
#[derive(Clone, Debug)]
pub enum SourceUrl {
    Sqlite(PathBuf),
    Postgres(Box<ConnectConfig>),
}

impl FromStr for SourceUrl {
    type Err = String;

    /// Errors never quote the text, which may contain a password.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("sqlite", path)) => sqlite_path(path).map(Self::Sqlite),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(Box::new(text.parse()?))),
            _ => Err("write sqlite:PATH or postgres://user@host:port/database".into()),
        }
    }
}

impl SourceUrl {
    pub fn unverified_host(&self) -> Option<&str> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(address) => address.unverified_host(),
        }
    }

    /// The address for the caller's own terminal, without a password.
    pub fn without_password(&self) -> String {
        match self {
            Self::Sqlite(path) => path.display().to_string(),
            Self::Postgres(address) => address.to_string(),
        }
    }

    /// The address as an option of another command takes it, without a password.
    pub fn to_argument(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(address) => address.to_string(),
        }
    }

    /// The name of the database; for SQLite, of its file without the extension.
    pub fn database_name(&self) -> String {
        match self {
            Self::Sqlite(path) => {
                path.file_stem().map_or("database".into(), |stem| stem.to_string_lossy().into_owned())
            }
            Self::Postgres(address) => address.database().to_owned(),
        }
    }

    /// The source's name in the state when the operator gives none. A file also gets its path as an alternative,
    /// because many files share a name.
    pub fn default_name(&self) -> SourceName {
        let fallback = self.file().and_then(|file| Some(file.canonicalize().ok()?.display().to_string()));
        SourceName { name: self.database_name(), fallback }
    }

    /// The database file of an SQLite source.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }

    /// Opens the source. Blocks: connects to a server at once, to find out whether it can be used.
    ///
    /// # Errors
    /// If the server cannot be used.
    pub fn open(&self, trusted_owners: &[String]) -> Result<Arc<dyn Source>, CliError> {
        Ok(match self {
            Self::Sqlite(path) => Arc::new(SqliteSource::new(path)),
            Self::Postgres(address) => {
                let source = PostgresSource::connect((**address).clone(), trusted_owners);
                Arc::new(source.map_err(|error| self.with_context(error.into()))?)
            }
        })
    }

    /// The database as one that an import writes to. What undoing one needs is in `undo_folder`, if the engine keeps it in files.
    #[must_use]
    pub fn target(&self, trusted_owners: &[String], undo_folder: PathBuf) -> Arc<dyn Target> {
        match self {
            Self::Sqlite(path) => Arc::new(SqliteTarget::new(SqliteSource::new(path), undo_folder)),
            Self::Postgres(address) => Arc::new(PostgresTarget::new((**address).clone(), trusted_owners.to_vec())),
        }
    }

    pub fn with_context(&self, CliError { exit, message }: CliError) -> CliError {
        if !matches!(exit, Exit::Failure | Exit::Refused) {
            return CliError { exit, message };
        }
        CliError::new(exit, format!("{}: {message}", self.without_password()))
    }
}

/// Parses what follows `sqlite:`. Accepts two slashes before the path, as some write it.
pub fn sqlite_path(text: &str) -> Result<PathBuf, String> {
    match text.strip_prefix("//").unwrap_or(text) {
        "" => Err("the path is missing: write sqlite:PATH".into()),
        path => Ok(path.into()),
    }
}
