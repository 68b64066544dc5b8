//! Opens the state for commands that need no database.

use std::sync::Arc;

use super::args::{StateArgs, StateFileArgs};
use super::connect::system_user;
use super::exit::{CliError, Exit};
use crate::server::binding;
use crate::server::identity::local_accounts::Operator;
use crate::server::state::StateDatabase;
use crate::server::support::clock::SystemClock;

impl StateFileArgs {
    /// Opens the state file, or creates it.
    pub async fn open(&self) -> Result<StateDatabase, CliError> {
        Ok(StateDatabase::open(&self.path()?).await?)
    }

    /// Opens an existing state file: a command that only reads must not create one.
    pub async fn open_existing(&self) -> Result<StateDatabase, CliError> {
        let path = self.path()?;
        if !path.exists() {
            let message = format!("{} does not exist: nothing has been recorded yet", path.display());
            return Err(CliError::new(Exit::Usage, message));
        }
        self.open().await
    }
}

impl StateArgs {
    /// The system user, as an operator of the accounts of the named database, or of the only one.
    pub async fn operator(&self) -> Result<Operator, CliError> {
        let file = self.file.open().await?;
        let state = binding::find_state(&file, self.source_name.as_deref()).await?;
        Ok(Operator::new(state, command_line_actor(), Arc::new(SystemClock)))
    }
}

/// The system user, as the audit trail names them.
pub fn command_line_actor() -> String {
    format!("cli:{}", system_user())
}
