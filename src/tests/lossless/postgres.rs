//! PostgreSQL's types with their extremes, hostile names, and random rows.

use std::fmt::Write;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tempfile::TempDir;

use super::export_all_columns;
use super::reader::{Cell, Table, read_tables};
use crate::harness::Postgres;

const TYPES: &str = r#"
    CREATE EXTENSION citext; CREATE EXTENSION hstore;
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'ha"ppy, yes');
    CREATE DOMAIN positive AS integer CHECK (value > 0);
    CREATE DOMAIN small AS positive CHECK (value < 100);
    CREATE DOMAIN numbers AS integer[];
    CREATE TYPE pair AS (a integer, b text);
    CREATE TYPE nested AS (p pair, d date, l text[]);
"#;

/// Types with values as SQL literals; NULL is added to each.
const VALUES: &[(&str, &[&str])] = &[
    ("boolean", &["true", "false"]),
    ("smallint", &["-32768", "32767", "0"]),
    ("integer", &["-2147483648", "2147483647"]),
    (
        "bigint",
        &[
            "-9223372036854775808",
            "9223372036854775807",
            "9007199254740991",
            "9007199254740992",
            "9007199254740993",
            "-9007199254740993",
        ],
    ),
    ("oid", &["0", "4294967295"]),
    (
        "real",
        &["'NaN'", "'Infinity'", "'-Infinity'", "'-0'", "0.1", "1e-45", "3.4028235e38", "16777216", "1.17549435e-38"],
    ),
    (
        "double precision",
        &[
            "'NaN'",
            "'Infinity'",
            "'-Infinity'",
            "'-0'",
            "0.1",
            "0.30000000000000004",
            "5e-324",
            "1.7976931348623157e308",
            "9007199254740993",
            "1e21",
            "123456789012345680",
        ],
    ),
    (
        "numeric",
        &[
            "'NaN'",
            "'Infinity'",
            "'-Infinity'",
            "0",
            "0.000",
            "-0.0010",
            "1e1000",
            "1e-1000",
            "12345678901234567890.12345678901234567890",
            "10000",
            "100000000",
            "0.0001",
            "9999.9999",
            "99999999999999999999999999999999999999",
            "1e-16383",
            "repeat('9', 131072)::numeric",
            "1.10",
        ],
    ),
    ("numeric(38,18)", &["12345678901234567890.123456789012345678", "-0.000000000000000001", "1"]),
    ("money", &["'-92233720368547758.08'", "'92233720368547758.07'", "'0.01'"]),
    (
        "text",
        &[
            "''",
            "' '",
            "'NULL'",
            "'null'",
            r#"'quote " and '' and \ and /'"#,
            "E'tab\\t line\\n return\\r bell\\x07 del\\x7f'",
            "'👍 é ｶ 한 \u{202e}'",
            "E'\\u2028\\u2029'",
            "'</script><script>alert(1)</script>'",
            "'=1+1'",
            "'{\"$json\":\"x\"}'",
            "repeat('ab\u{e9}\"', 300000)",
        ],
    ),
    ("character varying(10)", &["'abc '", "''"]),
    ("character(8)", &["'abc'", "''", "'12345678'"]),
    ("name", &["'a name'"]),
    ("\"char\"", &["'x'", "''", "'\\301'"]),
    ("bytea", &["''", "'\\x00'", "'\\x00ff5c22'", "decode(repeat('00ff10', 100000), 'hex')"]),
    ("bit(8)", &["B'10101010'", "B'00000000'"]),
    ("bit varying", &["B''", "B'1'", "B'101010101010101010101'"]),
    (
        "uuid",
        &[
            "'00000000-0000-0000-0000-000000000000'",
            "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
            "'0190b6a4-7c1e-7b7a-8c2e-3f1d5a6b7c8d'",
        ],
    ),
    (
        "date",
        &[
            "'infinity'",
            "'-infinity'",
            "'4713-01-01 BC'",
            "'0001-12-31 BC'",
            "'0001-01-01'",
            "'9999-12-31'",
            "'12345-06-07'",
            "'5874897-12-31'",
            "'2000-02-29'",
            "'1900-02-28'",
        ],
    ),
    ("time", &["'00:00'", "'24:00:00'", "'23:59:59.999999'", "'12:34:56.5'"]),
    ("time with time zone", &["'24:00:00+14'", "'00:00:00.000001-12:30:15'"]),
    (
        "timestamp",
        &[
            "'infinity'",
            "'-infinity'",
            "'4713-01-01 00:00:00 BC'",
            "'0044-03-15 12:00:00 BC'",
            "'0001-01-01 00:00:00'",
            "'9999-12-31 23:59:59.999999'",
            "'12345-06-07 08:09:10.000001'",
            "'294276-12-31 23:59:59.999999'",
            "'1999-12-31 23:59:59.999999'",
            "'2000-01-01'",
        ],
    ),
    (
        "timestamp with time zone",
        &[
            "'infinity'",
            "'-infinity'",
            "'4713-01-01 00:00:00+00 BC'",
            "'1883-11-18 12:03:58+00'",
            "'2026-11-20 17:02:11.123456+05:45'",
            "'12345-06-07 00:00:00+00'",
            "'14675-06-30 15:06:40+00'",
            "'294276-12-31 23:59:59.999999+00'",
            "'2026-03-29 02:30:00 Europe/Berlin'",
        ],
    ),
    ("timestamp(0) with time zone", &["'2026-11-20 17:02:11.6+00'"]),
    (
        "interval",
        &[
            "'0'",
            "'1 year 2 mons 3 days 04:05:06.789'",
            "'-1 year -2 mons +3 days -04:05:06.789'",
            "'178000000 years'",
            "'-178000000 years'",
            "'0.000001 seconds'",
            "'1 mon -1 day'",
        ],
    ),
    (
        "json",
        &[
            "'{\"a\":1,\"a\":2}'",
            "'1.0e5'",
            "' { \"x\" : [ 1 , 2 ] } '",
            "E'{\\n \"a\": 1\\n}'",
            "'null'",
            "'{\"$json\":1}'",
            "'9007199254740993'",
            "'\"\\u0000\"'",
            "'0.1'",
            "'[]'",
        ],
    ),
    (
        "jsonb",
        &[
            "'{\"b\":1,\"a\":[1e400]}'",
            "'null'",
            "'1E400'",
            "'0.1000'",
            "'{\"$blob\":\"x\"}'",
            "'{\"deep\":{\"$blob\":\"x\"}}'",
            "'\"text\"'",
            "'12345678901234567890'",
            "'-0'",
            "'{}'",
        ],
    ),
    ("jsonpath", &["'$.a[*] ? (@ > 1)'"]),
    ("xml", &["'<a b=\"c\">&amp;<!-- x --></a>'", "'text only'"]),
    ("inet", &["'192.168.0.1'", "'192.168.0.1/24'", "'2001:db8::1'", "'::/0'"]),
    ("cidr", &["'10.0.0.0/8'", "'2001:db8::/32'", "'10.1.2.3/32'"]),
    ("macaddr", &["'08:00:2b:01:02:03'"]),
    ("macaddr8", &["'08:00:2b:01:02:03:04:05'"]),
    ("point", &["'(0.1,-0)'", "'(NaN,Infinity)'"]),
    ("line", &["'{1,2,3}'"]),
    ("lseg", &["'[(0,0),(1,1)]'"]),
    ("box", &["'(1,1),(0,0)'"]),
    ("path", &["'[(0,0),(1,1)]'", "'((0,0),(1,1))'"]),
    ("polygon", &["'((0,0),(1,1),(2,0))'"]),
    ("circle", &["'<(0,0),1.5>'"]),
    ("tsvector", &["'''it''''s'':1A,2 plain'", "''"]),
    ("tsquery", &["'fat & (rat | !cat:*)'"]),
    ("int4range", &["'[1,10)'", "'empty'", "'(,)'", "'[5,5]'"]),
    ("numrange", &["'(0.10,1e10]'"]),
    ("tstzrange", &["'[2026-01-01 00:00+00,infinity)'", "'[\"0044-03-15 00:00:00+00 BC\",)'"]),
    ("daterange", &["'[2026-01-01,2026-02-01)'"]),
    ("int4multirange", &["'{[1,3),[5,8)}'", "'{}'"]),
    ("tstzmultirange", &["'{[2026-01-01 00:00+00,2026-01-02 00:00+00)}'"]),
    ("integer[]", &["'{}'", "'{1,NULL,3}'", "'[2:4]={1,2,3}'", "'{{1,2},{3,4}}'", "'[0:1][-1:0]={{1,2},{3,4}}'"]),
    ("text[]", &["'{\"\",NULL,\"NULL\",\"a,b\",\"q\\\"x\",\"back\\\\slash\",\" \"}'"]),
    ("bytea[]", &["ARRAY['\\x00ff'::bytea, ''::bytea]"]),
    ("double precision[]", &["'{NaN,Infinity,0.1,-0,5e-324}'"]),
    ("timestamp with time zone[]", &["'{infinity,\"2026-11-20 00:00:00.000001+00\"}'"]),
    ("jsonb[]", &["ARRAY['{\"a\":1e400}'::jsonb, 'null'::jsonb]"]),
    ("interval[]", &["'{1 mon -1 day}'"]),
    ("mood", &["'sad'", "'ha\"ppy, yes'"]),
    ("mood[]", &["'{sad,\"ha\\\"ppy, yes\",NULL}'"]),
    ("positive", &["1", "2147483647"]),
    ("small", &["99"]),
    ("numbers", &["'{1,NULL}'"]),
    ("pair", &["ROW(NULL, NULL)", "ROW(1, '')", "ROW(NULL, 'x,\"y\"')", "ROW(1, E'a\\nb')"]),
    ("nested", &["ROW(ROW(NULL, NULL), 'infinity', '{a,NULL}')", "ROW(NULL, NULL, NULL)"]),
    ("pair[]", &["ARRAY[ROW(1, 'x')::pair, NULL, ROW(NULL, NULL)::pair]"]),
    ("citext", &["'MiXed'", "''"]),
    ("hstore", &["'\"a\"=>\"1\", \"b\"=>NULL, \"q\\\"\"=>\"\\\\\"'", "''"]),
    ("pg_lsn", &["'FFFFFFFF/FFFFFFFF'"]),
    ("pg_snapshot", &["'10:20:10,14,15'"]),
    ("xid8", &["'18446744073709551615'"]),
    ("tid", &["'(4294967295,65535)'"]),
    ("regclass", &["'pg_class'"]),
    ("regtype", &["'integer'"]),
    ("int2vector", &["'1 2 3'"]),
];

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

fn create_databases(server: &Postgres, ddl: &str) {
    server.sql_as("postgres", "postgres", "CREATE DATABASE before OWNER waybill_owner");
    server.sql_as("postgres", "postgres", "CREATE DATABASE after OWNER waybill_owner");
    for database in ["before", "after"] {
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
    let (before, after) = (dump_rows(&server, "before"), dump_rows(&server, "after"));
    assert_eq!(before.len(), cases.len() + 8);
    for (before, after) in before.iter().zip(&after) {
        assert!(before == after, "{}\n  became\n{}", truncate(before), truncate(after));
    }
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
        for database in ["before", "after"] {
            server.sql_as("postgres", "postgres", &format!("DROP DATABASE IF EXISTS {database}"));
        }
        let columns: Vec<String> =
            kinds.iter().enumerate().map(|(at, kind)| format!("c{at} {}", COLUMN_TYPES[*kind])).collect();
        create_databases(&server, &format!("CREATE TABLE \"{name}\" ({});", columns.join(", ")));
        for row in &rows {
            let cells: Vec<&str> = row.iter().map(|cell| cell.as_deref().unwrap_or("NULL")).collect();
            server.sql_as("waybill_owner", "before", &format!("INSERT INTO \"{name}\" VALUES ({});", cells.join(", ")));
        }
        let tables = read_tables(&export_all_columns(folder.path(), &server.url_as("waybill_owner", "before")));
        server.sql_as("waybill_owner", "after", &inserts(&tables));
        prop_assert_eq!(dump_rows(&server, "before"), dump_rows(&server, "after"));
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
