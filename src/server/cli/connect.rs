//! Opens the source and builds the app from command-line arguments.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use secrecy::ExposeSecret;

use super::args::{DatabaseArgs, SigningArgs, SourceArgs, StateArgs, StateFileArgs};
use super::exit::{CliError, Exit};
use super::terminal::eprint_line;
use crate::server::app::{App, Parts, Storage};
use crate::server::binding::SourceName;
use crate::server::profile::{Profile, SecondFactorPolicy};
use crate::server::profiles;
use crate::server::source::Source;
use crate::server::source::postgres::{ConnectConfig, PostgresSource};
use crate::server::source::sqlite::SqliteSource;
use crate::server::support::clock::SystemClock;
use crate::server::support::random::SystemRandom;

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
    fn unverified_host(&self) -> Option<&str> {
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
    fn open(&self, trusted_owners: &[String]) -> Result<Arc<dyn Source>, CliError> {
        Ok(match self {
            Self::Sqlite(path) => Arc::new(SqliteSource::new(path)),
            Self::Postgres(address) => {
                let source = PostgresSource::connect((**address).clone(), trusted_owners);
                Arc::new(source.map_err(|error| self.with_context(error.into()))?)
            }
        })
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

/// An opened source and its profile.
pub struct OpenedSource {
    pub url: SourceUrl,
    pub source: Arc<dyn Source>,
    pub profile: Profile,
}

impl StateFileArgs {
    pub fn path(&self) -> Result<PathBuf, CliError> {
        match &self.state {
            Some(url) => match url.strip_prefix("sqlite:") {
                Some(path) => sqlite_path(path).map_err(|message| CliError::new(Exit::Usage, message)),
                None => Err(CliError::new(Exit::Usage, "--state: write sqlite:PATH")),
            },
            None => default_state_path(),
        }
    }
}

impl DatabaseArgs {
    pub fn url(&self) -> Result<SourceUrl, CliError> {
        let text = self.source.expose_secret();
        let usage_error = |message: String| CliError::new(Exit::Usage, format!("--source: {message}"));
        let url: SourceUrl = text.parse().map_err(usage_error)?;
        let is_on_command_line = std::env::args_os().any(|argument| argument.to_string_lossy().ends_with(text));
        if is_on_command_line && ConnectConfig::contains_password(text) {
            let message = "other users of this machine can read a password on the command line: put the URL into \
                           WAYBILL_SOURCE, or the password into PGPASSWORD or ~/.pgpass";
            return Err(usage_error(message.into()));
        }
        Ok(url)
    }

    pub async fn open(&self) -> Result<(SourceUrl, Arc<dyn Source>), CliError> {
        let (url, trusted) = (self.url()?, self.trust_owner.clone());
        if let Some(host) = url.unverified_host() {
            eprint_line(&format!(
                "note: nothing verifies that {host} is the right database server, so anyone on the network path could read \
                 and change rows: use sslmode=verify-full"
            ));
        }
        run_blocking(move || url.open(&trusted).map(|source| (url, source))).await
    }
}

impl SourceArgs {
    /// Opens the source and finds its profile.
    pub async fn open(&self) -> Result<OpenedSource, CliError> {
        let (url, source) = self.database.open().await?;
        let requested = self.profile.clone();
        run_blocking(move || {
            let profile = profiles::resolve(&*source, requested.as_deref(), &url.database_name());
            let profile = profile.map_err(|error| url.with_context(error.into()))?;
            Ok(OpenedSource { url, source, profile })
        })
        .await
    }
}

/// Runs blocking work on a thread of tokio's blocking pool.
pub async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CliError> + Send + 'static,
) -> Result<T, CliError> {
    let panicked = |_| CliError::new(Exit::Failure, "internal error: a task of the program panicked; please report it");
    tokio::task::spawn_blocking(work).await.map_err(panicked)?
}

/// Opens the source and builds the app on it.
pub async fn build_app(
    source: &SourceArgs,
    state: &StateArgs,
    signing: &SigningArgs,
    second_factor: SecondFactorPolicy,
) -> Result<(Arc<App>, SourceUrl), CliError> {
    let path = state.file.path()?;
    if source.database.url()?.file().is_some_and(|file| is_same_file(file, &path)) {
        let message = "--state names the source itself: give Waybill's own records another file";
        return Err(CliError::new(Exit::Usage, message));
    }
    let OpenedSource { url, source, profile } = source.open().await?;
    let parts = Parts {
        source,
        profile,
        second_factor,
        source_name: state.source_name.clone().map_or_else(|| url.default_name(), SourceName::explicit),
        storage: Storage::File(&path),
        signing_key: &signing.key_path(&state.file)?,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
    };
    let app = App::build(parts).await.map_err(|error| url.with_context(error.into()))?;
    Ok((app, url))
}

/// Whether both paths lead to the same existing file.
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| path.metadata().ok().map(|file| (file.dev(), file.ino()));
    identity(a).is_some_and(|identity_of_a| Some(identity_of_a) == identity(b))
}

impl SigningArgs {
    /// The path of the signing key. An installation has one key for all sources and state files. For a user without a
    /// state folder, it lies beside the state file.
    pub fn key_path(&self, state: &StateFileArgs) -> Result<PathBuf, CliError> {
        if let Some(path) = &self.signing_key {
            return Ok(path.clone());
        }
        let folder = match state_folder() {
            Some(folder) => folder,
            None => state.path()?.parent().map(Path::to_owned).unwrap_or_default(),
        };
        Ok(folder.join("signing-key.pem"))
    }
}

pub fn default_state_path() -> Result<PathBuf, CliError> {
    let message = "there is no folder for history and audit trail: set XDG_STATE_HOME or give --state sqlite:PATH";
    state_folder().map(|folder| folder.join("waybill.db")).ok_or_else(|| CliError::new(Exit::Usage, message))
}

/// `$XDG_STATE_HOME/waybill` (XDG Base Directory Specification).
fn state_folder() -> Option<PathBuf> {
    let absolute_path_var = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder =
        absolute_path_var("XDG_STATE_HOME").or_else(|| Some(absolute_path_var("HOME")?.join(".local/state")))?;
    Some(folder.join("waybill"))
}

/// The name of the system user who runs the program.
pub fn system_user() -> String {
    whoami::username().unwrap_or_else(|_| "unknown".into())
}
