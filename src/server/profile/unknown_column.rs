//! Says that a profile has no such column, and which one was probably meant.

use super::Profile;
use super::nearest::{did_you_mean, nearest};
use crate::model::name::TableName;

/// Such as `sales.shopp is no column of this profile; did you mean `shop`?`. Of a table that the profile does not have, the
/// table that was probably meant.
pub fn unknown_column(profile: &Profile, table: &TableName, column: &str) -> String {
    let near = match profile.tables.get(table) {
        Some(known) => nearest(column, known.columns.keys().map(String::as_str)),
        None => nearest(table.as_str(), profile.tables.keys().map(TableName::as_str)),
    };
    format!("{table}.{column} is no column of this profile{}", did_you_mean(near))
}
