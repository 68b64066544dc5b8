//! Checks, before an export is queued, that there is what its selection names.

use std::sync::Arc;

use super::plan::UncountedPlan;
use super::request::ExportRequest;
use super::subset::extent;
use super::{Error, Exports, Result};
use crate::server::selection::check_selection;

impl Exports {
    /// Checks that everything exists that the selection names, without looking for its records.
    ///
    /// # Errors
    /// `Selection` if something does not; `Source` or `Profile` if the source cannot be read or does not fit.
    pub(super) async fn check_part(self: &Arc<Self>, request: &ExportRequest) -> Result<()> {
        let (exports, request) = (self.clone(), request.clone());
        let check = tokio::task::spawn_blocking(move || {
            let mut snapshot = exports.source.begin_snapshot(extent(&request.selection), &|_| ())?;
            let plan = UncountedPlan::of_whole_tables(&mut *snapshot, &exports.profile, &request)?;
            Ok(check_selection(&plan.planned, &plan.catalog, &plan.profile, &mut *snapshot, &request.selection)?)
        });
        check.await.map_err(|_| Error::Panicked)?
    }
}
