//! Which rule of `[outside]` is about a reference, and which columns a stub has.

use std::collections::BTreeSet;

use super::Profile;
use super::nearest::{did_you_mean, nearest};
use super::outside_rule::OutsideRule;
use super::unknown_column::unknown_column;
use crate::model::classification::Classification;
use crate::model::name::{FieldName, TableName};
use crate::server::rows::{Catalog, ForeignKey};

impl Profile {
    /// The rule for a reference of the table that leads outside: its column's, else that of the table that is referred to,
    /// else the default.
    #[must_use]
    pub fn outside_rule(&self, table: &TableName, key: &ForeignKey) -> Option<&OutsideRule> {
        let by_column = || key.columns.iter().find_map(|column| self.outside.get(&table.field(column).to_string()));
        by_column().or_else(|| self.outside.get(key.target.as_str())).or_else(|| self.outside.get("default"))
    }

    /// Whether a rule of `[outside]` is about this very column.
    #[must_use]
    pub fn has_outside_rule(&self, table: &TableName, column: &str) -> bool {
        self.outside.contains_key(&table.field(column).to_string())
    }

    /// The stub columns of rules that are not exported columns of the table referred to, with the rule's name.
    #[must_use]
    pub fn unknown_stub_columns(&self, catalog: &Catalog) -> Vec<(String, FieldName)> {
        let mut unknown = Vec::new();
        for table in &catalog.tables {
            for key in self.references_of(table) {
                for rule in key.columns.iter().map(|column| table.name.field(column).to_string()) {
                    let Some(OutsideRule::Stub(columns)) = self.outside.get(&rule) else { continue };
                    let is_exported = |column: &&String| {
                        let known = self.column(&key.target, column);
                        known.is_some_and(|known| known.class != Classification::Secret)
                    };
                    let missing = columns.iter().filter(|column| !is_exported(column));
                    unknown.extend(missing.map(|column| (rule.clone(), key.target.field(column))));
                }
            }
        }
        unknown
    }

    /// The columns that a stub of the table has beside its key: those that any rule about it names.
    #[must_use]
    pub fn stub_columns(&self, table: &TableName, references: &[(TableName, ForeignKey)]) -> BTreeSet<String> {
        let by_table = self.outside.get(table.as_str()).into_iter();
        let to_it = references.iter().filter(|(_, key)| key.target == *table);
        let fields =
            to_it.flat_map(|(child, key)| key.columns.iter().map(move |column| child.field(column).to_string()));
        let rules = by_table.chain(fields.filter_map(|field| self.outside.get(&field)).collect::<Vec<_>>());
        let columns = rules.filter_map(|rule| match rule {
            OutsideRule::Stub(columns) => Some(columns.clone()),
            _ => None,
        });
        columns.flatten().collect()
    }
}

/// What a rule can be about.
fn subjects(profile: &Profile) -> Vec<String> {
    let columns = profile.tables.iter().flat_map(|(name, table)| {
        let fields = table.columns.keys().map(|column| name.field(column).to_string());
        std::iter::once(name.to_string()).chain(fields)
    });
    std::iter::once("default".to_owned()).chain(columns).collect()
}

/// The mistake in a rule of `[outside]`, if there is one.
pub fn outside_error(profile: &Profile, name: &str, rule: &OutsideRule) -> Option<String> {
    let has_columns = |table: &TableName| profile.tables.get(table).map(|table| &table.columns);
    let is_column = || {
        let (table, column) = name.rsplit_once('.')?;
        has_columns(&TableName::from(table)).filter(|columns| columns.contains_key(column))
    };
    let table = has_columns(&TableName::from(name));
    if *rule == OutsideRule::Include
        && let Some((kind, _)) = profile.scopes.iter().next()
    {
        let whose = kind.in_words();
        return Some(format!("include would let records of others into {whose}'s export: use stub(…) or null"));
    }
    if name != "default" && table.is_none() && is_column().is_none() {
        let near = did_you_mean(nearest(name, subjects(profile).iter().map(String::as_str)));
        return Some(format!("`{name}` is neither default, nor a table, nor a column of this profile{near}"));
    }
    match (rule, table) {
        (OutsideRule::Stub(columns), _) if name == "default" && !columns.is_empty() => {
            Some("default = \"stub(…)\" would be about every table: name columns at a table or a column".into())
        }
        (OutsideRule::Stub(columns), Some(known)) => {
            let missing = columns.iter().find(|column| !known.contains_key(*column))?;
            Some(unknown_column(profile, &TableName::from(name), missing))
        }
        _ => None,
    }
}
