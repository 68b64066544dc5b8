//! The command line's preview: of a source without a state, measured anew each time.

use super::Result;
use super::compute_preview::{DEFAULT_BYTES_PER_SECOND, compute_preview};
use super::file_name::layout_name;
use super::requested_layout::requested_layout;
use crate::model::access::{Capability, Scope};
use crate::model::preview::Preview;
use crate::model::selection::Selection;
use crate::server::identity::Caller;
use crate::server::profile::{Layout, Profile};
use crate::server::source::Source;
use crate::server::support::clock::Clock;

/// Counts and samples every table of the source. Blocks. Like the page's, a preview leaves no entry in the audit trail.
///
/// # Errors
/// `Forbidden`; `Selection` if the layout cannot be had; `Source` or `Profile` if the source cannot be read or does not fit the profile.
pub fn preview_source(
    caller: &Caller,
    source: &dyn Source,
    profile: &Profile,
    selection: &Selection,
    layout: Option<&str>,
    clock: &dyn Clock,
) -> Result<Preview> {
    caller.require(Capability::ExportDatabase, &Scope::WholeDatabase)?;
    let layout = layout.map(|name| requested_layout(profile, name, selection)).transpose()?;
    let tables = layout.as_ref().map(Layout::tables).or_else(|| selection.tables.clone());
    let selection = Selection { tables, ..selection.clone() };
    let preview = compute_preview(source, &|_| (), profile, &selection, clock, DEFAULT_BYTES_PER_SECOND, &|_| Ok(()))?;
    let folder = layout.map(|layout| layout_name(&layout, clock.now()));
    Ok(Preview { file_name: folder.unwrap_or_else(|| preview.file_name.clone()), ..preview })
}
