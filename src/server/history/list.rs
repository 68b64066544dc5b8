//! Past exports.

use super::{Error, History};
use crate::model::access::Grant;
use crate::model::history::{HistoryEntry, HistoryPage};
use crate::model::selection::ScopeKind;
use crate::server::identity::{self, Caller};
use crate::server::state::exports::ExportRow;
use crate::server::support::clock::rfc3339;

const EXPORTS_PER_PAGE: u32 = 25;
/// Exports of their own data that a person sees.
const OWN_EXPORTS: u32 = 10;

impl History {
    /// Returns one page of past exports. A number past the end returns the last page.
    ///
    /// # Errors
    /// `Forbidden`, or `State` if the state cannot be read.
    pub async fn list(&self, caller: &Caller, page: u32) -> Result<HistoryPage, Error> {
        self.authorise(caller).await?;
        let total = self.state.connect().await?.exports().count().await?;
        let pages = u32::try_from(total.div_ceil(EXPORTS_PER_PAGE.into())).unwrap_or(u32::MAX).max(1);
        let page = page.clamp(1, pages);
        let offset = u64::from(page - 1) * u64::from(EXPORTS_PER_PAGE);
        let rows = self.state.connect().await?.exports().page(offset, EXPORTS_PER_PAGE).await?;
        let now = rfc3339(self.clock.now());
        let entries = rows.into_iter().map(|row| history_entry(caller, row, &now)).collect();
        Ok(HistoryPage { entries, page, pages, total })
    }

    /// Returns the newest exports of an organisation, whoever requested them.
    ///
    /// # Errors
    /// `Forbidden` if the caller does not own it, or `State` if the state cannot be read.
    pub async fn of_organization(&self, caller: &Caller, id: &str) -> Result<Vec<HistoryEntry>, Error> {
        let Grant { capability, scope } = Grant::of_organization(id.to_owned());
        identity::authorise::<Error>(&self.journal, caller, capability, &scope, "look at an organisation's history")
            .await?;
        let rows =
            self.state.connect().await?.exports().of_scope(ScopeKind::Organization, id, EXPORTS_PER_PAGE).await?;
        let now = rfc3339(self.clock.now());
        Ok(rows.into_iter().map(|row| history_entry(caller, row, &now)).collect())
    }
}

impl History {
    /// Returns the newest exports of the caller's own data.
    ///
    /// # Errors
    /// `Forbidden` for callers without an account in the source, or `State` if the state cannot be read.
    pub async fn of_own_data(&self, caller: &Caller) -> Result<Vec<HistoryEntry>, Error> {
        let id = caller.account_id().unwrap_or_default();
        let Grant { capability, scope } = Grant::of_person(id.to_owned());
        identity::authorise::<Error>(&self.journal, caller, capability, &scope, "look at their own exports").await?;
        let rows = self.state.connect().await?.exports().of_scope(ScopeKind::Person, id, OWN_EXPORTS).await?;
        let now = rfc3339(self.clock.now());
        let own = rows.into_iter().filter(|row| caller.owns(row.account_id.as_deref(), &row.requested_by));
        Ok(own.map(|row| history_entry(caller, row, &now)).collect())
    }
}

fn history_entry(caller: &Caller, row: ExportRow, now: &str) -> HistoryEntry {
    let is_owner = caller.owns(row.account_id.as_deref(), &row.requested_by);
    HistoryEntry {
        id: row.id,
        state: row.run_state(now),
        estimated_bytes: row.comparable_estimate(),
        downloadable: is_owner && row.is_available(now),
        requested_at: row.requested_at,
        requested_by: row.requested_by,
        export_type: row.selection.export_type(),
        selection: row.selection.lines(),
        channel: row.channel,
        downloads: row.downloads,
    }
}
