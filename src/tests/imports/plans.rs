//! Plans of imports: what happens to each record, before it does; and what happens to a plan when the database moves on.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::modes::half_filled_shops;
use super::*;

const MERGE: [&str; 2] = ["--mode", "merge"];

pub fn plan(folder: &Path, url: &str, plan: &str) -> CommandOutput {
    let planned = import(folder, "shop.json", url, &[&MERGE[..], &["--dry-run", "--output", plan]].concat());
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    planned
}

pub fn apply(folder: &Path, url: &str, plan: &str) -> CommandOutput {
    import(folder, "shop.json", url, &[&MERGE[..], &["--plan", plan]].concat())
}

pub fn change(server: &Postgres, url: &str, sql: &str) {
    match url.strip_prefix("sqlite:") {
        Some(path) => Connection::open(path).unwrap().execute_batch(sql).unwrap(),
        None => drop(server.sql_as("waybill_owner", "half_copy", sql)),
    }
}

pub fn hash(folder: &Path, plan: &str) -> String {
    let shown = run(folder, &["import", "show", plan, "--json"]);
    let head: Value = serde_json::from_slice(&shown.stdout).unwrap();
    head["hash"].as_str().unwrap().to_owned()
}

#[test]
fn a_plan_says_what_happens_to_each_record_and_is_a_sealed_file() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    for (at, url) in half_filled_shops(folder, &server).iter().enumerate() {
        let name = format!("plan{at}.json");
        let planned = plan(folder, url, &name);
        let said = planned.text();
        assert!(said.contains("changes   1 × customers: note\n"), "{said}");
        assert!(said.contains("such as 1: note: \"moved\" → null"), "{said}");
        assert!(said.contains(&format!("plan      {}", hash(folder, &name))), "{said}");

        let shown = run(folder, &["import", "show", &name]).text();
        assert!(shown.starts_with("would import: 2 new, 1 changed, 1 unchanged\n"), "{shown}");
        assert!(shown.contains("customers: 1 new, 1 changed\n") && shown.contains("orders: 1 new, 1 unchanged\n"));
        let customers = run(folder, &["import", "show", &name, "--table", "customers"]).text();
        assert_eq!(customers.trim_end(), "changed  id=1\n    note: \"moved\" → null\nnew      id=2");
        let one = run(folder, &["import", "show", &name, "--table", "customers", "--key", "2"]).text();
        assert_eq!(one.trim_end(), "new      id=2");
        let unchanged = run(folder, &["import", "show", &name, "--table", "orders", "--key", "7"]).text();
        assert_eq!(unchanged.trim_end(), "orders: the plan changes no record with this key");

        let misspelt = run(folder, &["import", "show", &name, "--table", "customer"]);
        assert_eq!(misspelt.code, 2, "{}", misspelt.text());
        assert!(misspelt.stderr.contains("no table customer; it has customers, orders"), "{}", misspelt.stderr);

        // The readers of exports read it, too.
        let verified = run(folder, &["verify", &name]);
        assert!(
            verified.code == 0
                && verified.text().contains("the plan of an import, which changes 3 records in 2 tables"),
            "{}",
            verified.text()
        );
        let document = parse_export(&fs::read(folder.join(&name)).unwrap());
        assert_eq!(document.metadata["exportType"], "import-plan");
        assert_eq!(
            document.data["customers"],
            [
                json!({"action": "update", "reason": "values_differ", "key": {"id": 1}, "changes": {"note": {"before": "moved", "after": null}}}),
                json!({"action": "create", "reason": "new_key", "key": {"id": 2}, "changes": {}}),
            ]
        );
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(folder.join(&name)).unwrap().permissions());
        assert_eq!(mode & 0o077, 0, "it has values of the database");
    }
    assert_ne!(hash(folder, "plan0.json"), hash(folder, "plan1.json"), "another database is another plan");
}

#[test]
fn the_changes_of_a_plan_open_in_a_spreadsheet() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let url = &half_filled_shops(folder, &server)[0];
    change(&server, url, "UPDATE customers SET note = '=1+1, \"moved\"' WHERE id = 1");
    plan(folder, url, "plan.json");
    let csv = |options: &[&str]| run(folder, &[&["import", "show", "plan.json", "--csv"][..], options].concat()).text();
    let header = "\"table\",\"key\",\"action\",\"reason\",\"column\",\"before\",\"after\"\n";
    let changed = "\"customers\",\"1\",\"update\",\"values_differ\",\"note\",\"'=1+1, \"\"moved\"\"\",\"\"\n";
    let [new, order] = [["customers", "2"], ["orders", "8"]]
        .map(|[table, key]| format!("\"{table}\",\"{key}\",\"create\",\"new_key\",\"\",\"\",\"\"\n"));
    assert_eq!(csv(&[]), format!("{header}{changed}{new}{order}"));
    assert_eq!(csv(&["--table", "customers"]), format!("{header}{changed}{new}"));
    assert_eq!(csv(&["--table", "customers", "--key", "1"]), format!("{header}{changed}"));
    assert_eq!(csv(&["--table", "orders", "--key", "7"]), header);
}

#[test]
fn an_import_does_what_its_plan_says_or_nothing() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    for (at, url) in half_filled_shops(folder, &server).iter().enumerate() {
        let name = |what: &str| format!("{what}{at}.json");
        plan(folder, url, &name("first"));
        // Records that the file does not have, or that are equal afterwards, are no matter of the plan.
        change(&server, url, "INSERT INTO customers VALUES (4, 'Dan', NULL)");
        plan(folder, url, &name("same"));
        assert_eq!(hash(folder, &name("first")), hash(folder, &name("same")), "the same effects have the same hash");

        change(
            &server,
            url,
            "UPDATE customers SET note = 'again' WHERE id = 1; INSERT INTO customers VALUES (2, 'Bob', 'late'); DELETE FROM orders WHERE id = 7",
        );
        let before = records(folder, url, &name("before"));
        let stale = apply(folder, url, &name("first"));
        assert_eq!(stale.code, 8, "{}", stale.stderr);
        for moved in ["customers 1: note", "customers 2: was added", "orders 7: was removed"] {
            assert!(
                stale.stderr.contains(&format!("\n  {moved}\n")) || stale.stderr.ends_with(&format!("\n  {moved}\n")),
                "{}",
                stale.stderr
            );
        }
        assert!(!stale.stderr.contains("again") && !stale.stderr.contains("late"), "no value: {}", stale.stderr);
        let by_hash = apply(folder, url, &hash(folder, &name("first")));
        assert_eq!(by_hash.code, 8);
        assert!(by_hash.stderr.contains("the plan of this import is "), "{}", by_hash.stderr);
        assert_eq!(records(folder, url, &name("after")), before, "nothing was written");

        plan(folder, url, &name("second"));
        assert!(by_hash.stderr.contains(&hash(folder, &name("second"))), "{}", by_hash.stderr);
        let done = apply(folder, url, &hash(folder, &name("second")));
        assert_eq!(done.code, 0, "{}", done.stderr);
        assert!(done.text().contains("2 new, 1 changed, 1 unchanged"), "{}", done.text());
    }
}

#[test]
fn a_plan_of_another_file_mode_or_database_is_told_as_such() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let source = shop(folder);
    let [on_sqlite, on_postgres] = half_filled_shops(folder, &server);
    plan(folder, &on_sqlite, "plan.json");
    let other_database = apply(folder, &on_postgres, "plan.json");
    assert!(
        other_database.code == 8 && other_database.stderr.contains("the plan is for another database, sqlite:"),
        "{}",
        other_database.stderr
    );
    change(&server, &source, "DELETE FROM orders");
    export(folder, &source, "later.json");
    let other_file = import(folder, "later.json", &on_sqlite, &["--mode", "merge", "--plan", "plan.json"]);
    assert!(
        other_file.code == 8 && other_file.stderr.contains("the plan is for another file"),
        "{}",
        other_file.stderr
    );
    let (_, empty) = sqlite(folder, "half.db.empty", SHOP_ON_SQLITE);
    let of_append = import(folder, "shop.json", &empty, &["--dry-run", "--mode", "append", "--output", "append.json"]);
    assert_eq!(of_append.code, 0, "{}", of_append.stderr);
    let other_mode = import(folder, "shop.json", &empty, &["--mode", "merge", "--plan", "append.json"]);
    assert!(
        other_mode.code == 8 && other_mode.stderr.contains("the plan is for --mode append"),
        "{}",
        other_mode.stderr
    );
    let appended = import(folder, "shop.json", &empty, &["--mode", "append", "--plan", "append.json"]);
    assert_eq!(appended.code, 0, "{}", appended.stderr);
}

#[test]
fn files_that_are_no_plans_or_plans_that_are_no_exports_are_refused() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let [url, _] = half_filled_shops(folder, &server);
    plan(folder, &url, "plan.json");
    let again = import(folder, "shop.json", &url, &["--mode", "merge", "--dry-run", "--output", "plan.json"]);
    assert_eq!(again.code, 5);
    assert!(again.stderr.contains("plan.json: there is a file of this name"), "{}", again.stderr);
    let nowhere = import(folder, "shop.json", &url, &["--mode", "merge", "--dry-run", "--output", "no/plan.json"]);
    assert_eq!(nowhere.code, 5);
    assert!(nowhere.stderr.starts_with("waybill: no/plan.json: there is no folder no"), "{}", nowhere.stderr);
    let not_an_export = import(folder, "plan.json", &url, &["--mode", "merge"]);
    assert!(
        not_an_export.code == 4 && not_an_export.stderr.contains("an import plan, not an export"),
        "{}",
        not_an_export.stderr
    );
    for not_a_plan in ["shop.json", "half.db"] {
        let shown = run(folder, &["import", "show", not_a_plan]);
        assert_eq!(shown.code, 4, "{}", shown.stderr);
        assert_eq!(apply(folder, &url, not_a_plan).code, 4);
    }
    let bytes = fs::read(folder.join("plan.json")).unwrap();
    fs::write(folder.join("cut.json"), &bytes[..bytes.len() - 40]).unwrap();
    let altered = String::from_utf8(bytes).unwrap().replace("\"moved\",\"after\":null", "\"moved\",\"after\":\"x\"");
    fs::write(folder.join("altered.json"), altered).unwrap();
    for damaged in ["cut.json", "altered.json"] {
        assert_eq!(run(folder, &["import", "show", damaged]).code, 4, "{damaged}");
        assert_eq!(apply(folder, &url, damaged).code, 4, "{damaged}");
    }
    let missing = apply(folder, &url, "missing.json");
    assert!(missing.code == 1 && missing.stderr.starts_with("waybill: missing.json: "), "{}", missing.stderr);
    assert_eq!(records(folder, &url, "after.json").len(), 4, "nothing was written");
    let audit = run(folder, &["audit", "show", "--event", "import_planned"]).text();
    assert!(audit.contains("import_planned"), "who has read the database's values is recorded: {audit}");
}

#[test]
fn long_values_are_in_a_plan_by_their_digest() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let source = shop(folder);
    let urls = half_filled_shops(folder, &server);
    change(&server, &source, &format!("UPDATE customers SET note = '{}' WHERE id = 1", "ä".repeat(100_000)));
    fs::remove_file(folder.join("shop.json")).unwrap();
    export(folder, &source, "shop.json");
    for (at, url) in urls.iter().enumerate() {
        let name = format!("plan{at}.json");
        plan(folder, url, &name);
        let document = parse_export(&fs::read(folder.join(&name)).unwrap());
        let after = &document.data["customers"][0]["changes"]["note"]["after"]["$long"];
        assert_eq!(after["bytes"], 200_000, "{after}");
        assert_eq!(after["sha256"].as_str().unwrap().len(), 64);
        assert_eq!(apply(folder, url, &name).code, 0);
    }
}

#[test]
fn an_empty_table_without_a_key_is_no_obstacle_to_a_merge() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let source = shop(folder);
    let urls = half_filled_shops(folder, &server);
    for url in urls.iter().chain([&source]) {
        change(&server, url, "CREATE TABLE log (line TEXT)");
    }
    fs::remove_file(folder.join("shop.json")).unwrap();
    export(folder, &source, "shop.json");
    for (at, url) in urls.iter().enumerate() {
        let name = format!("plan{at}.json");
        plan(folder, url, &name);
        let applied = apply(folder, url, &name);
        assert_eq!(applied.code, 0, "{}", applied.stderr);
    }
}

pub type Rows = BTreeMap<i64, (Option<i64>, Option<String>)>;

pub fn rows() -> impl Strategy<Value = Rows> {
    let text = prop::option::of(prop::sample::select(vec!["", "a", "A", "ä\n\"", "0", "1.0"]));
    let row = (prop::option::of(0_i64..2), text.prop_map(|text| text.map(str::to_owned)));
    prop::collection::btree_map(0_i64..12, row, 0..10)
}

pub fn insert(rows: &Rows) -> String {
    let quoted = |text: &String| format!("'{}'", text.replace('\'', "''"));
    let row = |(id, (n, text)): (&i64, &(Option<i64>, Option<String>))| {
        let n = n.map_or("NULL".to_owned(), |n| n.to_string());
        format!("INSERT INTO things VALUES ({id}, {n}, {});", text.as_ref().map_or("NULL".to_owned(), quoted))
    };
    rows.iter().map(row).collect()
}

/// What a merge does to each record, said as a plan says it.
fn expected(file: &Rows, database: &Rows) -> Vec<Value> {
    let changes = |(id, new): (&i64, &(Option<i64>, Option<String>))| match database.get(id) {
        None => Some(json!({"action": "create", "reason": "new_key", "key": {"id": id}, "changes": {}})),
        Some(old) if old == new => None,
        Some(old) => {
            let mut changes = serde_json::Map::new();
            if old.0 != new.0 {
                changes.insert("n".to_owned(), json!({"before": old.0, "after": new.0}));
            }
            if old.1 != new.1 {
                changes.insert("text".to_owned(), json!({"before": old.1, "after": new.1}));
            }
            Some(json!({"action": "update", "reason": "values_differ", "key": {"id": id}, "changes": changes}))
        }
    };
    file.iter().filter_map(changes).collect()
}

#[test]
fn the_plan_of_random_records_is_that_of_a_model_on_each_engine() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let schema = |integer: &str| format!("CREATE TABLE things (id {integer} PRIMARY KEY, n {integer}, text TEXT);");
    let (file, source) = sqlite(folder, "source.db", &schema("INTEGER"));
    let (target, on_sqlite) = sqlite(folder, "target.db", &schema("INTEGER"));
    let on_postgres = database(&server, "things", &schema("bigint"));
    let mut runner = random_cases();
    let checked = runner.run(&(rows(), rows()), |(in_file, in_database)| {
        let fill = |path: &Path, rows: &Rows| {
            Connection::open(path).unwrap().execute_batch(&format!("DELETE FROM things; {}", insert(rows))).unwrap();
        };
        fill(&file, &in_file);
        fill(&target, &in_database);
        server.sql_as("waybill_owner", "things", &format!("DELETE FROM things; {}", insert(&in_database)));
        for name in ["shop.json", "plan.json"] {
            let _ = fs::remove_file(folder.join(name));
        }
        export(folder, &source, "shop.json");
        for url in [&on_sqlite, &on_postgres] {
            plan(folder, url, "plan.json");
            let planned = parse_export(&fs::read(folder.join("plan.json")).unwrap()).data.remove("things").unwrap();
            prop_assert_eq!(planned, expected(&in_file, &in_database), "{}", url);
            let applied = apply(folder, url, "plan.json");
            prop_assert_eq!(applied.code, 0, "{}", applied.stderr);
            fs::remove_file(folder.join("plan.json")).unwrap();
            plan(folder, url, "plan.json");
            let again = parse_export(&fs::read(folder.join("plan.json")).unwrap());
            prop_assert!(again.data["things"].is_empty(), "twice is once");
            fs::remove_file(folder.join("plan.json")).unwrap();
        }
        Ok(())
    });
    checked.unwrap();
}
