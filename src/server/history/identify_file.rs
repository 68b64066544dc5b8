//! What this installation knows about a given file.

use super::{Error, History};
use crate::model::access::{Capability, Grant, Scope};
use crate::model::history::{FileRecognition, KnownExport};
use crate::server::identity::Caller;
use crate::server::signing::PublicKey;
use crate::server::state::exports::ExportRow;

impl History {
    /// Looks up a file by its seal's digest. Every caller gets the public keys; only callers who may see the history
    /// get the export.
    ///
    /// # Errors
    /// `State` if the state cannot be read.
    pub async fn identify_file(&self, caller: &Caller, sha256: &str) -> Result<FileRecognition, Error> {
        let found = self.state.connect().await?.exports().find_by_digest(sha256).await?;
        let may_view = |row: &ExportRow| {
            let Grant { capability, scope } = Grant::to_export(&row.selection);
            let may_view_all = caller.require(Capability::ExportDatabase, &Scope::WholeDatabase).is_ok();
            may_view_all || caller.require(capability, &scope).is_ok()
        };
        let row = found.filter(may_view);
        let export = row.map(|ExportRow { requested_by, requested_at, .. }| KnownExport { requested_by, requested_at });
        Ok(FileRecognition { keys: self.public_keys.0.iter().map(PublicKey::to_base64).collect(), export })
    }
}
