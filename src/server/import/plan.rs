//! Compares a file with the database that it goes into: what goes where, and everything that cannot be done, at once.

use super::choices::Choices;
use super::part::{Part, Role};
use super::readings::order;
use super::removal::Removals;
use super::table_import::{ImportPlan, TableImport};
use super::{Error, Result, merge_rules, value_rules};
use crate::model::catalog::{ColumnSchema, TableSchema};
use crate::model::import::{TableMode, TablePolicy};
use crate::model::import_plan::ValueRule;
use crate::model::manifest::Metadata;
use crate::model::name::TableName;
use crate::model::text;
use crate::server::profile::{Profile, did_you_mean, nearest};
use crate::server::rows::{Catalog, Table};
use crate::server::source::{CarriedOn, MergeRules, Removal, TargetRules};

/// Plans the import.
///
/// # Errors
/// `Refused` with every sentence that speaks against it.
pub fn plan(
    choices: Choices<'_>,
    metadata: &Metadata,
    catalog: &Catalog,
    rules: &TargetRules,
    profile: &Profile,
) -> Result<ImportPlan> {
    let mut planning = Planning {
        choices,
        metadata,
        catalog,
        rules,
        profile,
        notes: Vec::new(),
        value_rules: Vec::new(),
        refusals: Vec::new(),
    };
    let (mut tables, mut missing) = (Vec::new(), Vec::new());
    for table in choices.policies.keys().filter(|table| metadata.schema.get(table.as_str()).is_none()) {
        let near = did_you_mean(nearest(table.as_str(), metadata.schema.iter().map(|(name, _)| name.as_str())));
        let hint = if table.as_str().contains(',') { ": repeat --policy for each table" } else { "" };
        planning.refusals.push(format!("the file has no table {table}, which has a policy{near}{hint}"));
    }
    for (name, schema) in metadata.schema.iter() {
        if !choices.includes(name) {
            continue;
        }
        match catalog.table(name) {
            Some(_) if catalog.is_unreadable(name) => {
                let reasons = catalog.unreadable.iter().filter(|unreadable| unreadable.table == *name);
                planning
                    .refusals
                    .extend(reasons.map(|table| format!("table {name} cannot be checked: {}", table.reason)));
            }
            Some(table) => tables.push(planning.plan_table(table, schema)),
            None => missing.push(name.to_string()),
        }
    }
    if !missing.is_empty() {
        planning.refusals.push(format!(
            "the database has no table {}: create the schema first, as with pg_dump --schema-only or sqlite3 .schema, or let the import \
             create it in a database without any (--create-tables)",
            missing.join(", ")
        ));
    }
    planning.notes.extend(choices.removal.and_then(Removals::describe));
    let mut tables = order(tables, catalog);
    planning.check_newer(&tables);
    if tables.is_empty() && metadata.schema.iter().next().is_some() && planning.refusals.is_empty() {
        planning.refusals.push("nothing would be imported: every table of the file has the policy skip".to_owned());
    }
    if let Some(part) = choices.part {
        planning.split_asked(part, &mut tables);
    }
    planning.check_order(&mut tables, catalog);
    let treated = &metadata.redaction.treated;
    if !treated.is_empty() {
        let fields: Vec<String> = treated.iter().map(|treated| treated.field.to_string()).collect();
        let (fields, others) = (fields.join(", "), planning.of_others());
        planning.notes.push(format!("new records get the file's masked or pseudonymised values of {fields}{others}"));
    }
    if planning.refusals.is_empty() {
        planning.value_rules.extend(value_rules::of_triggers(rules));
        Ok(ImportPlan { tables, notes: planning.notes, rules: planning.value_rules })
    } else {
        Err(Error::Refused(planning.refusals))
    }
}

/// A plan that is being made.
pub struct Planning<'p> {
    pub choices: Choices<'p>,
    pub metadata: &'p Metadata,
    pub catalog: &'p Catalog,
    pub rules: &'p TargetRules,
    pub profile: &'p Profile,
    pub notes: Vec<String>,
    pub value_rules: Vec<ValueRule>,
    pub refusals: Vec<String>,
}

impl Planning<'_> {
    fn plan_table(&mut self, table: &Table, schema: &TableSchema) -> TableImport {
        let stubs = self.stubs(table);
        let columns: Vec<_> = schema.columns.iter().map(|column| self.plan_column(table, column)).collect();
        let is_missing = |column: &&ColumnSchema| !schema.columns.iter().any(|own| own.name == column.name);
        let left_out: Vec<&ColumnSchema> =
            table.columns.iter().filter(|column| self.is_left_out_of_copy(table, &column.name)).collect();
        let missing = table.columns.iter().filter(|column| is_missing(column) || left_out.contains(column));
        let filled: Vec<_> = missing.filter_map(|column| self.fill_column(table, column)).collect();
        self.value_rules.extend(value_rules::of_table(table, &columns, &filled, self.rules));
        let records = match self.choices.part {
            Some(part) => Some(part.records(&table.name, part.role_in(&table.name))),
            None => self.metadata.record_counts.get(&table.name).copied(),
        };
        let is_referred_to = self.choices.part.is_some_and(|part| part.role_in(&table.name) == Role::ReferredTo);
        let policy = if is_referred_to { Some(TablePolicy::Mine) } else { self.choices.policy(&table.name) };
        let removal = self.choices.removal.map(|removals| removals.of(&table.name));
        let removal = removal.filter(|removal| *removal != Removal::Nothing || !table.primary_key.is_empty());
        let is_copied = self.choices.copied.is_some_and(|copied| copied.contains(&table.name));
        let mut planned = TableImport {
            table: table.name.clone(),
            reading: 0,
            records: records.unwrap_or_default().saturating_sub(stubs),
            stubs,
            columns,
            filled,
            key: table.primary_key.clone(),
            mode: if is_referred_to { TableMode::Merge } else { self.choices.mode },
            referred_by: self.referred_by(&table.name),
            late: Vec::new(),
            merge: MergeRules::default(),
            policy,
            must_be_new: is_copied,
            role: self.choices.part.map(|part| part.role_in(&table.name)),
            owner: self.choices.owners.and_then(|owners| owners.get(&table.name)).cloned(),
            removal,
            is_copied,
        };
        // What is merged beside records that are appended keeps its key: they refer to that.
        if self.choices.mode == TableMode::Merge {
            let found = merge_rules::find(self.profile, table, &planned, self.metadata);
            self.notes.extend(found.notes);
            self.refusals.extend(found.refusals);
            if planned.merge != found.rules {
                self.value_rules.push(value_rules::of_merge(&table.name, &found.rules));
            }
            planned.merge = found.rules;
            let has_natural_keys =
                self.profile.merge_rules(&table.name).is_some_and(|merge| !merge.natural_keys.is_empty());
            planned.merge.must_share_natural_key = has_natural_keys
                && self.choices.copied.is_some()
                && self.choices.owners.is_none()
                && !is_copied
                && !self.choices.is_decided(&table.name);
            if policy == Some(TablePolicy::Newer) && !planned.merge.knows_newer() {
                self.refusals.push(format!(
                    "{} has the policy newer, and no profile tells when its records were changed (changed_at) or which are hidden \
                     (hidden_by): give it with --profile FILE, under [tables.{}.merge]",
                    table.name, table.name
                ));
            }
        }
        self.check_key(&planned);
        self.check_carried_on(&planned);
        planned
    }

    /// How many records of the file are stubs, of records that must be there already.
    fn stubs(&mut self, table: &Table) -> u64 {
        let stubs = self.metadata.selected_records.get(&table.name).map_or(0, |selected| selected.stubs);
        let (name, counted) = (&table.name, text::count_with_noun(stubs, "stub"));
        if stubs > 0 && self.choices.mode == TableMode::Merge && self.choices.part.is_none() {
            self.notes.push(format!(
                "{counted} of {name} left out: these records have a few columns only in the file, and must be here"
            ));
        } else if stubs > 0 {
            self.refusals.push(format!(
                "the file is a part of a database with {counted} of {name}, which have a few columns only and cannot be imported: import it \
                 whole with mode merge where these records are"
            ));
        }
        stubs
    }

    /// Of the table that was asked for, other records may be referred to: they are imported apart from it, before it.
    fn split_asked(&mut self, part: &Part, tables: &mut Vec<TableImport>) {
        let records = part.records(&part.asked.table, Role::ReferredTo);
        let Some(place) = tables.iter().position(|table| table.table == part.asked.table) else { return };
        let mut asked = tables.remove(place);
        let reading = tables.last().map_or(0, |last| last.reading + 1);
        if records > 0 && !asked.merge.natural_keys.is_empty() {
            self.refusals.push(format!(
                "records of {} refer to others of it, and its natural keys tell these apart in a whole file only: import that",
                asked.table
            ));
        }
        if records > 0 {
            // What is appended to the same table could not be told from what is merged into it.
            asked.must_be_new = asked.mode != TableMode::Merge;
            asked.mode = TableMode::Merge;
            let role = Some(Role::ReferredTo);
            let referred_to = TableImport {
                records,
                reading,
                role,
                policy: Some(TablePolicy::Mine),
                must_be_new: false,
                ..asked.clone()
            };
            self.check_key(&referred_to);
            tables.push(referred_to);
        }
        asked.reading = reading + 1;
        tables.push(asked);
    }

    /// The columns of the table by which others refer to it.
    fn referred_by(&self, table: &TableName) -> Vec<Vec<String>> {
        let keys = self.catalog.tables.iter().flat_map(|other| self.profile.references_of(other));
        let mut columns: Vec<Vec<String>> =
            keys.filter(|key| key.target == *table).map(|key| key.target_columns).collect();
        columns.sort();
        columns.dedup();
        columns
    }

    /// Who wants to leave what is newer must be told where nothing tells what that is.
    fn check_newer(&mut self, tables: &[TableImport]) {
        if self.choices.request.policy != Some(TablePolicy::Newer) {
            return;
        }
        let unknown = tables.iter().filter(|table| !table.merge.knows_newer() && table.policy.is_none());
        let unknown: Vec<&str> = unknown.map(|table| table.table.as_str()).collect();
        if unknown.len() == tables.len() {
            self.refusals.push(
                "the policy newer is about none of the file's tables: no profile tells when records were changed (changed_at) or which \
                 are hidden (hidden_by); give it with --profile FILE"
                    .to_owned(),
            );
        } else if !unknown.is_empty() {
            self.notes.push(format!(
                "the profile does not tell what is newer in {}: there, records that differ get the file's values",
                unknown.join(", ")
            ));
        }
    }

    /// A merge must tell whether a record is there already.
    fn check_key(&mut self, planned: &TableImport) {
        let is_untouched =
            planned.records == 0 && planned.removal.as_ref().is_none_or(|removal| *removal == Removal::Nothing);
        if planned.mode != TableMode::Merge || is_untouched {
            return;
        }
        let load = planned.to_load();
        let missing = load.key.iter().find(|name| !load.columns.contains(name) || load.kept.contains(name));
        if load.key.is_empty() {
            self.refusals
                .push(format!("{} has no primary key, so nothing tells which of its records are there: --policy {}=skip leaves it out", load.table, load.table));
        } else if let Some(column) = missing {
            let field = load.table.field(column);
            self.refusals
                .push(format!("the file has not the values of {field}, a key that tells which records are there"));
        }
    }

    /// A merge changes no record that it does not name.
    fn check_carried_on(&mut self, planned: &TableImport) {
        if planned.mode != TableMode::Merge || planned.records == 0 {
            return;
        }
        let load = planned.to_load();
        let carried_on = self.rules.carried_on.iter().filter(|reference| reference.table == planned.table);
        for CarriedOn { columns, referring, .. } in carried_on {
            if let Some(column) = load.replaced().find(|name| columns.contains(name)) {
                self.refusals.push(format!(
                    "{} is referred to by {referring}, which the database would change, too (ON UPDATE)",
                    load.table.field(column)
                ));
            }
        }
    }

    /// A reference that is checked at once must lead to a table that is filled before, or be empty until that is.
    fn check_order(&mut self, tables: &mut [TableImport], catalog: &Catalog) {
        for reference in &self.rules.checked_at_once {
            let place = |name: &TableName| tables.iter().position(|table| table.table == *name);
            let (Some(from), Some(to)) = (place(&reference.table), place(&reference.target)) else { continue };
            if to <= from || tables[from].records == 0 {
                continue;
            }
            let known = catalog.table(&reference.table).map_or(&[][..], |table| &table.columns);
            let is_nullable = |name: &String| known.iter().any(|column| column.name == *name && column.nullable);
            let load = tables[from].to_load();
            let has_key = !load.key.is_empty() && load.key.iter().all(|name| load.columns.contains(name));
            let runs_code = self.rules.run_code.contains(&reference.table);
            if load.mode != TableMode::Merge && has_key && !runs_code && reference.columns.iter().all(is_nullable) {
                let written = reference.columns.iter().filter(|name| load.columns.contains(name));
                let late = &mut tables[from].late;
                late.extend(written.cloned());
                // References may share a column.
                late.sort();
                late.dedup();
            } else {
                self.refusals.push(format!(
                    "{} refers to {}, which comes later in the file, and the database checks that at once: ALTER TABLE {} ALTER \
                     CONSTRAINT {} DEFERRABLE",
                    reference.table, reference.target, reference.table, reference.constraint
                ));
            }
        }
    }
}
