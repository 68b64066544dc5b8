//! What the tables of the database must be before they are filled.

use super::part::Role;
use super::table_import::{ImportPlan, TableImport};
use super::{Error, Result};
use crate::model::import::TableMode;
use crate::model::manifest::Metadata;
use crate::model::text;
use crate::server::source::{Load, NewTable};

/// What the new tables lack that the exported ones had.
pub fn not_created(metadata: &Metadata) -> Vec<String> {
    let fields: Vec<String> = metadata.redaction.removed_fields.iter().map(ToString::to_string).collect();
    let left_out =
        (!fields.is_empty()).then(|| format!("left out of the file, and so not created: {}", fields.join(", ")));
    let rules = "indexes, checks, defaults and triggers are not created, since a file does not have them";
    left_out.into_iter().chain([rules.to_owned()]).collect()
}

/// # Errors
/// `Refused` if the database has tables, or does not take one.
pub fn create_tables(load: &mut dyn Load, metadata: &Metadata, engine: &str) -> Result<()> {
    if let Some(table) = load.catalog()?.tables.first() {
        let what =
            format!("the database has tables already, such as {}: --create-tables is for one without any", table.name);
        return Err(Error::Refused(vec![what]));
    }
    let is_same_engine = metadata.source.engine == engine;
    Ok(load.create_tables(&NewTable::of_file(&metadata.schema, is_same_engine))?)
}

pub fn require_empty(load: &mut dyn Load, plan: &ImportPlan, mode: TableMode) -> Result<()> {
    let mut refusals = Vec::new();
    for TableImport { table, .. } in
        plan.tables.iter().filter(|table| mode == TableMode::RequireEmpty && table.role != Some(Role::ReferredTo))
    {
        let records = load.count(table)?;
        if records > 0 {
            refusals.push(format!("{table} has {} already", text::count_with_noun(records, "record")));
        }
    }
    if refusals.is_empty() {
        return Ok(());
    }
    refusals.push("mode append adds to what is there, mode merge replaces what differs".to_owned());
    Err(Error::Refused(refusals))
}
