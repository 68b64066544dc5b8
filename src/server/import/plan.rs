//! Compares a file with the database that it goes into: what goes where, and everything that cannot be done, at once.

use super::choices::Choices;
use super::part::{Part, Role};
use super::readings::order;
use super::table_import::{ImportColumn, ImportPlan, TableImport};
use super::{Error, Result, merge_rules, value_rules};
use crate::model::catalog::{Codec, ColumnSchema, TableSchema};
use crate::model::import::{TableMode, TablePolicy};
use crate::model::import_plan::ValueRule;
use crate::model::manifest::Metadata;
use crate::model::name::{FieldName, TableName};
use crate::model::text;
use crate::server::profile::{OnImport, Profile, did_you_mean, nearest};
use crate::server::rows::{Catalog, Table};
use crate::server::source::{CarriedOn, MergeRules, TargetRules};

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

struct Planning<'p> {
    choices: Choices<'p>,
    metadata: &'p Metadata,
    catalog: &'p Catalog,
    rules: &'p TargetRules,
    profile: &'p Profile,
    notes: Vec<String>,
    value_rules: Vec<ValueRule>,
    refusals: Vec<String>,
}

impl Planning<'_> {
    fn plan_table(&mut self, table: &Table, schema: &TableSchema) -> TableImport {
        let stubs = self.metadata.selected_records.get(&table.name).map_or(0, |selected| selected.stubs);
        if stubs > 0 {
            self.refusals.push(format!(
                "the file is a part of a database with {} of {}, which have a few columns only and cannot be imported: export the \
                 whole, or tables that refer to no others (--tables)",
                text::count_with_noun(stubs, "stub"),
                table.name
            ));
        }
        let columns = schema.columns.iter().map(|column| self.plan_column(table, column)).collect();
        let missing = table.columns.iter().filter(|column| !schema.columns.iter().any(|own| own.name == column.name));
        let filled: Vec<_> = missing.filter_map(|column| self.fill_column(table, column)).collect();
        self.value_rules.extend(value_rules::of_table(table, schema, &filled, self.rules));
        let records = match self.choices.part {
            Some(part) => Some(part.records(&table.name, part.role_in(&table.name))),
            None => self.metadata.record_counts.get(&table.name).copied(),
        };
        let is_referred_to = self.choices.part.is_some_and(|part| part.role_in(&table.name) == Role::ReferredTo);
        let policy = if is_referred_to { Some(TablePolicy::Mine) } else { self.choices.policy(&table.name) };
        let mut planned = TableImport {
            table: table.name.clone(),
            reading: 0,
            records: records.unwrap_or_default(),
            columns,
            filled,
            key: table.primary_key.clone(),
            mode: if is_referred_to { TableMode::Merge } else { self.choices.mode },
            referred_by: self.referred_by(&table.name),
            late: Vec::new(),
            merge: MergeRules::default(),
            policy,
            must_be_new: false,
            role: self.choices.part.map(|part| part.role_in(&table.name)),
            owner: self.choices.owners.and_then(|owners| owners.get(&table.name)).cloned(),
            removal: self.choices.removal.cloned(),
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
        if !self.choices.newer_of_others {
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
        let is_untouched = planned.records == 0 && planned.removal.is_none();
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

    fn plan_column(&mut self, table: &Table, own: &ColumnSchema) -> ImportColumn {
        let field = table.name.field(&own.name);
        let target = table.columns.iter().find(|column| column.name == own.name);
        match target {
            None if own.generated => {
                self.notes.push(format!("{field} is computed, and the database has no such column"));
            }
            None => self.refusals.push(format!("the database has no column {field}, and its values would be lost")),
            Some(column) => self.compare_types(&field, own, column),
        }
        // `UPDATE` may not write to such a column (PostgreSQL manual, CREATE TABLE).
        let is_always = target.is_some_and(|column| column.identity.as_deref() == Some("always"));
        let is_numbered = is_always && !table.primary_key.contains(&own.name);
        if is_numbered && self.choices.mode == TableMode::Merge {
            self.notes.push(format!("{field} is numbered by the database: records that are there keep theirs"));
        }
        ImportColumn {
            name: own.name.clone(),
            codec: own.codec,
            target_codec: target.map_or(own.codec, |column| column.codec),
            is_written: target.is_some_and(|column| !column.generated),
            is_kept: is_numbered || self.metadata.redaction.treated.iter().any(|treated| treated.field == field),
        }
    }

    /// Values of another type are read as their text, by the database.
    fn compare_types(&mut self, field: &FieldName, own: &ColumnSchema, column: &ColumnSchema) {
        let is_dynamic = own.codec == Codec::Dynamic || column.codec == Codec::Dynamic;
        // A profile may call a text JSON; the database need not.
        let is_text = |codec| matches!(codec, Codec::Text | Codec::Json);
        if own.codec == column.codec || is_dynamic || is_text(own.codec) && is_text(column.codec) {
            return;
        }
        let (from, to) = (type_name(own), type_name(column));
        if (own.codec == Codec::Base64) == (column.codec == Codec::Base64) {
            self.notes.push(format!(
                "{field} is {from} in the file and {to} in the database, which reads the values as text"
            ));
        } else {
            self.refusals.push(format!("{field} is {from} in the file and {to} in the database: one holds bytes"));
        }
    }

    /// What a column gets that the file lacks; `None` if the database fills it, with its default or NULL.
    fn fill_column(&mut self, table: &Table, column: &ColumnSchema) -> Option<(String, OnImport)> {
        let field = table.name.field(&column.name);
        let on_import = self.profile.on_import(&table.name, &column.name).cloned();
        let is_left_out = self.metadata.redaction.removed_fields.contains(&field);
        let why = if is_left_out { "was left out of the file" } else { "is not in the file" };
        if column.generated {
            return None;
        }
        if let Some(on_import) = on_import.filter(|_| !column.nullable) {
            self.notes.push(format!(
                "{field} {why}: each new record gets {}{}",
                describe(&on_import),
                self.of_others()
            ));
            return Some((column.name.clone(), on_import));
        }
        if self.rules.defaults.contains_key(&field) {
            self.notes.push(format!("{field} {why}: the database fills it in new records{}", self.of_others()));
        } else if column.nullable {
            self.notes.push(format!("{field} {why}: it is empty in new records{}", self.of_others()));
        } else {
            self.refusals.push(format!(
                "{field} {why} and must not be null: say what new records get there, in a profile (--profile FILE) under \
                 [tables.{}.columns]: {} = {{ class = \"secret\", on_import = \"unusable_hash\" }}, or \"fresh_token\", or \
                 {{ constant = \"…\" }}",
                table.name, column.name
            ));
        }
        None
    }

    /// What a note about new records says of others, where there may be any.
    fn of_others(&self) -> &'static str {
        if self.choices.mode == TableMode::Merge { "; those that are there keep theirs" } else { "" }
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

fn type_name(column: &ColumnSchema) -> String {
    if column.native_type.is_empty() { column.codec.to_string() } else { column.native_type.clone() }
}

fn describe(on_import: &OnImport) -> String {
    match on_import {
        OnImport::UnusableHash => "a hash that no password matches".to_owned(),
        OnImport::FreshToken => "a new random token".to_owned(),
        OnImport::Constant(text) => format!("`{text}`"),
    }
}
