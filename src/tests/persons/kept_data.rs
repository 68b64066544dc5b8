//! What a database has, to compare it and to put it back.

use std::collections::BTreeMap;

use rusqlite::Connection;
use rusqlite::backup::Backup;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value, json};

use super::Carol;
use super::import::TABLES;

/// Table and key of a row.
pub type Key = (&'static str, String);
pub type Rows = BTreeMap<Key, Map<String, Value>>;

/// All tables that have data of a person, or of whom they are.
fn tables() -> impl Iterator<Item = &'static str> {
    TABLES.into_iter().chain(["users", "settings", "oauth_identities"])
}

/// The data of everybody at one time.
pub enum KeptData {
    Sqlite(Connection),
    /// The statements that put it back.
    Postgres(String),
}

impl KeptData {
    pub fn of(carol: &Carol) -> Self {
        if carol.postgres.is_some() {
            return Self::Postgres(put_back_sql(&rows(carol)));
        }
        let mut kept = Connection::open_in_memory().unwrap();
        let database = Connection::open(carol.database()).unwrap();
        Backup::new(&database, &mut kept).unwrap().step(-1).unwrap();
        Self::Sqlite(kept)
    }

    pub fn put_back(&self, carol: &Carol) {
        match self {
            Self::Sqlite(kept) => {
                let mut database = Connection::open(carol.database()).unwrap();
                Backup::new(kept, &mut database).unwrap().step(-1).unwrap();
            }
            Self::Postgres(sql) => {
                let server = carol.postgres.as_ref().unwrap();
                server.sql_as("postgres", "app", sql);
            }
        }
    }
}

/// Without a check for each reference, the order of tables does not matter.
fn put_back_sql(rows: &Rows) -> String {
    let put_back = tables().map(|table| {
        let of_table = rows.iter().filter(|((name, _), _)| *name == table).map(|(_, row)| row);
        let json = json!(of_table.collect::<Vec<_>>()).to_string().replace('\'', "''");
        format!(
            "DELETE FROM {table}; INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(NULL::{table}, '{json}');"
        )
    });
    format!("BEGIN; SET LOCAL session_replication_role = replica; {} COMMIT;", put_back.collect::<String>())
}

/// The rows of all tables, of everybody.
pub fn rows(carol: &Carol) -> Rows {
    let rows: Vec<_> = match &carol.postgres {
        Some(server) => {
            let of_table = |table| format!("SELECT json_build_array('{table}', to_jsonb(t)) FROM {table} AS t");
            let lines = server.sql(&tables().map(of_table).collect::<Vec<_>>().join(" UNION ALL "));
            let read = |line: &str| {
                let (name, row): (String, Map<String, Value>) = serde_json::from_str(line).unwrap();
                (tables().find(|table| *table == name).unwrap(), row)
            };
            lines.lines().map(read).collect()
        }
        None => rows_of_sqlite(&Connection::open(carol.database()).unwrap()),
    };
    rows.into_iter().map(|(table, row)| ((table, key(&row)), row)).collect()
}

/// What the row is known by.
fn key(row: &Map<String, Value>) -> String {
    let named = |name: &&str| row.get(*name).and_then(Value::as_str);
    let together = || ["user_id", "person_id", "tag", "key"].iter().filter_map(named).collect::<Vec<_>>().join(" ");
    named(&"id").map_or_else(together, str::to_owned)
}

fn rows_of_sqlite(database: &Connection) -> Vec<(&'static str, Map<String, Value>)> {
    let mut all = Vec::new();
    for table in tables() {
        let mut statement = database.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let value = |at: usize| match row.get_ref(at).unwrap() {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => json!(number),
                ValueRef::Text(text) => json!(std::str::from_utf8(text).unwrap()),
                other => panic!("{table}: {other:?}"),
            };
            all.push((table, names.iter().cloned().zip((0..names.len()).map(value)).collect()));
        }
    }
    all
}
