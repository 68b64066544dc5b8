//! The walk from a record to what decides about it.

use super::super::Result;
use super::record::{RecordKey, Scratch, find_record};
use crate::model::explanation::{Explanation, Reason, Verdict};
use crate::model::name::TableName;
use crate::model::redaction::Treatment;
use crate::model::selection::ScopeKind;
use crate::server::profile::{PlannedTables, Profile};
use crate::server::rows::{ForeignKey, KeySetId, Restriction, Round, RowSink, Rows, Scan, Step, Stopped, Table, Value};
use crate::server::selection::fields;
use crate::server::source::Snapshot;
use crate::server::subset::{Belonging, Membership, SetStep, SubsetPlan, Via};

/// A path may be as long as a table, and owners may refer to each other in a circle.
const MAX_DEPTH: usize = 40;

/// A walk over the filled sets of a part.
pub struct Walk<'w> {
    pub snapshot: &'w mut dyn Snapshot,
    pub planned: &'w PlannedTables,
    pub profile: &'w Profile,
    pub subset: &'w SubsetPlan,
    /// The step of each round, from round 1 on.
    pub rounds: &'w [SetStep],
    pub scratch: Scratch,
    pub scope: Option<ScopeKind>,
    /// The record that is asked about.
    pub asked: (&'w Table, &'w RecordKey),
    pub reasons: Vec<Reason>,
}

impl<'w> Walk<'w> {
    /// Explains the record that is asked about.
    pub fn explain(mut self) -> Result<Explanation> {
        self.go_to_record()?;
        let table = &self.asked.0.name;
        let record = self.describe(table, self.scratch.of(table).current)?;
        if self.scope == Some(ScopeKind::Person) && is_account(self.profile, table) {
            self.say(0, "the account itself belongs to this installation, and is in no person's export".to_owned());
            return Ok(Explanation { record, verdict: Verdict::Out, reasons: self.reasons });
        }
        let part = &self.subset.tables[table];
        let verdict = match part.rows {
            Membership::Whole => {
                self.say(0, format!("{table} is whole in this part"));
                Verdict::In
            }
            Membership::Keys(set) if self.round_of(table, set)?.is_some() => {
                self.why(table, set, 0)?;
                Verdict::In
            }
            Membership::Keys(_) => {
                let stub = part.stubs.map(|stubs| self.round_of(table, stubs)).transpose()?.flatten();
                self.why_not(table)?;
                self.go_to_record()?;
                stub.map_or(Ok(Verdict::Out), |round| self.why_stub(table, round).map(|()| Verdict::Stub))?
            }
        };
        Ok(Explanation { record, verdict, reasons: self.reasons })
    }

    fn go_to_record(&mut self) -> Result<()> {
        let (table, key) = self.asked;
        find_record(self.snapshot, self.scratch.of(&table.name), table, key)
    }

    fn say(&mut self, depth: usize, text: String) {
        self.reasons.push(Reason { depth, text });
    }

    /// Tells by which path the record is in the set, back to the filter that names its beginning.
    fn why(&mut self, table: &TableName, set: KeySetId, depth: usize) -> Result<()> {
        if depth >= MAX_DEPTH {
            self.say(depth, "and so on".to_owned());
            return Ok(());
        }
        let Some(SetStep { step, via }) = self.round_of(table, set)?.and_then(|round| self.step(round)) else {
            return Ok(());
        };
        match (&step.rows, via) {
            (_, Via::Filter(name)) => self.say(depth, format!("{name} asks for it")),
            (_, Via::Unowned) => self.say(depth, "it names no owner, so no filter excludes it".to_owned()),
            (_, Via::EveryFilter(names)) => {
                self.say(depth, format!("it belongs to {}", names.join(" and to ")));
                for set in &step.within {
                    self.why(table, *set, depth + 1)?;
                    // From deeper down there is no way back to the record; one filter is enough to tell.
                    if depth > 0 {
                        break;
                    }
                    self.go_to_record()?;
                }
            }
            (Rows::Children { key, parents, .. }, _) => {
                let rows = parents_of(table, key, self.scratch.of(table).current);
                self.go_on(&key.target, rows, Some(*parents))?;
                let owner = self.describe(&key.target, self.scratch.of(&key.target).current)?;
                self.say(depth, format!("by {} it belongs to {owner}", fields(table, key)));
                self.why(&key.target, *parents, depth + 1)?;
            }
            (Rows::Parents { child, key, children }, via) => {
                let rows = children_of(key, self.scratch.of(table).current);
                self.go_on(child, rows, *children)?;
                let referring = self.describe(child, self.scratch.of(child).current)?;
                let how =
                    if matches!(via, Via::Sharing { .. }) { "shares it" } else { "refers to it, so it came along" };
                self.say(depth, format!("{referring} {how}, by {}", fields(child, key)));
                match children {
                    Some(children) => self.why(child, *children, depth + 1)?,
                    None => self.say(depth + 1, format!("{child} is whole in this part")),
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn why_stub(&mut self, table: &TableName, round: u32) -> Result<()> {
        let Some(SetStep { step, .. }) = self.step(round) else { return Ok(()) };
        if let Rows::Parents { child, key, children } = &step.rows {
            let rows = children_of(key, self.scratch.of(table).current);
            self.go_on(child, rows, *children)?;
            let referring = self.describe(child, self.scratch.of(child).current)?;
            self.say(0, format!("a stub of it is in: {referring} refers to it, by {}", fields(child, key)));
        }
        Ok(())
    }

    /// Tells which links are missing.
    fn why_not(&mut self, table: &TableName) -> Result<()> {
        if !self.subset.may_hold(table) {
            let whose = self.scope.map_or("organisation", ScopeKind::noun);
            self.say(0, format!("{table} is in no {whose}'s export: {}", self.profile.why_in_no_scope(table)));
            return Ok(());
        }
        let subset = self.subset;
        let mut is_asked_for = true;
        for filter in &subset.belonging {
            let Some(set) = filter.sets.get(table) else { continue };
            if self.round_of(table, *set)?.is_none() {
                is_asked_for = false;
                self.say(0, format!("it does not belong to {}", filter.name));
                self.missing_link(table, filter, 1)?;
                self.go_to_record()?;
            }
        }
        if is_asked_for {
            self.say(0, format!("{table} is not among the tables that are asked for"));
        }
        self.say(0, "no record in the part brings it along".to_owned());
        Ok(())
    }

    fn missing_link(&mut self, table: &TableName, filter: &Belonging, depth: usize) -> Result<()> {
        if *table == filter.table {
            let why = if filter.is_range { "its time is not in" } else { "it is none that is asked for by" };
            self.say(depth, format!("{why} {}", filter.name));
        }
        let mut next = None;
        for key in filter.owners.get(table).into_iter().flatten() {
            let (text, is_in) = self.describe_owner(table, key, filter)?;
            match is_in {
                // Told last, so that what explains it follows.
                Some(false) if next.is_none() => next = Some((key, text)),
                _ => self.say(depth, text),
            }
        }
        for (child, key) in filter.sharing.get(table).into_iter().flatten() {
            self.say(depth, format!("no record of {child} in {} shares it, by {}", filter.name, fields(child, key)));
        }
        let Some((key, text)) = next else { return Ok(()) };
        self.say(depth, text);
        if depth >= MAX_DEPTH {
            return Ok(());
        }
        let rows = parents_of(table, key, self.scratch.of(table).current);
        self.go_on(&key.target, rows, None)?;
        self.missing_link(&key.target, filter, depth + 1)
    }

    /// Tells whom the record belongs to by this reference, and whether that belongs to the filter.
    fn describe_owner(
        &mut self,
        table: &TableName,
        key: &ForeignKey,
        filter: &Belonging,
    ) -> Result<(String, Option<bool>)> {
        let (by, owners) = (fields(table, key), self.scratch.of(&key.target));
        if self.candidates(&key.target, parents_of(table, key, self.scratch.of(table).current), None)? == 0 {
            return Ok((format!("{by} leads to no owner"), None));
        }
        let set = filter.sets.get(&key.target).copied();
        let round = set.map(|set| self.snapshot.find_first(owners.candidates, set, owners.found)).transpose()?;
        let is_in = round.flatten().is_some();
        if !is_in {
            self.snapshot.find_first(owners.candidates, owners.candidates, owners.found)?;
        }
        let owner = self.describe(&key.target, owners.found)?;
        let does = if is_in { "belongs" } else { "does not belong" };
        Ok((format!("by {by} it belongs to {owner}, which {does} to {}", filter.name), Some(is_in)))
    }

    /// The round that has added the record to the set, if it is in.
    fn round_of(&mut self, table: &TableName, set: KeySetId) -> Result<Option<u32>> {
        let sets = self.scratch.of(table);
        Ok(self.snapshot.find_first(sets.current, set, sets.found)?)
    }

    fn step(&self, round: u32) -> Option<&'w SetStep> {
        self.rounds.get((round as usize).checked_sub(1)?)
    }

    /// Fills the candidates of the table, and returns their number.
    fn candidates(&mut self, table: &TableName, rows: Rows, within: Option<KeySetId>) -> Result<u64> {
        let candidates = self.scratch.of(table).candidates;
        self.snapshot.clear_key_set(candidates)?;
        let step = Step::new(candidates, rows).within(within.into_iter().collect());
        Ok(self.snapshot.run_step(&step, Round { number: 1, since: 0 })?)
    }

    /// Moves on to the first of these rows that was added to the set; to any of them without a set.
    fn go_on(&mut self, table: &TableName, rows: Rows, set: Option<KeySetId>) -> Result<()> {
        self.candidates(table, rows, set)?;
        let sets = self.scratch.of(table);
        self.snapshot.find_first(sets.candidates, set.unwrap_or(sets.candidates), sets.current)?;
        Ok(())
    }

    /// Table and key of the one record in the set, as far as the key may leave.
    fn describe(&mut self, table: &TableName, set: KeySetId) -> Result<String> {
        let Some(planned) = self.planned.of(table) else {
            return Ok(format!("a record of {table}"));
        };
        let kept = planned.scan.columns.iter().zip(&planned.treatments);
        let kept =
            kept.filter(|(column, treatment)| **treatment == Treatment::Keep && planned.key.contains(&column.name));
        let columns: Vec<_> = kept.map(|(column, _)| column.clone()).collect();
        if columns.is_empty() || columns.len() < planned.key.len() {
            return Ok(format!("a record of {table}"));
        }
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let scan = Scan { columns, restrict: Restriction::Keys(set), order: Vec::new(), ..planned.scan.clone() };
        let mut values = Values(Vec::new());
        self.snapshot.read_table(&scan, &mut values)?;
        let key: Vec<String> = names.iter().zip(&values.0).map(|(name, value)| format!("{name}={value}")).collect();
        Ok(format!("{table} {}", key.join(", ")))
    }
}

/// Whether the table has the accounts that a person's data belongs to.
fn is_account(profile: &Profile, table: &TableName) -> bool {
    profile.scopes.person.as_ref().is_some_and(|scope| scope.table == *table)
}

/// The rows that the records of a set refer to.
fn parents_of(child: &TableName, key: &ForeignKey, children: KeySetId) -> Rows {
    Rows::Parents { child: child.clone(), key: key.clone(), children: Some(children) }
}

/// The rows that refer to the records of a set.
fn children_of(key: &ForeignKey, parents: KeySetId) -> Rows {
    Rows::Children { key: key.clone(), parents, owners: Vec::new() }
}

/// The values of one row, as text.
struct Values(Vec<String>);

impl RowSink for Values {
    fn push_value(&mut self, value: Value<'_>) -> std::result::Result<(), Stopped> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.0.push(match value {
            Value::Null => "NULL".to_owned(),
            Value::Boolean(value) => value.to_string(),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Double(number) => number.to_string(),
            Value::SafeAscii(bytes) | Value::Text(bytes) => text(bytes),
            Value::Blob(bytes) => hex::encode(bytes),
        });
        Ok(())
    }

    fn end_row(&mut self) -> std::result::Result<(), Stopped> {
        Ok(())
    }
}
