//! From what was typed to an opened app.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use super::{Exit, Failed, SourceArgs};
use crate::server::app::{App, Parts};
use crate::server::profile::Profile;
use crate::server::source::sqlite::SqliteSource;
use crate::server::support::clock::SystemClock;
use crate::server::support::random::SystemRandom;

/// `sqlite:PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceUrl {
    pub path: PathBuf,
}

impl FromStr for SourceUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:"));
        match path {
            Some("") => Err("the path is missing: write sqlite:PATH".into()),
            Some(path) => Ok(Self { path: path.into() }),
            // The text may hold a password: it is not repeated.
            None => Err("only sqlite:PATH is understood by this version".into()),
        }
    }
}

impl SourceArgs {
    pub fn source(&self) -> Arc<SqliteSource> {
        Arc::new(SqliteSource::new(&self.source.path))
    }

    /// The database as it was typed, for messages on the caller's own terminal.
    pub fn named(&self, Failed { exit, message }: Failed) -> Failed {
        Failed::new(exit, format!("{}: {message}", self.source.path.display()))
    }
}

/// Opens the app on a source.
pub async fn app(source: &SourceArgs, state: &Path) -> Result<Arc<App>, Failed> {
    if is_same_file(&source.source.path, state) {
        let message = "the source is not the place for Waybill's own records: give another --state";
        return Err(Failed::new(Exit::Usage, message));
    }
    let parts = Parts {
        source: source.source(),
        profile: Profile::built_in(&source.profile)?,
        state,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
    };
    Ok(App::build(parts).await?)
}

/// Whether both paths lead to one file that is there.
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| path.metadata().ok().map(|file| (file.dev(), file.ino()));
    identity(a).is_some_and(|identity_of_a| Some(identity_of_a) == identity(b))
}

/// `$XDG_STATE_HOME/waybill/waybill.db` (XDG Base Directory Specification).
pub fn default_state() -> Result<PathBuf, Failed> {
    let named = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = named("XDG_STATE_HOME").or_else(|| Some(named("HOME")?.join(".local/state")));
    let none = "where to keep history and audit? Set XDG_STATE_HOME or give --state sqlite:PATH";
    folder.map(|folder| folder.join("waybill/waybill.db")).ok_or_else(|| Failed::new(Exit::Usage, none))
}

/// The name of the person who runs the program, as the system knows it.
pub fn system_user() -> String {
    whoami::username().unwrap_or_else(|_| "unknown".into())
}
