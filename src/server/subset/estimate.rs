//! About how many rows a part has, before any of them is looked for.
//!
//! What refers to the rows that a filter names is counted: a customer may have a tenth of a table, or a millionth. From there on,
//! a part is taken to have the same share of a table as of the one that its rows belong to.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::{Membership, SetStep, SubsetPlan, Via};
use crate::model::name::TableName;
use crate::server::rows::{ForeignKey, KeySetId, Rows, Step};

/// What a database knows without reading all of its rows.
pub trait Statistics {
    type Error;

    /// About how many rows a table has.
    ///
    /// # Errors
    /// An error of the database.
    fn rows(&mut self, table: &TableName) -> Result<f64, Self::Error>;

    /// About how many rows the step would add now.
    ///
    /// # Errors
    /// An error of the database.
    fn added_by(&mut self, step: &Step) -> Result<f64, Self::Error>;
}

impl SubsetPlan {
    /// About how many rows of each table the part has; nothing for a table of which that cannot be told. The rows that a filter
    /// names are in the sets `named` by its name.
    ///
    /// # Errors
    /// An error of the statistics.
    pub fn estimate<S: Statistics>(
        &self,
        statistics: &mut S,
        named: &BTreeMap<String, Vec<KeySetId>>,
    ) -> Result<BTreeMap<TableName, f64>, S::Error> {
        let mut rows = BTreeMap::new();
        for table in self.tables.keys() {
            rows.insert(table, statistics.rows(table)?);
        }
        let shares = vec![0.0; self.sets.len()];
        let mut estimate = Estimate { plan: self, rows, shares, asked_for: BTreeSet::new(), named: BTreeMap::new() };
        for stage in &self.stages {
            // Shares grow from step to step until each is as large as the largest that leads to it.
            for _ in 0..if stage.is_repeated { stage.steps.len() } else { 1 } {
                for step in &stage.steps {
                    estimate.add(step, statistics, named)?;
                }
            }
        }
        Ok(estimate.into_rows())
    }
}

struct Estimate<'e> {
    plan: &'e SubsetPlan,
    rows: BTreeMap<&'e TableName, f64>,
    /// The part of its table that each set has, from 0 to 1.
    shares: Vec<f64>,
    /// The sets that have rows not only because others refer to them.
    asked_for: BTreeSet<KeySetId>,
    /// The sets that have the rows of another one already.
    named: BTreeMap<KeySetId, &'e [KeySetId]>,
}

impl<'e> Estimate<'e> {
    fn add<S: Statistics>(
        &mut self,
        SetStep { step, via }: &SetStep,
        statistics: &mut S,
        named: &'e BTreeMap<String, Vec<KeySetId>>,
    ) -> Result<(), S::Error> {
        let table = &self.plan.sets[step.into.0];
        if let Via::Filter(name) = via
            && let Some(sets) = named.get(name)
        {
            self.named.insert(step.into, sets);
        }
        let limits = step.within.iter().map(|set| self.shares[set.0]);
        let share = match &step.rows {
            // What belongs to one filter belongs to another one as often as anything.
            Rows::All => limits.product(),
            Rows::Matching(_) => statistics.added_by(step)? / self.rows_of(table),
            Rows::Children { key, parents, .. } => {
                limits.fold(self.children(step.into, key, *parents, statistics)?, f64::min)
            }
            // What the records of a part refer to outside of it is little, or the part is no good.
            Rows::Parents { .. } if !matches!(via, Via::Reference { .. }) || self.asked_for.contains(&step.into) => 0.0,
            Rows::Parents { child, children, .. } => {
                let share = children.map_or(1.0, |children| self.shares[children.0]);
                limits.fold(expected_share(share * self.rows_of(child), self.rows_of(table)), f64::min)
            }
            Rows::AllNull { .. } => 0.0,
        };
        let known = &mut self.shares[step.into.0];
        *known = known.max(share.clamp(0.0, 1.0));
        if *known > 0.0 && !matches!(step.rows, Rows::Parents { .. }) {
            self.asked_for.insert(step.into);
        }
        Ok(())
    }

    /// The share of what refers to a set.
    fn children<S: Statistics>(
        &self,
        into: KeySetId,
        key: &ForeignKey,
        parents: KeySetId,
        statistics: &mut S,
    ) -> Result<f64, S::Error> {
        let Some(named) = self.named.get(&parents) else { return Ok(self.shares[parents.0]) };
        let mut rows = 0.0;
        for parents in *named {
            let children = Rows::Children { key: key.clone(), parents: *parents, owners: Vec::new() };
            rows += statistics.added_by(&Step::new(into, children))?;
        }
        Ok(rows / self.rows_of(&self.plan.sets[into.0]))
    }

    /// At least one: it is divided by.
    fn rows_of(&self, table: &TableName) -> f64 {
        self.rows.get(table).copied().unwrap_or_default().max(1.0)
    }

    fn into_rows(self) -> BTreeMap<TableName, f64> {
        let part = |(table, part): (&TableName, &super::Part)| {
            let share = match part.rows {
                Membership::Whole => 1.0,
                Membership::Keys(set) => self.shares[set.0],
            };
            (table.clone(), share * self.rows[table])
        };
        self.plan.tables.iter().map(part).collect()
    }
}

/// The share of `targets` rows that `references` lead to, each to any of them.
fn expected_share(references: f64, targets: f64) -> f64 {
    1.0 - (references * (1.0 - 1.0 / targets).ln()).exp().min(1.0)
}
