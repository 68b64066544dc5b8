//! What merges, appends and dry runs do.

use super::*;

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

const HALF_FILLED: &str = "INSERT INTO customers VALUES (1, 'Ada', 'moved'), (3, 'Cay', NULL);
     INSERT INTO orders VALUES (7, 1, 12.5), (9, 3, 1);";

/// The shop on both engines, with some of its records, changed ones and others.
pub fn half_filled_shops(folder: &Path, server: &Postgres) -> [String; 2] {
    [half_filled_file(folder).1, database(server, "half_copy", &format!("{SHOP_ON_POSTGRES}{HALF_FILLED}"))]
}

pub fn half_filled_file(folder: &Path) -> (PathBuf, String) {
    sqlite(folder, "half.db", &format!("{SHOP_ON_SQLITE}{HALF_FILLED}"))
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
fn values_that_only_a_collation_calls_equal_are_changed_by_a_merge() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    shop(folder);
    let schema = "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, note TEXT COLLATE RTRIM);
         CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), total NUMERIC);
         INSERT INTO customers VALUES (1, 'ada', NULL), (2, 'Bob', 'late  '); INSERT INTO orders VALUES (7, 1, 12.5), (8, 2, 3);";
    let (_, url) = sqlite(folder, "folded.db", schema);
    let options = ["--mode", "merge", "--dry-run", "--output", "plan.json"];
    let planned = import(folder, "shop.json", &url, &options).text();
    assert!(planned.contains("customers: 2 changed"), "{planned}");
    let merged = import(folder, "shop.json", &url, &["--mode", "merge", "--plan", "plan.json"]);
    assert_eq!(merged.code, 0, "{}", merged.stderr);
    let merged = records(folder, &url, "after.json");
    assert!(merged.contains(&r#"{"id":1,"name":"Ada","note":null}"#.to_owned()), "{merged:?}");
    assert!(merged.contains(&r#"{"id":2,"name":"Bob","note":"late"}"#.to_owned()), "{merged:?}");
}

#[tokio::test]
async fn a_dry_run_that_is_killed_leaves_no_copy_of_the_database() {
    let (folder, temporary) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let folder = folder.path();
    let sample = generate_sample(2_000, folder);
    let url = format!("sqlite:{}", sample.display());
    export(folder, &url, "sample.json");
    let mut found_running = false;
    for milliseconds in [30, 60, 100, 150, 200, 300] {
        let WaybillCommand(mut command) = WaybillCommand::new(folder);
        command.envs([("TMPDIR", temporary.path()), ("SQLITE_TMPDIR", temporary.path())]);
        command.args(["import", "sample.json", "--target", &url, "--mode", "merge", "--dry-run"]);
        let mut child = command.spawn().unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(milliseconds)).await;
        found_running |= child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        child.wait().unwrap();
        let left: Vec<_> = fs::read_dir(temporary.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "after {milliseconds} ms: {left:?}");
    }
    assert!(found_running);
}

#[test]
fn a_full_disk_ends_an_import_and_a_plan_and_leaves_nothing_of_them() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let sample = generate_sample(2_000, folder);
    export(folder, &format!("sqlite:{}", sample.display()), "sample.json");
    let (path, url) = sqlite(folder, "target.db", SQLITE_SCHEMA);
    let before = fs::read(&path).unwrap();
    let limited = |kilobytes, options: &[&str]| {
        let arguments = [&["import", "sample.json", "--target", &url][..], options].concat();
        WaybillCommand::with_file_size_limit(kilobytes, folder).run(arguments)
    };
    let full = limited(3_000, &[]);
    assert_eq!(full.code, 1, "{}", full.stderr);
    assert!(full.stderr.contains("disk") && full.stderr.contains("nothing was imported"), "{}", full.stderr);
    assert!(fs::read(&path).unwrap() == before, "the file is what it was");
    assert!(!folder.join("target.db-journal").exists());
    let plan = ["--mode", "merge", "--dry-run", "--output", "plan.json"];
    let full = limited(1_000, &plan);
    assert!(full.code != 0 && !full.stderr.contains("panicked"), "{}", full.stderr);
    assert!(!folder.join("plan.json").exists());
    assert_eq!(import(folder, "sample.json", &url, &plan).code, 0);
    assert_eq!(import(folder, "sample.json", &url, &["--mode", "merge", "--plan", "plan.json"]).code, 0);
}

#[test]
fn a_dry_run_finds_values_that_another_record_has_in_a_unique_index() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let table = |unique: &str| format!("CREATE TABLE people (id int PRIMARY KEY, name text{unique}, age int)");
    let rows = "INSERT INTO people VALUES (1, 'Ada', 1), (2, 'Bob', 2), (3, NULL, 3)";
    let source = database(&server, "source", &format!("{}; {rows}", table("")));
    export(folder, &source, "people.json");
    let url = database(&server, "target", &table(" UNIQUE"));
    let fill = |rows: &str| {
        server.sql_as("waybill_owner", "target", &format!("TRUNCATE people; INSERT INTO people VALUES {rows}"))
    };
    let taken = "would have the name of another one (people_name_key)";
    for (mode, rows, refused) in [
        ("merge", "(9, 'Bob', 0)", Some("1 record of people ")),
        ("append", "(9, 'Bob', 0), (8, 'Ada', 0)", Some("2 records of people ")),
        ("merge", "(2, 'Ada', 0), (9, NULL, 0)", None),
        ("merge", "(1, 'Ada', 0), (2, 'Bob', 0)", None),
        ("append", "(9, 'Eve', 0), (8, NULL, 0)", None),
    ] {
        fill(rows);
        let planned = import(folder, "people.json", &url, &["--mode", mode, "--dry-run"]);
        match refused {
            Some(records) => {
                assert_eq!(planned.code, 3, "{mode} {rows}: {}", planned.text());
                assert!(planned.stderr.contains(&format!("{records}{taken}")), "{}", planned.stderr);
                assert_eq!(import(folder, "people.json", &url, &["--mode", mode]).code, 3);
            }
            None => assert_eq!(planned.code, 0, "{mode} {rows}: {}", planned.stderr),
        }
    }
}

#[test]
fn a_merge_and_its_dry_run_hold_what_is_written_against_the_rules_and_nothing_else() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let schema =
        "CREATE TABLE orders (id integer PRIMARY KEY, code text, up integer, seen_at timestamp DEFAULT now());";
    let rows = "INSERT INTO orders VALUES (1, 'bad', 99), (2, 'ok', 1), (3, 'ok', 1);";
    let url = database(&server, "orders", &format!("{schema}{rows}"));
    let run_sql = |sql: &str| drop(server.sql_as("waybill_owner", "orders", sql));
    let profile = "name = \"orders\"\n[tables.orders.columns]\nid = \"plain\"\ncode = \"plain\"\nup = \"plain\"\n\
        seen_at = { class = \"plain\", set_by_target = true }\n";
    fs::write(folder.join("orders.toml"), profile).unwrap();
    let merge = ["--mode", "merge", "--profile", "orders.toml"];
    let export = ["export", "--source", &url, "--profile", "orders.toml", "--output", "orders.json"];
    assert_eq!(run(folder, &export).code, 0);
    // The first row breaks what has been agreed on since, and stays as it is.
    run_sql(
        "ALTER TABLE orders ADD CONSTRAINT code_ok CHECK (code = 'ok') NOT VALID, ADD CHECK (seen_at IS NOT NULL),
           ADD FOREIGN KEY (up) REFERENCES orders (id) NOT VALID; DELETE FROM orders WHERE id = 3; UPDATE orders SET up = NULL WHERE id = 2",
    );
    let planned = import(folder, "orders.json", &url, &[&merge[..], &["--dry-run"]].concat());
    assert_eq!(planned.code, 0, "{}{}", planned.text(), planned.stderr);
    let merged = import(folder, "orders.json", &url, &merge);
    assert_eq!(merged.code, 0, "{}", merged.stderr);
    for said in [planned.text(), merged.text()] {
        assert!(said.contains("1 new, 1 changed, 1 unchanged"), "{said}");
    }
    run_sql(
        "DELETE FROM orders WHERE id = 3; ALTER TABLE orders DROP CONSTRAINT code_ok, ADD CONSTRAINT none CHECK (id <> 3)",
    );
    for options in [&["--dry-run"][..], &[]] {
        let refused = import(folder, "orders.json", &url, &[&merge[..], options].concat());
        assert_eq!(refused.code, 3, "{options:?}: {}", refused.text());
        assert!(refused.stderr.contains("a check of its table fails"), "{options:?}: {}", refused.stderr);
    }
}

#[test]
fn a_reference_that_is_healed_makes_up_for_no_new_one_that_leads_nowhere() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    for (name, without_rowid) in [("with", ""), ("without", "WITHOUT ROWID")] {
        let schema = format!(
            "CREATE TABLE p (id TEXT PRIMARY KEY); CREATE TABLE c (id TEXT PRIMARY KEY NOT NULL, pid TEXT REFERENCES p (id)) {without_rowid};"
        );
        let (_, source) = sqlite(
            folder,
            &format!("{name}-source.db"),
            &format!(
                "{schema} PRAGMA foreign_keys = OFF; INSERT INTO p VALUES ('P1'); INSERT INTO c VALUES ('c9', 'GONE');"
            ),
        );
        let file = format!("{name}.json");
        export(folder, &source, &file);
        let old = format!("{schema} PRAGMA foreign_keys = OFF; INSERT INTO c VALUES ('c1', 'P1');");
        for (number, options) in
            [&["--mode", "append"][..], &["--mode", "append", "--no-undo"], &["--mode", "merge"]].iter().enumerate()
        {
            let (path, target) = sqlite(folder, &format!("{name}-{number}.db"), &old);
            let refused = import(folder, &file, &target, options);
            assert_eq!(refused.code, 3, "{name} {options:?}: {}", refused.text());
            assert!(refused.stderr.contains("c (1 to p)"), "{name} {options:?}: {}", refused.stderr);
            assert_eq!(count(&path, "c"), 1);
        }
    }
}
