//! What an import removes if the file does not have it: of a person what is theirs, of a part of a database what the same selection names
//! here, otherwise of all tables of the file.

use super::{Error, Result};
use crate::model::manifest::Metadata;
use crate::model::name::TableName;
use crate::model::selection::Selection;
use crate::server::selection::{Replaceable, ReplaceablePart};
use crate::server::source::Removal;

/// What an import removes if the file does not have it.
pub enum Removals {
    All,
    OfOwner(String),
    /// Of a part of a database: what of each table the file's selection names.
    OfPart {
        selection: Selection,
        part: Box<ReplaceablePart>,
    },
}

impl Removals {
    pub fn of(&self, table: &TableName) -> Removal {
        match self {
            Self::All => Removal::All,
            Self::OfOwner(id) => Removal::OfOwner(id.clone()),
            Self::OfPart { part, .. } => match part.tables.get(table) {
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

/// # Errors
/// `Refused` if the metadata says that the file is of a part, and not of which.
pub fn read_selection(metadata: &Metadata) -> Result<Selection> {
    let selection = Selection::of_applied(&metadata.filters_applied);
    let is_that = |selection: &Selection| {
        metadata.export_type == selection.export_type()
            && metadata.selected_records.is_empty() == selection.is_whole_database()
    };
    selection.filter(is_that).ok_or_else(|| {
        Error::refused(
            "the file contradicts itself about what of a database it holds, so what is replaced cannot be told",
        )
    })
}
