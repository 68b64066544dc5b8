//! The names that a person can have once.

use super::super::conversion::UniqueNames;
use super::table_shape::TableShape;
use crate::model::catalog::{Codec, ColumnSchema};
use crate::server::profile::Profile;

/// The column whose values a person can have once, as the profile's natural keys say; nothing if there is none.
pub fn find_own_names(shape: &TableShape, profile: &Profile) -> Option<UniqueNames> {
    let merge = profile.merge_rules(&shape.table)?;
    let key = merge.natural_keys.iter().find(|key| key.contains(&shape.owner))?;
    let is_name = |name: &&String| {
        let is_text = |column: &&ColumnSchema| column.codec == Codec::Text;
        !shape.references.iter().any(|key| key.columns[0] == **name)
            && !shape.people.contains(*name)
            && shape.columns.iter().filter(is_text).any(|column| column.name == **name)
    };
    let column = key.iter().find(is_name)?.clone();
    let folds_case = merge.fold_case.contains(&column);
    Some(UniqueNames::new(column, folds_case))
}
