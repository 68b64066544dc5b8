//! Fills empty tables without a check for each reference of each row, where the user may: the references of all rows are checked at the
//! end, by a query for each table.
//!
//! PostgreSQL checks foreign keys by triggers, which a session in the role `replica` does not fire (PostgreSQL manual, 20.11.1,
//! `session_replication_role`); `GRANT SET ON PARAMETER` lets a user take that role. The application's own triggers do not fire either.

use std::collections::BTreeMap;

use super::super::super::{Error, Kind, Result};
use super::super::catalog::Schema;
use super::super::database_session::DatabaseSession;
use super::super::error;
use super::super::untrusted_code::UntrustedCode;
use super::foreign_key_check::ForeignKeyCheck;
use crate::model::name::TableName;
use crate::model::text;

/// PostgreSQL 14 has neither such grants nor the function.
const IS_KNOWN_QUERY: &str = "
    SELECT count(*) AS records FROM pg_proc
     WHERE proname = 'has_parameter_privilege' AND pronamespace = CAST('pg_catalog' AS regnamespace)";

const IS_GRANTED_QUERY: &str =
    "SELECT count(*) AS records WHERE has_parameter_privilege(current_user, 'session_replication_role', 'SET')";

/// What makes an end check too little, in a table and its partitions: triggers that fire in this role, too, and expressions with functions
/// or operators of others than PostgreSQL, since what these write to other tables nobody checks; and rules of uniqueness that are
/// checked late, which internal triggers do.
const UNFIT_QUERY: &str = "
    WITH own(relation) AS (
        SELECT CAST(CAST($1 AS text) AS oid) UNION
        SELECT CAST(relid AS oid) FROM pg_partition_tree(CAST(CAST(CAST($1 AS text) AS oid) AS regclass))),
    columns AS (
        SELECT DISTINCT coalesce(nullif(t.typelem, 0), t.oid) AS type
          FROM pg_attribute a JOIN own ON own.relation = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
         WHERE a.attnum > 0 AND NOT a.attisdropped),
    expressions(class, object) AS (
        SELECT CAST('pg_attrdef' AS regclass), d.oid FROM pg_attrdef d JOIN own ON own.relation = d.adrelid
        UNION ALL
        SELECT CAST('pg_constraint' AS regclass), k.oid FROM pg_constraint k JOIN own ON own.relation = k.conrelid WHERE k.contype = 'c'
        UNION ALL
        SELECT CAST('pg_class' AS regclass), i.indexrelid FROM pg_index i JOIN own ON own.relation = i.indrelid
        UNION ALL
        SELECT CAST('pg_class' AS regclass), p.partrelid FROM pg_partitioned_table p JOIN own ON own.relation = p.partrelid)
    SELECT (SELECT count(*) FROM pg_trigger t JOIN own ON own.relation = t.tgrelid WHERE t.tgenabled IN ('A', 'R') AND NOT t.tgisinternal)
         + (SELECT count(*) FROM pg_index i JOIN own ON own.relation = i.indrelid WHERE NOT i.indimmediate)
         + (SELECT count(*) FROM columns JOIN pg_type t ON t.oid = columns.type 
              WHERE t.typtype NOT IN ('b', 'e') AND t.typnamespace <> CAST('pg_catalog' AS regnamespace))
         + (SELECT count(*) FROM expressions e JOIN pg_depend d ON d.classid = e.class AND d.objid = e.object
              LEFT JOIN pg_proc p ON d.refclassid = CAST('pg_proc' AS regclass) AND p.oid = d.refobjid
              LEFT JOIN pg_operator o ON d.refclassid = CAST('pg_operator' AS regclass) AND o.oid = d.refobjid
             WHERE coalesce(p.pronamespace, o.oprnamespace) <> CAST('pg_catalog' AS regnamespace)) AS records";

/// The references that are checked at the end, table by table.
pub struct ReplicaRole {
    tables: Vec<(TableName, Vec<ForeignKeyCheck>)>,
}

impl ReplicaRole {
    /// Nothing where the user may not take the role, or a query could not check what the triggers would: then these do it. All tables
    /// that records refer to are among `tables`, which are locked: nobody removes what was looked up.
    pub fn find(session: &mut DatabaseSession, schema: &Schema, tables: &[TableName]) -> Result<Option<Self>> {
        let is_known = session.fetch_count(IS_KNOWN_QUERY, &[])? > 0;
        if !is_known || session.fetch_count(IS_GRANTED_QUERY, &[])? == 0 {
            return Ok(None);
        }
        let roots: BTreeMap<i64, &TableName> =
            tables.iter().map(|table| Ok((schema.relation(table)?.oid, table))).collect::<Result<_>>()?;
        let code = UntrustedCode::read(session)?;
        let mut checked = Vec::new();
        for (oid, table) in &roots {
            let oid_text = oid.to_string();
            if session.fetch_count(UNFIT_QUERY, &[&oid_text])? > 0 {
                return Ok(None);
            }
            let keys = ForeignKeyCheck::read(session, *oid)?;
            // A table that is not among these may lose what rows refer to, before the commit.
            let is_checkable = |key: &ForeignKeyCheck| key.is_readable && roots.contains_key(&key.target_root);
            if !keys.iter().all(is_checkable) || code.reason_for(*oid).is_some() {
                return Ok(None);
            }
            checked.push(((*table).clone(), keys));
        }
        Ok(Some(Self { tables: checked }))
    }

    /// # Errors
    /// An error of the database.
    pub fn take(session: &mut DatabaseSession) -> Result<()> {
        session.execute("SET LOCAL session_replication_role = replica")
    }

    /// Leaves the role, and checks the references of all rows.
    ///
    /// # Errors
    /// `Refused` with all references that lead nowhere.
    pub fn leave(&self, session: &mut DatabaseSession) -> Result<()> {
        session.execute("SET LOCAL session_replication_role = origin")?;
        let mut dangling = Vec::new();
        for (table, keys) in &self.tables {
            for (key, records) in count_dangling(session, keys)? {
                let target = key.target.strip_prefix("public.").unwrap_or(&key.target);
                dangling.push(format!("{table} ({records} to {target})"));
            }
        }
        if dangling.is_empty() {
            return Ok(());
        }
        let what = format!("references lead to records that are not there: {}", text::one_line(&dangling.join(", ")));
        Err(Error::new(Kind::Refused, what))
    }
}

/// The keys of a table by which rows refer to nothing. All keys of a table, or of a partition, are checked in one reading of it: each
/// finds one row at most, since what it refers to is unique.
fn count_dangling<'k>(
    session: &mut DatabaseSession,
    keys: &'k [ForeignKeyCheck],
) -> Result<Vec<(&'k ForeignKeyCheck, u64)>> {
    let mut dangling = Vec::new();
    for keys in keys.chunk_by(|one, other| one.from_item == other.from_item) {
        let (mut counts, mut joins) = (Vec::new(), Vec::new());
        for ForeignKeyCheck { alias, target_item, is_same, refers, .. } in keys {
            counts.push(format!("count(*) FILTER (WHERE {alias}.tableoid IS NULL AND ({refers})) AS dangling_{alias}"));
            joins.push(format!(" LEFT JOIN {target_item} AS {alias} ON {is_same}"));
        }
        let sql = format!("SELECT {} FROM {} AS c{}", counts.join(", "), keys[0].from_item, joins.concat());
        for row in session.fetch(&sql, &[])? {
            for key in keys {
                let records: u64 = row.parse(&format!("dangling_{}", key.alias)).map_err(error::map_error)?;
                if records > 0 {
                    dangling.push((key, records));
                }
            }
        }
    }
    Ok(dangling)
}
