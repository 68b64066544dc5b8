//! The plan of a subset: the sets of keys, the steps that fill them, and what is read of each table in the end.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::name::TableName;
use crate::server::rows::{Condition, ForeignKey, KeySetId, ReferenceInside, Rows, Step};

/// Names rows of one table; everything that belongs to them is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub name: String,
    pub table: TableName,
    pub condition: Condition,
    pub kind: FilterKind,
}

/// How strictly a filter decides what belongs to it, and what may come along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterKind {
    /// One owner that belongs is enough. What is nobody's belongs. Anything comes along.
    Open,
    /// One owner that belongs is enough. What is nobody's does not belong. What belongs to others does not come along.
    Boundary,
    /// Whose data the part may hold at all. All owners must belong. Of tables that it does not reach, nothing is in.
    Scope,
}

/// What a source runs to know which rows are in the subset.
#[derive(Clone, Debug, Default)]
pub struct SubsetPlan {
    /// The table of each set, by the set's number.
    pub sets: Vec<TableName>,
    /// In this order.
    pub stages: Vec<Stage>,
    /// What is read of each table.
    pub tables: BTreeMap<TableName, Part>,
    /// What belongs to each filter.
    pub belonging: Vec<Belonging>,
}

/// The sets of one filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Belonging {
    pub name: String,
    /// The table whose records the filter names.
    pub table: TableName,
    /// The set of what belongs, of each table that the filter reaches.
    pub sets: BTreeMap<TableName, KeySetId>,
    /// Whether it names records by a range, such as a period.
    pub is_range: bool,
    /// The references of each of these tables that name owners.
    pub owners: BTreeMap<TableName, Vec<ForeignKey>>,
    /// The references to each of these tables, with the table that has them, by which records share its records.
    pub sharing: BTreeMap<TableName, Vec<(TableName, ForeignKey)>>,
}

/// Steps that are run one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    pub steps: Vec<SetStep>,
    /// Whether they are repeated until none of them adds a row: they fill sets that depend on each other.
    pub is_repeated: bool,
}

/// A step, and why the rows that it adds are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetStep {
    pub step: Step,
    pub via: Via,
}

/// Why rows are in a set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Via {
    /// The filter of this name names them.
    Filter(String),
    /// They belong to a record that is asked for.
    Owner(ForeignKey),
    /// A record of this table in the scope shares them.
    Sharing { child: TableName, key: ForeignKey },
    /// They belong to nobody, so that no filter without a boundary excludes them.
    Unowned,
    /// They belong to each of these filters.
    EveryFilter(Vec<String>),
    /// A record of this table refers to them.
    Reference { child: TableName, key: ForeignKey },
    /// They stay outside but for a stub: a record of this table refers to them.
    Stub { child: TableName, key: ForeignKey },
    /// They stay outside, and so does the part: a record of this table refers to them.
    Stop { child: TableName, key: ForeignKey },
    /// They stay outside: one of their owners is in the scope, another one is not.
    OwnersDisagree,
    /// They stay outside: they belong to nobody.
    NobodysOutside,
}

/// What is read of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub rows: Membership,
    /// Whether the selection allows rows of the table: a scope does not reach every table.
    pub is_reachable: bool,
    /// Rows of which only a few columns are read.
    pub stubs: Option<KeySetId>,
    pub nulled: Vec<ReferenceInside>,
}

/// Which rows are read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    Whole,
    Keys(KeySetId),
}

impl Via {
    /// Whether a filter or a scope names the rows, directly or since they belong to such. What belongs to nobody is in every part.
    #[must_use]
    pub fn is_named(&self) -> bool {
        match self {
            Self::Filter(_) | Self::Owner(_) | Self::Sharing { .. } | Self::EveryFilter(_) => true,
            Self::Unowned
            | Self::Reference { .. }
            | Self::Stub { .. }
            | Self::Stop { .. }
            | Self::OwnersDisagree
            | Self::NobodysOutside => false,
        }
    }
}

impl SubsetPlan {
    /// Whether the selection allows rows of the table.
    #[must_use]
    pub fn may_hold(&self, table: &TableName) -> bool {
        self.tables.get(table).is_some_and(|part| part.is_reachable)
    }

    /// The sets from which steps are repeated: what of them is new is looked up in each round.
    #[must_use]
    pub fn repeated_sets(&self) -> BTreeSet<KeySetId> {
        let steps = self.stages.iter().filter(|stage| stage.is_repeated).flat_map(|stage| &stage.steps);
        let grown_from = steps.filter_map(|step| match &step.step.rows {
            Rows::Children { parents, .. } => Some(*parents),
            Rows::Parents { children, .. } => *children,
            Rows::All | Rows::Matching(_) | Rows::AllNull { .. } => None,
        });
        grown_from.collect()
    }

    /// The sets that references are looked up in, row by row, while tables are read.
    #[must_use]
    pub fn looked_up_sets(&self) -> BTreeSet<KeySetId> {
        self.tables.values().flat_map(|part| &part.nulled).flat_map(|inside| inside.sets.iter().copied()).collect()
    }

    /// The columns by which steps find what the rows of each set refer to.
    #[must_use]
    pub fn referring_columns(&self) -> BTreeMap<KeySetId, BTreeSet<String>> {
        let mut columns: BTreeMap<KeySetId, BTreeSet<String>> = BTreeMap::new();
        for step in self.stages.iter().flat_map(|stage| &stage.steps) {
            if let Rows::Parents { key, children: Some(children), .. } = &step.step.rows
                && !key.is_within_value()
            {
                columns.entry(*children).or_default().extend(key.columns.iter().cloned());
            }
        }
        columns
    }

    pub(super) fn new_set(&mut self, table: &TableName) -> KeySetId {
        self.sets.push(table.clone());
        KeySetId(self.sets.len() - 1)
    }

    pub(super) fn once(&mut self, step: Step, via: Via) {
        self.stages.push(Stage { steps: vec![SetStep { step, via }], is_repeated: false });
    }

    pub(super) fn until_stable(&mut self, steps: Vec<SetStep>) {
        if !steps.is_empty() {
            self.stages.push(Stage { steps, is_repeated: true });
        }
    }

    /// The rows of a table that a record of another one refers to, if it is in the part.
    pub(super) fn parents(&self, child: &TableName, key: &ForeignKey) -> Rows {
        let children = match self.tables[child].rows {
            Membership::Whole => None,
            Membership::Keys(children) => Some(children),
        };
        Rows::Parents { child: child.clone(), key: key.clone(), children }
    }
}
