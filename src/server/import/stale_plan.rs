//! What has moved since a plan was made: the records whose changes are others now.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use super::changes::{RecordedChanges, RecordedTable};
use super::planned_changes::{PlanFile, parse_change};
use super::{Error, Result};
use crate::model::change_reason::RecordAction;
use crate::model::import::{ImportMode, TablePolicies};
use crate::model::import_plan::{FilePart, ImportPlanHead, PlannedChange, ValueRule};
use crate::model::name::TableName;
use crate::model::text;

/// More records are not named.
const MAX_NAMED: usize = 10;
/// More records that are in one plan only are not looked at.
const MAX_UNMATCHED: usize = 100_000;

/// The changes that are in one of the plans only, by table and key.
#[derive(Default)]
struct Unmatched {
    changes: BTreeMap<(TableName, String), Vec<u8>>,
    /// Whether there were more than are looked at.
    is_cut: bool,
}

/// Checks that a plan is one of this import, before anything is read.
///
/// # Errors
/// `OtherPlan` if it is of another file, mode or database.
pub fn check_import(plan: &ImportPlanHead, file_sha256: &str, mode: ImportMode, target: &str) -> Result<()> {
    if plan.mode != mode {
        return Err(Error::OtherPlan(format!("the plan is for --mode {}", plan.mode)));
    }
    if plan.file_sha256 != file_sha256 {
        return Err(Error::OtherPlan(format!("the plan is for another file, with the seal {}", plan.file_sha256)));
    }
    if plan.target != target {
        return Err(Error::OtherPlan(format!("the plan is for another database, {}", plan.target)));
    }
    Ok(())
}

/// # Errors
/// `OtherPlan` if it is of another part of the file, or has other policies.
pub fn check_choices(plan: &ImportPlanHead, part: Option<&FilePart>, policies: &TablePolicies) -> Result<()> {
    if plan.part.as_ref() != part {
        let part = plan.part.as_ref().map_or_else(|| "the whole file".to_owned(), FilePart::to_string);
        return Err(Error::OtherPlan(format!("the plan is for {part}")));
    }
    if plan.policies == *policies {
        return Ok(());
    }
    let policies: Vec<String> =
        plan.policies.iter().map(|(table, policy)| format!(" --policy {table}={policy}")).collect();
    let policies = if policies.is_empty() { "no --policy".to_owned() } else { policies.concat() };
    Err(Error::OtherPlan(format!("the plan is for {}", policies.trim_start())))
}

/// Compares the plan that was made with what would happen now: one sentence for each record that has moved, without its values, and
/// for each rule that is another one.
///
/// # Errors
/// If one of them cannot be read.
pub fn find_moved(plan: &PlanFile, now: &ImportPlanHead, changes: &mut RecordedChanges) -> Result<Vec<String>> {
    let mut sentences = moved_rules(&plan.head.rules, &now.rules);
    let (then, now) = unmatched(plan, changes)?;
    if then.is_cut || now.is_cut {
        sentences.push(format!("more than {} moved", text::count_with_noun(MAX_UNMATCHED as u64, "record")));
        return Ok(sentences);
    }
    let keys: BTreeSet<&(TableName, String)> = then.changes.keys().chain(now.changes.keys()).collect();
    for key in keys.iter().copied().take(MAX_NAMED) {
        let what = what_moved(then.changes.get(key), now.changes.get(key))?;
        sentences.push(format!("{} {}: {what}", key.0, key.1));
    }
    if keys.len() > MAX_NAMED {
        let others = text::count_with_noun((keys.len() - MAX_NAMED) as u64, "other record");
        sentences.push(format!("{others} moved, too"));
    }
    if sentences.is_empty() {
        sentences.push("records that it leaves as they are have moved".to_owned());
    }
    Ok(sentences)
}

fn moved_rules(then: &[ValueRule], now: &[ValueRule]) -> Vec<String> {
    let names: BTreeSet<&String> = then.iter().chain(now).map(|rule| &rule.name).collect();
    let digests = |rules: &[ValueRule], name: &String| -> Vec<String> {
        rules.iter().filter(|rule| rule.name == *name).map(|rule| rule.sha256.clone()).collect()
    };
    let moved = names.into_iter().filter(|name| digests(then, name) != digests(now, name));
    moved.map(|name| format!("{name} is another now")).collect()
}

fn what_moved(then: Option<&Vec<u8>>, now: Option<&Vec<u8>>) -> Result<String> {
    let parse = |line: Option<&Vec<u8>>| line.map(|line| parse_change(line)).transpose();
    Ok(match (parse(then)?, parse(now)?) {
        (Some(then), Some(now)) if then.action == now.action && then.reason != now.reason => {
            now.reason.describe().map_or_else(|| columns(&now), |reason| format!("is {reason}"))
        }
        (Some(then), Some(now)) if then.action == now.action => {
            let value = |change: &PlannedChange, name: &String| {
                change.changes.get(name).map(|pair| (pair.before.get().to_owned(), pair.after.get().to_owned()))
            };
            let mut names: Vec<&String> = then.changes.iter().chain(now.changes.iter()).map(|(name, _)| name).collect();
            names.sort();
            names.dedup();
            let moved = names.into_iter().filter(|name| value(&then, name) != value(&now, name));
            moved.map(String::as_str).collect::<Vec<_>>().join(", ")
        }
        (_, Some(PlannedChange { action: RecordAction::Create, .. })) => "was removed".to_owned(),
        (_, Some(PlannedChange { action: RecordAction::Delete, .. })) => "would be removed now".to_owned(),
        (Some(PlannedChange { action: RecordAction::Delete, .. }), _) => "would not be removed now".to_owned(),
        (Some(PlannedChange { action: RecordAction::Create, .. }), _) => "was added".to_owned(),
        (_, Some(now)) => columns(&now),
        (Some(then), None) => format!("{}: would not be changed now", columns(&then)),
        (None, None) => String::new(),
    })
}

fn columns(change: &PlannedChange) -> String {
    change.changes.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Both have the same tables, and their records in the same order: what is the same is dropped on the way.
fn unmatched(plan: &PlanFile, changes: &mut RecordedChanges) -> Result<(Unmatched, Unmatched)> {
    changes.lines.seek(SeekFrom::Start(0))?;
    let mut later = Later { input: BufReader::new(&changes.lines), tables: &changes.tables, left: 0, table: 0 };
    let (mut then, mut now) = (Unmatched::default(), Unmatched::default());
    plan.for_each_change(|table, line| {
        add(&mut then, &mut now, table, line)?;
        match later.next()? {
            Some((table, line)) => add(&mut now, &mut then, table, &line),
            None => Ok(()),
        }
    })?;
    while let Some((table, line)) = later.next()? {
        add(&mut now, &mut then, table, &line)?;
    }
    Ok((then, now))
}

/// Adds a change to those of one plan, unless the other one has the same.
fn add(own: &mut Unmatched, other: &mut Unmatched, table: &TableName, line: &[u8]) -> Result<()> {
    let place = (table.clone(), parse_change(line)?.key_text());
    if other.changes.get(&place).is_some_and(|known| known == line) {
        other.changes.remove(&place);
    } else if own.changes.len() < MAX_UNMATCHED {
        own.changes.insert(place, line.to_vec());
    } else {
        own.is_cut = true;
    }
    Ok(())
}

/// The changes as they are now, one after the other.
struct Later<'l, R> {
    input: BufReader<R>,
    tables: &'l [RecordedTable],
    /// Lines that are left of the table before `table`.
    left: u64,
    table: usize,
}

impl<'l, R: Read> Later<'l, R> {
    fn next(&mut self) -> Result<Option<(&'l TableName, Vec<u8>)>> {
        while self.left == 0 {
            let Some(next) = self.tables.get(self.table) else { return Ok(None) };
            (self.left, self.table) = (next.records, self.table + 1);
        }
        self.left -= 1;
        let mut line = Vec::new();
        self.input.read_until(b'\n', &mut line).map_err(Error::Plan)?;
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        Ok(Some((&self.tables[self.table - 1].table, line)))
    }
}
