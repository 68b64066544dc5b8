//! Compares a file with the database that it goes into: what goes where, and everything that cannot be done, at once.

use sha2::{Digest, Sha256};

use super::choices::Choices;
use super::part::{Part, Role};
use super::{Error, Result};
use crate::model::catalog::{Codec, ColumnSchema, TableSchema};
use crate::model::import::{ImportMode, TablePolicy};
use crate::model::import_plan::ValueRule;
use crate::model::manifest::Metadata;
use crate::model::name::{FieldName, TableName};
use crate::model::text;
use crate::server::profile::{OnImport, Profile};
use crate::server::rows::{Catalog, Table};
use crate::server::source::{CarriedOn, TableLoad, TargetRules};

/// What an import writes, decided before the first row.
#[derive(Debug)]
pub struct ImportPlan {
    /// In the order of the file.
    pub tables: Vec<TableImport>,
    /// The table of a part that was asked for: it comes last, maybe twice.
    pub asked_table: Option<TableName>,
    /// What happens to columns that file and database do not share, one sentence each.
    pub notes: Vec<String>,
    /// What puts values into the records besides the file.
    pub rules: Vec<ValueRule>,
}

/// What is written to one table.
#[derive(Clone, Debug)]
pub struct TableImport {
    pub table: TableName,
    /// How many records the file promises.
    pub records: u64,
    /// The file's columns.
    pub columns: Vec<ImportColumn>,
    /// Columns that the file lacks, with what they get.
    pub filled: Vec<(String, OnImport)>,
    /// The table's primary key.
    pub key: Vec<String>,
    pub mode: ImportMode,
    /// Whether a record that is there already stays as it is.
    pub keeps_existing: bool,
    /// Whether a record that is there and differs ends the import.
    pub stops_at_changes: bool,
    /// Whether a record that is there ends the import, although it is a merge.
    pub must_be_new: bool,
    /// Of a part: why its records are imported.
    pub role: Option<Role>,
}

/// A column of the file.
#[derive(Clone, Debug)]
pub struct ImportColumn {
    pub name: String,
    pub codec: Codec,
    /// The codec of the database's column.
    pub target_codec: Codec,
    /// Whether its values are written: not those that the database computes.
    pub is_written: bool,
    /// Whether a record that is there already keeps its own value: the file's is masked.
    pub is_kept: bool,
}

impl TableImport {
    /// What the target has to know of it.
    pub fn to_load(&self) -> TableLoad {
        let written = || self.columns.iter().filter(|column| column.is_written);
        let filled = || self.filled.iter().map(|(name, _)| name.clone());
        let is_kept =
            |column: &&ImportColumn| column.is_kept || self.keeps_existing && !self.key.contains(&column.name);
        TableLoad {
            table: self.table.clone(),
            mode: self.mode,
            columns: written().map(|column| column.name.clone()).chain(filled()).collect(),
            kept: written().filter(is_kept).map(|column| column.name.clone()).chain(filled()).collect(),
            key: self.key.clone(),
            is_recorded: false,
        }
    }
}

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
        rules,
        profile,
        notes: Vec::new(),
        value_rules: Vec::new(),
        refusals: Vec::new(),
    };
    let (mut tables, mut missing) = (Vec::new(), Vec::new());
    for table in choices.policies.keys().filter(|table| metadata.schema.get(table.as_str()).is_none()) {
        planning.refusals.push(format!("the file has no table {table}, which has a policy"));
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
    if let Some(part) = choices.part {
        planning.split_asked(part, &mut tables);
    }
    planning.check_order(&tables);
    let treated = &metadata.redaction.treated;
    if !treated.is_empty() {
        let fields: Vec<String> = treated.iter().map(|treated| treated.field.to_string()).collect();
        let (fields, others) = (fields.join(", "), planning.of_others());
        planning.notes.push(format!("new records get the file's masked or pseudonymised values of {fields}{others}"));
    }
    if planning.refusals.is_empty() {
        planning.value_rules.extend(
            rules
                .triggers
                .iter()
                .map(|trigger| value_rule(format!("the trigger {}", trigger.name), &trigger.definition)),
        );
        let asked_table = choices.part.map(|part| part.asked.table.clone());
        Ok(ImportPlan { tables, asked_table, notes: planning.notes, rules: planning.value_rules })
    } else {
        Err(Error::Refused(planning.refusals))
    }
}

struct Planning<'p> {
    choices: Choices<'p>,
    metadata: &'p Metadata,
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
        self.keep_rules(table, schema, &filled);
        let records = match self.choices.part {
            Some(part) => Some(part.records(&table.name, part.role_in(&table.name))),
            None => self.metadata.record_counts.get(&table.name).copied(),
        };
        let is_referred_to = self.choices.part.is_some_and(|part| part.role_in(&table.name) == Role::ReferredTo);
        let policy = self.choices.policy(&table.name);
        let planned = TableImport {
            table: table.name.clone(),
            records: records.unwrap_or_default(),
            columns,
            filled,
            key: table.primary_key.clone(),
            mode: if is_referred_to { ImportMode::Merge } else { self.choices.mode },
            keeps_existing: is_referred_to || policy == TablePolicy::Mine,
            stops_at_changes: policy == TablePolicy::Stop,
            must_be_new: false,
            role: self.choices.part.map(|part| part.role_in(&table.name)),
        };
        self.check_key(&planned);
        self.check_carried_on(&planned);
        planned
    }

    /// Of the table that was asked for, other records may be referred to: they are imported apart from it, before it.
    fn split_asked(&mut self, part: &Part, tables: &mut Vec<TableImport>) {
        let records = part.records(&part.asked.table, Role::ReferredTo);
        let Some(place) = tables.iter().position(|table| table.table == part.asked.table) else { return };
        let mut asked = tables.remove(place);
        if records > 0 {
            // What is appended to the same table could not be told from what is merged into it.
            asked.must_be_new = asked.mode != ImportMode::Merge;
            asked.mode = ImportMode::Merge;
            let role = Some(Role::ReferredTo);
            let referred_to = TableImport { records, role, keeps_existing: true, must_be_new: false, ..asked.clone() };
            self.check_key(&referred_to);
            tables.push(referred_to);
        }
        tables.push(asked);
    }

    /// Keeps what decides about values that the file lacks, or that the database computes.
    fn keep_rules(&mut self, table: &Table, schema: &TableSchema, filled: &[(String, OnImport)]) {
        for (column, on_import) in filled {
            let what = format!("what the profile fills in {}", table.name.field(column));
            self.value_rules.push(value_rule(what, &format!("{on_import:?}")));
        }
        let columns: Vec<String> =
            table.columns.iter().map(|column| format!("{} {}", column.name, column.native_type)).collect();
        self.value_rules.push(value_rule(format!("what columns {} has", table.name), &columns.join("\n")));
        for column in &table.columns {
            let (is_ours, field) =
                (schema.columns.iter().any(|own| own.name == column.name), table.name.field(&column.name));
            let is_filled = filled.iter().any(|(name, _)| *name == column.name);
            if let Some(definition) = self.rules.defaults.get(&field)
                && (column.generated || !is_ours && !is_filled)
            {
                let kind = if column.generated { "expression" } else { "default" };
                self.value_rules.push(value_rule(format!("the {kind} of {field}"), definition));
            }
        }
    }

    /// A merge must tell whether a record is there already.
    fn check_key(&mut self, planned: &TableImport) {
        if planned.mode != ImportMode::Merge || planned.records == 0 {
            return;
        }
        let load = planned.to_load();
        let missing = load.key.iter().find(|name| !load.columns.contains(name) || load.kept.contains(name));
        if load.key.is_empty() {
            self.refusals
                .push(format!("{} has no primary key, so nothing tells which of its records are there", load.table));
        } else if let Some(column) = missing {
            let field = load.table.field(column);
            self.refusals
                .push(format!("the file has not the values of {field}, a key that tells which records are there"));
        }
    }

    /// A merge changes no record that it does not name.
    fn check_carried_on(&mut self, planned: &TableImport) {
        if planned.mode != ImportMode::Merge || planned.records == 0 {
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
        if is_numbered && self.choices.mode == ImportMode::Merge {
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
        if self.choices.mode == ImportMode::Merge { "; those that are there keep theirs" } else { "" }
    }

    /// A reference that is checked at once must lead to a table that is filled before.
    fn check_order(&mut self, tables: &[TableImport]) {
        let place = |name: &TableName| tables.iter().position(|table| table.table == *name);
        for reference in &self.rules.checked_at_once {
            let (from, to) = (place(&reference.table), place(&reference.target));
            if to > from && tables.iter().any(|table| table.table == reference.table && table.records > 0) {
                self.refusals.push(format!(
                    "{} refers to {}, which comes later in the file, and the database checks that at once: ALTER TABLE {} ALTER \
                     CONSTRAINT {} DEFERRABLE",
                    reference.table, reference.target, reference.table, reference.constraint
                ));
            }
        }
    }
}

fn value_rule(name: String, definition: &str) -> ValueRule {
    ValueRule { name, sha256: hex::encode(Sha256::digest(definition)) }
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
