//! What a plan stands for besides its records: what database and profile fill in, and who has signed it.

use super::modes::half_filled_shops;
use super::plans::{apply, change, hash, plan};
use super::*;

#[test]
fn what_the_database_fills_in_or_a_trigger_does_is_part_of_a_plan() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let [on_sqlite, on_postgres] = half_filled_shops(folder, &server);
    change(
        &server,
        &on_sqlite,
        "ALTER TABLE customers ADD COLUMN tier TEXT NOT NULL DEFAULT 'basic';
         CREATE TRIGGER audit AFTER INSERT ON customers BEGIN UPDATE customers SET note = 'a' WHERE 0; END",
    );
    change(
        &server,
        &on_postgres,
        "ALTER TABLE customers ADD COLUMN tier text NOT NULL DEFAULT 'basic';
         CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
         CREATE TRIGGER audit BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION audit()",
    );
    let default_on_sqlite = "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, '''basic''', '''gold''') WHERE name = 'customers'";
    let default_on_postgres = "ALTER TABLE customers ALTER COLUMN tier SET DEFAULT 'gold'";
    let trigger_on_sqlite = "DROP TRIGGER audit;
         CREATE TRIGGER audit AFTER INSERT ON customers BEGIN UPDATE customers SET note = 'b' WHERE 0; END";
    let trigger_on_postgres = "CREATE OR REPLACE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN NEW.note := 'hers'; RETURN NEW; END $$";
    for (url, default, trigger) in
        [(&on_sqlite, default_on_sqlite, trigger_on_sqlite), (&on_postgres, default_on_postgres, trigger_on_postgres)]
    {
        let engine = &url[..6];
        for (what, sql, sentence) in [
            ("default", default, "the default of customers.tier is another now"),
            ("trigger", trigger, "the trigger audit on customers"),
        ] {
            let name = format!("{engine}-{what}.json");
            plan(folder, url, &name);
            change(&server, url, sql);
            let before = records(folder, url, &format!("{name}.before"));
            let stale = apply(folder, url, &name);
            assert_eq!(stale.code, 8, "{engine} {what}: {}{}", stale.text(), stale.stderr);
            assert!(stale.stderr.contains(sentence), "{}", stale.stderr);
            assert_eq!(apply(folder, url, &hash(folder, &name)).code, 8);
            assert_eq!(records(folder, url, &format!("{name}.after")), before);
        }
    }
}

#[test]
fn the_columns_of_the_tables_are_part_of_a_plan() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    for (url, migration) in half_filled_shops(folder, &server)
        .iter()
        .zip(["ALTER TABLE orders ADD COLUMN tip NUMERIC", "ALTER TABLE orders ALTER total TYPE numeric(10, 0)"])
    {
        let name = format!("{}.json", &url[..6]);
        plan(folder, url, &name);
        change(&server, url, migration);
        let stale = apply(folder, url, &name);
        assert_eq!(stale.code, 8, "{}{}", stale.text(), stale.stderr);
        assert!(stale.stderr.contains("what columns orders has is another now"), "{}", stale.stderr);
    }
}

#[test]
fn what_the_profile_fills_in_is_part_of_a_plan() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    shop(folder);
    let (_, url) =
        sqlite(folder, "other.db", &SHOP_ON_SQLITE.replace("note TEXT)", "note TEXT, country TEXT NOT NULL)"));
    let profile = |country: &str| {
        format!(
            "name = \"shop\"\n[tables.customers.columns]\ncountry = {{ class = \"plain\", on_import = {{ constant = \"{country}\" }} }}\n"
        )
    };
    let options = ["--mode", "merge", "--profile", "shop.toml"];
    fs::write(folder.join("shop.toml"), profile("NO")).unwrap();
    let planned = import(folder, "shop.json", &url, &[&options[..], &["--dry-run", "--output", "plan.json"]].concat());
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    fs::write(folder.join("shop.toml"), profile("SE")).unwrap();
    let stale = import(folder, "shop.json", &url, &[&options[..], &["--plan", "plan.json"]].concat());
    assert_eq!(stale.code, 8, "{}", stale.stderr);
    assert!(stale.stderr.contains("what the profile fills in customers.country is another now"), "{}", stale.stderr);
}

#[test]
fn a_plan_needs_a_trusted_signature_like_the_file_that_is_imported() {
    let (folder, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (folder, elsewhere) = (folder.path(), elsewhere.path());
    shop(folder);
    let (_, url) = sqlite(folder, "target.db", SHOP_ON_SQLITE);
    fs::copy(folder.join("shop.json"), elsewhere.join("shop.json")).unwrap();
    let options = ["--mode", "merge", "--dry-run", "--accept-unsigned", "--output", "plan.json"];
    assert_eq!(import(elsewhere, "shop.json", &url, &options).code, 0);
    fs::copy(elsewhere.join("plan.json"), folder.join("plan.json")).unwrap();
    for refused in [run(folder, &["import", "show", "plan.json"]), apply(folder, &url, "plan.json")] {
        assert_eq!(refused.code, 3, "{}", refused.stderr);
        assert!(
            refused.stderr.starts_with("waybill: plan.json: the file is signed with key ")
                && refused.stderr.contains("not trusted here"),
            "{}",
            refused.stderr
        );
    }
    let accepted = run(folder, &["import", "show", "plan.json", "--accept-unsigned"]).text();
    assert!(accepted.contains("signed    by no trusted key"), "{accepted}");

    // Her key and ours: the plan is hers, the export is ours.
    let key = |folder| run(folder, &["key", "export"]).text();
    fs::write(folder.join("keys.pem"), key(elsewhere) + &key(folder)).unwrap();
    let shown = run(folder, &["import", "show", "plan.json", "--trust-key", "keys.pem"]).text();
    assert!(shown.contains("signed    by the key "), "{shown}");
    let applied =
        import(folder, "shop.json", &url, &["--mode", "merge", "--plan", "plan.json", "--trust-key", "keys.pem"]);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    let refusals = run(folder, &["audit", "show", "--event", "refused"]).text();
    assert!(refusals.contains("use a plan that no trusted key has signed"), "{refusals}");
}

#[test]
fn the_audit_trail_has_the_hash_of_a_plan_and_no_key_of_a_record_that_has_moved() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let [url, _] = half_filled_shops(folder, &server);
    plan(folder, &url, "plan.json");
    let planned = run(folder, &["audit", "show", "--event", "import_planned"]).text();
    assert!(planned.contains(&hash(folder, "plan.json")), "{planned}");
    change(&server, &url, "UPDATE customers SET note = 'again' WHERE id = 1");
    let stale = apply(folder, &url, "plan.json");
    assert!(stale.code == 8 && stale.stderr.contains("customers 1: note"), "{}", stale.stderr);
    let failed = run(folder, &["audit", "show", "--event", "import_failed"]).text();
    assert!(failed.contains("not what it was when the plan was made") && !failed.contains("customers"), "{failed}");
}
