//! Removes the rows that the file does not have.

use super::super::super::target::{Purpose, Removal, TableLoad};
use super::super::super::{Error, Kind, Result, double_quote_identifier};
use super::super::catalog::{Relation, Schema};
use super::super::client::Format;
use super::super::database_session::DatabaseSession;
use super::super::decode::PgType;
use super::super::error;
use super::super::key_sets::KeySets;
use super::super::reader::RowReader;
use super::super::row_key::{column, equal, expressions};
use super::super::search_paths::{APPLICATION_PATH, OWN_PATH};
use super::super::untrusted_code::UntrustedCode;
use super::kept_import::UndoSchema;
use super::references_to::{self, ReferenceTo};
use super::row_counts::check_taken;
use crate::model::change_reason::ChangeReason;
use crate::model::import::TableEffect;
use crate::model::text;
use crate::server::rows::RowSink;

/// A table of which rows are removed, with its number.
pub type Removed<'r> = (usize, &'r TableLoad);

/// The temporary table of the keys of the file's rows, in the order in which they are pushed.
pub fn keys(number: usize) -> String {
    format!("pg_temp.waybill_file_keys_{number}")
}

/// The temporary table of the rows that are removed.
pub fn gone(number: usize) -> String {
    format!("pg_temp.waybill_gone_{number}")
}

/// The columns of the key in the order of the file's.
pub fn pushed_key(load: &TableLoad) -> impl Iterator<Item = &String> {
    load.columns.iter().filter(|name| load.key.contains(name))
}

/// Creates the tables.
pub fn prepare(session: &mut DatabaseSession, number: usize, load: &TableLoad, relation: &Relation) -> Result<()> {
    let columns = |names: Vec<&String>| {
        names.into_iter().map(|name| format!("t.{}", double_quote_identifier(name))).collect::<Vec<_>>().join(", ")
    };
    let pushed = columns(pushed_key(load).collect());
    let all = [vec![columns(load.key.iter().collect())], recorded(load, relation)?].concat().join(", ");
    let (from, keys, gone) = (&relation.from_item, keys(number), gone(number));
    let [keys, gone] = [&keys, &gone].map(|name| name.trim_start_matches("pg_temp."));
    session.execute(&format!(
        "CREATE TEMPORARY TABLE {keys} ON COMMIT DROP AS SELECT {pushed} FROM {from} AS t WITH NO DATA;
         CREATE TEMPORARY TABLE {gone} ON COMMIT DROP AS SELECT t.tableoid AS waybill_part, t.ctid AS waybill_place, {all} FROM {from} AS t WITH NO DATA"
    ))
}

/// Removes the rows, or finds out which would be.
///
/// # Errors
/// `Refused` if others refer to one that would be removed, or the database does not remove it.
pub fn remove_others(
    session: &mut DatabaseSession,
    (schema, key_sets): (&Schema, &KeySets),
    tables: &[Removed<'_>],
    (purpose, kept): (Purpose, Option<&UndoSchema>),
) -> Result<()> {
    session.execute(OWN_PATH)?;
    for (number, load) in tables {
        find(session, key_sets, (*number, load), schema.relation(&load.table)?)?;
    }
    check_references(session, schema, tables)?;
    for (number, load) in tables.iter().rev().filter(|_| purpose == Purpose::Write) {
        let relation = schema.relation(&load.table)?;
        if let Some(kept) = kept {
            kept.keep_removed(session, *number, relation, &gone(*number))?;
        }
        let expected = count(session, *number)?;
        session.execute(APPLICATION_PATH)?;
        let sql = format!(
            "DELETE FROM {} AS t USING {} AS d \
             WHERE t.ctid OPERATOR(pg_catalog.=) d.waybill_place AND t.tableoid OPERATOR(pg_catalog.=) d.waybill_part",
            relation.from_item,
            gone(*number)
        );
        let removed = session.change(&sql, &[]).map_err(|error| error::refused_row(&load.table, error))?;
        check_taken(&load.table, expected, removed)?;
        session.execute(OWN_PATH)?;
    }
    session.execute(APPLICATION_PATH)
}

/// The values of a row `t` that a plan has of it: whoever has changed it since must not lose that.
fn recorded(load: &TableLoad, relation: &Relation) -> Result<Vec<String>> {
    let replaced = load.replaced().enumerate().filter(|_| load.is_recorded);
    let value = |(number, name): (usize, &String)| {
        Ok(format!("t.{} AS waybill_{number}", column(relation, &load.table, name)?.expression))
    };
    replaced.map(value).collect()
}

fn find(
    session: &mut DatabaseSession,
    key_sets: &KeySets,
    (number, load): Removed<'_>,
    relation: &Relation,
) -> Result<()> {
    let [own, file] = ["t", "k"].map(|alias| expressions(relation, &load.table, alias, &load.key));
    let names = load.key.iter().map(|name| format!("t.{}", double_quote_identifier(name)));
    let names: Vec<String> = names.chain(recorded(load, relation)?).collect();
    let (whose, id) = match (&load.removal, &load.owner) {
        (Some(Removal::OfOwner(id)), Some(owner)) => {
            (format!("{} = CAST($1 AS text)", column(relation, &load.table, owner)?.as_text("t")), vec![id.as_str()])
        }
        (Some(Removal::All), _) => ("true".to_owned(), Vec::new()),
        (Some(Removal::Selected(set)), _) => (key_sets.contains_sql(*set, "t")?, Vec::new()),
        _ => ("false".to_owned(), Vec::new()),
    };
    let keys = keys(number);
    session.execute(&format!("ANALYZE {keys}"))?;
    let sql = format!(
        "INSERT INTO {} SELECT t.tableoid, t.ctid, {} FROM {} AS t WHERE {whose} AND NOT EXISTS (SELECT 1 FROM {keys} AS k WHERE {})",
        gone(number),
        names.join(", "),
        relation.from_item,
        equal(&own?, &file?)
    );
    session.change(&sql, &id).map(drop)
}

/// How many rows are removed.
pub fn count(session: &mut DatabaseSession, number: usize) -> Result<u64> {
    session.fetch_count(&format!("SELECT count(*) AS records FROM {}", gone(number)), &[])
}

/// The further condition on a row `t` that it is not removed.
pub fn stays_sql(number: usize, load: &TableLoad, alias: &str) -> String {
    if load.removal.is_none() {
        return String::new();
    }
    format!(
        " AND NOT EXISTS (SELECT 1 FROM {} AS g WHERE g.waybill_place = {alias}.ctid AND g.waybill_part = {alias}.tableoid)",
        gone(number)
    )
}

/// Records that stay may refer to no record that goes. Those that the file has get its references, but before that the database itself
/// may act.
fn check_references(session: &mut DatabaseSession, schema: &Schema, tables: &[Removed<'_>]) -> Result<()> {
    let code = UntrustedCode::read(session)?;
    let all_gone: Vec<String> = tables
        .iter()
        .map(|(number, _)| format!("SELECT waybill_part AS part, waybill_place AS place FROM {}", gone(*number)))
        .collect();
    let all_gone = all_gone.join(" UNION ALL ");
    let (mut staying, mut acting) = (Vec::new(), Vec::new());
    for (number, load) in tables {
        let relation = schema.relation(&load.table)?;
        for reference in ReferenceTo::read(session, relation.oid)? {
            reference.check_readable(&code)?;
            references_to::check_readable(&code, relation.oid, &load.table)?;
            let ReferenceTo { referring, from_item, is_same, acts_at_once, .. } = &reference;
            let carried = tables
                .iter()
                .find(|(_, other)| schema.relation(&other.table).is_ok_and(|known| known.oid == reference.root()));
            let in_file = match carried {
                Some((other, load)) => {
                    let relation = schema.relation(&load.table)?;
                    let [own, file] = ["r", "k"].map(|alias| expressions(relation, &load.table, alias, &load.key));
                    format!("EXISTS (SELECT 1 FROM {} AS k WHERE {})", keys(*other), equal(&own?, &file?))
                }
                None => "false".to_owned(),
            };
            let sql = format!(
                "SELECT count(*) AS records FROM (SELECT r.tableoid AS part, r.ctid AS place, {in_file} AS in_file FROM {} AS d
                   JOIN {} AS t ON t.ctid = d.waybill_place AND t.tableoid = d.waybill_part JOIN {from_item} AS r ON {is_same}) AS r
                  WHERE NOT EXISTS (SELECT 1 FROM ({all_gone}) AS g WHERE g.place = r.place AND g.part = r.part) AND ",
                gone(*number),
                relation.from_item
            );
            let mut find = |condition: &str, found: &mut Vec<String>| {
                let records = session.fetch_count(&format!("{sql}{condition}"), &[])?;
                if records > 0 {
                    found.push(format!(
                        "{} of {referring} to {}",
                        text::count_with_noun(records, "record"),
                        load.table
                    ));
                }
                Ok::<(), Error>(())
            };
            find("NOT r.in_file", &mut staying)?;
            if *acts_at_once {
                find("r.in_file", &mut acting)?;
            }
        }
    }
    if !staying.is_empty() {
        let what = format!(
            "records that stay refer to records that would be removed, since the file does not have them: {}; remove them or their \
             references first",
            staying.join(", ")
        );
        return Err(Error::new(Kind::Refused, what));
    }
    if !acting.is_empty() {
        let what = format!(
            "the database would change or refuse records of the file while others are removed (ON DELETE): {}; import with mode merge and \
             policy file first, which takes the file's references",
            acting.join(", ")
        );
        return Err(Error::new(Kind::Refused, what));
    }
    Ok(())
}

/// What is removed of a table, which has no records in the file.
pub fn end_emptied(
    session: &mut DatabaseSession,
    (number, load, relation): (usize, &TableLoad, &Relation),
    kept: Option<&UndoSchema>,
    changes: Option<&mut dyn RowSink>,
) -> Result<TableEffect> {
    session.execute(OWN_PATH)?;
    let removed = count(session, number)?;
    if let Some(changes) = changes {
        push(session, number, load, relation, changes)?;
    }
    if let Some(kept) = kept {
        kept.keep_table(session, number, load, relation, (0, removed), true)?;
    }
    session.execute(APPLICATION_PATH)?;
    Ok(TableEffect { removed, ..TableEffect::default() })
}

/// Pushes the removed rows, as `Load::end_table` describes them.
pub fn push(
    session: &mut DatabaseSession,
    number: usize,
    load: &TableLoad,
    relation: &Relation,
    changes: &mut dyn RowSink,
) -> Result<()> {
    let mut selected = vec![(format!("CAST({} AS bigint)", ChangeReason::NotInFile.number()), PgType::Int8)];
    for name in &load.key {
        let column = column(relation, &load.table, name)?;
        selected.push((format!("g.{}", column.expression), column.pg_type));
    }
    for (number, name) in load.replaced().enumerate() {
        let null = ("CAST(NULL AS text)".to_owned(), PgType::Text);
        let recorded = (format!("g.waybill_{number}"), column(relation, &load.table, name)?.pg_type);
        selected.extend([if load.is_recorded { recorded } else { null.clone() }, null]);
    }
    let order = expressions(relation, &load.table, "g", &load.key)?.join(", ");
    let (list, types): (Vec<String>, Vec<PgType>) = selected.into_iter().unzip();
    let sql = format!("SELECT {} FROM {} AS g ORDER BY {order}", list.join(", "), gone(number));
    let formats: Vec<Format> = types.iter().map(|wire| wire.format()).collect();
    let mut reader = RowReader::new(&types, changes);
    let sent_rows = session.read_rows(&sql, &formats, |piece| reader.feed(piece))?;
    reader.finish(sent_rows)
}
