//! What an import keeps so that it can be undone: a schema of its own in the database it has changed, so that no value leaves it.
//!
//! A table for each merged table has the keys of the rows that were not there, and what the others had in the columns that were
//! replaced. That a row is still what the import has made of it, PostgreSQL itself tells: every version of a row has the number
//! of the transaction that wrote it, `xmin` (PostgreSQL manual, 5.5).

use serde::{Deserialize, Serialize};

use super::super::super::target::TableLoad;
use super::super::super::{Error, Kind, Result, undo_rules};
use super::super::catalog::{Relation, UNDO_SCHEMA_PREFIX};
use super::super::database_session::{DatabaseSession, parse_rows};
use super::super::row_key::{column, equal, expressions};
use super::super::untrusted_code::text_array;
use super::super::{LOCK_TIMEOUT, double_quote_identifier, error, lookup};
use crate::model::import_undo::KeptImport;
use crate::model::name::TableName;

/// Whom the schema's owner has granted it to, with the rights that new schemas of theirs get (`ALTER DEFAULT PRIVILEGES`).
const GRANTEES_QUERY: &str = "
    SELECT DISTINCT CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(CAST(pg_get_userbyid(g.grantee) AS text)) END AS role
      FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) g
     WHERE CAST(n.nspname AS text) = CAST($1 AS text) AND g.grantee <> n.nspowner ORDER BY 1";

/// The schemas of earlier imports by this user.
const KEPT_QUERY: &str = "
    SELECT CAST(n.nspname AS text) AS name FROM pg_namespace n
     WHERE n.nspname ~ '^waybill_undo_[0-9a-f]{32}$'
       AND (SELECT count(*) FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname IN ('import', 'tables')) = 2
       AND n.nspowner = CAST(CAST(current_user AS text) AS regrole)
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
    /// What the database itself knows these columns by: a column of the same name may be another one later.
    pub numbers: String,
    /// All columns of the table, if rows of it were removed, and what the database knows them by.
    #[serde(default)]
    pub all: Vec<String>,
    #[serde(default)]
    pub all_numbers: String,
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
        for old in Self::list(session)?.into_iter().filter(|old| undo_rules::is_older(old, &import.id)) {
            Self::of(&old).forget(session)?;
        }
        let schema = Self::of(&import.id);
        let (name, database) = (&schema.name, database_id(session)?);
        session.execute(&format!("CREATE SCHEMA {name}")).map_err(|error| match error.kind {
            Kind::PermissionDenied => Error::new(
                Kind::Refused,
                "the import could not be undone, because the user may not create a schema: GRANT it CREATE on the database, or \
                 add --no-undo",
            ),
            _ => error,
        })?;
        for role in schema.grantees(session)? {
            session.execute(&format!("REVOKE ALL ON SCHEMA {name} FROM {role}"))?;
        }
        session.execute(&format!(
            "CREATE TABLE {name}.import (file text, mode text, transaction text, database text, person text);
             CREATE TABLE {name}.tables (number int, name text, relation bigint, created bigint, columns text, removed bigint)"
        ))?;
        let mode = serde_json::to_string(&import.mode).map_err(|_| error::invalid_message())?;
        session.change(
            &format!(
                "INSERT INTO {name}.import VALUES (CAST($1 AS text), CAST($2 AS text), CAST(txid_current() AS text), CAST($3 AS text),
                         nullif(CAST($4 AS text), ''))"
            ),
            &[&import.file_sha256, &mode, &database, import.person.as_deref().unwrap_or_default()],
        )?;
        Ok(schema)
    }

    /// Drops the schema, unless somebody reads it: the tables of the application are locked, and the next import drops it.
    fn forget(&self, session: &mut DatabaseSession) -> Result<()> {
        session.execute("SAVEPOINT waybill_forget; SET LOCAL lock_timeout = 500")?;
        match session.execute(&format!("DROP SCHEMA {} CASCADE", self.name)) {
            Ok(()) => session.execute(&format!(
                "SET LOCAL lock_timeout = {}; RELEASE SAVEPOINT waybill_forget",
                LOCK_TIMEOUT.as_millis()
            )),
            Err(error) if error.kind == Kind::Locked => session.execute("ROLLBACK TO SAVEPOINT waybill_forget"),
            Err(error) => Err(error),
        }
    }

    /// Others who may look into the schema.
    fn grantees(&self, session: &mut DatabaseSession) -> Result<Vec<String>> {
        let name = self.name.trim_matches('"');
        parse_rows(&session.fetch(GRANTEES_QUERY, &[name])?, |row| Ok(row.text("role")?.to_owned()))
    }

    /// # Errors
    /// `Refused` if others could have changed what is kept.
    pub fn check_private(&self, session: &mut DatabaseSession) -> Result<()> {
        match self.grantees(session)?.first() {
            None => Ok(()),
            Some(role) => {
                let what =
                    format!("{role} may look into the schema {}, and could have changed what it keeps", self.name);
                Err(Error::new(Kind::Refused, what))
            }
        }
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

    /// The table for the rows that are removed.
    pub fn removed(&self, number: usize) -> String {
        format!("{}.removed_{number}", self.name)
    }

    pub fn create_removed(&self, session: &mut DatabaseSession, number: usize, relation: &Relation) -> Result<()> {
        let (removed, from) = (self.removed(number), &relation.from_item);
        session.execute(&format!("CREATE TABLE {removed} AS SELECT t.* FROM {from} AS t WITH NO DATA"))
    }

    /// Keeps the rows that are going to be removed, whose places are in the table `gone`.
    pub fn keep_removed(
        &self,
        session: &mut DatabaseSession,
        number: usize,
        relation: &Relation,
        gone: &str,
    ) -> Result<()> {
        let sql = format!(
            "INSERT INTO {} SELECT t.* FROM {} AS t JOIN {gone} AS d ON t.ctid = d.waybill_place AND t.tableoid = d.waybill_part",
            self.removed(number),
            relation.from_item
        );
        session.change(&sql, &[]).map(drop)
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

    /// Joins the kept keys, as `u`, with the rows `t` that the table has under them.
    pub fn with_own_rows(
        &self,
        number: usize,
        relation: &Relation,
        table: &TableName,
        key: &[String],
        join: &str,
    ) -> Result<String> {
        // Under their own names, keys are compared as everywhere else.
        let named = key.iter().zip(0..).map(|(name, at)| format!("u.k{at} AS {}", double_quote_identifier(name)));
        let named = named.collect::<Vec<_>>().join(", ");
        let [known, own] = ["k", "t"].map(|alias| expressions(relation, table, alias, key));
        Ok(format!(
            "{} AS u CROSS JOIN LATERAL (SELECT {named}) AS k {join} {} AS t ON {}",
            self.before(number),
            relation.from_item,
            equal(&known?, &own?)
        ))
    }

    /// Checks that the rows which a merge has written are found again by their keys.
    ///
    /// # Errors
    /// `Refused` if one is not.
    pub fn check_written(
        &self,
        session: &mut DatabaseSession,
        number: usize,
        load: &TableLoad,
        relation: &Relation,
        written: u64,
    ) -> Result<()> {
        let table = &load.table;
        let joined = self.with_own_rows(number, relation, table, &load.key, "JOIN")?;
        let is_own = "CAST(t.xmin AS text) = CAST(txid_current() % 4294967296 AS text)";
        let found = session.fetch_count(&format!("SELECT count(*) AS records FROM {joined} WHERE {is_own}"), &[])?;
        if found == written {
            return Ok(());
        }
        Err(undo_rules::not_found_again(table, found, written))
    }

    /// Says what was imported into a table.
    pub fn keep_table(
        &self,
        session: &mut DatabaseSession,
        number: usize,
        load: &TableLoad,
        relation: &Relation,
        (created, removed): (u64, u64),
        is_merged: bool,
    ) -> Result<()> {
        let (key, replaced) = (load.key.clone(), load.replaced().cloned().collect::<Vec<String>>());
        let numbers = column_numbers(session, relation.oid, &key, &replaced)?;
        let all = if removed > 0 { relation.columns.keys().cloned().collect() } else { Vec::new() };
        let all_numbers = column_numbers(session, relation.oid, &all, &[])?;
        let columns = KeptColumns { key, replaced, numbers, all, all_numbers };
        let columns = if is_merged { serde_json::to_string(&columns).unwrap_or_default() } else { String::new() };
        let sql = format!(
            "INSERT INTO {}.tables VALUES (CAST($1 AS int), CAST($2 AS text), CAST($3 AS bigint), CAST($4 AS bigint), CAST($5 AS text), CAST($6 AS bigint))",
            self.name
        );
        let (number, oid) = (number.to_string(), relation.oid.to_string());
        let (created, removed) = (created.to_string(), removed.to_string());
        session.change(&sql, &[&number, load.table.as_str(), &oid, &created, &columns, &removed]).map(drop)
    }
}

/// The database that this is: a dump of it that is restored elsewhere has other transactions.
pub fn database_id(session: &mut DatabaseSession) -> Result<String> {
    let rows =
        session.fetch("SELECT CAST(oid AS text) AS oid FROM pg_database WHERE datname = current_database()", &[])?;
    let oid = rows.first().ok_or_else(error::invalid_message)?.text("oid").map_err(error::map_error)?.to_owned();
    Ok(format!("{} {oid}", lookup::identity(session)?))
}

/// What the database itself knows these columns of a table by.
pub fn column_numbers(
    session: &mut DatabaseSession,
    relation: i64,
    key: &[String],
    replaced: &[String],
) -> Result<String> {
    let sql = "SELECT coalesce(string_agg(CAST(attnum AS text) || ' ' || CAST(attname AS text), ', ' ORDER BY attnum), '') AS numbers
                 FROM pg_attribute WHERE CAST(attrelid AS bigint) = CAST($1 AS bigint) AND attnum > 0
                  AND CAST(attname AS text) = ANY (CAST($2 AS text[]))";
    let names = text_array(&[key, replaced].concat());
    let rows = session.fetch(sql, &[&relation.to_string(), &names])?;
    Ok(rows.first().ok_or_else(error::invalid_message)?.text("numbers").map_err(error::map_error)?.to_owned())
}

/// A column as it is, under another name.
fn kept(load: &TableLoad, relation: &Relation, alias: &str, name: &str, as_name: &str) -> Result<String> {
    Ok(format!("{} AS {as_name}", raw(load, relation, alias, name)?))
}

fn raw(load: &TableLoad, relation: &Relation, alias: &str, name: &str) -> Result<String> {
    column(relation, &load.table, name)?;
    Ok(format!("{alias}.{}", double_quote_identifier(name)))
}
