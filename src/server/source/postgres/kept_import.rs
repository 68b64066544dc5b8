//! What an import keeps so that it can be undone: a schema of its own in the database it has changed, so that no value leaves it.
//!
//! A table for each merged table has the keys of the rows that were not there, and what the others had in the columns that were
//! replaced. That a row is still what the import has made of it, PostgreSQL itself tells: every version of a row has the number
//! of the transaction that wrote it, `xmin` (PostgreSQL manual, 5.5).

use serde::{Deserialize, Serialize};

use super::super::target::TableLoad;
use super::super::{Error, Kind, Result};
use super::catalog::{Relation, UNDO_SCHEMA_PREFIX};
use super::database_session::DatabaseSession;
use super::row_key::column;
use super::{double_quote_identifier, error};
use crate::model::import_undo::KeptImport;

/// How long an import can be undone.
pub const RETENTION_HOURS: i64 = 24;

/// The schemas of earlier imports by this user.
const KEPT_QUERY: &str = "
    SELECT CAST(n.nspname AS text) AS name FROM pg_namespace n
     WHERE n.nspname ~ '^waybill_undo_[0-9a-f]{32}$' AND n.nspowner = CAST(CAST(current_user AS text) AS regrole)
     ORDER BY n.nspname";

/// The schema of one import.
pub struct UndoSchema {
    pub name: String,
}

/// The columns of a merged table whose values are kept.
#[derive(Debug, Serialize, Deserialize)]
pub struct KeptColumns {
    pub key: Vec<String>,
    pub replaced: Vec<String>,
}

impl UndoSchema {
    pub fn of(import: &str) -> Self {
        Self { name: double_quote_identifier(&format!("{UNDO_SCHEMA_PREFIX}{import}")) }
    }

    /// The ids of the imports that this user can undo, the oldest first.
    pub fn list(session: &mut DatabaseSession) -> Result<Vec<String>> {
        let rows = session.fetch(KEPT_QUERY, &[])?;
        let names = rows.iter().map(|row| row.text("name").map_err(error::map_error));
        let names = names.collect::<Result<Vec<&str>>>()?;
        Ok(names.into_iter().filter_map(|name| name.strip_prefix(UNDO_SCHEMA_PREFIX).map(str::to_owned)).collect())
    }

    /// Creates the schema, and forgets the imports that are too old to be undone.
    ///
    /// # Errors
    /// `Refused` if the user may not create one.
    pub fn create(session: &mut DatabaseSession, import: &KeptImport) -> Result<Self> {
        for old in Self::list(session)?.into_iter().filter(|old| is_older(old, &import.id)) {
            session.execute(&format!("DROP SCHEMA {} CASCADE", Self::of(&old).name))?;
        }
        let schema = Self::of(&import.id);
        let name = &schema.name;
        session.execute(&format!("CREATE SCHEMA {name}")).map_err(|error| match error.kind {
            Kind::PermissionDenied => Error::new(
                Kind::Refused,
                "the import could not be undone, because the user may not create a schema: GRANT it CREATE on the database, or \
                 add --no-undo",
            ),
            _ => error,
        })?;
        session.execute(&format!(
            "CREATE TABLE {name}.import (file text, mode text, transaction text);
             CREATE TABLE {name}.tables (number int, name text, created bigint, columns text)"
        ))?;
        let mode = serde_json::to_string(&import.mode).map_err(|_| error::invalid_message())?;
        session.change(
            &format!(
                "INSERT INTO {name}.import VALUES (CAST($1 AS text), CAST($2 AS text), CAST(txid_current() AS text))"
            ),
            &[&import.file_sha256, &mode],
        )?;
        Ok(schema)
    }

    /// The table for what a merge replaces.
    pub fn before(&self, number: usize) -> String {
        format!("{}.before_{number}", self.name)
    }

    pub fn create_before(
        &self,
        session: &mut DatabaseSession,
        number: usize,
        load: &TableLoad,
        relation: &Relation,
    ) -> Result<()> {
        let keys = load.key.iter().zip(0..).map(|(name, at)| kept(load, relation, "t", name, &format!("k{at}")));
        let replaced = load.replaced().zip(0..).map(|(name, at)| kept(load, relation, "t", name, &format!("c{at}")));
        let columns = keys.chain(replaced).collect::<Result<Vec<_>>>()?.join(", ");
        session.execute(&format!(
            "CREATE TABLE {} AS SELECT false AS was_absent, {columns} FROM {} AS t WITH NO DATA",
            self.before(number),
            relation.from_item
        ))
    }

    /// Keeps what is there in place of the staged rows. `staged_with_own` joins them, as `s` and `t`, with the condition that a
    /// merge changes something.
    pub fn keep_before(
        &self,
        session: &mut DatabaseSession,
        number: usize,
        load: &TableLoad,
        relation: &Relation,
        staged_with_own: &str,
    ) -> Result<()> {
        let keys = load.key.iter().map(|name| raw(load, relation, "s", name));
        let replaced = load.replaced().map(|name| raw(load, relation, "t", name));
        let columns = keys.chain(replaced).collect::<Result<Vec<_>>>()?.join(", ");
        let sql = format!("INSERT INTO {} SELECT t.ctid IS NULL, {columns} {staged_with_own}", self.before(number));
        session.change(&sql, &[]).map(drop)
    }

    /// Says what was imported into a table.
    pub fn keep_table(
        &self,
        session: &mut DatabaseSession,
        number: usize,
        load: &TableLoad,
        created: u64,
        is_merged: bool,
    ) -> Result<()> {
        let columns = KeptColumns { key: load.key.clone(), replaced: load.replaced().cloned().collect() };
        let columns = if is_merged { serde_json::to_string(&columns).unwrap_or_default() } else { String::new() };
        let sql = format!(
            "INSERT INTO {}.tables VALUES (CAST($1 AS int), CAST($2 AS text), CAST($3 AS bigint), CAST($4 AS text))",
            self.name
        );
        let (number, created) = (number.to_string(), created.to_string());
        session.change(&sql, &[&number, load.table.as_str(), &created, &columns]).map(drop)
    }
}

/// A column as it is, under another name.
fn kept(load: &TableLoad, relation: &Relation, alias: &str, name: &str, as_name: &str) -> Result<String> {
    Ok(format!("{} AS {as_name}", raw(load, relation, alias, name)?))
}

fn raw(load: &TableLoad, relation: &Relation, alias: &str, name: &str) -> Result<String> {
    column(relation, &load.table, name)?;
    Ok(format!("{alias}.{}", double_quote_identifier(name)))
}

/// Whether one import was more than the retention before another one: the first 48 bits of a `UUIDv7` are milliseconds (RFC 9562).
fn is_older(old: &str, new: &str) -> bool {
    let millis = |id: &str| id.get(..12).and_then(|digits| i64::from_str_radix(digits, 16).ok()).unwrap_or_default();
    millis(new) - millis(old) > RETENTION_HOURS * 3_600_000
}
