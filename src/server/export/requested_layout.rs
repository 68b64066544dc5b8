//! The layout that is asked for, where it can be had.

use crate::model::selection::Selection;
use crate::server::profile::{Layout, Profile};
use crate::server::selection::InvalidSelection;

/// The profile's layout of this name, for the selection.
///
/// # Errors
/// If there is none, or the selection is not what a layout holds: one organisation or person, with the tables of the layout.
pub fn requested_layout(profile: &Profile, name: &str, selection: &Selection) -> Result<Layout, InvalidSelection> {
    let layout = profile.layout(name).ok_or_else(|| InvalidSelection::no_layout(&profile.name, name))?;
    if selection.scope().is_none_or(|(kind, _)| kind != layout.scope) {
        return Err(InvalidSelection::layout_without_scope(layout.scope));
    }
    if selection.tables.is_some() || !selection.filters.is_empty() {
        return Err(InvalidSelection::layout_with_tables());
    }
    Ok(layout)
}
