//! Changes of the same kind, counted: 4,120 updates read as "3,902 × contacts.phone, 211 × users.name, email, 7 others".

use std::collections::BTreeMap;

use crate::model::change_reason::ChangeReason;
use crate::model::import_plan::{ChangeExample, ChangeGroup, ValueChange};
use crate::model::name::TableName;
use crate::model::text;

/// More kinds of changes are not told apart.
const MAX_GROUPS: usize = 200;
const MAX_EXAMPLES: usize = 5;
/// More of a value is not shown in an example.
const MAX_VALUE_CHARS: usize = 80;

#[derive(Default)]
pub struct ChangeGroups {
    groups: BTreeMap<Kind, (u64, Vec<ChangeExample>)>,
    tables: Vec<TableName>,
}

/// The place of the table, the reason and the columns.
type Kind = (usize, ChangeReason, Vec<String>);

impl ChangeGroups {
    /// Counts a change: the JSON texts of its key, and of each column that differs before and after.
    pub fn add(
        &mut self,
        table: &TableName,
        reason: ChangeReason,
        key: &[(&str, &[u8])],
        changed: &[(&str, &[u8], &[u8])],
    ) {
        if self.tables.last() != Some(table) {
            self.tables.push(table.clone());
        }
        let columns = changed.iter().map(|(name, ..)| (*name).to_owned()).collect();
        let mut kind = (self.tables.len() - 1, reason, columns);
        if self.groups.len() >= MAX_GROUPS && !self.groups.contains_key(&kind) {
            kind.2 = Vec::new();
        }
        let (records, examples) = self.groups.entry(kind).or_default();
        *records += 1;
        if examples.len() < MAX_EXAMPLES {
            let keys: Vec<String> = key.iter().map(|(_, text)| shown(text)).collect();
            let change = |(name, before, after): &(&str, &[u8], &[u8])| ValueChange {
                column: (*name).to_owned(),
                before: shown(before),
                after: shown(after),
            };
            examples.push(ChangeExample { key: keys.join(", "), changes: changed.iter().map(change).collect() });
        }
    }

    /// The groups: by table, what needs a decision first, the largest first.
    pub fn into_groups(self) -> Vec<ChangeGroup> {
        let tables = self.tables;
        let mut groups: Vec<_> = self.groups.into_iter().collect();
        groups.sort_by_key(|((table, reason, _), (records, _))| (*table, *reason, std::cmp::Reverse(*records)));
        let group = |((table, reason, columns), (records, examples)): (Kind, _)| ChangeGroup {
            table: tables[table].clone(),
            action: reason.action(),
            reason,
            columns,
            records,
            examples,
        };
        groups.into_iter().map(group).collect()
    }
}

fn shown(json: &[u8]) -> String {
    text::shortened(&String::from_utf8_lossy(json), MAX_VALUE_CHARS)
}
