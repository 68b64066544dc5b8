//! Imports: what a user brings back into a database, and what is refused before anything changes.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;

use crate::harness::{CommandOutput, Postgres, WaybillCommand, generate_sample, parse_export, with_line_changed};

const SQLITE_SCHEMA: &str = include_str!("../../migrations/supportsignal/sqlite/0001_supportsignal.sql");
const POSTGRES_SCHEMA: &str = include_str!("../../migrations/supportsignal/postgres/0001_supportsignal.sql");

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
fn a_dry_run_says_what_would_be_written_and_writes_nothing() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let url = database(&server, "shop_copy", SHOP_ON_POSTGRES);
    let planned = import(folder, "shop.json", &url, &["--dry-run"]);
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    assert!(
        planned.text().starts_with("would import: 4 records in 2 tables, 4 new; nothing was written"),
        "{}",
        planned.text()
    );
    assert_eq!(server.sql_as("waybill_owner", "shop_copy", "SELECT count(*) FROM customers"), "0");
    let written = import(folder, "shop.json", &url, &[]);
    assert!(written.text().starts_with("imported: 4 records in 2 tables, 4 new, in "), "{}", written.text());
    assert!(written.text().contains("signed    by the key "), "{}", written.text());
    assert_eq!(server.sql_as("waybill_owner", "shop_copy", "SELECT sum(total) FROM orders"), "15.5");
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
            "nothing was imported:\n  customers has 2 records already\n  orders has 2 records already\n  --mode append adds"
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
fn a_cycle_of_references_needs_checks_that_can_wait() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let tables = "CREATE TABLE a (id bigint PRIMARY KEY, b_id bigint); CREATE TABLE b (id bigint PRIMARY KEY, a_id bigint, up bigint REFERENCES b);";
    let keys = |timing: &str| {
        format!(
            "ALTER TABLE a ADD CONSTRAINT a_b FOREIGN KEY (b_id) REFERENCES b {timing}; ALTER TABLE b ADD CONSTRAINT b_a FOREIGN KEY (a_id) REFERENCES a {timing};"
        )
    };
    let rows =
        "INSERT INTO a VALUES (1, NULL); INSERT INTO b VALUES (1, 1, 2), (2, NULL, NULL); UPDATE a SET b_id = 2;";
    let url = database(&server, "circle", &format!("{tables}{rows}{}", keys("")));
    export(folder, &url, "circle.json");
    let at_once = database(&server, "at_once", &format!("{tables}{}", keys("")));
    let refused = import(folder, "circle.json", &at_once, &[]);
    assert_eq!(refused.code, 3);
    assert!(refused.stderr.contains("a refers to b, which comes later in the file"), "{}", refused.stderr);
    assert!(refused.stderr.contains("ALTER CONSTRAINT a_b DEFERRABLE"), "{}", refused.stderr);
    let later = database(&server, "later", &format!("{tables}{}", keys("DEFERRABLE")));
    let imported = import(folder, "circle.json", &later, &[]);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    assert_eq!(server.sql_as("waybill_owner", "later", "SELECT b_id FROM a"), "2");
}

#[test]
fn a_role_whose_rights_go_beyond_its_tables_may_not_import() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let url = database(&server, "shop_copy", SHOP_ON_POSTGRES);
    server.sql_as(
        "postgres",
        "postgres",
        "CREATE ROLE maker LOGIN CREATEROLE; CREATE ROLE blind LOGIN BYPASSRLS; CREATE ROLE heir LOGIN NOINHERIT; GRANT maker TO heir;
         CREATE ROLE reader LOGIN; GRANT pg_read_server_files TO reader",
    );
    for role in ["postgres", "maker", "blind", "heir", "reader"] {
        let refused = import(folder, "shop.json", &server.url_as(role, "shop_copy"), &[]);
        assert_eq!(refused.code, 3, "{role}: {}", refused.stderr);
        let expected = format!("with the rights of {role}, and these go beyond its tables");
        assert!(refused.stderr.contains(&expected), "{}", refused.stderr);
    }
    server.sql_as("postgres", "shop_copy", "CREATE ROLE clerk LOGIN; GRANT SELECT ON customers, orders TO clerk");
    let refused = import(folder, "shop.json", &server.url_as("clerk", "shop_copy"), &[]);
    assert!(refused.stderr.contains("may not write to customers: GRANT it INSERT"), "{}", refused.stderr);
    assert_eq!(import(folder, "shop.json", &url, &[]).code, 0);
}

#[test]
fn triggers_are_named_and_one_that_reaches_for_more_rights_ends_the_import() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let trigger = |body: &str| {
        format!(
            "{SHOP_ON_POSTGRES} CREATE TABLE seen (n bigint);
             CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NEW; END $$;
             CREATE TRIGGER watch_customers BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION watch();"
        )
    };
    let url = database(&server, "watched", &trigger("INSERT INTO seen VALUES (NEW.id);"));
    let imported = import(folder, "shop.json", &url, &[]);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    assert!(imported.text().contains("trigger   watch_customers on customers (INSERT) may run"), "{}", imported.text());
    let seen = server.sql_as("waybill_owner", "watched", "SELECT sum(n) FROM seen");
    assert_eq!(seen, "3", "names that the trigger does not qualify are found as in the application's sessions");

    let url = database(&server, "hostile", &trigger("EXECUTE 'ALTER ROLE waybill_owner SUPERUSER';"));
    let refused = import(folder, "shop.json", &url, &[]);
    assert_ne!(refused.code, 0);
    assert_eq!(server.sql_as("waybill_owner", "hostile", "SELECT count(*) FROM customers"), "0");
    let is_super = "SELECT rolsuper FROM pg_roles WHERE rolname = 'waybill_owner'";
    assert_eq!(server.sql_as("postgres", "postgres", is_super), "f");
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

/// What an import says of each table.
fn effects(output: &CommandOutput) -> Vec<(String, u64, u64, u64)> {
    assert_eq!(output.code, 0, "{}", output.stderr);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let number = |table: &serde_json::Value, what: &str| table[what].as_u64().unwrap();
    let effect = |table: &serde_json::Value| {
        let name = table["table"].as_str().unwrap().to_owned();
        (name, number(table, "created"), number(table, "updated"), number(table, "unchanged"))
    };
    report["tables"].as_array().unwrap().iter().map(effect).collect()
}

/// The shop on both engines, with some of its records, changed ones and others.
fn half_filled_shops(folder: &Path, server: &Postgres) -> [String; 2] {
    let rows = "INSERT INTO customers VALUES (1, 'Ada', 'moved'), (3, 'Cay', NULL); INSERT INTO orders VALUES (7, 1, 12.5), (9, 3, 1);";
    let (_, on_sqlite) = sqlite(folder, "half.db", &format!("{SHOP_ON_SQLITE}{rows}"));
    [on_sqlite, database(server, "half_copy", &format!("{SHOP_ON_POSTGRES}{rows}"))]
}

/// The records as text, in the order of their keys.
fn records(folder: &Path, url: &str, name: &str) -> Vec<String> {
    export(folder, url, name);
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let _ = fs::remove_file(folder.join(name));
    text.lines().filter(|line| line.starts_with("{\"id\"")).map(|line| line.trim_end_matches(',').to_owned()).collect()
}

#[test]
fn a_merge_changes_what_differs_adds_what_is_new_and_leaves_the_rest() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    for url in half_filled_shops(folder, &server) {
        let before = records(folder, &url, "before.json");
        let planned = effects(&import(folder, "shop.json", &url, &["--mode", "merge", "--dry-run", "--json"]));
        assert_eq!(planned, [("customers".to_owned(), 1, 1, 0), ("orders".to_owned(), 1, 0, 1)], "{url}");
        assert_eq!(records(folder, &url, "same.json"), before, "a dry run writes nothing");
        let merged = effects(&import(folder, "shop.json", &url, &["--mode", "merge", "--json"]));
        assert_eq!(merged, planned, "what was planned is what happens");
        let after = records(folder, &url, "after.json");
        assert_eq!(after.len(), 6, "{after:?}");
        assert!(after.contains(&r#"{"id":1,"name":"Ada","note":null}"#.to_owned()), "{after:?}");
        assert!(
            after.contains(&r#"{"id":3,"name":"Cay","note":null}"#.to_owned()),
            "what the file has not stays: {after:?}"
        );
        let again = import(folder, "shop.json", &url, &["--mode", "merge", "--json"]);
        assert_eq!(
            effects(&again),
            [("customers".to_owned(), 0, 0, 2), ("orders".to_owned(), 0, 0, 2)],
            "twice is once"
        );
        assert_eq!(records(folder, &url, "again.json"), after);
    }
}

#[test]
fn a_whole_sample_merged_into_its_own_database_changes_nothing() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let sample = generate_sample(60, folder);
    let on_sqlite = format!("sqlite:{}", sample.display());
    export(folder, &on_sqlite, "sample.json");
    let on_postgres = database(&server, "sample_copy", POSTGRES_SCHEMA);
    assert_eq!(import(folder, "sample.json", &on_postgres, &[]).code, 0);
    export(folder, &on_postgres, "from-postgres.json");
    let password = "SELECT md5(string_agg(password, ',' ORDER BY id)) FROM users";
    server.sql_as("waybill_owner", "sample_copy", "UPDATE users SET password = 'hash of ' || id");
    let before = server.sql_as("waybill_owner", "sample_copy", password);
    for (url, file) in [(&on_sqlite, "sample.json"), (&on_postgres, "from-postgres.json")] {
        let merged = effects(&import(folder, file, url, &["--mode", "merge", "--json"]));
        assert!(merged.iter().all(|(_, created, updated, _)| created + updated == 0), "{url}: {merged:?}");
    }
    let after = server.sql_as("waybill_owner", "sample_copy", password);
    assert_eq!(after, before, "what the file has not is never overwritten");
}

#[test]
fn an_append_takes_new_records_only() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    for (at, url) in half_filled_shops(folder, &server).iter().enumerate() {
        let before = records(folder, url, "before.json");
        for options in [&["--mode", "append", "--dry-run"][..], &["--mode", "append"]] {
            let refused = import(folder, "shop.json", url, options);
            assert_eq!(refused.code, 3, "{}", refused.stderr);
            assert!(refused.stderr.contains("customers"), "{}", refused.stderr);
            assert_eq!(records(folder, url, "after.json"), before);
        }
        let delete = "DELETE FROM orders WHERE id = 7; UPDATE customers SET id = 4 WHERE id = 1;";
        match at {
            0 => Connection::open(folder.join("half.db")).unwrap().execute_batch(delete).unwrap(),
            _ => drop(server.sql_as("waybill_owner", "half_copy", delete)),
        }
        assert_eq!(effects(&import(folder, "shop.json", url, &["--mode", "append", "--json"]))[0].1, 2);
        assert_eq!(records(folder, url, "after.json").len(), 7);
    }
}

#[test]
fn a_dry_run_finds_what_the_database_would_refuse() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let rules: [(&str, &str, &str); 5] = [
        (
            "check",
            "name TEXT NOT NULL CHECK (name <> 'Bob'), note TEXT",
            "record 2 of customers is refused by the database",
        ),
        ("filled", "name TEXT NOT NULL, note TEXT NOT NULL", "record 1 of customers is refused by the database"),
        (
            "unique",
            "name TEXT NOT NULL, note TEXT, half INTEGER GENERATED ALWAYS AS (id / 9) STORED UNIQUE",
            "record 2 of customers",
        ),
        (
            "foreign",
            "name TEXT NOT NULL REFERENCES shops (name), note TEXT",
            "references lead to records that are not there: customers (2 to shops)",
        ),
        (
            "length",
            "name VARCHAR(2) NOT NULL CHECK (length(name) < 3), note TEXT",
            "record 1 of customers is refused by the database",
        ),
    ];
    for (name, columns, expected) in rules {
        let schema = format!(
            "CREATE TABLE shops (name TEXT PRIMARY KEY); CREATE TABLE customers (id INTEGER PRIMARY KEY, {columns});
             CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, total NUMERIC);"
        );
        let (_, on_sqlite) = sqlite(folder, &format!("{name}.db"), &schema);
        for url in [on_sqlite, database(&server, &format!("{name}_copy"), &schema)] {
            for options in [&["--dry-run"][..], &["--dry-run", "--mode", "merge"]] {
                let refused = import(folder, "shop.json", &url, options);
                assert_eq!(refused.code, 3, "{name} {options:?}: {}{}", refused.text(), refused.stderr);
                assert!(refused.stderr.contains(expected), "{name} {options:?}: {}", refused.stderr);
                assert!(!refused.stderr.contains("waybill_staged"), "{}", refused.stderr);
            }
        }
    }
}

#[test]
fn a_dry_run_moves_no_sequence_and_fires_no_trigger() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let schema = "CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL, note text, place serial);
         CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers (id), total numeric);
         CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('customers_place_seq'); RETURN NEW; END $$;
         CREATE TRIGGER watch BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION watch();";
    let url = database(&server, "counted_copy", schema);
    for mode in ["require-empty", "append", "merge"] {
        let planned = import(folder, "shop.json", &url, &["--dry-run", "--mode", mode]);
        assert_eq!(planned.code, 0, "{mode}: {}", planned.stderr);
    }
    let counter = "SELECT last_value, is_called FROM customers_place_seq";
    assert_eq!(server.sql_as("waybill_owner", "counted_copy", counter), "1|f");
}

#[test]
fn a_key_that_the_file_has_twice_ends_a_merge() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    // The source has no key; the target does.
    let (_, source) = sqlite(
        folder,
        "twice.db",
        "CREATE TABLE notes (id INTEGER, text_of TEXT); INSERT INTO notes VALUES (1, 'a'), (2, 'b'), (1, 'c')",
    );
    let exported = run(folder, &["export", "--source", &source, "--output", "twice.json"]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    let schema = "CREATE TABLE notes (id INTEGER PRIMARY KEY, text_of TEXT)";
    let (_, on_sqlite) = sqlite(folder, "target.db", schema);
    for url in [on_sqlite, database(&server, "twice_copy", schema)] {
        for options in [&["--mode", "merge"][..], &["--mode", "merge", "--dry-run"]] {
            let refused = import(folder, "twice.json", &url, options);
            assert_eq!(refused.code, 3, "{}{}", refused.text(), refused.stderr);
            assert!(refused.stderr.contains("record 3 of notes"), "{}", refused.stderr);
        }
    }
    let keyless = "CREATE TABLE notes (id INTEGER, text_of TEXT)";
    let (_, url) = sqlite(folder, "keyless.db", keyless);
    let refused = import(folder, "twice.json", &url, &["--mode", "merge"]);
    assert!(refused.stderr.contains("notes has no primary key"), "{}", refused.stderr);
    assert_eq!(import(folder, "twice.json", &url, &["--mode", "append"]).code, 0, "equal rows without a key both come");
}

#[test]
fn a_database_that_changes_the_role_of_its_sessions_gets_no_import() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let url = server.url_as("postgres", "shop_copy");
    database(&server, "shop_copy", SHOP_ON_POSTGRES);
    server.sql_as("waybill_owner", "shop_copy", "ALTER DATABASE shop_copy SET role = 'waybill_owner'");
    let refused = import(folder, "shop.json", &url, &[]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(refused.stderr.contains("with the rights of postgres"), "{}", refused.stderr);
}

#[test]
fn a_trigger_whose_function_somebody_else_can_change_ends_the_import_unless_they_are_trusted() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let url = database(&server, "shop_copy", SHOP_ON_POSTGRES);
    server.sql_as(
        "postgres",
        "shop_copy",
        "CREATE ROLE mallory LOGIN; GRANT ALL ON customers, orders TO mallory; GRANT CREATE ON DATABASE shop_copy TO mallory",
    );
    let trigger = |event: &str| {
        format!(
            "CREATE SCHEMA IF NOT EXISTS mallory; DROP TRIGGER IF EXISTS tidy ON customers;
             CREATE OR REPLACE FUNCTION mallory.tidy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
             CREATE TRIGGER tidy BEFORE {event} ON customers FOR EACH ROW EXECUTE FUNCTION mallory.tidy();"
        )
    };
    server.sql_as("mallory", "shop_copy", &trigger("INSERT").replace("DROP TRIGGER IF EXISTS tidy ON customers;", ""));
    for options in [&[][..], &["--mode", "merge"], &["--dry-run"]] {
        let refused = import(folder, "shop.json", &url, options);
        assert_eq!(refused.code, 3, "{}", refused.stderr);
        assert!(
            refused.stderr.contains("the trigger tidy on customers would run a function of mallory"),
            "{}",
            refused.stderr
        );
    }
    let trusting = import(folder, "shop.json", &url, &["--trust-owner", "mallory"]);
    assert_eq!(trusting.code, 0, "{}", trusting.stderr);
    assert!(trusting.text().contains("trigger   tidy on customers (INSERT) may run"), "{}", trusting.text());
}

#[test]
fn a_trigger_of_a_partition_is_named() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let schema = "CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL, note text) PARTITION BY RANGE (id);
         CREATE TABLE customers_all PARTITION OF customers DEFAULT; CREATE TABLE orders (id bigint, customer_id bigint, total numeric);
         CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
         CREATE TRIGGER inner_watch BEFORE INSERT ON customers_all FOR EACH ROW EXECUTE FUNCTION watch();";
    let url = database(&server, "parted_copy", schema);
    let imported = import(folder, "shop.json", &url, &[]);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    assert!(imported.text().contains("trigger   inner_watch on customers (INSERT) may run"), "{}", imported.text());
}

#[test]
fn no_conflict_clause_of_a_table_replaces_or_drops_records_without_a_word() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    shop(folder);
    let schema = "CREATE TABLE customers (id INTEGER PRIMARY KEY ON CONFLICT REPLACE, name TEXT NOT NULL UNIQUE ON CONFLICT REPLACE, note TEXT);
         CREATE TABLE orders (id INTEGER PRIMARY KEY ON CONFLICT IGNORE, customer_id INTEGER NOT NULL, total NUMERIC);";
    for (name, rows, mode) in [
        ("replaced", "INSERT INTO customers VALUES (1, 'kept', 'me')", "append"),
        ("ignored", "INSERT INTO orders VALUES (7, 1, 99)", "append"),
        ("other", "INSERT INTO customers VALUES (50, 'Ada', 'keep me')", "merge"),
    ] {
        let (_, url) = sqlite(folder, &format!("{name}.db"), &format!("{schema}{rows}"));
        let before = records(folder, &url, "before.json");
        let refused = import(folder, "shop.json", &url, &["--mode", mode]);
        assert_eq!(refused.code, 3, "{name}: {}{}", refused.text(), refused.stderr);
        assert_eq!(records(folder, &url, "after.json"), before, "{name}");
    }
}

#[test]
fn records_that_the_database_drops_without_a_word_end_the_import() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let drops = "CREATE TRIGGER drops BEFORE INSERT ON orders BEGIN SELECT RAISE(IGNORE); END";
    let (path, on_sqlite) = sqlite(folder, "drops.db", &format!("{SHOP_ON_SQLITE}{drops}"));
    let on_postgres = database(
        &server,
        "drops_copy",
        &format!(
            "{SHOP_ON_POSTGRES} CREATE FUNCTION drops() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
             CREATE TRIGGER drops BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION drops();"
        ),
    );
    for url in [on_sqlite, on_postgres] {
        for mode in ["require-empty", "merge"] {
            let refused = import(folder, "shop.json", &url, &["--mode", mode]);
            assert_eq!(refused.code, 3, "{mode}: {}{}", refused.text(), refused.stderr);
        }
    }
    assert_eq!(count(&path, "customers"), 0);
    assert_eq!(server.sql_as("waybill_owner", "drops_copy", "SELECT count(*) FROM customers"), "0");
}

#[test]
fn an_old_reference_that_is_repaired_does_not_make_up_for_a_new_one_that_leads_nowhere() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let tables = "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, ref INTEGER REFERENCES people (id));
         CREATE TABLE visits (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people (id));";
    let (_, source) = sqlite(
        folder,
        "source.db",
        &format!("PRAGMA foreign_keys = OFF; {tables} INSERT INTO people VALUES (1, 'a', 999), (5, 'b', NULL)"),
    );
    let exported = run(folder, &["export", "--source", &source, "--tables", "people", "--output", "people.json"]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    let (path, url) = sqlite(
        folder,
        "old.db",
        &format!("PRAGMA foreign_keys = OFF; {tables} INSERT INTO visits VALUES (1, 5), (2, 77)"),
    );
    for options in [&["--mode", "merge"][..], &["--mode", "merge", "--dry-run"], &[]] {
        let refused = import(folder, "people.json", &url, options);
        assert_eq!(refused.code, 3, "{}{}", refused.text(), refused.stderr);
        assert!(refused.stderr.contains("people (1 to people)"), "{}", refused.stderr);
    }
    assert_eq!(count(&path, "people"), 0);
}

#[test]
fn keys_are_the_same_if_the_table_says_so() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let (_, source) = sqlite(
        folder,
        "words.db",
        "CREATE TABLE words (k TEXT, v TEXT); INSERT INTO words VALUES ('a', 'x'), ('A', 'y')",
    );
    export_tables_of(folder, &source, "words.json");
    let (path, url) = sqlite(folder, "nocase.db", "CREATE TABLE words (k TEXT COLLATE NOCASE PRIMARY KEY, v TEXT)");
    let refused = import(folder, "words.json", &url, &["--mode", "merge"]);
    assert_eq!(refused.code, 3, "{}{}", refused.text(), refused.stderr);
    assert!(
        refused.stderr.contains("record 2 of words has the key of an earlier one in the file"),
        "{}",
        refused.stderr
    );
    assert_eq!(count(&path, "words"), 0);
}

/// Exports as the tables are stored.
fn export_tables_of(folder: &Path, url: &str, file: &str) {
    let ended = run(folder, &["export", "--source", url, "--output", file]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn a_dry_run_on_sqlite_neither_waits_for_writers_nor_touches_the_file() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    shop(folder);
    let (path, url) = sqlite(folder, "busy.db", SHOP_ON_SQLITE);
    let before = fs::read(&path).unwrap();
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let planned = import(folder, "shop.json", &url, &["--dry-run"]);
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    drop(writer);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_name_with_line_breaks_begins_no_line_of_the_report() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    shop(folder);
    let trigger = "CREATE TRIGGER \"x\nsigned    by the key 0000\" AFTER INSERT ON orders BEGIN SELECT 1; END";
    let (_, url) = sqlite(folder, "named.db", &format!("{SHOP_ON_SQLITE}{trigger}"));
    let imported = import(folder, "shop.json", &url, &[]);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    assert_eq!(imported.text().lines().filter(|line| line.starts_with("signed")).count(), 1, "{}", imported.text());
}
