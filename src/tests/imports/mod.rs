//! Imports: what a user brings back into a database, and what is refused before anything changes.

mod copies;
mod create_tables;
mod cut_connections;
mod filed_issues;
mod foreign_code;
mod hostile_targets;
mod merge_rules;
mod modes;
mod parts;
mod plan_trust;
mod plans;
mod policies;
mod recreated_keys;
mod replace;
mod replace_parts;
mod replace_parts_reviewed;
mod replica_role;
mod reviewed;
mod undo;
mod undo_on_sqlite;

use std::fs;
use std::path::{Path, PathBuf};

use proptest::test_runner::{Config, TestRunner};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::harness::{CommandOutput, Postgres, WaybillCommand, generate_sample, parse_export, with_line_changed};

const SQLITE_SCHEMA: &str = include_str!("../../../migrations/supportsignal/sqlite/0001_supportsignal.sql");
const POSTGRES_SCHEMA: &str = include_str!("../../../migrations/supportsignal/postgres/0001_supportsignal.sql");

/// Tries a property with random cases. `make soak` tries more of them.
pub fn random_cases() -> TestRunner {
    random_cases_by(1)
}

/// As many cases, divided by this: where one takes long.
pub fn random_cases_by(divisor: u32) -> TestRunner {
    let cases = std::env::var("WAYBILL_IMPORT_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200);
    TestRunner::new(Config { cases: cases / divisor, failure_persistence: None, ..Config::default() })
}

fn run(folder: &Path, arguments: &[&str]) -> CommandOutput {
    WaybillCommand::new(folder).run(arguments)
}

/// Exports with records in the order of their keys, so that equal data give equal lines.
fn export(folder: &Path, url: &str, file: &str) {
    let ended = run(folder, &["export", "--source", url, "--order", "key", "--output", file]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

fn import(folder: &Path, file: &str, url: &str, options: &[&str]) -> CommandOutput {
    run(folder, &[&["import", file, "--target", url], options].concat())
}

/// A new database file with these statements, and its address.
fn sqlite(folder: &Path, name: &str, sql: &str) -> (PathBuf, String) {
    let path = folder.join(name);
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let url = format!("sqlite:{}", path.display());
    (path, url)
}

/// A new database of the server with these statements.
fn database(server: &Postgres, name: &str, sql: &str) -> String {
    server.sql_as("postgres", "postgres", &format!("CREATE DATABASE {name} OWNER waybill_owner"));
    server.sql_as("waybill_owner", name, sql);
    server.url_as("waybill_owner", name)
}

fn count(path: &Path, table: &str) -> u64 {
    Connection::open(path).unwrap().query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

/// The digest of each table's lines.
fn table_digests(folder: &Path, file: &str) -> serde_json::Value {
    parse_export(&fs::read(folder.join(file)).unwrap()).integrity["tables"].take()
}

const SHOP_ON_SQLITE: &str = "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, note TEXT);
     CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), total NUMERIC);";

/// Customers and orders of a shop on SQLite, exported as `shop.json`.
fn shop(folder: &Path) -> String {
    let rows = "INSERT INTO customers VALUES (1, 'Ada', NULL), (2, 'Bob', 'late'); INSERT INTO orders VALUES (7, 1, 12.5), (8, 2, 3);";
    let (_, url) = sqlite(folder, "shop.db", &format!("{SHOP_ON_SQLITE}{rows}"));
    export(folder, &url, "shop.json");
    url
}

const SHOP_ON_POSTGRES: &str = "CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL, note text);
     CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers (id), total numeric);";

#[test]
fn an_export_comes_back_equal_on_each_engine_and_from_one_to_the_other() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let sample = generate_sample(60, folder);
    export(folder, &format!("sqlite:{}", sample.display()), "first.json");
    let mut from = "first.json";
    for (at, to) in
        ["on-sqlite.json", "on-postgres.json", "on-postgres-again.json", "back-on-sqlite.json"].iter().enumerate()
    {
        let url = match at {
            0 | 3 => sqlite(folder, &format!("target{at}.db"), SQLITE_SCHEMA).1,
            _ => database(&server, &format!("target{at}"), POSTGRES_SCHEMA),
        };
        let imported = import(folder, from, &url, &["--json"]);
        assert_eq!(imported.code, 0, "{to}: {}", imported.stderr);
        let report: serde_json::Value = serde_json::from_slice(&imported.stdout).unwrap();
        assert_eq!(report["written"], true);
        export(folder, &url, to);
        if at == 0 {
            assert_eq!(table_digests(folder, to), table_digests(folder, from), "{to}");
        }
        // PostgreSQL's jsonb keeps the values of JSON and not its blanks.
        let data = |file: &str| parse_export(&fs::read(folder.join(file)).unwrap()).data;
        assert!(data(to) == data("first.json"), "{to}");
        from = to;
    }
    let unusable = server.sql_as("waybill_owner", "target1", "SELECT DISTINCT password FROM users");
    assert_eq!(unusable, "!", "a password that was left out matches nothing");
    let tokens = "SELECT count(*) = count(DISTINCT \"sessionToken\"), min(length(\"sessionToken\")) FROM sessions";
    assert_eq!(server.sql_as("waybill_owner", "target1", tokens), "t|64", "each session has a token of its own");
}

#[test]
fn compressed_files_are_imported_as_they_are() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let url = shop(folder);
    for name in ["shop.json.gz", "shop.json.zst"] {
        export(folder, &url, name);
        let (path, target) = sqlite(folder, &format!("{name}.db"), SHOP_ON_SQLITE);
        assert_eq!(import(folder, name, &target, &[]).code, 0);
        assert_eq!((count(&path, "customers"), count(&path, "orders")), (2, 2));
    }
}

#[test]
fn tables_that_have_records_are_named_with_their_counts_and_stay_as_they_are() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let url = shop(folder);
    let refused = import(folder, "shop.json", &url, &[]);
    assert_eq!(refused.code, 3);
    assert!(
        refused.stderr.contains(
            "nothing was imported:\n  customers has 2 records already\n  orders has 2 records already\n  mode append adds"
        ),
        "{}",
        refused.stderr
    );
    assert_eq!(count(&folder.join("shop.db"), "orders"), 2);
}

#[test]
fn everything_that_file_and_database_disagree_on_is_told_at_once() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    shop(folder);
    let (path, url) = sqlite(
        folder,
        "other.db",
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, name BLOB, country TEXT NOT NULL, since TEXT NOT NULL DEFAULT 'now')",
    );
    for options in [&["--dry-run"][..], &[]] {
        let refused = import(folder, "shop.json", &url, options);
        assert_eq!(refused.code, 3);
        for expected in [
            "customers.name is TEXT in the file and BLOB in the database: one holds bytes",
            "the database has no column customers.note, and its values would be lost",
            "customers.country is not in the file and must not be null: say what new records get there, in a profile (--profile FILE) under [tables.customers.columns]: country = { class",
            "the database has no table orders: create the schema first",
        ] {
            assert!(refused.stderr.contains(expected), "{expected}\n{}", refused.stderr);
        }
        assert!(!refused.stderr.contains("since"), "its default fills it: {}", refused.stderr);
    }
    assert_eq!(count(&path, "customers"), 0);
}

#[test]
fn a_file_that_is_cut_changed_or_of_unknown_origin_is_refused_before_anything_is_written() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    shop(folder);
    let whole = fs::read(folder.join("shop.json")).unwrap();
    let (path, url) = sqlite(folder, "target.db", SHOP_ON_SQLITE);
    let changed = with_line_changed(&whole, "Ada", |line| line.replace("Ada", "Eve"));
    for (name, bytes) in [("cut.json", &whole[..whole.len() - 40]), ("changed.json", &changed), ("text.json", b"{}")] {
        fs::write(folder.join(name), bytes).unwrap();
        let refused = import(folder, name, &url, &["--accept-unsigned"]);
        assert_eq!(refused.code, 4, "{name}: {}", refused.stderr);
        assert!(refused.stderr.starts_with(&format!("waybill: {name}: ")), "{}", refused.stderr);
    }
    let refused = import(folder, "nowhere.json", &url, &[]);
    assert_eq!((refused.code, refused.stderr.contains("nowhere.json: the file cannot be read")), (1, true));
    assert!(import(folder, ".", &url, &[]).stderr.contains("only an export of a database in one file"));
    let elsewhere = TempDir::new().unwrap();
    shop(elsewhere.path());
    fs::copy(elsewhere.path().join("shop.json"), folder.join("foreign.json")).unwrap();
    let refused = import(folder, "foreign.json", &url, &[]);
    assert_eq!(refused.code, 3);
    assert!(refused.stderr.contains("which is not trusted here, so anyone could have made it"), "{}", refused.stderr);
    assert_eq!(count(&path, "customers"), 0);
    let accepted = import(folder, "foreign.json", &url, &["--accept-unsigned"]);
    assert_eq!(accepted.code, 0, "{}", accepted.stderr);
    assert!(accepted.text().contains("signed    by no trusted key"), "{}", accepted.text());
}

#[test]
fn a_record_that_the_database_refuses_is_named_by_rule_and_number_and_nothing_is_left() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let with_rule =
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL CHECK (name <> 'Bob'), note TEXT);
         CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, total NUMERIC);";
    let (path, url) = sqlite(folder, "target.db", with_rule);
    let refused = import(folder, "shop.json", &url, &[]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    let expected = "record 2 of customers is refused by the database: CHECK constraint failed: name <> 'Bob'; nothing was imported";
    assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    assert_eq!(count(&path, "customers"), 0);

    let url = database(&server, "strict", &with_rule.replace("INTEGER", "bigint"));
    let refused = import(folder, "shop.json", &url, &[]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    let expected =
        "record 2 of customers is refused by the database: a check of its table fails (customers_name_check)";
    assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    assert!(!refused.stderr.contains("Bob"), "no value is shown: {}", refused.stderr);
    assert_eq!(server.sql_as("waybill_owner", "strict", "SELECT count(*) FROM customers"), "0");
}

#[test]
fn a_reference_that_leads_nowhere_is_found_at_the_commit_and_nothing_is_left() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let rows = "INSERT INTO orders VALUES (7, 1, 12.5), (8, 99, 3), (9, 98, 3);";
    let schema = "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, note TEXT);
         CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id) DEFERRABLE, total NUMERIC);
         INSERT INTO customers VALUES (1, 'Ada', NULL);";
    let (_, url) = sqlite(folder, "dangling.db", &format!("{schema}PRAGMA foreign_keys = OFF; {rows}"));
    export(folder, &url, "dangling.json");
    let empty = schema.split("INSERT").next().unwrap();
    let (path, url) = sqlite(folder, "target.db", empty);
    let refused = import(folder, "dangling.json", &url, &[]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("references lead to records that are not there: orders (2 to customers)"),
        "{}",
        refused.stderr
    );
    assert_eq!(count(&path, "orders"), 0);

    let url = database(&server, "dangling_copy", &empty.replace("INTEGER", "bigint"));
    let refused = import(folder, "dangling.json", &url, &[]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("it refers to a record that is not there (orders_customer_id_fkey)"),
        "{}",
        refused.stderr
    );
    assert_eq!(server.sql_as("waybill_owner", "dangling_copy", "SELECT count(*) FROM customers"), "0");
}

#[test]
fn text_that_postgresql_cannot_store_is_refused_by_record() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let url = database(&server, "notes", "CREATE TABLE notes (id bigint PRIMARY KEY, body text)");
    let profile = "name = \"notes\"\n[tables.notes.columns]\nid = \"plain\"\nbody = \"plain\"\n";
    fs::write(folder.join("notes.toml"), profile).unwrap();
    for (name, value, what) in [
        ("nul", "'a' || char(0)", "text with a NUL character, which PostgreSQL cannot store"),
        ("bytes", "CAST(x'ff' AS TEXT)", "text that is not UTF-8, which PostgreSQL cannot store"),
        ("blob", "x'00'", "bytes, and its column takes none"),
    ] {
        let rows = format!(
            "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT); INSERT INTO notes VALUES (1, 'a'), (2, {value})"
        );
        let (_, source) = sqlite(folder, &format!("{name}.db"), &rows);
        let file = format!("{name}.json");
        let exported = run(folder, &["export", "--source", &source, "--profile", "notes.toml", "--output", &file]);
        assert_eq!(exported.code, 0, "{}", exported.stderr);
        let refused = import(folder, &file, &url, &[]);
        assert_eq!(refused.code, 3, "{name}: {}{}", refused.text(), refused.stderr);
        let expected = format!("record 2 of notes does not fit the database: a value is {what}");
        assert!(refused.stderr.contains(&expected), "{}", refused.stderr);
    }
}

#[test]
fn a_cycle_of_references_that_the_database_checks_at_once_is_closed_in_a_second_pass() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let tables = |null: &str| {
        format!(
            "CREATE TABLE a (id bigint PRIMARY KEY, name text, b_id bigint {null}); CREATE TABLE b (id bigint PRIMARY KEY, a_id bigint, up bigint REFERENCES b);"
        )
    };
    // Keys with a comment are not dropped to be created again.
    let keys = |timing: &str| {
        format!(
            "ALTER TABLE a ADD CONSTRAINT a_b FOREIGN KEY (b_id) REFERENCES b {timing}; ALTER TABLE b ADD CONSTRAINT b_a FOREIGN KEY (a_id) REFERENCES a {timing};
             COMMENT ON CONSTRAINT a_b ON a IS 'kept'; COMMENT ON CONSTRAINT b_a ON b IS 'kept';"
        )
    };
    let rows = "INSERT INTO a VALUES (1, 'x', NULL), (3, 'y', NULL); INSERT INTO b VALUES (1, 1, 2), (2, NULL, NULL); UPDATE a SET b_id = 2 WHERE id = 1;";
    let url = database(&server, "circle", &format!("{}{rows}{}", tables(""), keys("")));
    export(folder, &url, "circle.json");
    for (name, timing) in [("at_once", ""), ("later", "DEFERRABLE")] {
        let target = database(&server, name, &format!("{}{}", tables(""), keys(timing)));
        for options in [&["--dry-run"][..], &[]] {
            let imported = import(folder, "circle.json", &target, options);
            assert_eq!(imported.code, 0, "{}", imported.stderr);
        }
        assert_eq!(
            server.sql_as(
                "waybill_owner",
                name,
                "SELECT string_agg(concat(id, coalesce(b_id, 0), name), ' ' ORDER BY id) FROM a"
            ),
            "12x 30y"
        );
        let listed = run(folder, &["import", "undo", "--target", &target]).text();
        let undone = run(folder, &["import", "undo", listed.split("  ").next().unwrap(), "--target", &target]);
        assert_eq!(undone.code, 0, "{}", undone.stderr);
        assert_eq!(
            server.sql_as("waybill_owner", name, "SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b)"),
            "0"
        );
    }
    // What must not be empty cannot be so for a while.
    let never_null = database(&server, "never_null", &format!("{}{}", tables("NOT NULL"), keys("")));
    let refused = import(folder, "circle.json", &never_null, &[]);
    assert_eq!(refused.code, 3);
    assert!(refused.stderr.contains("a refers to b, which comes later in the file"), "{}", refused.stderr);
    assert!(refused.stderr.contains("ALTER CONSTRAINT a_b DEFERRABLE"), "{}", refused.stderr);
    let refused = import(folder, "circle.json", &url, &["--mode", "merge"]);
    assert!(refused.code == 3 && refused.stderr.contains("ALTER CONSTRAINT a_b DEFERRABLE"), "{}", refused.stderr);
}

#[test]
fn another_programs_write_is_waited_for_and_readers_see_all_or_nothing() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    shop(folder);
    let (path, url) = sqlite(folder, "busy.db", SHOP_ON_SQLITE);
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = import(folder, "shop.json", &url, &[]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("another program has locked the database (waited 5 seconds)"),
        "{}",
        refused.stderr
    );
    writer.execute_batch("ROLLBACK").unwrap();
    assert_eq!(import(folder, "shop.json", &url, &[]).code, 0);
}

#[test]
fn the_audit_trail_has_who_imported_which_file_and_how_it_ended() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let url = shop(folder);
    assert_eq!(import(folder, "shop.json", &url, &["--dry-run"]).code, 3);
    assert_eq!(import(folder, "shop.json", &url, &[]).code, 3);
    let (_, url) = sqlite(folder, "target.db", SHOP_ON_SQLITE);
    assert_eq!(import(folder, "shop.json", &url, &[]).code, 0);
    let shown = run(folder, &["audit", "show", "--json"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    let sealed =
        parse_export(&fs::read(folder.join("shop.json")).unwrap()).integrity["sha256"].as_str().unwrap().to_owned();
    let entries: Vec<serde_json::Value> =
        shown.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |event: &str| entries.iter().filter(|entry| entry["event"] == event).collect::<Vec<_>>();
    let (started, completed, failed) = (of("import_started"), of("import_completed"), of("import_failed"));
    assert_eq!((started.len(), completed.len(), failed.len()), (2, 1, 1), "a dry run is none");
    let detail = |entry: &serde_json::Value| serde_json::from_str(entry["detail"].as_str().unwrap()).unwrap();
    let (started, completed, failed): (serde_json::Value, serde_json::Value, serde_json::Value) =
        (detail(started[0]), detail(completed[0]), detail(failed[0]));
    assert_eq!((&started["sha256"], &started["mode"]), (&sealed.into(), &"require-empty".into()));
    assert_eq!((&completed["created"], &completed["updated"]), (&4.into(), &0.into()));
    assert!(failed["reason"].as_str().unwrap().contains("customers has 2 records already"));
}

/// The records as text, in the order of their keys.
fn records(folder: &Path, url: &str, name: &str) -> Vec<String> {
    export(folder, url, name);
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let _ = fs::remove_file(folder.join(name));
    text.lines().filter(|line| line.starts_with("{\"id\"")).map(|line| line.trim_end_matches(',').to_owned()).collect()
}
