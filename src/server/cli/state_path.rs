//! Where the state file and the signing key are.

use std::path::{Path, PathBuf};

use super::args::{SigningArgs, StateFileArgs, UndoFolderArgs};
use super::exit::{CliError, Exit};
use super::source_url::sqlite_path;

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

impl UndoFolderArgs {
    pub fn path(&self, state: &StateFileArgs) -> Result<PathBuf, CliError> {
        if let Some(path) = &self.undo_folder {
            return Ok(path.clone());
        }
        let mut name = state.path()?.into_os_string();
        name.push(".undo");
        Ok(name.into())
    }
}

fn default_state_path() -> Result<PathBuf, CliError> {
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
