//! The plan of a subset: the sets of keys, the steps that fill them, and what is read of each table in the end.

use std::collections::BTreeMap;

use crate::model::name::TableName;
use crate::server::rows::{Condition, ForeignKey, KeySetId, Step};

/// Names rows of one table; everything that belongs to them is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub name: String,
    pub table: TableName,
    pub condition: Condition,
    /// Whether records that belong to others stay out, whatever refers to them.
    pub is_boundary: bool,
}

/// What a source runs to know which rows are in the subset.
#[derive(Clone, Debug, Default)]
pub struct SubsetPlan {
    /// The table of each set, by the set's number.
    pub sets: Vec<TableName>,
    /// In this order.
    pub stages: Vec<Stage>,
    /// What is read of each table.
    pub tables: BTreeMap<TableName, Membership>,
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

/// Why rows are in a subset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Via {
    /// The filter of this name names them.
    Filter(String),
    /// They belong to a record that is asked for.
    Owner(ForeignKey),
    /// They belong to nobody, so that no filter without a boundary excludes them.
    Unowned,
    /// They belong to every filter.
    EveryFilter,
    /// A record of this table refers to them.
    Reference { child: TableName, key: ForeignKey },
}

/// What is read of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    Whole,
    Keys(KeySetId),
}

impl SubsetPlan {
    pub(super) fn new_set(&mut self, table: &TableName) -> KeySetId {
        self.sets.push(table.clone());
        KeySetId(self.sets.len() - 1)
    }

    pub(super) fn once(&mut self, step: SetStep) {
        self.stages.push(Stage { steps: vec![step], is_repeated: false });
    }

    pub(super) fn until_stable(&mut self, steps: Vec<SetStep>) {
        if !steps.is_empty() {
            self.stages.push(Stage { steps, is_repeated: true });
        }
    }
}
