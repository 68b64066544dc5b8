//! Other roles' code that an import into PostgreSQL, or its undo, must not run with the rights of its user.

use std::process::{Child, Stdio};

use super::undo::{import_shop, undo};
use super::*;

/// The shop's tables, beside a secret that Mallory may not read, who may refer to the tables and write triggers for them.
fn shop_with_mallory(server: &Postgres) -> String {
    let url = database(server, "shop_copy", SHOP_ON_POSTGRES);
    server.sql_as(
        "postgres",
        "shop_copy",
        "CREATE ROLE mallory LOGIN; CREATE SCHEMA mallory AUTHORIZATION mallory; GRANT USAGE ON SCHEMA mallory TO PUBLIC;",
    );
    server.sql_as(
        "waybill_owner",
        "shop_copy",
        "ALTER TABLE customers ADD COLUMN email text UNIQUE; CREATE TABLE secret (x text);
         INSERT INTO secret VALUES ('top secret'); GRANT ALL ON customers, orders TO mallory",
    );
    server.sql_as(
        "mallory",
        "shop_copy",
        "CREATE TABLE mallory.loot (what text); GRANT INSERT ON mallory.loot TO PUBLIC;
         CREATE FUNCTION mallory.take() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
           IF current_user <> 'mallory' THEN INSERT INTO mallory.loot SELECT x FROM public.secret; END IF; END $$;
         CREATE FUNCTION mallory.fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           PERFORM mallory.take(); RETURN coalesce(NEW, OLD); END $$",
    );
    url
}

fn as_mallory(server: &Postgres, sql: &str) {
    server.sql_as("mallory", "shop_copy", sql);
}

#[track_caller]
fn assert_refused(server: &Postgres, output: &CommandOutput, why: &str) {
    assert_eq!(output.code, 3, "{}{}", output.text(), output.stderr);
    assert!(output.stderr.contains(why), "{}", output.stderr);
    assert_eq!(server.sql_as("mallory", "shop_copy", "SELECT count(*) FROM mallory.loot"), "0");
}

/// Statements that go on while the test does.
pub fn in_background(server: &Postgres, user: &str, database: &str, sql: &str) -> Child {
    server.psql(user, database).args(["-c", sql]).stdout(Stdio::null()).spawn().unwrap()
}

/// Waits until a session of this user sleeps.
pub async fn wait_for_sleep(server: &Postgres, database: &str) {
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    while server.sql_as("postgres", database, sleeping) == "0" {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[test]
fn the_condition_of_a_trigger_counts_as_its_function_does() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let url = shop_with_mallory(&server);
    let id = import_shop(folder, &url, &[]);
    as_mallory(
        &server,
        "CREATE FUNCTION mallory.is_on() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM mallory.take(); RETURN false; END $$;
         CREATE TRIGGER tidy BEFORE INSERT OR UPDATE OR DELETE ON customers FOR EACH ROW
           WHEN (mallory.is_on()) EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()",
    );
    let why = "the trigger tidy on customers would run code of mallory";
    assert_refused(&server, &import(folder, "shop.json", &url, &["--mode", "merge"]), why);
    assert_refused(&server, &undo(folder, &url, &id, &[]), why);
}

#[test]
fn a_merge_whose_updates_would_be_carried_on_to_other_tables_is_refused() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let source = shop(folder);
    Connection::open(source.trim_start_matches("sqlite:"))
        .unwrap()
        .execute_batch("ALTER TABLE customers ADD COLUMN email TEXT; UPDATE customers SET email = name")
        .unwrap();
    fs::remove_file(folder.join("shop.json")).unwrap();
    export(folder, &source, "shop.json");
    let url = shop_with_mallory(&server);
    server.sql_as("waybill_owner", "shop_copy", "INSERT INTO customers VALUES (1, 'Ada', NULL, 'old')");
    as_mallory(
        &server,
        "CREATE TABLE mallory.child (email text CONSTRAINT of_customer REFERENCES public.customers (email) ON UPDATE CASCADE);
         CREATE TRIGGER tidy AFTER UPDATE ON mallory.child FOR EACH STATEMENT EXECUTE FUNCTION mallory.fire()",
    );
    let refused = import(folder, "shop.json", &url, &["--mode", "merge"]);
    let why = "customers.email is referred to by mallory.child (of_customer), which the database would change, too";
    assert_refused(&server, &refused, why);
    let appended = import(folder, "shop.json", &url, &["--mode", "append", "--dry-run"]);
    assert!(!appended.stderr.contains("of_customer"), "new records carry nothing on: {}", appended.stderr);
}

#[test]
fn an_undo_fires_no_foreign_trigger_of_a_table_that_refers_to_what_it_removes() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let url = shop_with_mallory(&server);
    let id = import_shop(folder, &url, &[]);
    let child =
        "CREATE TABLE visits (id bigint REFERENCES customers ON DELETE CASCADE); GRANT TRIGGER ON visits TO mallory";
    server.sql_as("waybill_owner", "shop_copy", child);
    let trigger = "CREATE TRIGGER tidy AFTER DELETE ON visits FOR EACH STATEMENT EXECUTE FUNCTION mallory.fire()";
    as_mallory(&server, trigger);
    assert_refused(&server, &undo(folder, &url, &id, &[]), "the trigger tidy on visits would run code of mallory");
}

#[test]
fn neither_a_dry_run_nor_an_undo_reads_a_table_that_could_run_foreign_code() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let url = shop_with_mallory(&server);
    let id = import_shop(folder, &url, &[]);
    let index = "CREATE FUNCTION mallory.one(int) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN 1; END $$;
         CREATE TABLE mallory.child (id bigint PRIMARY KEY REFERENCES public.customers);
         GRANT SELECT, REFERENCES ON mallory.child TO PUBLIC; CREATE INDEX ON mallory.child ((mallory.one(1) + id));
         CREATE FUNCTION mallory.leak() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM mallory.take(); RETURN 1; END $$;
         CREATE OR REPLACE FUNCTION mallory.one(int) RETURNS bigint LANGUAGE plpgsql IMMUTABLE
           AS $$ BEGIN RETURN mallory.leak(); END $$";
    as_mallory(&server, index);
    for options in [&["--dry-run"][..], &[]] {
        assert_refused(&server, &undo(folder, &url, &id, options), "mallory.child cannot be checked");
    }
    server.sql_as(
        "waybill_owner",
        "shop_copy",
        "ALTER TABLE orders ADD CONSTRAINT to_child FOREIGN KEY (customer_id) REFERENCES mallory.child NOT VALID",
    );
    // What stays as it is need not be looked at.
    let planned = import(folder, "shop.json", &url, &["--mode", "merge", "--dry-run"]);
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    server.sql_as("waybill_owner", "shop_copy", "UPDATE orders SET total = 1");
    let planned = import(folder, "shop.json", &url, &["--mode", "merge", "--dry-run"]);
    assert_refused(&server, &planned, "mallory.child cannot be checked");
}

#[tokio::test]
async fn a_trigger_that_comes_while_an_undo_waits_is_seen() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let url = shop_with_mallory(&server);
    let id = import_shop(folder, &url, &[]);
    let sql = "BEGIN; CREATE TRIGGER tidy BEFORE DELETE ON customers FOR EACH ROW EXECUTE FUNCTION mallory.fire();
         SELECT pg_sleep(2); COMMIT";
    let mut racing = in_background(&server, "mallory", "shop_copy", sql);
    wait_for_sleep(&server, "shop_copy").await;
    let undone = undo(folder, &url, &id, &[]);
    racing.wait().unwrap();
    assert_refused(&server, &undone, "the trigger tidy on customers would run code of mallory");
}

#[tokio::test]
async fn records_that_come_to_refer_to_what_an_undo_removes_end_it() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let url = shop_with_mallory(&server);
    let tables = "CREATE TABLE visits (id int PRIMARY KEY, customer_id bigint REFERENCES customers ON DELETE CASCADE);
         CREATE TABLE notes (id int PRIMARY KEY, customer_id bigint REFERENCES customers ON DELETE SET NULL)";
    server.sql_as("waybill_owner", "shop_copy", tables);
    let id = import_shop(folder, &url, &[]);
    let sql = "BEGIN; INSERT INTO visits VALUES (1, 2); INSERT INTO notes VALUES (1, 2); SELECT pg_sleep(2); COMMIT";
    let mut racing = in_background(&server, "waybill_owner", "shop_copy", sql);
    wait_for_sleep(&server, "shop_copy").await;
    let undone = undo(folder, &url, &id, &[]);
    racing.wait().unwrap();
    assert_refused(&server, &undone, "notes (1 to customers), visits (1 to customers)");
    assert_eq!(
        server.sql_as("waybill_owner", "shop_copy", "SELECT notes.customer_id + visits.customer_id FROM notes, visits"),
        "4"
    );
}

#[test]
fn references_from_and_to_a_partition_end_an_undo() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let url = shop_with_mallory(&server);
    let id = import_shop(folder, &url, &[]);
    server.sql_as(
        "waybill_owner",
        "shop_copy",
        "CREATE TABLE visits (id int, year int, customer_id bigint) PARTITION BY LIST (year);
         CREATE TABLE visits_2025 PARTITION OF visits FOR VALUES IN (2025);
         ALTER TABLE visits_2025 ADD FOREIGN KEY (customer_id) REFERENCES customers ON DELETE CASCADE;
         INSERT INTO visits VALUES (1, 2025, 2)",
    );
    assert_refused(&server, &undo(folder, &url, &id, &[]), "visits_2025 (1 to customers)");
}

#[test]
fn a_replacement_fires_no_foreign_trigger_or_rule_for_removals() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let url = shop_with_mallory(&server);
    server.sql_as("waybill_owner", "shop_copy", "INSERT INTO customers VALUES (9, 'Eve', NULL)");
    let trap = "CREATE TRIGGER trap BEFORE DELETE ON customers FOR EACH ROW EXECUTE FUNCTION mallory.fire()";
    as_mallory(&server, trap);
    for options in [&["--mode", "replace", "--dry-run"][..], &["--mode", "replace"]] {
        assert_refused(&server, &import(folder, "shop.json", &url, options), "trigger trap");
    }
    // A merge removes nothing.
    assert_eq!(import(folder, "shop.json", &url, &["--mode", "merge"]).code, 0);
    server.sql_as("waybill_owner", "shop_copy", "DROP TRIGGER trap ON customers");
    assert_eq!(import(folder, "shop.json", &url, &["--mode", "replace"]).code, 0);
    assert_eq!(server.sql_as("waybill_owner", "shop_copy", "SELECT count(*) FROM customers"), "2");
}
