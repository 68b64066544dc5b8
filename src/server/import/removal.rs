//! What an import removes if the file does not have it: of a person what is theirs, of a part of a database what the same selection names
//! here, otherwise of all tables of the file.

use std::collections::BTreeMap;

use crate::model::name::TableName;
use crate::model::selection::Selection;
use crate::server::selection::Replaceable;
use crate::server::source::Removal;

/// What an import removes if the file does not have it.
pub enum Removals {
    All,
    OfOwner(String),
    /// Of a part of a database: what of each table the file's selection names.
    OfPart {
        selection: Selection,
        tables: BTreeMap<TableName, Replaceable>,
    },
}

impl Removals {
    pub fn of(&self, table: &TableName) -> Removal {
        match self {
            Self::All => Removal::All,
            Self::OfOwner(id) => Removal::OfOwner(id.clone()),
            Self::OfPart { tables, .. } => match tables.get(table) {
                Some(Replaceable::All) => Removal::All,
                Some(Replaceable::Keys(set)) => Removal::Selected(*set),
                Some(Replaceable::Nothing) | None => Removal::Nothing,
            },
        }
    }

    /// What it is about, if that is a part.
    pub fn describe(&self) -> Option<String> {
        let Self::OfPart { selection, .. } = self else { return None };
        let lines = selection.lines().join("; ");
        Some(format!(
            "replaced is what the file's selection names here ({lines}); all other records that are here stay as they are"
        ))
    }
}
