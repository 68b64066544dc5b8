//! What others' users have filed about their importers, as tests by name.

use super::modes::half_filled_file;
use super::undo::{MERGE, import_shop, plan_hash, undo};
use super::*;

/// A database of each engine with these tables, and a source of `SQLite` with these records, exported as `shop.json`.
fn targets(folder: &Path, server: &Postgres, schema: &str, rows: &str) -> [String; 2] {
    let (_, source) = sqlite(folder, "source.db", &format!("{schema} {rows}"));
    export(folder, &source, "shop.json");
    [sqlite(folder, "target.db", schema).1, database(server, "target_copy", &schema.replace("INTEGER", "bigint"))]
}

/// actualbudget/actual#7580: after an undo, the same file was "previously deleted".
#[test]
fn after_an_undo_the_same_file_has_the_same_effects() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    shop(folder);
    let (_, url) = half_filled_file(folder);
    let (effects, plan) = (records(folder, &url, "before.json"), plan_hash(folder, &url));
    for round in 0..3 {
        let id = import_shop(folder, &url, &MERGE);
        assert_eq!(undo(folder, &url, &id, &[]).code, 0, "{round}");
        assert_eq!(plan_hash(folder, &url), plan, "{round}");
        assert_eq!(records(folder, &url, "after.json"), effects, "{round}");
    }
}

/// actualbudget/actual#4280, chatwoot/chatwoot#12325: what one file has twice was created twice.
#[test]
fn a_key_that_a_file_has_twice_ends_the_import() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let schema = "CREATE TABLE users (id INTEGER NOT NULL, email TEXT NOT NULL);";
    // The source has no key; the targets have.
    let (_, source) =
        sqlite(folder, "source.db", &format!("{schema} INSERT INTO users VALUES (1, 'a@x'), (2, 'b@x'), (1, 'c@x')"));
    export(folder, &source, "shop.json");
    let keyed = "CREATE TABLE users (id INTEGER NOT NULL PRIMARY KEY, email TEXT NOT NULL);";
    for url in [sqlite(folder, "target.db", keyed).1, database(&server, "target_copy", keyed)] {
        for mode in ["require-empty", "append", "merge"] {
            for options in [&["--dry-run"][..], &[]] {
                let refused = import(folder, "shop.json", &url, &[&["--mode", mode], options].concat());
                assert_eq!(refused.code, 3, "{mode} {options:?} {}", refused.text());
                assert!(refused.stderr.contains("record 2 of users"), "{mode} {options:?} {}", refused.stderr);
            }
        }
        export(folder, &url, "now.json");
        assert!(parse_export(&fs::read(folder.join("now.json")).unwrap()).data["users"].is_empty());
        fs::remove_file(folder.join("now.json")).unwrap();
    }
}

/// firefly-iii/firefly-iii#2611: of two real, equal payments one was lost.
#[test]
fn equal_records_without_a_key_both_come() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let schema = "CREATE TABLE payments (payee TEXT, cents INTEGER);";
    for url in targets(folder, &server, schema, "INSERT INTO payments VALUES ('Bus', 250), ('Bus', 250)") {
        assert_eq!(import(folder, "shop.json", &url, &[]).code, 0);
        assert_eq!(import(folder, "shop.json", &url, &["--mode", "append"]).code, 0, "they are two more");
        export(folder, &url, "now.json");
        assert_eq!(parse_export(&fs::read(folder.join("now.json")).unwrap()).data["payments"].len(), 4);
        fs::remove_file(folder.join("now.json")).unwrap();
        let refused = import(folder, "shop.json", &url, &MERGE);
        assert!(refused.stderr.contains("payments has no primary key, so nothing tells which"), "{}", refused.stderr);
    }
}

/// paperless-ngx/paperless-ngx#7384, #4952, #9053: what a fresh installation brings along collided.
#[test]
fn what_a_fresh_installation_brings_along_is_named_and_can_be_merged() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    shop(folder);
    let (_, url) =
        sqlite(folder, "target.db", &format!("{SHOP_ON_SQLITE} INSERT INTO customers VALUES (1, 'Admin', NULL)"));
    let refused = import(folder, "shop.json", &url, &[]);
    assert_eq!(refused.code, 3);
    assert!(refused.stderr.contains("customers has 1 record already"), "{}", refused.stderr);
    assert!(refused.stderr.contains("mode merge replaces what differs"), "{}", refused.stderr);
    assert_eq!(import(folder, "shop.json", &url, &MERGE).code, 0);
}

/// margince/margince#2387: previewed without an issue, and then refused by a CHECK.
#[test]
fn what_the_database_refuses_its_dry_run_refuses_too() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let free = "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, age INTEGER, boss INTEGER);";
    let (_, source) = sqlite(
        folder,
        "source.db",
        &format!("{free} INSERT INTO users VALUES (1, 'a@x', 30, NULL), (2, 'a@x', -1, 9)"),
    );
    export(folder, &source, "shop.json");
    let columns = "id INTEGER PRIMARY KEY, email TEXT, age INTEGER, boss INTEGER";
    for (number, rule) in
        ["CHECK (age > 0)", "UNIQUE (email)", "CHECK (length(email) < 3)", "FOREIGN KEY (boss) REFERENCES users (id)"]
            .iter()
            .enumerate()
    {
        let schema = format!("CREATE TABLE users ({columns}, {rule});");
        let name = format!("target_{number}");
        for url in [sqlite(folder, &format!("{name}.db"), &schema).1, database(&server, &name, &schema)] {
            for options in [&["--dry-run"][..], &[]] {
                let refused = import(folder, "shop.json", &url, options);
                assert_eq!(refused.code, 3, "{rule} {options:?} {}", refused.text());
            }
        }
    }
}

/// zammad/zammad#3235, gastownhall/beads#735, jarun/buku#477, amberframework/granite#481: times became those of the import.
#[test]
fn the_times_of_records_stay_what_they_were() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let schema = "CREATE TABLE posts (id INTEGER PRIMARY KEY, created_at TEXT DEFAULT CURRENT_TIMESTAMP, updated_at TEXT DEFAULT CURRENT_TIMESTAMP);";
    let rows = "INSERT INTO posts VALUES (1, '2019-02-03 04:05:06.789', NULL)";
    for url in targets(folder, &server, schema, rows) {
        for mode in ["require-empty", "merge"] {
            assert_eq!(import(folder, "shop.json", &url, &["--mode", mode]).code, 0);
            let record = "{\"id\":1,\"created_at\":\"2019-02-03 04:05:06.789\",\"updated_at\":null}";
            assert_eq!(records(folder, &url, "now.json"), [record], "{mode}");
        }
    }
}

/// `nextcloud/user_migration#663`: success was told, and nothing was imported.
#[test]
fn an_import_without_any_effect_says_so() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let url = shop(folder);
    for (options, told) in [(&["--dry-run"][..], "nothing would change"), (&[], "nothing changed")] {
        let imported = import(folder, "shop.json", &url, &[&MERGE[..], options].concat());
        assert_eq!(imported.code, 0, "{}", imported.stderr);
        let expected = format!("{told}: all 4 records in 2 tables are there already\n");
        assert!(imported.text().starts_with(&expected), "{}", imported.text());
    }
}

/// ovumcy/ovumcy-web#644: an older backup brought erased people back, unnoticed.
#[test]
fn people_whom_a_merge_brings_back_are_told() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let sample = generate_sample(20, folder);
    let url = format!("sqlite:{}", sample.display());
    export(folder, &url, "older.json");
    let older = parse_export(&fs::read(folder.join("older.json")).unwrap());
    let exported_at = older.metadata["exportedAt"].as_str().unwrap();
    let on_postgres = database(&server, "target_copy", POSTGRES_SCHEMA);
    assert_eq!(import(folder, "older.json", &on_postgres, &[]).code, 0);
    let erase = "PRAGMA foreign_keys = OFF; DELETE FROM users WHERE id = (SELECT max(id) FROM users)";
    Connection::open(&sample).unwrap().execute_batch(erase).unwrap();
    let told = format!("1 record of users not here: whoever was erased since {exported_at} would be back, too");
    let merge = import(folder, "older.json", &url, &["--profile", "supportsignal", "--mode", "merge", "--dry-run"]);
    assert!(merge.text().contains(&told), "{} {}", merge.text(), merge.stderr);
    let merge =
        import(folder, "older.json", &on_postgres, &["--profile", "supportsignal", "--mode", "merge", "--dry-run"]);
    assert!(!merge.text().contains("would be back"), "{}", merge.text());
}
