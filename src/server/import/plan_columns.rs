//! Compares the columns of a file with those of the database.

use super::plan::Planning;
use super::table_import::ImportColumn;
use crate::model::catalog::{Codec, ColumnSchema};
use crate::model::import::TableMode;
use crate::model::name::FieldName;
use crate::server::profile::OnImport;
use crate::server::rows::{ForeignKey, Table};

impl Planning<'_> {
    /// What becomes of a column of the file.
    pub fn plan_column(&mut self, table: &Table, own: &ColumnSchema) -> ImportColumn {
        let field = table.name.field(&own.name);
        let target = table.columns.iter().find(|column| column.name == own.name);
        match target {
            None if own.generated => {
                self.notes.push(format!("{field} is computed, and the database has no such column"));
            }
            None => self.refusals.push(format!("the database has no column {field}, and its values would be lost")),
            Some(column) => self.compare_types(&field, own, column),
        }
        let is_set_by_target = self.profile.is_set_by_target(&table.name, &own.name);
        if let Some(column) = target.filter(|_| is_set_by_target) {
            self.leave_to_database(table, column);
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
            is_written: target.is_some_and(|column| !column.generated)
                && !is_set_by_target
                && !self.is_left_out_of_copy(table, &own.name),
            emptied: self.emptied(table, own),
            is_kept: is_numbered || self.metadata.redaction.treated.iter().any(|treated| treated.field == field),
        }
    }

    /// The references of the column that are null in the file if they lead out of its part. What of a person's archive is null there, a
    /// merge cannot tell from what they have emptied.
    fn emptied(&self, table: &Table, own: &ColumnSchema) -> Vec<ForeignKey> {
        let selected = self.metadata.selected_records.get(&table.name);
        let is_emptied = selected.and_then(|selected| selected.emptied_references.as_ref());
        let is_emptied = is_emptied.is_some_and(|emptied| emptied.contains(&own.name));
        let is_known = self.choices.removal.is_some() || self.choices.owners.is_none();
        if !is_emptied || !is_known || self.choices.mode != TableMode::Merge {
            return Vec::new();
        }
        let mut keys = self.profile.references_of(table);
        keys.retain(|key| key.columns.contains(&own.name) && !key.is_within_value());
        keys
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
    pub fn fill_column(&mut self, table: &Table, column: &ColumnSchema) -> Option<(String, OnImport)> {
        let field = table.name.field(&column.name);
        let on_import = self.profile.on_import(&table.name, &column.name).cloned();
        let is_left_out = self.metadata.redaction.removed_fields.contains(&field);
        let why = if self.is_left_out_of_copy(table, &column.name) {
            "is left out of a copy"
        } else if is_left_out {
            "was left out of the file"
        } else {
            "is not in the file"
        };
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
        if !self.is_filled_by_database(column, &field, why) {
            self.refusals.push(format!(
                "{field} {why} and must not be null: say what new records get there, in a profile (--profile FILE) under \
                 [tables.{}.columns]: {} = {{ class = \"secret\", on_import = \"unusable_hash\" }}, or \"fresh_token\", or \
                 {{ constant = \"…\" }}",
                table.name, column.name
            ));
        }
        None
    }

    /// Whether no export of an organisation may have the column: whoever has made the file had another profile.
    pub fn is_left_out_of_copy(&self, table: &Table, column: &str) -> bool {
        self.choices.copied.is_some() && self.choices.owners.is_none() && !self.profile.is_exported(&table.name, column)
    }

    /// Leaves a column to the database of which the file has values.
    fn leave_to_database(&mut self, table: &Table, column: &ColumnSchema) {
        let field = table.name.field(&column.name);
        let is_owner = self.choices.owners.and_then(|owners| owners.get(&table.name)) == Some(&column.name);
        let name = &column.name;
        let refers = |key: &ForeignKey| key.columns.contains(name) || key.when.iter().any(|(when, _)| when == name);
        let tells_apart = self.profile.merge_rules(&table.name).is_some_and(|merge| {
            let is_time = merge.changed_at.as_ref().is_some_and(|changed_at| changed_at.column == *name);
            is_time || merge.hidden_by.as_ref() == Some(name) || merge.natural_keys.iter().any(|key| key.contains(name))
        });
        if tells_apart
            || table.primary_key.contains(&column.name)
            || is_owner
            || self.profile.references_of(table).iter().any(refers)
        {
            self.refusals.push(format!(
                "{field} is a key, a reference or what a merge goes by: the profile cannot leave it to the database"
            ));
        } else if !column.generated && !self.is_filled_by_database(column, &field, "is set by the database") {
            self.refusals.push(format!(
                "{field} must not be null and has no default: the profile leaves it to the database (set_by_target)"
            ));
        }
    }

    /// Whether the database has a value for the column in new records; says so.
    fn is_filled_by_database(&mut self, column: &ColumnSchema, field: &FieldName, why: &str) -> bool {
        if self.rules.defaults.contains_key(field) {
            self.notes.push(format!("{field} {why}: the database fills it in new records{}", self.of_others()));
        } else if column.nullable {
            self.notes.push(format!("{field} {why}: it is empty in new records{}", self.of_others()));
        } else {
            return false;
        }
        true
    }

    /// What a note about new records says of others, where there may be any.
    pub fn of_others(&self) -> &'static str {
        if self.choices.mode == TableMode::Merge { "; those that are there keep theirs" } else { "" }
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
