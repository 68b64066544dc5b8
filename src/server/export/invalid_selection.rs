//! A selection that names something that does not exist.

use crate::model::name::{FieldName, TableName};
use crate::server::profile::{did_you_mean, nearest};

/// What is wrong with a selection, and what there is instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSelection(pub(super) String);

impl InvalidSelection {
    pub(super) fn owner_without_reference(field: &FieldName) -> Self {
        Self(format!(
            "{field} is in owned_by and refers to nothing, so nobody knows whose the records are; correct the profile \
             (`waybill profile check` says how)"
        ))
    }

    pub(super) fn owner_is_not_exported(field: &FieldName, target: &TableName) -> Self {
        Self(format!(
            "{field} is in owned_by and refers to {target}, which is not exported under this name, so nobody knows whose the \
             records are; correct owned_by in the profile"
        ))
    }

    pub(super) fn unknown_table<'a>(table: &str, known: impl Iterator<Item = &'a str>) -> Self {
        Self(format!("no table {table} is exported{}", did_you_mean(nearest(table, known))))
    }
}
