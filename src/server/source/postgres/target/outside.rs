//! Rows that the replacement of a part is not about.

use super::super::super::merge_rules::EmptiedReference;
use super::super::super::target::{Removal, TableLoad};
use super::super::super::{Result, double_quote_identifier};
use super::super::catalog::{Relation, Schema};
use super::super::database_session::DatabaseSession;
use super::super::key_sets::KeySets;
use super::super::row_key::{applies_sql, equal, expressions};
use super::removal::{Removed, keys, stays_sql};
use super::staging::differs_sql;
use crate::server::rows::ForeignKey;

/// Gives staged rows the references of the rows that are there, where the file may have none since they lead out of its part.
pub fn keep_references(
    session: &mut DatabaseSession,
    schema: &Schema,
    tables: &[Removed<'_>],
    load: &TableLoad,
    staged: &str,
) -> Result<()> {
    let relation = schema.relation(&load.table)?;
    let [file, own] = ["s", "t"].map(|alias| expressions(relation, &load.table, alias, &load.key));
    let (is_same, from) = (equal(&file?, &own?), &relation.from_item);
    for EmptiedReference { column: name, keys, with } in &load.emptied {
        let leads_outside = keys.iter().map(|key| leads_outside_sql(schema, tables, load, key));
        let leads_outside = match load.removal {
            Some(_) => leads_outside.collect::<Result<Vec<_>>>()?.join(" OR "),
            None => "TRUE".to_owned(),
        };
        let name = double_quote_identifier(name);
        let is_other = differs_sql(with, relation, &load.table, "s")?.unwrap_or_else(|| "FALSE".to_owned());
        session.execute(&format!(
            "UPDATE {staged} AS s SET {name} = t.{name} FROM {from} AS t \
              WHERE {is_same} AND s.{name} IS NULL AND t.{name} IS NOT NULL AND NOT {is_other} AND ({leads_outside})"
        ))?;
    }
    Ok(())
}

/// The condition that the reference of the row `t` leads to a row that stays and that the file does not have.
fn leads_outside_sql(schema: &Schema, tables: &[Removed<'_>], load: &TableLoad, key: &ForeignKey) -> Result<String> {
    let (relation, target) = (schema.relation(&load.table)?, schema.relation(&key.target)?);
    let own = expressions(relation, &load.table, "t", &key.columns)?;
    let referred = expressions(target, &key.target, "r", &key.target_columns)?;
    let refers = format!("{}{}", equal(&own, &referred), applies_sql(relation, &load.table, "t", key)?);
    let loaded = tables.iter().find(|(_, other)| other.table == key.target && other.removal.is_some());
    let stays = match loaded {
        Some((number, other)) => {
            let [own, file] = ["r", "k"].map(|alias| expressions(target, &other.table, alias, &other.key));
            let is_same = equal(&own?, &file?);
            let in_file = format!("EXISTS (SELECT 1 FROM {} AS k WHERE {is_same})", keys(*number));
            format!(" AND NOT {in_file}{}", stays_sql(*number, other, "r"))
        }
        None => String::new(),
    };
    Ok(format!("EXISTS (SELECT 1 FROM {} AS r WHERE {refers}{stays})", target.from_item))
}

/// Forgets the staged rows that differ from rows which the replacement is not about: these stay as they are. Returns their number.
pub fn keep_outside(
    session: &mut DatabaseSession,
    key_sets: &KeySets,
    load: &TableLoad,
    relation: &Relation,
    staged: &str,
) -> Result<u64> {
    let is_selected = match &load.removal {
        Some(Removal::Selected(set)) => key_sets.contains_sql(*set, "t")?,
        Some(Removal::Nothing) => "false".to_owned(),
        Some(Removal::All | Removal::OfOwner(_)) | None => return Ok(0),
    };
    let Some(differs) = differs_sql(load.replaced(), relation, &load.table, "s")? else { return Ok(0) };
    let [file, own] = ["s", "t"].map(|alias| expressions(relation, &load.table, alias, &load.key));
    let is_same = equal(&file?, &own?);
    let from = &relation.from_item;
    session.execute(&format!("ANALYZE {staged}"))?;
    session.change(
        &format!("DELETE FROM {staged} AS s USING {from} AS t WHERE {is_same} AND {differs} AND NOT {is_selected}"),
        &[],
    )
}
