//! PostgreSQL's types with their extremes, hostile names, and random rows.

use std::fmt::Write;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tempfile::TempDir;

use super::postgres_types::{TYPES, VALUES};
use super::reader::{Cell, Table, read_tables};
use super::{export_all_columns, import};
use crate::harness::Postgres;

type Case = (&'static str, Vec<&'static str>);

/// The cases that this server supports: multiranges and infinite numerics are new in PostgreSQL 14.
fn supported_cases(server: &Postgres) -> Vec<Case> {
    let is_before_14 = server.major_version() < 14;
    let is_supported =
        |kind: &str, value: &str| !(is_before_14 && kind.starts_with("numeric") && value.contains("Infinity"));
    let known = VALUES.iter().filter(|(kind, _)| !(is_before_14 && kind.ends_with("multirange")));
    known
        .map(|(kind, values)| (*kind, values.iter().copied().filter(|value| is_supported(kind, value)).collect()))
        .collect()
}

fn schema_sql(cases: &[Case]) -> String {
    let mut sql = TYPES.to_owned();
    for (at, (kind, _)) in cases.iter().enumerate() {
        let _ = writeln!(sql, "CREATE TABLE t{at} (n integer PRIMARY KEY, v {kind});");
    }
    // Hostile names, and identity, generated, dropped and collated columns.
    let long = "x".repeat(63);
    let _ = writeln!(
        sql,
        r#"CREATE SCHEMA "odd.schema"; CREATE SCHEMA a;
        CREATE TABLE "Twins" (v text, "V" text, "select" text, "Ünï ""q"" 👍" text, "{long}" text);
        CREATE TABLE twins (v text); CREATE TABLE "a.b" (v text); CREATE TABLE a.b (v text);
        CREATE TABLE "odd.schema"."line
feed" (v text); CREATE TABLE "{long}" (v text); CREATE TABLE none ();
        CREATE TABLE made (id bigint GENERATED ALWAYS AS IDENTITY, s serial, a integer, b integer GENERATED ALWAYS AS (a * 2) STORED,
            dropped text, c text COLLATE "C" NOT NULL DEFAULT 'x');
        ALTER TABLE made DROP COLUMN dropped;"#
    );
    sql
}

fn data_sql(cases: &[Case]) -> String {
    let mut sql = String::new();
    for (at, (kind, values)) in cases.iter().enumerate() {
        for (n, value) in values.iter().chain(&["NULL"]).enumerate() {
            let _ = writeln!(sql, "INSERT INTO t{at} VALUES ({n}, CAST({value} AS {kind}));");
        }
    }
    sql + r#"
        INSERT INTO "Twins" VALUES ('a', 'b', 'c', 'd', 'e'); INSERT INTO twins VALUES ('twin'); INSERT INTO "a.b" VALUES ('dotted');
        INSERT INTO a.b VALUES ('in a schema'); INSERT INTO "odd.schema"."line
feed" VALUES ('x'), (NULL); INSERT INTO none DEFAULT VALUES; INSERT INTO none DEFAULT VALUES;
        INSERT INTO made (a, c) VALUES (1, 'one'), (NULL, 'two');"#
}

/// Converts a table name as the file spells it to a quoted SQL name.
fn quoted_name(name: &str) -> String {
    match name {
        "a.b" => "a.b".into(),
        _ if name.starts_with("\"odd.schema\".") => format!("\"odd.schema\".\"{}\"", &name[13..]),
        _ if name.starts_with('"') => name.into(),
        _ => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// INSERT statements for the tables that the independent reader returned.
fn inserts(tables: &[Table]) -> String {
    let mut sql = String::from("SET lc_monetary = 'C'; SET xmloption = content; SET search_path = public;\n");
    for table in tables {
        let kept: Vec<usize> = (0..table.columns.len()).filter(|at| !table.columns[*at].generated).collect();
        let names: Vec<String> =
            kept.iter().map(|at| format!("\"{}\"", table.columns[*at].name.replace('"', "\"\""))).collect();
        for row in &table.rows {
            let cells: Vec<String> = kept.iter().map(|at| literal(&row[*at])).collect();
            let name = quoted_name(&table.name);
            let _ = if cells.is_empty() {
                writeln!(sql, "INSERT INTO {name} DEFAULT VALUES;")
            } else {
                writeln!(
                    sql,
                    "INSERT INTO {name} ({}) OVERRIDING SYSTEM VALUE VALUES ({});",
                    names.join(", "),
                    cells.join(", ")
                )
            };
        }
    }
    sql
}

fn literal(cell: &Cell) -> String {
    match cell {
        Cell::Null => "NULL".into(),
        Cell::Boolean(yes) => yes.to_string(),
        Cell::Integer(n) => format!("'{n}'"),
        Cell::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Cell::Bytes(bytes) => format!("'\\x{}'", hex::encode(bytes)),
        Cell::Real(_) | Cell::TextBytes(_) => panic!("PostgreSQL has no {cell:?}"),
    }
}

/// Every row of every table, in the engine's own text form.
fn dump_rows(server: &Postgres, database: &str) -> Vec<String> {
    let tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
                  WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1";
    let tables =
        server.sql_as("waybill_owner", database, &format!("SELECT string_agg(t, E'\\x01') FROM ({tables}) x(t)"));
    tables
        .split('\u{1}')
        .map(|table| {
            let rows = format!(
                "SET bytea_output = hex; SET lc_monetary = 'C'; \
                 SELECT string_agg(t, E'\\x01' ORDER BY t) FROM (SELECT CAST(x AS text) FROM ONLY {table} x) y(t)"
            );
            format!("{table}: {}", server.sql_as("waybill_owner", database, &rows))
        })
        .collect()
}

/// The source, what the independent reader loads, and what `waybill import` does.
const DATABASES: [&str; 3] = ["before", "after", "imported"];

fn create_databases(server: &Postgres, ddl: &str) {
    for database in DATABASES {
        server.sql_as("postgres", "postgres", &format!("CREATE DATABASE {database} OWNER waybill_owner"));
        server.sql_as("waybill_owner", database, ddl);
    }
}

#[test]
fn every_type_of_postgresql_survives_with_its_extremes() {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    let cases = supported_cases(&server);
    create_databases(&server, &schema_sql(&cases));
    server.sql_as("waybill_owner", "before", &data_sql(&cases));
    let file = export_all_columns(folder.path(), &server.url_as("waybill_owner", "before"));
    let tables = read_tables(&file);
    server.sql_as("waybill_owner", "after", &inserts(&tables));
    import(folder.path(), &file, &server.url_as("waybill_owner", "imported"));
    let before = dump_rows(&server, "before");
    assert_eq!(before.len(), cases.len() + 8);
    for database in ["after", "imported"] {
        for (before, after) in before.iter().zip(&dump_rows(&server, database)) {
            assert!(before == after, "{}\n  became in {database}\n{}", truncate(before), truncate(after));
        }
    }
    let next = server.sql_as("waybill_owner", "imported", "INSERT INTO made (c) VALUES ('next') RETURNING id, s");
    assert_eq!(next, "3|3", "the sequences stand behind the imported rows");
    let verified = crate::harness::WaybillCommand::new(folder.path());
    std::fs::write(folder.path().join("file.json"), &file).unwrap();
    assert_eq!(verified.run(["verify", "file.json"]).code, 0);
}

fn truncate(text: &str) -> String {
    text.chars().take(600).collect()
}

/// A strategy for SQL literals of one of `COLUMN_TYPES`.
fn any_literal(kind: usize) -> BoxedStrategy<String> {
    let quoted = |text: String| format!("'{}'", text.replace('\'', "''"));
    match kind {
        0 => any::<i64>().prop_map(|n| n.to_string()).boxed(),
        1 => any::<u64>().prop_map(|bits| format!("'{}'", f64::from_bits(bits))).boxed(),
        2 => "[^\\x00]{0,30}".prop_map(quoted).boxed(),
        3 => proptest::collection::vec(any::<u8>(), 0..40).prop_map(|b| format!("'\\x{}'", hex::encode(b))).boxed(),
        4 => "-?[0-9]{1,30}(\\.[0-9]{0,30})?".boxed(),
        5 => (-210_866_803_200_i64..9_224_318_016_000, 0..1_000_000)
            .prop_map(|(s, us)| {
                format!("(to_timestamp(0) + make_interval(secs => 0.{us:06})) + {s} * interval '1 second'")
            })
            .boxed(),
        6 => (any::<i32>(), any::<i32>(), -1_000_000_000_000_i64..1_000_000_000_000)
            .prop_map(|(m, d, us)| {
                format!("make_interval(months => {m}, days => {d}) + {us} * interval '1 microsecond'")
            })
            .boxed(),
        7 => "[^\\x00\\\\\"]{0,12}".prop_map(move |text| format!("to_jsonb({}::text)", quoted(text))).boxed(),
        _ => "[^\\x00]{0,8}".prop_map(move |text| format!("ARRAY[{}, NULL]", quoted(text))).boxed(),
    }
}

const COLUMN_TYPES: [&str; 9] =
    ["bigint", "double precision", "text", "bytea", "numeric", "timestamptz", "interval", "jsonb", "text[]"];

#[test]
fn random_schemas_with_random_rows_survive() {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    let columns = proptest::collection::vec(0..COLUMN_TYPES.len(), 1..6);
    let tables = columns.prop_flat_map(|kinds| {
        let cell = |kind: &usize| proptest::option::weighted(0.9, any_literal(*kind));
        let row: Vec<_> = kinds.iter().map(cell).collect();
        (Just(kinds), "[^\\x00\\x01.\"]{1,15}", proptest::collection::vec(row, 0..6))
    });
    // Each case creates two databases, so a failure is reported without shrinking through hundreds of them.
    let config = Config { cases: 12, max_shrink_iters: 0, failure_persistence: None, ..Config::default() };
    let runner = &mut TestRunner::new(config);
    let ran = runner.run(&tables, |(kinds, name, rows)| {
        for database in DATABASES {
            server.sql_as("postgres", "postgres", &format!("DROP DATABASE IF EXISTS {database}"));
        }
        let columns: Vec<String> =
            kinds.iter().enumerate().map(|(at, kind)| format!("c{at} {}", COLUMN_TYPES[*kind])).collect();
        create_databases(&server, &format!("CREATE TABLE \"{name}\" ({});", columns.join(", ")));
        for row in &rows {
            let cells: Vec<&str> = row.iter().map(|cell| cell.as_deref().unwrap_or("NULL")).collect();
            server.sql_as("waybill_owner", "before", &format!("INSERT INTO \"{name}\" VALUES ({});", cells.join(", ")));
        }
        let file = export_all_columns(folder.path(), &server.url_as("waybill_owner", "before"));
        server.sql_as("waybill_owner", "after", &inserts(&read_tables(&file)));
        import(folder.path(), &file, &server.url_as("waybill_owner", "imported"));
        let before = dump_rows(&server, "before");
        prop_assert_eq!(&before, &dump_rows(&server, "after"));
        prop_assert_eq!(&before, &dump_rows(&server, "imported"));
        Ok(())
    });
    ran.unwrap();
}

/// Each physical row is exported exactly once; objects that are not plain tables are listed.
#[test]
fn rows_of_partitions_and_inherited_tables_are_exported_once() {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    server.sql(
        "CREATE TABLE events (at date NOT NULL, n integer) PARTITION BY RANGE (at);
         CREATE TABLE events_25 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
         CREATE TABLE events_26 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST (n);
         CREATE TABLE events_26_one PARTITION OF events_26 FOR VALUES IN (1);
         CREATE TABLE events_26_rest PARTITION OF events_26 DEFAULT;
         INSERT INTO events VALUES ('2025-05-05', 1), ('2026-05-05', 1), ('2026-05-05', 2);
         CREATE TABLE vehicles (name text); CREATE TABLE cars (doors integer) INHERITS (vehicles);
         INSERT INTO vehicles VALUES ('bicycle'); INSERT INTO cars VALUES ('sedan', 4);
         CREATE MATERIALIZED VIEW summary AS SELECT count(*) FROM events; CREATE SEQUENCE counter;
         CREATE VIEW recent AS SELECT * FROM events; SELECT lo_create(0);",
    );
    let file = export_all_columns(folder.path(), &server.url());
    let export = crate::harness::parse_export(&file);
    let counts: Vec<(&str, usize)> = export.data.iter().map(|(name, rows)| (name.as_str(), rows.len())).collect();
    assert_eq!(counts, [("cars", 1), ("events", 3), ("vehicles", 1)]);
    let listed = export.metadata["notIncluded"].as_array().unwrap();
    let reason = |object: &str| {
        let found = listed.iter().find(|listed| listed["object"] == object);
        found.unwrap_or_else(|| panic!("{object} is not listed"))["reason"].as_str().unwrap().to_owned()
    };
    assert!(reason("events_25").contains("its rows are in events"));
    assert!(reason("events_26_one").contains("its rows are in events"));
    assert!(reason("summary").contains("materialized view"));
    assert!(reason("counter").contains("sequence"));
    assert!(reason("recent").contains("view"));
    assert!(reason("large objects").contains("1 of them"));
}
