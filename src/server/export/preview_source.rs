//! The command line's preview: of a source without a state, measured anew each time.

use super::Result;
use super::compute_preview::{DEFAULT_BYTES_PER_SECOND, compute_preview};
use crate::model::access::{Capability, Scope};
use crate::model::preview::Preview;
use crate::model::selection::Selection;
use crate::server::identity::Caller;
use crate::server::profile::Profile;
use crate::server::source::Source;
use crate::server::support::clock::Clock;

/// Counts and samples every table of the source. Blocks. Like the page's, a preview leaves no entry in the audit trail.
///
/// # Errors
/// `Forbidden`; `Source` or `Profile` if the source cannot be read or does not fit the profile.
pub fn preview_source(
    caller: &Caller,
    source: &dyn Source,
    profile: &Profile,
    selection: &Selection,
    clock: &dyn Clock,
) -> Result<Preview> {
    caller.require(Capability::ExportDatabase, &Scope::WholeDatabase)?;
    compute_preview(source, &|_| (), profile, selection, clock, DEFAULT_BYTES_PER_SECOND, &|_| Ok(()))
}
