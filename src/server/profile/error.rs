//! Why a profile cannot be used.

use super::ParseError;
use crate::model::name::{self, FieldName, TableName};

/// Why a profile cannot be read, or not be used with a database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no profile named {name}: give the path of a profile file, or a built-in name ({known})")]
    Unknown { name: String, known: String },
    #[error("the profile {path} cannot be read: {cause}")]
    Unreadable {
        path: String,
        #[source]
        cause: std::io::Error,
    },
    #[error("{0}")]
    Parse(#[from] ParseError),
    #[error(
        "the database does not fit the profile {profile}: {} missing: {}; correct the profile (`waybill profile check` \
         compares the two), or leave out what is missing with `waybill export --drift=allow`",
        if tables.len() == 1 { "a table is" } else { "tables are" },
        name::join(tables)
    )]
    MissingTables { profile: String, tables: Vec<TableName> },
    #[error("no account can sign in: [auth] and [roles] name columns that the database does not have: {}; correct them in the profile", name::join(.0))]
    MissingAuthColumns(Vec<FieldName>),
}
