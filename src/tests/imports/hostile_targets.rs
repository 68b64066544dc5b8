//! Databases whose own rules would do more, or less, than an import is asked for.

use super::*;

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
            refused.stderr.contains("the trigger tidy on customers would run code of mallory"),
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
