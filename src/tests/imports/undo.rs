//! Undoing imports on PostgreSQL: what was there is there again, and what others have done since stays.

use super::foreign_code::{in_background, wait_for_sleep};
use super::modes::half_filled_shops;
use super::plans::{insert, rows};
use super::*;

pub const MERGE: [&str; 2] = ["--mode", "merge"];

pub fn undo(folder: &Path, url: &str, id: &str, options: &[&str]) -> CommandOutput {
    run(folder, &[&["import", "undo", id, "--target", url], options].concat())
}

/// Imports the shop, and returns the import's id.
pub fn import_shop(folder: &Path, url: &str, options: &[&str]) -> String {
    let imported = import(folder, "shop.json", url, &[options, &["--json"]].concat());
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    let report: serde_json::Value = serde_json::from_slice(&imported.stdout).unwrap();
    report["undo"].as_str().unwrap().to_owned()
}

pub fn plan_hash(folder: &Path, url: &str) -> String {
    let planned = import(folder, "shop.json", url, &[&MERGE[..], &["--dry-run", "--json"]].concat());
    let report: serde_json::Value = serde_json::from_slice(&planned.stdout).unwrap();
    report["plan"].as_str().unwrap().to_owned()
}

#[test]
fn an_undone_merge_leaves_no_trace_and_the_same_file_has_the_same_plan() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let [_, url] = half_filled_shops(folder, &server);
    let (before, plan) = (records(folder, &url, "before.json"), plan_hash(folder, &url));
    let id = import_shop(folder, &url, &MERGE);
    let merged = records(folder, &url, "merged.json");
    assert_ne!(merged, before);

    let listed = run(folder, &["import", "undo", "--target", &url]);
    assert!(listed.text().starts_with(&format!("{id}  merge  seal ")), "{}", listed.text());
    let planned = undo(folder, &url, &id, &["--dry-run"]);
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    assert!(
        planned.text().starts_with("would undo: 2 removed, 1 restored; nothing was written\n"),
        "{}",
        planned.text()
    );
    assert_eq!(records(folder, &url, "same.json"), merged, "a dry run writes nothing");

    // What the server does with old rows is no change.
    server.sql_as("waybill_owner", "half_copy", "VACUUM FREEZE");
    let undone = undo(folder, &url, &id, &[]);
    assert_eq!(undone.code, 0, "{}", undone.stderr);
    assert!(undone.text().starts_with("undone: 2 removed, 1 restored\n"), "{}", undone.text());
    assert_eq!(records(folder, &url, "after.json"), before);
    assert_eq!(plan_hash(folder, &url), plan);
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'waybill%'";
    assert_eq!(server.sql_as("waybill_owner", "half_copy", schemas), "0");
    let again = undo(folder, &url, &id, &[]);
    assert_eq!(again.code, 1, "{}", again.stderr);
    assert!(
        again
            .stderr
            .contains("there is no import of this id by this user that can be undone here: it is undone already"),
        "{}",
        again.stderr
    );
    assert!(again.stderr.trim_end().ends_with("; nothing was undone"), "{}", again.stderr);
    for event in ["import_undo_started", "import_undone", "import_undo_failed"] {
        assert!(!run(folder, &["audit", "show", "--event", event, "--json"]).text().is_empty(), "{event}");
    }
}

#[test]
fn an_undone_import_into_empty_tables_or_beside_others_removes_its_own_records_only() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let url = database(&server, "empty_copy", SHOP_ON_POSTGRES);
    let id = import_shop(folder, &url, &[]);
    assert_eq!(records(folder, &url, "full.json").len(), 4);
    assert_eq!(undo(folder, &url, &id, &[]).code, 0);
    assert_eq!(records(folder, &url, "empty.json").len(), 0);

    server.sql_as("waybill_owner", "empty_copy", "INSERT INTO customers VALUES (5, 'Eve', NULL)");
    let id = import_shop(folder, &url, &["--mode", "append"]);
    let undone = undo(folder, &url, &id, &[]);
    assert_eq!(undone.code, 0, "{}", undone.stderr);
    assert_eq!(server.sql_as("waybill_owner", "empty_copy", "SELECT string_agg(name, ',') FROM customers"), "Eve");
}

#[test]
fn an_undo_that_would_do_nothing_is_not_used_up() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let url = database(
        &server,
        "shop_copy",
        &format!(
            "{SHOP_ON_POSTGRES} INSERT INTO customers VALUES (1, 'Ada', 'old'), (2, 'Bob', 'late'); INSERT INTO orders VALUES (7, 1, 12.5), (8, 2, 3);"
        ),
    );
    let id = import_shop(folder, &url, &MERGE);
    let note = |text: &str| {
        server.sql_as("waybill_owner", "shop_copy", &format!("UPDATE customers SET note = {text} WHERE id = 1"))
    };
    note("'mine'");
    let refused = undo(folder, &url, &id, &["--keep-changed"]);
    assert_eq!(refused.code, 3, "{}", refused.text());
    assert!(
        refused.stderr.contains("all of its records were changed since, so that there is nothing to undo"),
        "{}",
        refused.stderr
    );
    let listed = run(folder, &["import", "undo", "--target", &url]).text();
    assert!(
        listed.starts_with(&id)
            && listed.contains(&format!("waybill import undo {id} --target postgres://waybill_owner@")),
        "{listed}"
    );
}

#[test]
fn what_others_have_changed_since_ends_an_undo_or_stays_as_it_is() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let [_, url] = half_filled_shops(folder, &server);
    let id = import_shop(folder, &url, &MERGE);
    // Customer 1 was changed by the import, customer 2 and order 8 were created.
    server.sql_as("waybill_owner", "half_copy", "UPDATE customers SET note = 'mine' WHERE id = 1");
    let merged = records(folder, &url, "merged.json");
    let planned = undo(folder, &url, &id, &["--dry-run"]);
    assert_eq!(planned.code, 3, "it ends as the undo does");
    assert!(
        planned.text().contains("customers: 1 removed, 1 changed since and kept (such as 1)"),
        "{}",
        planned.text()
    );
    let refused = undo(folder, &url, &id, &[]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("customers (1 record changed or removed, such as 1); add --keep-changed"),
        "{}",
        refused.stderr
    );
    assert_eq!(records(folder, &url, "still.json"), merged);

    // A record of somebody else that refers to one that would be removed.
    server.sql_as("waybill_owner", "half_copy", "INSERT INTO orders VALUES (20, 2, 1)");
    let refused = undo(folder, &url, &id, &["--keep-changed"]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(
        refused
            .stderr
            .contains("refer to records that it has created and that would be removed: orders (1 to customers)"),
        "{}",
        refused.stderr
    );
    server.sql_as("waybill_owner", "half_copy", "DELETE FROM orders WHERE id = 20");

    let undone = undo(folder, &url, &id, &["--keep-changed"]);
    assert_eq!(undone.code, 0, "{}", undone.stderr);
    let customers = "SELECT string_agg(id || ':' || coalesce(note, '-'), ',' ORDER BY id) FROM customers";
    assert_eq!(server.sql_as("waybill_owner", "half_copy", customers), "1:mine,3:-");
    assert_eq!(
        server.sql_as("waybill_owner", "half_copy", "SELECT string_agg(id::text, ',' ORDER BY id) FROM orders"),
        "7,9"
    );
}

/// Ada has given her address to a new customer, to whom her order went.
#[test]
fn a_value_that_only_one_may_have_goes_back_from_a_removed_record() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let schema = "CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL UNIQUE);
        CREATE TABLE orders (id bigint PRIMARY KEY, email text NOT NULL REFERENCES customers (email), customer_id bigint REFERENCES customers ON DELETE CASCADE);";
    let sent = "INSERT INTO customers VALUES (1, 'new@x.test'), (2, 'old@x.test'); INSERT INTO orders VALUES (7, 'old@x.test', 2);";
    let source = database(&server, "moved_source", &format!("{schema} {sent}"));
    export(folder, &source, "shop.json");
    let there = "INSERT INTO customers VALUES (1, 'old@x.test'); INSERT INTO orders VALUES (7, 'old@x.test', 1);";
    // The reference to the address is checked once the new customer has it.
    let url = database(&server, "moved_target", &format!("{schema} {there}"));
    let rows = "SELECT string_agg(row::text, ' ') FROM (SELECT c.id, o.* FROM customers AS c LEFT JOIN orders AS o ON o.customer_id = c.id ORDER BY 1) AS row";
    let before = server.sql_as("waybill_owner", "moved_target", rows);
    let id = import_shop(folder, &url, &MERGE);
    assert_ne!(server.sql_as("waybill_owner", "moved_target", rows), before);
    let undone = undo(folder, &url, &id, &[]);
    assert_eq!(undone.code, 0, "{}", undone.stderr);
    assert_eq!(server.sql_as("waybill_owner", "moved_target", rows), before);
}

#[test]
fn a_record_that_would_go_with_a_removed_one_ends_an_undo() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let schema = format!(
        "{SHOP_ON_POSTGRES} CREATE TABLE visits (id int PRIMARY KEY, customer_id bigint REFERENCES customers ON DELETE CASCADE);"
    );
    let url = database(&server, "visited_copy", &schema);
    let id = import_shop(folder, &url, &[]);
    server.sql_as("waybill_owner", "visited_copy", "INSERT INTO visits VALUES (1, 2)");
    for options in [&[][..], &["--dry-run"], &["--keep-changed"]] {
        let refused = undo(folder, &url, &id, options);
        assert_eq!(refused.code, 3, "{}", refused.text());
        assert!(refused.stderr.contains("visits (1 to customers)"), "{}", refused.stderr);
    }
    assert_eq!(server.sql_as("waybill_owner", "visited_copy", "SELECT count(*) FROM visits"), "1");
}

#[test]
fn what_is_kept_is_in_no_export_and_nobody_else_may_read_it() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let [_, url] = half_filled_shops(folder, &server);
    let id = import_shop(folder, &url, &MERGE);
    export(folder, &url, "after.json");
    let exported = parse_export(&fs::read(folder.join("after.json")).unwrap());
    assert_eq!(exported.data.keys().collect::<Vec<_>>(), ["customers", "orders"]);
    assert!(exported.metadata["notIncluded"].to_string().contains(&format!("waybill_undo_{id}")), "but it is told");
    server.sql_as(
        "postgres",
        "half_copy",
        "CREATE ROLE curious LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO curious",
    );
    let read = server
        .psql("curious", "half_copy")
        .args(["-c", &format!("SELECT * FROM waybill_undo_{id}.before_0")])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&read.stderr).contains("permission denied for schema"), "{read:?}");
}

#[test]
fn default_privileges_open_what_is_kept_to_nobody() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let [_, url] = half_filled_shops(folder, &server);
    server.sql_as("postgres", "half_copy", "CREATE ROLE reporting LOGIN");
    server.sql_as(
        "waybill_owner",
        "half_copy",
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO reporting; ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO reporting;
         ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO PUBLIC",
    );
    let id = import_shop(folder, &url, &MERGE);
    let schema = format!("waybill_undo_{id}");
    let may = format!("SELECT has_schema_privilege('reporting', '{schema}', 'USAGE')");
    assert_eq!(server.sql_as("postgres", "half_copy", &may), "f");
    server.sql_as("waybill_owner", "half_copy", &format!("GRANT USAGE ON SCHEMA {schema} TO reporting"));
    let refused = undo(folder, &url, &id, &[]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(refused.stderr.contains("reporting may look into the schema"), "{}", refused.stderr);
}

#[test]
fn a_copy_of_the_database_or_another_table_of_its_name_is_not_what_was_imported() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let [_, url] = half_filled_shops(folder, &server);
    let id = import_shop(folder, &url, &MERGE);
    let sql = |sql: &str| server.sql_as("waybill_owner", "half_copy", sql);
    let merged = records(folder, &url, "merged.json");
    for (change, back, why) in [
        (
            "UPDATE waybill_undo.import SET database = '1 ' || database",
            "UPDATE waybill_undo.import SET database = substr(database, 3)",
            "the import was into another database, of which this one is a copy",
        ),
        (
            "UPDATE waybill_undo.import SET transaction = CAST(CAST(transaction AS int) + 100000 AS text)",
            "UPDATE waybill_undo.import SET transaction = CAST(CAST(transaction AS int) - 100000 AS text)",
            "too much has happened since the import",
        ),
        (
            "UPDATE waybill_undo.tables SET relation = relation + 1",
            "UPDATE waybill_undo.tables SET relation = relation - 1",
            "customers is another table than at the import",
        ),
        (
            "ALTER TABLE customers RENAME name TO x; ALTER TABLE customers RENAME note TO name; ALTER TABLE customers RENAME x TO note",
            "ALTER TABLE customers RENAME name TO x; ALTER TABLE customers RENAME note TO name; ALTER TABLE customers RENAME x TO note",
            "customers is another table, with other columns, than at the import",
        ),
    ] {
        let in_schema = |text: &str| text.replace("waybill_undo", &format!("waybill_undo_{id}"));
        sql(&in_schema(change));
        let refused = undo(folder, &url, &id, &[]);
        assert_eq!(refused.code, 3, "{}{}", refused.text(), refused.stderr);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
        sql(&in_schema(back));
    }
    assert_eq!(records(folder, &url, "still-merged.json"), merged);
    // What is no import of ours is in nobody's way.
    sql("CREATE SCHEMA waybill_undo_00000000000000000000000000000000");
    let listed = run(folder, &["import", "undo", "--target", &url]).text();
    assert!(listed.starts_with(&id) && listed.matches("  seal ").count() == 1, "{listed}");
    let file = |value: &str| sql(&format!("UPDATE waybill_undo_{id}.import SET file = {value}"));
    file("'aaaaaaaaaaaéééé' || file");
    assert_eq!(
        run(folder, &["import", "undo", "--target", &url]).text(),
        "no import by this user can be undone here\n"
    );
    file("right(file, 64)");
    assert_eq!(undo(folder, &url, &id, &[]).code, 0);
}

#[test]
fn what_a_trigger_makes_of_the_old_values_is_not_called_undone() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let [_, url] = half_filled_shops(folder, &server);
    let id = import_shop(folder, &url, &MERGE);
    server.sql_as(
        "waybill_owner",
        "half_copy",
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'touched'; RETURN NEW; END $$;
         CREATE TRIGGER touch BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touch()",
    );
    let merged = records(folder, &url, "merged.json");
    let refused = undo(folder, &url, &id, &[]);
    assert_eq!(refused.code, 3, "{}{}", refused.text(), refused.stderr);
    assert!(
        refused.stderr.contains(
            "the database gives 1 of 1 records of customers other values than they had: a trigger changes them"
        ),
        "{}",
        refused.stderr
    );
    assert_eq!(records(folder, &url, "still-merged.json"), merged);
}

#[test]
fn what_a_trigger_of_one_table_makes_of_another_is_not_called_undone() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let [_, url] = half_filled_shops(folder, &server);
    let id = import_shop(folder, &url, &MERGE);
    let merged = records(folder, &url, "merged.json");
    let sql = |sql: &str| server.sql_as("waybill_owner", "half_copy", sql);
    for (does, why) in [
        (
            "UPDATE customers SET note = 'touched' WHERE id = 1",
            "the database gives 1 of 1 records of customers other values than they had",
        ),
        ("INSERT INTO orders VALUES (8, 1, 1)", "the database has changed 0 of 1 records of orders"),
    ] {
        sql(&format!(
            "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {does}; RETURN OLD; END $$;
             CREATE TRIGGER touch AFTER DELETE ON orders FOR EACH ROW EXECUTE FUNCTION touch()"
        ));
        let refused = undo(folder, &url, &id, &[]);
        assert_eq!(refused.code, 3, "{}{}", refused.text(), refused.stderr);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
        sql("DROP TRIGGER touch ON orders");
    }
    assert_eq!(records(folder, &url, "still.json"), merged);
    assert_eq!(undo(folder, &url, &id, &[]).code, 0);
}

#[test]
fn records_that_the_database_knows_under_another_key_are_not_called_new() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let table = "CREATE TABLE tariffs (span interval PRIMARY KEY, price int);";
    let source = database(&server, "source", &format!("{table} INSERT INTO tariffs VALUES ('24 hours', 5)"));
    export(folder, &source, "tariffs.json");
    let url = database(&server, "tariffs", &format!("{table} INSERT INTO tariffs VALUES ('1 day', 99)"));
    for options in [&MERGE[..], &["--mode", "merge", "--no-undo"]] {
        let refused = import(folder, "tariffs.json", &url, options);
        assert_eq!(refused.code, 3, "{}{}", refused.text(), refused.stderr);
        assert!(
            refused.stderr.contains("refused by the database: another record has the same values (tariffs_pkey)"),
            "{}",
            refused.stderr
        );
    }
    assert_eq!(server.sql_as("waybill_owner", "tariffs", "SELECT price FROM tariffs"), "99");

    let table = "CREATE TABLE logins (login text PRIMARY KEY, price int);";
    let source = database(&server, "more", &format!("{table} INSERT INTO logins VALUES ('Bea', 5)"));
    export(folder, &source, "logins.json");
    let trigger = "CREATE FUNCTION fold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.login := lower(NEW.login); RETURN NEW; END $$;
         CREATE TRIGGER fold BEFORE INSERT ON logins FOR EACH ROW EXECUTE FUNCTION fold()";
    let url = database(&server, "logins", &format!("{table} {trigger}"));
    let refused = import(folder, "logins.json", &url, &MERGE);
    assert_eq!(refused.code, 3, "{}{}", refused.text(), refused.stderr);
    assert!(refused.stderr.contains("0 of 1 records of logins could be told from others later"), "{}", refused.stderr);
    assert_eq!(import(folder, "logins.json", &url, &["--mode", "merge", "--no-undo"]).code, 0);
}

#[test]
fn without_the_right_to_keep_it_nothing_is_imported_unless_no_undo_is_wanted() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let url = database(&server, "closed_copy", SHOP_ON_POSTGRES);
    server.sql_as("postgres", "postgres", "ALTER DATABASE closed_copy OWNER TO postgres");
    let refused = import(folder, "shop.json", &url, &[]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("could not be undone") && refused.stderr.contains("--no-undo"),
        "{}",
        refused.stderr
    );
    assert_eq!(server.sql_as("waybill_owner", "closed_copy", "SELECT count(*) FROM customers"), "0");
    let imported = import(folder, "shop.json", &url, &["--no-undo"]);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    assert!(!imported.text().contains("waybill import undo"), "{}", imported.text());
    let listed = run(folder, &["import", "undo", "--target", &url]);
    assert_eq!(listed.text().trim_end(), "no import by this user can be undone here");
}

#[tokio::test]
async fn an_old_import_is_forgotten_with_the_next_one_that_nobody_else_reads() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let url = database(&server, "aged_copy", SHOP_ON_POSTGRES);
    let id = import_shop(folder, &url, &[]);
    // The id begins with the time: a day and an hour earlier.
    let millis = i64::from_str_radix(&id[..12], 16).unwrap() - 25 * 3_600_000;
    let old = format!("{millis:012x}{}", &id[12..]);
    server.sql_as(
        "waybill_owner",
        "aged_copy",
        &format!("ALTER SCHEMA waybill_undo_{id} RENAME TO waybill_undo_{old}"),
    );
    let reading = format!("BEGIN; SELECT * FROM waybill_undo_{old}.import; SELECT pg_sleep(60)");
    let mut reader = in_background(&server, "waybill_owner", "aged_copy", &reading);
    wait_for_sleep(&server, "aged_copy").await;
    import_shop(folder, &url, &MERGE);
    let listed = || run(folder, &["import", "undo", "--target", &url]).text();
    assert_eq!(listed().matches("  seal ").count(), 2, "a dump of the database is no reason for an import to fail");
    reader.kill().unwrap();
    reader.wait().unwrap();
    server.sql_as(
        "postgres",
        "aged_copy",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
    );
    import_shop(folder, &url, &MERGE);
    assert!(listed().matches("  seal ").count() == 2 && !listed().contains(&old), "{}", listed());
}

#[test]
fn random_merges_are_undone_without_a_trace() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let schema = |integer: &str| format!("CREATE TABLE things (id {integer} PRIMARY KEY, n {integer}, text TEXT);");
    let (file, source) = sqlite(folder, "source.db", &schema("INTEGER"));
    let url = database(&server, "things", &schema("bigint"));
    let mut runner = random_cases();
    let checked = runner.run(&(rows(), rows()), |(in_file, in_database)| {
        let sql = format!("DELETE FROM things; {}", insert(&in_file));
        Connection::open(&file).unwrap().execute_batch(&sql).unwrap();
        server.sql_as("waybill_owner", "things", &format!("DELETE FROM things; {}", insert(&in_database)));
        let _ = fs::remove_file(folder.join("shop.json"));
        export(folder, &source, "shop.json");
        let (before, plan) = (records(folder, &url, "before.json"), plan_hash(folder, &url));
        let id = import_shop(folder, &url, &MERGE);
        let undone = undo(folder, &url, &id, &[]);
        proptest::prop_assert_eq!(undone.code, 0, "{}", undone.stderr);
        proptest::prop_assert_eq!(records(folder, &url, "after.json"), before);
        proptest::prop_assert_eq!(plan_hash(folder, &url), plan);
        Ok(())
    });
    checked.unwrap();
}
