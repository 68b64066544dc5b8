//! Every kind of value that SQLite stores, loaded again and compared with `typeof` and `quote`.

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;

use super::reader::{Cell, read_tables};
use super::{export_all_columns, import};

const SCHEMA: &str = r#"
    CREATE TABLE plain (id INTEGER PRIMARY KEY, i INTEGER, t TEXT, r REAL, b BLOB, n NUMERIC, x, f BOOLEAN, d DATE);
    CREATE TABLE hidden (rowid TEXT, _rowid_ TEXT, oid TEXT, v TEXT);
    CREATE TABLE keyed (a TEXT, b INTEGER, v, PRIMARY KEY (b, a)) WITHOUT ROWID;
    CREATE TABLE strict (i INT, t TEXT, r REAL, b BLOB, a ANY) STRICT;
    CREATE TABLE made (a INTEGER, twice INTEGER GENERATED ALWAYS AS (a * 2) STORED, thrice AS (a * 3) VIRTUAL);
    CREATE TABLE "Case ""twin""" ("select" TEXT, "new
line" TEXT, "👍" TEXT);
    CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT);
    CREATE VIRTUAL TABLE search USING fts5(words);
"#;

const VALUES: [&str; 22] = [
    "NULL",
    "0",
    "1",
    "-1",
    "9223372036854775807",
    "-9223372036854775808",
    "9007199254740993",
    "1.5",
    "1.0",
    "-0.0",
    "9e999",
    "-9e999",
    "5e-324",
    "0.1",
    "''",
    "'text'",
    "'12'",
    "'a' || char(0) || 'b'",
    "CAST(x'61ff62' AS TEXT)",
    "x''",
    "x'00ff'",
    "'{\"$blob\":\"x\"}'",
];

fn dump_rows(connection: &Connection) -> Vec<String> {
    let names =
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'";
    let names: Vec<String> =
        connection.prepare(names).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut all = Vec::new();
    for name in names {
        let table = format!("\"{}\"", name.replace('"', "\"\""));
        let columns: Vec<String> = connection
            .prepare("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden <> 1")
            .unwrap()
            .query_map([&name], |row| row.get::<_, String>(0))
            .unwrap()
            .map(|column| format!("\"{}\"", column.unwrap().replace('"', "\"\"")))
            .collect();
        let shown: Vec<String> = columns
            .iter()
            .map(|c| format!("typeof({c}) || ' ' || CASE typeof({c}) WHEN 'text' THEN hex({c}) WHEN 'real' THEN printf('%!.20g', {c}) ELSE quote({c}) END"))
            .collect();
        let sql = format!("SELECT {} FROM {table}", shown.join(" || ' | ' || "));
        let mut rows: Vec<String> =
            connection.prepare(&sql).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        rows.sort();
        all.push(format!("{name}: {}", rows.join("\n")));
    }
    all.sort();
    all
}

/// Loads the file with `waybill import`.
fn load_by_import(folder: &Path, file: &[u8], schema: &str) -> Connection {
    let path = folder.join("imported.db");
    let _ = std::fs::remove_file(&path);
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(schema).unwrap();
    import(folder, file, &format!("sqlite:{}", path.display()));
    connection
}

fn load(file: &[u8], schema: &str) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(schema).unwrap();
    for table in read_tables(file) {
        let inserted: Vec<usize> = (0..table.columns.len()).filter(|at| !table.columns[*at].generated).collect();
        let quote = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let names: Vec<String> = inserted.iter().map(|at| quote(&table.columns[*at].name)).collect();
        for row in &table.rows {
            let bind = |at: &usize| match &row[*at] {
                Cell::TextBytes(_) => "CAST(? AS TEXT)",
                _ => "?",
            };
            let placeholders: Vec<&str> = inserted.iter().map(bind).collect();
            let sql = format!(
                "INSERT INTO {} ({}) VALUES ({})",
                quote(&table.name),
                names.join(", "),
                placeholders.join(", ")
            );
            let values = inserted.iter().map(|at| match (&row[*at], table.columns[*at].codec.as_str()) {
                (Cell::Null, _) => Value::Null,
                (Cell::Boolean(yes), _) => Value::Integer(i64::from(*yes)),
                (Cell::Integer(n), _) => Value::Integer(*n),
                (Cell::Real(n), _) => Value::Real(*n),
                (Cell::Text(text), "double") => text.parse().map_or_else(|_| Value::Text(text.clone()), Value::Real),
                (Cell::Text(text), _) => Value::Text(text.clone()),
                (Cell::Bytes(bytes) | Cell::TextBytes(bytes), _) => Value::Blob(bytes.clone()),
            });
            connection.execute(&sql, rusqlite::params_from_iter(values)).unwrap();
        }
    }
    connection
}

#[test]
fn every_value_that_sqlite_lets_in_survives() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("source.db");
    let before = Connection::open(&path).unwrap();
    before.execute_batch(SCHEMA).unwrap();
    for value in VALUES {
        let sql = format!("INSERT INTO plain (i, t, r, b, n, x, f, d) VALUES ({value}, {value}, {value}, {value}, {value}, {value}, {value}, {value});
             INSERT INTO strict (a) VALUES ({value}); INSERT INTO hidden VALUES ('mine', {value}, NULL, {value});");
        before.execute_batch(&sql).unwrap();
    }
    before
        .execute_batch(
            "INSERT INTO keyed VALUES ('b', 2, 1), ('a', 1, x'00'), ('a', 2, NULL); INSERT INTO strict VALUES (1, 't', 1, x'01', 1.0);
             INSERT INTO made (a) VALUES (1), (NULL), (-3); INSERT INTO \"Case \"\"twin\"\"\" VALUES ('a', 'b', 'c');
             INSERT INTO counted (v) VALUES ('x'); INSERT INTO search VALUES ('some words');",
        )
        .unwrap();
    let file = export_all_columns(folder.path(), &format!("sqlite:{}", path.display()));
    for after in [load(&file, SCHEMA), load_by_import(folder.path(), &file, SCHEMA)] {
        for (before, after) in dump_rows(&before).iter().zip(&dump_rows(&after)) {
            assert!(before == after, "{before}\n  became\n{after}");
        }
    }
}

#[test]
fn random_values_in_random_columns_survive() {
    let folder = TempDir::new().unwrap();
    let value = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Integer),
        any::<f64>().prop_filter("SQLite keeps NaN as NULL", |n| !n.is_nan()).prop_map(Value::Real),
        any::<String>().prop_map(Value::Text),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(Value::Blob),
    ];
    let types = ["INTEGER", "TEXT", "REAL", "BLOB", "NUMERIC", "", "BOOLEAN", "VARCHAR(10)"];
    let tables =
        proptest::collection::vec(proptest::sample::select(types.to_vec()), 1..6).prop_flat_map(move |types| {
            let rows = proptest::collection::vec(proptest::collection::vec(value.clone(), types.len()), 0..8);
            (Just(types), rows)
        });
    let config = Config { cases: 24, max_shrink_iters: 50, failure_persistence: None, ..Config::default() };
    let ran = TestRunner::new(config).run(&tables, |(types, rows)| {
        let columns: Vec<String> = types.iter().enumerate().map(|(at, kind)| format!("c{at} {kind}")).collect();
        let schema = format!("CREATE TABLE t ({})", columns.join(", "));
        let path = folder.path().join("source.db");
        let _ = std::fs::remove_file(&path);
        let before = Connection::open(&path).unwrap();
        before.execute_batch(&schema).unwrap();
        for row in rows {
            let marks = vec!["?"; row.len()].join(", ");
            before.execute(&format!("INSERT INTO t VALUES ({marks})"), rusqlite::params_from_iter(row)).unwrap();
        }
        let file = export_all_columns(folder.path(), &format!("sqlite:{}", path.display()));
        prop_assert_eq!(dump_rows(&before), dump_rows(&load(&file, &schema)));
        prop_assert_eq!(dump_rows(&before), dump_rows(&load_by_import(folder.path(), &file, &schema)));
        Ok(())
    });
    ran.unwrap();
}
