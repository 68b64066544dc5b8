//! What an import does with records that are there already.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::change_reason::ChangeReason;
use super::name::TableName;

/// What an import expects of the tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportMode {
    /// Every table that the file has is empty.
    #[default]
    RequireEmpty,
    /// The file's records are new: a key that is there already ends the import.
    Append,
    /// A record whose key is there already replaces what differs; the others are new.
    Merge,
    /// As a merge, and what the file does not have is removed: of a person what is theirs, of a part what its selection names, otherwise of
    /// all its tables.
    Replace,
    /// Every record is new, under another key, and so is what refers to it. Of a person's archive, or of an organisation.
    Copy,
}

impl ImportMode {
    /// What that means for the records of a table, once those of a copy have their keys.
    #[must_use]
    pub fn of_tables(self) -> TableMode {
        match self {
            Self::RequireEmpty => TableMode::RequireEmpty,
            Self::Append => TableMode::Append,
            Self::Merge | Self::Copy | Self::Replace => TableMode::Merge,
        }
    }
}

/// What is done with records of a table whose key is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableMode {
    /// There are none: the table is empty.
    RequireEmpty,
    /// They end the import.
    Append,
    /// They replace what differs.
    Merge,
}

/// What becomes of the records of one table in a merge. Without any, records that are there get the file's values where they differ,
/// and a conflict ends the import: a record that was changed here since the file was made, is hidden, or has another natural key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TablePolicy {
    /// One that is there gets the file's values where they differ, also in a conflict: it is the same record, whatever its natural key.
    File,
    /// One that is there gets them, unless it was changed here since the file was made, or is hidden.
    Newer,
    /// One that is there stays as it is.
    Mine,
    /// One that is there and differs ends the import.
    Stop,
    /// Nothing of the table is imported.
    Skip,
}

/// The policies of a merge, of tables that have one.
pub type TablePolicies = BTreeMap<TableName, TablePolicy>;

impl fmt::Display for TablePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The word that users type.
impl fmt::Display for ImportMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// What happens to the records of one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableEffect {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    /// Records that the file does not have, and that a replacement removes.
    #[serde(default)]
    pub removed: u64,
    /// Records that differ and were changed here since the file was made; they are counted above, too.
    #[serde(default)]
    pub changed_here: u64,
    /// Records that differ and are hidden here; they are counted above, too.
    #[serde(default)]
    pub hidden: u64,
    /// Records that have another natural key here: they may be somebody else. They are counted above, too.
    #[serde(default)]
    pub other_natural_key: u64,
    /// Records that differ and that a replacement is not about, since its file is of a part: they stay as they are, and are counted
    /// above, too.
    #[serde(default)]
    pub outside: u64,
    /// Records that are here under another key, found by a natural one; they are counted above, too.
    #[serde(default)]
    pub matched: u64,
}

impl TableEffect {
    /// Counts records that are there and differ, for this reason. Conflicts that stay as they are change nothing.
    pub fn count_difference(&mut self, reason: Option<ChangeReason>, records: u64, keeps_conflicts: bool) {
        let is_kept = match reason {
            Some(ChangeReason::OtherNaturalKey) => {
                self.other_natural_key += records;
                false
            }
            Some(ChangeReason::ChangedHereSinceExport) => {
                self.changed_here += records;
                keeps_conflicts
            }
            Some(ChangeReason::HiddenRow) => {
                self.hidden += records;
                keeps_conflicts
            }
            _ => false,
        };
        if !is_kept {
            self.updated += records;
            self.unchanged = self.unchanged.saturating_sub(records);
        }
    }

    /// The records of the database that are written to.
    #[must_use]
    pub fn written(self) -> u64 {
        self.created + self.updated + self.removed
    }

    /// All records of the file.
    #[must_use]
    pub fn total(self) -> u64 {
        self.created + self.updated + self.unchanged
    }
}

impl std::iter::Sum for TableEffect {
    fn sum<I: Iterator<Item = Self>>(effects: I) -> Self {
        effects.fold(Self::default(), |sum, effect| Self {
            created: sum.created + effect.created,
            updated: sum.updated + effect.updated,
            unchanged: sum.unchanged + effect.unchanged,
            removed: sum.removed + effect.removed,
            changed_here: sum.changed_here + effect.changed_here,
            hidden: sum.hidden + effect.hidden,
            other_natural_key: sum.other_natural_key + effect.other_natural_key,
            outside: sum.outside + effect.outside,
            matched: sum.matched + effect.matched,
        })
    }
}

/// What happens to one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableReport {
    pub table: TableName,
    #[serde(flatten)]
    pub effect: TableEffect,
}
