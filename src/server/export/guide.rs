//! The analysis guide, as the page shows it.

use super::file_name::file_name;
use super::{Exports, Result};
use crate::model::output::Compression;
use crate::model::selection::Selection;
use crate::server::guide;
use crate::server::identity::Caller;
use crate::server::state::exports::ExportState;

impl Exports {
    /// Returns the analysis guide as HTML. It names the caller's newest file if that is complete, else the next one.
    ///
    /// # Errors
    /// `Forbidden`; `State` if the state cannot be read.
    pub async fn guide(&self, caller: &Caller) -> Result<String> {
        self.authorise(caller, "read the guide").await?;
        let newest = match caller.account_id() {
            Some(account) => self.state.connect().await?.exports().newest_of_account(account).await?,
            None => None,
        };
        let complete = newest.filter(|row| matches!(row.state, ExportState::Completed(_))).map(|row| row.file_name);
        let name = complete
            .unwrap_or_else(|| file_name(&self.profile, &Selection::default(), self.clock.now(), Compression::None));
        Ok(guide::html(&name, &self.profile.name))
    }
}
