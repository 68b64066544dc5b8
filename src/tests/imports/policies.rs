//! What a merge does with records that are there, table by table.

use super::modes::half_filled_shops;
use super::undo::MERGE;
use super::*;

#[test]
fn each_table_has_the_policy_that_was_chosen_for_it() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    for url in half_filled_shops(folder, &server) {
        let merge = |options: &[&str]| import(folder, "shop.json", &url, &[&MERGE[..], options].concat());
        let before = records(folder, &url, "before.json");
        for options in [&["--dry-run"][..], &[]] {
            let refused = merge(&[&["--policy", "customers=stop"], options].concat());
            assert_eq!(refused.code, 3, "{}", refused.text());
            let why = "1 record of customers not the same here: its policy is stop";
            assert!(
                refused.stderr.contains(why) || refused.text().contains(&format!("conflict  {why}")),
                "{}",
                refused.stderr
            );
        }
        assert_eq!(records(folder, &url, "same.json"), before);

        let imported = merge(&["--policy", "customers=mine", "--policy", "orders=skip"]);
        assert_eq!(imported.code, 0, "{}", imported.stderr);
        let after = records(folder, &url, "after.json");
        assert!(after.contains(&r#"{"id":1,"name":"Ada","note":"moved"}"#.to_owned()), "mine stays: {after:?}");
        assert!(
            after.contains(&r#"{"id":2,"name":"Bob","note":"late"}"#.to_owned()),
            "what is missing comes: {after:?}"
        );
        assert_eq!(after.len(), before.len() + 1, "and no order: {after:?}");

        assert_eq!(
            merge(&["--policy", "orders=stop", "--policy", "customers=file"]).code,
            0,
            "a new one changes nothing"
        );
        let after = records(folder, &url, "all.json");
        assert!(after.contains(&r#"{"id":1,"name":"Ada","note":null}"#.to_owned()), "{after:?}");
    }
}

#[test]
fn a_plan_is_one_of_its_policies_and_a_policy_is_of_a_table_of_the_file() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let url = shop(folder);
    let merge = |options: &[&str]| import(folder, "shop.json", &url, &[&MERGE[..], options].concat());
    assert_eq!(merge(&["--dry-run", "--output", "plan.json", "--policy", "customers=mine"]).code, 0);
    let other = merge(&["--plan", "plan.json"]);
    assert_eq!(other.code, 8, "{}", other.stderr);
    assert!(other.stderr.contains("the plan is for --policy customers=mine"), "{}", other.stderr);
    assert_eq!(merge(&["--plan", "plan.json", "--policy", "customers=mine"]).code, 0);
    let unknown = merge(&["--policy", "custmers=mine"]);
    assert_eq!(unknown.code, 3, "{}", unknown.text());
    assert!(unknown.stderr.contains("the file has no table custmers, which has a policy"), "{}", unknown.stderr);
    for wrong in [
        &["--policy", "customers"][..],
        &["--policy", "customers=yours"],
        &["--policy", "a=mine", "--policy", "a=skip"],
    ] {
        assert_eq!(merge(wrong).code, 2, "{wrong:?}");
    }
    assert_eq!(import(folder, "shop.json", &url, &["--policy", "customers=mine"]).code, 2, "it is for merges");
}

/// PostgreSQL refuses to write such a column in an UPDATE (428C9).
#[test]
fn numbers_that_the_database_gives_stay_what_they_are() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let table = "CREATE TABLE invoices (id int PRIMARY KEY, number int GENERATED ALWAYS AS IDENTITY, payee text)";
    let row = |number: u32, payee: &str| {
        format!(
            "{table}; INSERT INTO invoices (id, number, payee) OVERRIDING SYSTEM VALUE VALUES (1, {number}, '{payee}')"
        )
    };
    let source = database(&server, "source", &row(7, "new"));
    export(folder, &source, "shop.json");
    let url = database(&server, "target_copy", &row(3, "old"));
    let imported = import(folder, "shop.json", &url, &MERGE);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    assert!(
        imported.text().contains("invoices.number is numbered by the database: records that are there keep theirs")
    );
    assert_eq!(server.sql_as("waybill_owner", "target_copy", "SELECT number || payee FROM invoices"), "3new");
}

#[test]
fn a_dry_run_names_the_rules_that_it_cannot_try() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let rules = "CREATE UNIQUE INDEX by_folded_name ON customers (lower(name)); CREATE UNIQUE INDEX by_note ON customers (note) WHERE note <> '';
         ALTER TABLE orders ADD CONSTRAINT apart EXCLUDE USING btree (total WITH =);";
    let url = database(&server, "target_copy", &format!("{SHOP_ON_POSTGRES} {rules}"));
    let planned = import(folder, "shop.json", &url, &["--dry-run"]);
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    for rule in [
        "a unique index of an expression (by_folded_name) of customers",
        "a unique index of some rows (by_note) of customers",
        "an exclusion constraint (apart) of orders",
    ] {
        let note = format!("note      {rule} may refuse records: this dry run has not tried it");
        assert!(planned.text().contains(&note), "{}", planned.text());
    }
    let imported = import(folder, "shop.json", &url, &[]);
    assert!(imported.code == 0 && !imported.text().contains("may refuse"), "{}", imported.text());
}
