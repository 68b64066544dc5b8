//! Fills empty tables without their foreign keys, where the user owns them: each key is dropped before the first row and created again after the
//! last one, in the same transaction. PostgreSQL checks all rows of a new key by one query (`RI_Initial_Check` in its source), which
//! takes a fraction of the time of a look-up for each row; `pg_restore` loads a whole database in this order, too.

use std::collections::BTreeMap;

use super::super::super::{Kind, Result};
use super::super::catalog::Schema;
use super::super::database_session::{DatabaseSession, parse_rows};
use super::super::{LOCK_TIMEOUT, client, double_quote_identifier, error};
use crate::model::name::TableName;

/// Event triggers may forbid such statements, or do something at each.
const EVENT_TRIGGERS_QUERY: &str = "SELECT count(*) AS records FROM pg_event_trigger WHERE evtenabled <> 'D'";

/// The foreign keys of a table that its user may drop and create, and of which `pg_get_constraintdef` tells all: they have no comment and no
/// trigger that somebody has switched off, and are not part of an extension. Keys of partitions, and those that hold for new rows only, are
/// not among them.
const KEYS_QUERY: &str = "
    SELECT CAST(k.conname AS text) AS name, pg_get_constraintdef(k.oid) AS definition,
           CAST(CAST(k.conrelid AS regclass) AS text) AS relation, CAST(k.confrelid AS bigint) AS target
      FROM pg_constraint k JOIN pg_class own ON own.oid = k.conrelid JOIN pg_class target ON target.oid = k.confrelid
     WHERE k.conrelid = CAST(CAST($1 AS text) AS oid) AND k.contype = 'f' AND k.convalidated AND k.conparentid = 0
       AND own.relkind = 'r' AND target.relkind = 'r'
       AND pg_has_role(own.relowner, 'USAGE') AND pg_has_role(target.relowner, 'USAGE')
       AND has_table_privilege(k.confrelid, 'REFERENCES') AND has_schema_privilege(target.relnamespace, 'USAGE')
       AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = k.oid AND t.tgenabled <> 'O')
       AND NOT EXISTS (SELECT FROM pg_description d WHERE d.classoid = CAST('pg_constraint' AS regclass) AND d.objoid = k.oid)
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = CAST('pg_constraint' AS regclass) AND d.objid = k.oid
                          AND d.deptype IN ('e', 'x'))
     ORDER BY k.conname";

/// The keys that are dropped and created again, by their tables.
pub struct RecreatedKeys {
    tables: BTreeMap<TableName, Vec<Key>>,
}

struct Key {
    name: String,
    /// From `FOREIGN KEY` on.
    definition: String,
    /// The table in a statement.
    relation: String,
    /// The OID of the table that it refers to.
    target: i64,
}

impl RecreatedKeys {
    /// The keys with both ends among `tables`, which are empty. Dropping a key keeps readers of both ends waiting, and before the commit
    /// the account of who imports is read again, maybe from another table of the database. Nothing where no key can be recreated.
    pub fn find(session: &mut DatabaseSession, schema: &Schema, tables: &[TableName]) -> Result<Option<Self>> {
        if session.fetch_count(EVENT_TRIGGERS_QUERY, &[])? > 0 {
            return Ok(None);
        }
        let oids: BTreeMap<i64, &TableName> =
            tables.iter().map(|table| Ok((schema.relation(table)?.oid, table))).collect::<Result<_>>()?;
        let mut found = BTreeMap::new();
        for (oid, table) in &oids {
            let mut keys = parse_rows(&session.fetch(KEYS_QUERY, &[&oid.to_string()])?, Key::from_row)?;
            keys.retain(|key| oids.contains_key(&key.target));
            if !keys.is_empty() {
                found.insert((*table).clone(), keys);
            }
        }
        Ok((!found.is_empty()).then_some(Self { tables: found }))
    }

    pub fn contains(&self, table: &TableName, constraint: &str) -> bool {
        self.tables.get(table).is_some_and(|keys| keys.iter().any(|key| key.name == constraint))
    }

    /// # Errors
    /// `Locked` if somebody reads one of the tables for too long; otherwise an error of the database.
    pub fn drop(&self, session: &mut DatabaseSession) -> Result<()> {
        for keys in self.tables.values() {
            let dropped: Vec<String> = keys.iter().map(|key| format!("DROP CONSTRAINT {}", key.identifier())).collect();
            let sql = format!("ALTER TABLE ONLY {} {}", keys[0].relation, dropped.join(", "));
            session.execute(&sql).map_err(|error| match error.kind {
                Kind::Locked => error::table_locked(None, LOCK_TIMEOUT.as_secs()),
                _ => error,
            })?;
        }
        Ok(())
    }

    /// # Errors
    /// `Refused` if a row refers to nothing.
    pub fn create(&self, session: &mut DatabaseSession) -> Result<()> {
        for (table, keys) in &self.tables {
            let added = keys.iter().map(|key| format!("ADD CONSTRAINT {} {}", key.identifier(), key.definition));
            let sql = format!("ALTER TABLE ONLY {} {}", keys[0].relation, added.collect::<Vec<_>>().join(", "));
            session.execute(&sql).map_err(|error| error::refused_row(table, error))?;
        }
        Ok(())
    }
}

impl Key {
    fn from_row(row: &client::Row) -> client::Result<Self> {
        Ok(Self {
            name: row.parse("name")?,
            definition: row.parse("definition")?,
            relation: row.parse("relation")?,
            target: row.parse("target")?,
        })
    }

    fn identifier(&self) -> String {
        double_quote_identifier(&self.name)
    }
}
