//! Records in a temporary table, before they are compared with those that are there.

use super::super::super::target::{Purpose, TableLoad};
use super::super::super::{Error, Kind, Result, double_quote_identifier};
use super::super::catalog::{Relation, Schema};
use super::super::client::Format;
use super::super::database_session::DatabaseSession;
use super::super::decode::PgType;
use super::super::error::{self, STAGED_PREFIX};
use super::super::reader::RowReader;
use super::super::row_key::{column, equal, expressions, quoted};
use super::super::untrusted_code::UntrustedCode;
use super::checked_rows;
use super::conflicts::Conflicts;
use super::foreign_key_check::ForeignKeyCheck;
use super::references_to;
use super::removal::stays_sql;
use super::row_counts::check_taken;
use crate::model::change_reason::ChangeReason;
use crate::model::import::{TableEffect, TableMode};
use crate::model::name::TableName;
use crate::model::text;
use crate::server::rows::RowSink;

/// The records of one table, as the file has them.
pub struct StagedTable {
    number: usize,
    name: String,
}

impl StagedTable {
    /// Creates it, empty. For a dry run it has the rules of the table itself, so that what the table would refuse is refused
    /// here: checks, what must not be null, and unique values among the file's own records. Of a merge, only what it writes is checked
    /// by them (`CheckedRows`).
    pub fn create(
        session: &mut DatabaseSession,
        number: usize,
        load: &TableLoad,
        relation: &Relation,
        table: &str,
        purpose: Purpose,
    ) -> Result<Self> {
        let name = format!("pg_temp.{STAGED_PREFIX}{number}");
        let staged = Self { number, name };
        if purpose == Purpose::Write || load.mode == TableMode::Merge {
            session.execute(&staged.with_key_sql(load, table))?;
        } else {
            checked_rows::create_with_rules(session, &staged.name, load, relation, table)?;
        }
        Ok(staged)
    }

    pub fn number(&self) -> usize {
        self.number
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    fn with_key_sql(&self, load: &TableLoad, table: &str) -> String {
        let (name, columns) = (&self.name, quoted(&load.columns).join(", "));
        // A table without a key has no rows in a merge.
        let key = if load.key.is_empty() {
            String::new()
        } else {
            format!("; ALTER TABLE {name} ADD PRIMARY KEY ({})", quoted(&load.key).join(", "))
        };
        format!(
            "CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA{key}",
            name.trim_start_matches("pg_temp.")
        )
    }

    /// What happens to the records, of which so many were found by a natural key.
    ///
    /// # Errors
    /// `Refused` in an append, if a record is there already.
    pub fn effect(
        &self,
        session: &mut DatabaseSession,
        load: &TableLoad,
        relation: &Relation,
        matched: u64,
    ) -> Result<TableEffect> {
        let (name, table) = (&self.name, &load.table);
        session.execute(&format!("ANALYZE {name}"))?;
        let total = session.fetch_count(&format!("SELECT pg_catalog.count(*) AS records FROM {name}"), &[])?;
        if load.key.is_empty() || load.mode == TableMode::RequireEmpty {
            return Ok(TableEffect { created: total, ..TableEffect::default() });
        }
        let [staged, own] = ["s", "t"].map(|alias| expressions(relation, table, alias, &load.key));
        let from_known = format!("FROM {name} AS s JOIN {} AS t ON {}", relation.from_item, equal(&staged?, &own?));
        let found = session.fetch_count(&format!("SELECT pg_catalog.count(*) AS records {from_known}"), &[])?;
        if load.mode == TableMode::Append && found > 0 {
            let what = format!(
                "{} of {table} have a key that is there already: mode merge replaces what differs",
                text::count_with_noun(found, "record")
            );
            return Err(Error::new(Kind::Refused, what));
        }
        let same = TableEffect { created: total - found, unchanged: found, matched, ..TableEffect::default() };
        let differs = differs_sql(load.replaced(), relation, &load.table, "s")?;
        let Some(differs) = differs.filter(|_| found > 0) else { return Ok(same) };
        let reason = Conflicts::of(load, relation)?.reason(relation, self.number, load)?;
        let reasons = format!(
            "SELECT {reason} AS reason, pg_catalog.count(*) AS records {from_known} WHERE {differs} GROUP BY 1"
        );
        let mut effect = same;
        for row in session.fetch(&reasons, &[])? {
            let (reason, records): (i64, u64) =
                (row.parse("reason").map_err(error::map_error)?, row.parse("records").map_err(error::map_error)?);
            effect.count_difference(ChangeReason::of_number(reason), records, load.merge.keeps_conflicts);
        }
        Ok(effect)
    }

    /// The end of a statement that selects what a merge changes: the file's row `s`, and the row `t` that is there, if there is one.
    pub fn changed_rows_sql(&self, load: &TableLoad, relation: &Relation) -> Result<String> {
        let [staged, own] = ["s", "t"].map(|alias| expressions(relation, &load.table, alias, &load.key));
        let (from, is_same) = (&relation.from_item, equal(&staged?, &own?));
        let replaceable = Conflicts::of(load, relation)?.replaceable(load);
        let differs = differs_sql(load.replaced(), relation, &load.table, "s")?
            .map_or(String::new(), |differs| format!(" OR {differs}{replaceable}"));
        Ok(format!("FROM {} AS s LEFT JOIN {from} AS t ON {is_same} WHERE t.ctid IS NULL{differs}", self.name))
    }

    /// Pushes what a merge changes, as `Load::end_table` describes it.
    pub fn push_changes(
        &self,
        session: &mut DatabaseSession,
        load: &TableLoad,
        relation: &Relation,
        changes: &mut dyn RowSink,
    ) -> Result<()> {
        let value = |alias: &str, name: &String| -> Result<(String, PgType)> {
            let column = column(relation, &load.table, name)?;
            Ok((format!("{alias}.{}", column.expression), column.pg_type))
        };
        let reason = Conflicts::of(load, relation)?.reason(relation, self.number, load)?;
        let mut selected = vec![(reason, PgType::Int8)];
        for name in &load.key {
            selected.push(value("s", name)?);
        }
        for name in load.replaced() {
            selected.extend([value("t", name)?, value("s", name)?]);
        }
        let order = expressions(relation, &load.table, "s", &load.key)?.join(", ");
        let (list, types): (Vec<String>, Vec<PgType>) = selected.into_iter().unzip();
        let sql = format!("SELECT {} {} ORDER BY {order}", list.join(", "), self.changed_rows_sql(load, relation)?);
        let formats: Vec<Format> = types.iter().map(|wire| wire.format()).collect();
        let mut reader = RowReader::new(&types, changes);
        let sent_rows = session.read_rows(&sql, &formats, |piece| reader.feed(piece))?;
        reader.finish(sent_rows)
    }

    /// Puts the records into the table, but for references that are written late. Returns how many that are.
    pub fn insert_early(&self, session: &mut DatabaseSession, load: &TableLoad, table: &str) -> Result<u64> {
        let columns = quoted(&load.columns).join(", ");
        let value = |name: &String| {
            if load.late.contains(name) { "NULL".to_owned() } else { double_quote_identifier(name) }
        };
        let values: Vec<String> = load.columns.iter().map(value).collect();
        let sql = format!(
            "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}",
            values.join(", "),
            self.name
        );
        session.change(&sql, &[])
    }

    /// Puts the references into the table that were left out.
    ///
    /// # Errors
    /// `Refused` if one leads nowhere, or the database does not take it.
    pub fn write_late(
        &self,
        session: &mut DatabaseSession,
        load: &TableLoad,
        relation: &Relation,
        table: &str,
    ) -> Result<()> {
        // By the application's search path: operators are named by their schema.
        let is_same = |name: &String| {
            let column = column(relation, &load.table, name)?;
            Ok(format!("{} OPERATOR(pg_catalog.=) {}", column.as_text("t"), column.as_text("s")))
        };
        let is_same = load.key.iter().map(is_same).collect::<Result<Vec<_>>>()?.join(" AND ");
        let names: Vec<String> = load.late.iter().map(|name| double_quote_identifier(name)).collect();
        let set: Vec<String> = names.iter().map(|name| format!("{name} = s.{name}")).collect();
        let is_set: Vec<String> = names.iter().map(|name| format!("s.{name} IS NOT NULL")).collect();
        let is_set = is_set.join(" OR ");
        let referring = format!("SELECT pg_catalog.count(*) AS records FROM {} AS s WHERE {is_set}", self.name);
        let referring = session.fetch_count(&referring, &[])?;
        let sql = format!(
            "UPDATE {table} AS t SET {} FROM {} AS s WHERE {is_same} AND ({is_set})",
            set.join(", "),
            self.name
        );
        let written = session.change(&sql, &[]).map_err(|error| error::refused_row(&load.table, error))?;
        check_taken(&load.table, referring, written)
    }
}

/// The condition that a record that is there, `t`, differs from another one in one of these columns; nothing if there are none.
pub fn differs_sql<'n>(
    columns: impl IntoIterator<Item = &'n String>,
    relation: &Relation,
    table: &TableName,
    other: &str,
) -> Result<Option<String>> {
    let differs = |name: &String| {
        let column = column(relation, table, name)?;
        let (own, new) = (column.as_text("t"), column.as_text(other));
        // As IS DISTINCT FROM, which takes its operator from the search path: a merge runs with the application's.
        Ok(format!("({own} OPERATOR(pg_catalog.=) {new} OR {own} IS NULL AND {new} IS NULL) IS NOT TRUE"))
    };
    let differs = columns.into_iter().map(differs).collect::<Result<Vec<_>>>()?;
    Ok((!differs.is_empty()).then(|| format!("({})", differs.join(" OR "))))
}

/// Checks that the records that are `written`, which these temporary tables have, refer to records that are there, or staged in one of
/// `tables`.
///
/// # Errors
/// `Refused` with all references that lead nowhere.
pub fn check_references(
    session: &mut DatabaseSession,
    schema: &Schema,
    written: &[(&TableLoad, &str)],
    tables: &[(&TableLoad, &StagedTable)],
) -> Result<()> {
    let (mut dangling, code) = (Vec::new(), UntrustedCode::read(session)?);
    for (load, rows) in written {
        let oid = schema.relation(&load.table)?.oid;
        // Which partition a row would go to is not known here.
        for key in ForeignKeyCheck::read(session, oid)?.iter().filter(|key| key.oid == oid) {
            let ForeignKeyCheck { alias, target, target_item, target_root, is_same, refers, .. } = key;
            references_to::check_readable(&code, *target_root, &target.as_str().into())?;
            let among = |from: &str, stays: &str| {
                format!(" AND NOT EXISTS (SELECT 1 FROM {from} AS {alias} WHERE {is_same}{stays})")
            };
            let is_target =
                |load: &TableLoad| schema.relation(&load.table).is_ok_and(|known| known.oid == *target_root);
            let others = tables.iter().filter(|(other, _)| is_target(other)).map(|(_, other)| among(&other.name, ""));
            let goes = tables.iter().find(|(other, _)| is_target(other) && other.removal.is_some());
            let stays = goes.map_or(String::new(), |(other, staged)| stays_sql(staged.number, other, alias));
            let sql = format!(
                "SELECT count(*) AS records FROM {rows} AS c WHERE ({refers}){}{}",
                among(target_item, &stays),
                others.collect::<Vec<_>>().concat()
            );
            let records = session.fetch_count(&sql, &[])?;
            if records > 0 {
                let target = target.strip_prefix("public.").unwrap_or(target);
                dangling.push(format!("{} ({records} to {target})", load.table));
            }
        }
    }
    if dangling.is_empty() {
        return Ok(());
    }
    let what = format!("references lead to records that are not there: {}", dangling.join(", "));
    Err(Error::new(Kind::Refused, what))
}
