//! Sets of rows that a source keeps inside its snapshot, and the steps that fill them.
//!
//! A set holds the keys of rows, never the rows. A step adds to a set the rows that are not in it yet; where the keys are
//! kept, and how a row is known, is the source's concern.

use std::collections::BTreeSet;

use super::foreign_key::ForeignKey;
use crate::model::name::TableName;

/// A set of rows of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeySetId(pub usize);

/// A set to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKeySet {
    pub table: TableName,
    /// The columns by which steps find what its rows refer to. A source may store their values with the keys.
    pub referring: BTreeSet<String>,
    /// Whether steps look up what was added to it in the last round.
    pub is_repeated: bool,
    /// Whether it is looked up, for each row of another table, what the row refers to.
    pub is_looked_up: bool,
    /// Whether `find_first` is asked when its rows were added.
    pub keeps_rounds: bool,
}

/// Adds rows of the set's table to a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub into: KeySetId,
    pub rows: Rows,
    /// Sets of the same table: only rows that are in each of them are added.
    pub within: Vec<KeySetId>,
    /// Sets of the same table: no row that is in one of them is added.
    pub except: Vec<KeySetId>,
}

impl Step {
    #[must_use]
    pub fn new(into: KeySetId, rows: Rows) -> Self {
        Self { into, rows, within: Vec::new(), except: Vec::new() }
    }

    #[must_use]
    pub fn within(self, within: Vec<KeySetId>) -> Self {
        Self { within, ..self }
    }

    #[must_use]
    pub fn except(self, except: Vec<KeySetId>) -> Self {
        Self { except, ..self }
    }
}

/// One run of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Kept with the rows that the run adds. Counts up.
    pub number: u32,
    /// The step follows references from rows that were added in this round or later: it has followed the others before.
    pub since: u32,
}

/// Which rows a step adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Every row that `within` allows.
    All,
    Matching(Condition),
    /// Rows in which all of these columns are NULL.
    AllNull {
        columns: Vec<String>,
    },
    /// Rows that refer to a row in `parents`, and whose owners are all in their sets. A key of which a column is NULL
    /// refers to nothing.
    Children {
        key: ForeignKey,
        parents: KeySetId,
        owners: Vec<Owner>,
    },
    /// Rows that a row of `child` refers to: any row of it, or one in `children`.
    Parents {
        child: TableName,
        key: ForeignKey,
        children: Option<KeySetId>,
    },
}

/// A column that names an owner, unless it is NULL. One of its references must lead to a row in its set, and none to a row
/// that is in no set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub column: String,
    /// The references that the column takes part in, each with the set that the owner must be in; `None` if there is no such
    /// set.
    pub references: Vec<(ForeignKey, Option<KeySetId>)>,
    /// There is one reference, and at most one row that it leads to.
    pub is_unambiguous: bool,
}

/// What a row must fulfil.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// The column has one of these values, as the database renders them as text.
    AnyOf { column: String, values: Vec<String> },
    /// The column is at least `from` and less than `to`, as the database compares its values. A missing bound does not
    /// limit; NULL is in no range.
    Range { column: String, from: Option<Bound>, to: Option<Bound> },
    /// One of these.
    Either(Vec<Self>),
}

impl Condition {
    #[must_use]
    pub fn any_of(column: &str, values: Vec<String>) -> Self {
        Self::AnyOf { column: column.to_owned(), values }
    }
}

/// The end of a range, in the column's own unit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Bound {
    Integer(i64),
    /// A value as the database renders it as text.
    Text(String),
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}
