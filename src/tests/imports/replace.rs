//! Replacements: afterwards the tables have what the file has, and an undo brings back what they had.

use proptest::prelude::*;

use super::modes::half_filled_shops;
use super::plans::{insert, rows};
use super::undo::{import_shop, undo};
use super::*;

const REPLACE: [&str; 2] = ["--mode", "replace"];

#[test]
fn a_replacement_leaves_what_the_file_has_and_is_undone_whole() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let shop = shop(folder);
    for url in half_filled_shops(folder, &server) {
        let before = records(folder, &url, "before.json");
        let plan = format!("plan-{}.json", url.len());
        let planned = import(folder, "shop.json", &url, &[&REPLACE[..], &["--dry-run", "--output", &plan]].concat());
        assert!(
            planned.text().contains("4 records in 2 tables, 2 removed, 2 new, 1 changed, 1 unchanged"),
            "{}",
            planned.text()
        );
        assert_eq!(records(folder, &url, "same.json"), before, "a dry run writes nothing");
        let shown = run(folder, &["import", "show", &plan, "--table", "customers"]);
        assert!(
            shown.text().contains("removed") && shown.text().contains("not in the file"),
            "{} {}",
            shown.text(),
            shown.stderr
        );

        let id = import_shop(folder, &url, &[&REPLACE[..], &["--plan", &plan]].concat());
        // PostgreSQL's decimals are texts in a file.
        let replaced =
            records(folder, &url, "replaced.json").join("\n").replace("\"12.5\"", "12.5").replace("\"3\"", "3");
        assert_eq!(replaced, records(folder, &shop, "shop-records.json").join("\n"));
        let planned = undo(folder, &url, &id, &["--dry-run"]);
        assert!(planned.text().starts_with("would undo: 2 removed, 1 restored, 2 brought back"), "{}", planned.text());
        assert_eq!(undo(folder, &url, &id, &[]).code, 0);
        assert_eq!(records(folder, &url, "after.json"), before);
    }
}

#[test]
fn a_plan_of_a_replacement_does_not_hold_once_there_is_more_to_remove() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    for (at, url) in half_filled_shops(folder, &server).into_iter().enumerate() {
        let plan = format!("plan{at}.json");
        assert_eq!(
            import(folder, "shop.json", &url, &[&REPLACE[..], &["--dry-run", "--output", &plan]].concat()).code,
            0
        );
        let more = "INSERT INTO customers VALUES (4, 'Dee', NULL)";
        if at == 0 {
            Connection::open(folder.join("half.db")).unwrap().execute_batch(more).unwrap();
        } else {
            server.sql_as("waybill_owner", "half_copy", more);
        }
        let stale = import(folder, "shop.json", &url, &[&REPLACE[..], &["--plan", &plan]].concat());
        assert_eq!(stale.code, 8, "{}", stale.stderr);
        assert!(stale.stderr.contains("customers"), "{}", stale.stderr);
    }
}

#[test]
fn what_the_database_would_change_by_itself_on_the_way_is_refused() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    // Order 7 belongs to customer 1 in the file, and to customer 3 here, whom the file does not have.
    let rows =
        "INSERT INTO customers VALUES (1, 'Ada', NULL), (3, 'Cay', NULL); INSERT INTO orders VALUES (7, 3, 12.5);";
    let cascading =
        SHOP_ON_POSTGRES.replace("REFERENCES customers (id)", "REFERENCES customers (id) ON DELETE CASCADE");
    let url = database(&server, "cascading", &format!("{cascading}{rows}"));
    for options in [&["--dry-run"][..], &[]] {
        let refused = import(folder, "shop.json", &url, &[&REPLACE[..], options].concat());
        assert_eq!(refused.code, 3, "{}", refused.stderr);
        assert!(
            refused.stderr.contains("ON DELETE") && refused.stderr.contains("1 record of orders to customers"),
            "{}",
            refused.stderr
        );
    }
    assert_eq!(server.sql_as("waybill_owner", "cascading", "SELECT customer_id FROM orders"), "3");
    // As it says: a merge first, then nothing is in the way.
    let merged = import(folder, "shop.json", &url, &["--mode", "merge", "--policy", "orders=file"]);
    assert_eq!(merged.code, 0, "{}", merged.stderr);
    assert_eq!(import(folder, "shop.json", &url, &REPLACE).code, 0);
    assert_eq!(server.sql_as("waybill_owner", "cascading", "SELECT count(*) FROM customers"), "2");
}

#[test]
fn a_record_of_a_file_replaces_nothing_and_a_table_without_a_key_neither() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let (_, url) = sqlite(folder, "keyless.db", "CREATE TABLE log (line TEXT); INSERT INTO log VALUES ('a')");
    export(folder, &url, "keyless.json");
    let refused = import(folder, "keyless.json", &url, &REPLACE);
    assert!(refused.code == 3 && refused.stderr.contains("log has no primary key"), "{}", refused.stderr);
    let shop = shop(folder);
    let refused = import(folder, "shop.json", &shop, &[&REPLACE[..], &["--table", "customers"]].concat());
    assert!(refused.code == 3 && refused.stderr.contains("whole file"), "{}", refused.stderr);
}

#[test]
fn random_tables_are_replaced_and_undone_on_both_engines() {
    const SCHEMA: &str = "CREATE TABLE things (id bigint PRIMARY KEY, n bigint, name text);";
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let number = std::cell::Cell::new(0);
    random_cases()
        .run(&(rows(), rows()), |(file, database_rows)| {
            number.set(number.get() + 1);
            let number = number.get();
            let (_, source) = sqlite(folder, &format!("source{number}.db"), &format!("{SCHEMA}{}", insert(&file)));
            let things = format!("things{number}.json");
            export(folder, &source, &things);
            let expected = records(folder, &source, "expected.json");
            let sql = format!("{SCHEMA}{}", insert(&database_rows));
            let mut urls = vec![sqlite(folder, &format!("target{number}.db"), &sql).1];
            // Databases of a server take longer to make.
            if number % 8 == 0 {
                urls.push(database(&server, &format!("server{number}"), &sql));
            }
            for url in urls {
                let before = records(folder, &url, "before.json");
                let replaced = import(folder, &things, &url, &[&REPLACE[..], &["--json"]].concat());
                prop_assert_eq!(replaced.code, 0, "{}", replaced.stderr);
                prop_assert_eq!(&records(folder, &url, "after.json"), &expected);
                let report: serde_json::Value = serde_json::from_slice(&replaced.stdout).unwrap();
                let undone = undo(folder, &url, report["undo"].as_str().unwrap(), &[]);
                let had_nothing_to_do = undone.stderr.contains("no record is as this import has made it");
                prop_assert!(undone.code == 0 || had_nothing_to_do, "{}", undone.stderr);
                prop_assert_eq!(&records(folder, &url, "undone.json"), &before);
            }
            Ok(())
        })
        .unwrap();
}
