//! Fills the sets of a subset, and counts which rule has brought which records.

use std::collections::BTreeMap;

use super::invalid_selection::InvalidSelection;
use super::{Error, Result};
use crate::model::manifest::SelectedRecords;
use crate::model::name::TableName;
use crate::server::rows::{ForeignKey, Round};
use crate::server::source::SelectRows;
use crate::server::subset::{Membership, SetStep, Stage, SubsetPlan, Via};

/// What is in the filled sets, and why.
pub struct FilledSets {
    /// The step of each round, from round 1 on.
    pub rounds: Vec<SetStep>,
    pub records: BTreeMap<TableName, SelectedRecords>,
}

/// Runs the steps of a plan. Its sets exist and are empty. Blocks.
///
/// # Errors
/// `Invalid` where the profile allows no part with a reference that leads outside; `Source` if the database refuses a
/// step.
pub fn fill(rows: &mut dyn SelectRows, subset: &SubsetPlan) -> Result<FilledSets> {
    let mut filling = Filling { rows, subset, filled: FilledSets { rounds: Vec::new(), records: BTreeMap::new() } };
    for stage in &subset.stages {
        filling.run_stage(stage)?;
    }
    Ok(filling.filled)
}

/// Runs those steps only that find what the selection names: nothing that comes along, and nothing that is nobody's.
///
/// # Errors
/// `Source` if the database refuses a step.
pub fn fill_named(rows: &mut dyn SelectRows, subset: &SubsetPlan) -> Result<FilledSets> {
    let mut filling = Filling { rows, subset, filled: FilledSets { rounds: Vec::new(), records: BTreeMap::new() } };
    let is_named = |stage: &&Stage| stage.steps.iter().all(|step| step.via.is_named());
    subset.stages.iter().filter(is_named).try_for_each(|stage| filling.run_stage(stage))?;
    Ok(filling.filled)
}

struct Filling<'f> {
    rows: &'f mut dyn SelectRows,
    subset: &'f SubsetPlan,
    filled: FilledSets,
}

impl Filling<'_> {
    fn run_stage(&mut self, stage: &Stage) -> Result<()> {
        // What was there when a step ran the last time, it has followed already.
        let mut last_rounds = vec![0; stage.steps.len()];
        loop {
            let mut added = 0;
            for (step, last_round) in stage.steps.iter().zip(&mut last_rounds) {
                let (round, new) = self.run_step(step, *last_round)?;
                *last_round = round;
                added += new;
            }
            if added == 0 || !stage.is_repeated {
                return Ok(());
            }
        }
    }

    /// Returns the number of the round, and of the rows that it has added.
    fn run_step(&mut self, step: &SetStep, since: u32) -> Result<(u32, u64)> {
        self.filled.rounds.push(step.clone());
        let number = u32::try_from(self.filled.rounds.len()).unwrap_or(u32::MAX);
        let added = self.rows.run_step(&step.step, Round { number, since })?;
        self.count(step, added)?;
        Ok((number, added))
    }

    fn count(&mut self, SetStep { step, via }: &SetStep, added: u64) -> Result<()> {
        if added == 0 {
            return Ok(());
        }
        let table = &self.subset.sets[step.into.0];
        let part = &self.subset.tables[table];
        let records = self.filled.records.entry(table.clone()).or_default();
        match via {
            Via::Stop { child, key } => {
                return Err(Error::Invalid(InvalidSelection::leads_outside(child, key, added)));
            }
            Via::OwnersDisagree => records.owners_disagree += added,
            Via::NobodysOutside => records.nobodys += added,
            Via::Stub { .. } => records.stubs += added,
            _ if part.rows != Membership::Keys(step.into) => return Ok(()),
            Via::Reference { .. } => records.came_along += added,
            _ => records.asked_for += added,
        }
        if let Some(rule) = describe(table, via) {
            add(records, rule, added);
        }
        Ok(())
    }
}

fn add(records: &mut SelectedRecords, rule: String, added: u64) {
    match records.by_rule.0.iter_mut().find(|(known, _)| *known == rule) {
        Some((_, number)) => *number += added,
        None => records.by_rule.0.push((rule, added)),
    }
}

/// The rule for people; nothing for what stays outside.
pub fn describe(table: &TableName, via: &Via) -> Option<String> {
    Some(match via {
        Via::Filter(name) => format!("named by {name}"),
        Via::Owner(key) => format!("by {}", fields(table, key)),
        Via::Sharing { child, key } => format!("shared by {}", fields(child, key)),
        Via::Unowned => "belong to nobody".to_owned(),
        Via::EveryFilter(names) => format!("by {}", names.join(" and ")),
        Via::Reference { child, key } => format!("came along through {}", fields(child, key)),
        Via::Stub { child, key } => format!("outside, referred to by {}", fields(child, key)),
        Via::Stop { .. } | Via::OwnersDisagree | Via::NobodysOutside => return None,
    })
}

/// The columns of a reference, with their table.
pub fn fields(table: &TableName, key: &ForeignKey) -> String {
    table.field(key.columns.join(", ")).to_string()
}
