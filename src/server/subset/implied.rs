//! References that bring nothing along: what the records of a set refer to by them is in already, because of what put the
//! records into the set.

use super::graph::Edge;
use super::plan::{Membership, SubsetPlan};
use crate::server::rows::{ForeignKey, KeySetId, Rows, Step};

impl SubsetPlan {
    /// Whether every record that the rows of the edge's table refer to by it is in the set `into`. That table's set must have all
    /// its steps.
    pub(super) fn is_implied(&self, edge: Edge<'_>, into: KeySetId) -> bool {
        let Membership::Keys(children) = self.tables[edge.child].rows else { return false };
        let key = &edge.reference.key;
        let mut steps = self.steps_into(children).map(|(_, step)| step).peekable();
        steps.peek().is_some()
            && steps.all(|step| match &step.rows {
                // A key of which a column is NULL refers to nothing.
                Rows::AllNull { columns } => columns.iter().any(|column| key.columns.contains(column)),
                // They are in because they refer to a record of the set, and to no other one.
                Rows::Children { key: owner, parents, .. } if *parents == into && owner.is_same_reference(key) => {
                    edge.reference.is_to_one
                }
                Rows::Children { key: owner, parents, .. } => self.have_same_owner(key, owner, *parents, into),
                _ => false,
            })
    }

    /// Whether what rows refer to by `key` belongs to the record in `parents` to which they belong by `owner`, and is in `into` for
    /// that: the answers of an incident refer to questions of the same incident.
    fn have_same_owner(&self, key: &ForeignKey, owner: &ForeignKey, parents: KeySetId, into: KeySetId) -> bool {
        let referred =
            |column: &String| key.columns.iter().position(|own| own == column).map(|at| &key.target_columns[at]);
        let Some(columns) = owner.columns.iter().map(|column| referred(column).cloned()).collect::<Option<Vec<_>>>()
        else {
            return false;
        };
        let expected = ForeignKey::new(columns, owner.target.clone(), owner.target_columns.clone());
        let last_growth = self.steps_into(parents).map(|(stage, _)| stage).max();
        self.steps_into(into).any(|(stage, step)| match &step.rows {
            Rows::Children { key, parents: of, owners } => {
                let is_free = owners.is_empty() && step.within.is_empty() && step.except.is_empty();
                *of == parents && is_free && key.is_same_reference(&expected) && last_growth < Some(stage)
            }
            _ => false,
        })
    }

    /// The steps that add to a set, with the numbers of their stages.
    fn steps_into(&self, set: KeySetId) -> impl Iterator<Item = (usize, &Step)> {
        let stages = self.stages.iter().enumerate();
        let steps = stages.flat_map(|(number, stage)| stage.steps.iter().map(move |step| (number, &step.step)));
        steps.filter(move |(_, step)| step.into == set)
    }
}
