//! What a replacement of a part brings back must belong to that part.

use super::removal::Removals;
use super::{Error, Result};
use crate::model::import::TableReport;
use crate::model::manifest::Metadata;
use crate::model::text;
use crate::server::selection::Replaceable;
use crate::server::source::Load;

/// Whether the records that are new belong to what is replaced: what they belong to may be somebody else's here by now.
///
/// # Errors
/// `Refused` if not, with how many of each table.
pub fn check_created(
    load: &mut dyn Load,
    removals: Option<&Removals>,
    metadata: &Metadata,
    reports: &[TableReport],
) -> Result<()> {
    let Some(Removals::OfPart { part, .. }) = removals else { return Ok(()) };
    let now = part.count_again(load)?;
    let strange = reports.iter().filter_map(|TableReport { table, effect }| {
        let Some(Replaceable::Keys(_)) = part.tables.get(table) else { return None };
        // What came along in the file belongs to others anyway.
        let came_along = metadata.selected_records.get(table).map_or(0, |selected| selected.came_along);
        let expected = (part.named(table) + effect.created).saturating_sub(effect.removed + came_along);
        let missing = expected.saturating_sub(now.get(table).copied().unwrap_or_default());
        (missing > 0).then(|| {
            format!(
                "{} of {table} that would come back do not belong to what is replaced: what they belong to is somebody else's here; \
                 --policy {table}=skip leaves the table as it is",
                text::count_with_noun(missing, "record")
            )
        })
    });
    let strange: Vec<String> = strange.collect();
    if strange.is_empty() { Ok(()) } else { Err(Error::Refused(strange)) }
}
