//! Checks before serving: whether the source can be exported, and who can sign in.

use std::sync::Arc;

use super::{Error, Exports, Result};
use crate::model::export::DriftPolicy;
use crate::model::manifest::RecordOrder;
use crate::server::{profile, profiles};

impl Exports {
    /// Checks that the source can be opened and fits the profile: a wrong path would otherwise show up on every page.
    ///
    /// # Errors
    /// `Source` if it cannot be read, `Profile` if the profile does not fit it.
    pub async fn check_source(self: &Arc<Self>) -> Result<()> {
        let exports = self.clone();
        let check = tokio::task::spawn_blocking(move || {
            let catalog = exports.source.open_snapshot()?.catalog()?;
            exports.profile.plan_tables(&catalog, RecordOrder::Storage, DriftPolicy::Report)?;
            match exports.profile.missing_auth_columns(&catalog) {
                missing if missing.is_empty() => Ok(()),
                missing => Err(profile::Error::MissingAuthColumns(missing).into()),
            }
        });
        check.await.map_err(|_| Error::Panicked)?
    }

    /// Checks that the files are there that people's archives have. Blocks for a moment.
    ///
    /// # Errors
    /// `Selection` if their folder is not named, or cannot be read.
    pub fn check_application(&self) -> Result<()> {
        let layout = self.profile.layout(&self.profile.name).filter(|layout| layout.media.is_some());
        if self.serves_persons() && layout.is_some() { self.application.open_media().map(drop) } else { Ok(()) }
    }

    /// Logs who cannot sign in, and measures how long it takes to check a password of this application. Best effort: no
    /// caller depends on it.
    pub async fn check_accounts(self: Arc<Self>) {
        let exports = self.clone();
        let check = tokio::task::spawn_blocking(move || profiles::check_accounts(&*exports.source, &exports.profile));
        let Ok(Ok(Some(check))) = check.await else { return };
        for line in check.problems() {
            tracing::warn!("{line}");
        }
        let _ = self.identity.measure_hash_schemes(check.hashes).await;
    }
}
