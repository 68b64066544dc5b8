//! Undoing imports into SQLite files: from a file of its own, which counts only if the import was committed.

use std::os::unix::fs::PermissionsExt;

use super::modes::half_filled_file;
use super::plans::{insert, rows};
use super::undo::{MERGE, import_shop, plan_hash, undo};
use super::*;

/// The shop, half filled, with its path and address.
fn half_filled(folder: &Path) -> (PathBuf, String) {
    shop(folder);
    half_filled_file(folder)
}

fn execute(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
}

fn text(path: &Path, sql: &str) -> String {
    Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

fn listed(folder: &Path, url: &str) -> String {
    run(folder, &["import", "undo", "--target", url]).text()
}

/// The folder of undo files, beside the state.
fn undo_folder(folder: &Path) -> PathBuf {
    folder.join("state/waybill/waybill.db.undo")
}

#[test]
fn an_undone_merge_into_a_file_leaves_no_trace_and_the_same_file_has_the_same_plan() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let (_, url) = half_filled(folder);
    let (before, plan) = (records(folder, &url, "before.json"), plan_hash(folder, &url));
    let id = import_shop(folder, &url, &MERGE);
    let merged = records(folder, &url, "merged.json");
    assert_ne!(merged, before);
    assert!(listed(folder, &url).starts_with(&format!("{id}  merge  seal ")), "{}", listed(folder, &url));
    let planned = undo(folder, &url, &id, &["--dry-run"]);
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    assert!(
        planned.text().starts_with("would undo: 2 removed, 1 restored; nothing was written\n"),
        "{}",
        planned.text()
    );
    assert_eq!(records(folder, &url, "same.json"), merged, "a dry run writes nothing");

    let undone = undo(folder, &url, &id, &[]);
    assert_eq!(undone.code, 0, "{}", undone.stderr);
    assert!(undone.text().starts_with("undone: 2 removed, 1 restored\n"), "{}", undone.text());
    assert_eq!(records(folder, &url, "after.json"), before);
    assert_eq!(plan_hash(folder, &url), plan);
    let again = undo(folder, &url, &id, &[]);
    assert!(again.code == 1 && again.stderr.contains("it is undone already"), "{}", again.stderr);
    assert_eq!(listed(folder, &url), "no import by this user can be undone here\n");
    assert_eq!(fs::read_dir(undo_folder(folder)).unwrap().count(), 0);
}

#[test]
fn the_command_that_an_import_and_the_list_name_undoes_it() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let (_, url) = half_filled(folder);
    for command_of in
        [(|folder, url| import(folder, "shop.json", url, &MERGE).text()) as fn(&Path, &str) -> String, |folder, url| {
            import_shop(folder, url, &MERGE);
            listed(folder, url)
        }]
    {
        let text = command_of(folder, &url);
        let command = text.split("waybill ").nth(1).and_then(|text| text.lines().next()).unwrap();
        let arguments: Vec<&str> = command.split(' ').take(5).collect();
        let undone = run(folder, &arguments);
        assert_eq!(undone.code, 0, "{arguments:?}: {}", undone.stderr);
    }
}

#[test]
fn an_undone_import_into_empty_tables_or_beside_others_removes_its_own_rows_only() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let schema = "CREATE TABLE notes (text TEXT);
         CREATE TABLE tags (name TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID;
         CREATE TABLE loose (name TEXT PRIMARY KEY);
         CREATE TABLE shadowed (rowid TEXT, oid TEXT, _rowid_ TEXT NOT NULL PRIMARY KEY);";
    let rows = "INSERT INTO notes VALUES ('same'), ('same'), (NULL); INSERT INTO tags VALUES ('a', 1), ('b', 2);
         INSERT INTO loose VALUES (NULL), (NULL), ('x'); INSERT INTO shadowed VALUES ('1', '2', '3')";
    let (_, source) = sqlite(folder, "source.db", &format!("{schema}{rows}"));
    export(folder, &source, "shop.json");
    let (path, url) = sqlite(folder, "target.db", schema);
    let id = import_shop(folder, &url, &[]);
    let undone = undo(folder, &url, &id, &[]);
    assert_eq!(undone.code, 0, "{}", undone.stderr);
    assert!(undone.text().starts_with("undone: 9 removed\n"), "{}", undone.text());
    assert_eq!(["notes", "tags", "loose", "shadowed"].map(|table| count(&path, table)), [0; 4]);

    execute(
        &path,
        "INSERT INTO notes VALUES ('same'); INSERT INTO tags VALUES ('c', 3); INSERT INTO loose VALUES (NULL)",
    );
    let id = import_shop(folder, &url, &["--mode", "append"]);
    let undone = undo(folder, &url, &id, &[]);
    assert_eq!(undone.code, 0, "{}", undone.stderr);
    let left = "SELECT (SELECT group_concat(text) FROM notes) || (SELECT group_concat(name) FROM tags) || (SELECT count(*) FROM loose)
         || (SELECT count(*) FROM shadowed)";
    assert_eq!(text(&path, left), "samec10");
}

#[test]
fn what_others_have_changed_since_in_a_file_ends_an_undo_or_stays_as_it_is() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let (path, url) = half_filled(folder);
    let id = import_shop(folder, &url, &MERGE);
    execute(&path, "UPDATE customers SET note = 'mine' WHERE id = 1");
    let merged = records(folder, &url, "merged.json");
    let planned = undo(folder, &url, &id, &["--dry-run"]);
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

    // A record of somebody else that refers to one that would be removed, also if the file would remove it, too.
    execute(
        &path,
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (id) ON DELETE CASCADE) WITHOUT ROWID;
         INSERT INTO visits VALUES (1, 2), (2, 99)",
    );
    for options in [&["--keep-changed"][..], &["--keep-changed", "--dry-run"]] {
        let refused = undo(folder, &url, &id, options);
        assert_eq!(refused.code, 3, "{}", refused.stderr);
        assert!(
            refused.stderr.contains("would refer to records that are not there any more: visits (1 to customers)"),
            "{}",
            refused.stderr
        );
    }
    execute(&path, "DELETE FROM visits WHERE id = 1");
    let undone = undo(folder, &url, &id, &["--keep-changed"]);
    assert_eq!(undone.code, 0, "{}", undone.stderr);
    let customers = "SELECT group_concat(id || ':' || coalesce(note, '-')) FROM (SELECT * FROM customers ORDER BY id)";
    assert_eq!(text(&path, customers), "1:mine,3:-");
    assert_eq!(text(&path, "SELECT group_concat(id) FROM orders"), "7,9");
}

/// Killed between the two, the file of the undo is there and the import is not.
#[test]
fn an_import_that_was_never_committed_is_none_that_could_be_undone() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let (path, url) = half_filled(folder);
    let before = fs::read(&path).unwrap();
    let id = import_shop(folder, &url, &MERGE);
    let after = fs::read(&path).unwrap();
    fs::write(&path, &before).unwrap();
    assert_eq!(listed(folder, &url), "no import by this user can be undone here\n");
    let refused = undo(folder, &url, &id, &[]);
    assert!(refused.code == 3 && refused.stderr.contains("it was never committed, or is undone"), "{}", refused.stderr);
    assert_eq!(fs::read(&path).unwrap(), before);
    fs::write(&path, after).unwrap();
    assert_eq!(undo(folder, &url, &id, &[]).code, 0);
}

#[test]
fn what_is_kept_of_a_file_is_private_and_an_import_that_cannot_keep_it_writes_nothing() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let (path, url) = half_filled(folder);
    fs::write(folder.join("taken"), "").unwrap();
    let before = fs::read(&path).unwrap();
    for options in [&["--undo-folder", "taken"][..], &["--undo-folder", "/proc/waybill"]] {
        let refused = import(folder, "shop.json", &url, &[&MERGE[..], options].concat());
        assert_eq!(refused.code, 1, "{}", refused.stderr);
        let hint = "choose another folder with --undo-folder, or import with --no-undo; nothing was imported";
        assert!(refused.stderr.trim_end().ends_with(hint), "{}", refused.stderr);
    }
    assert_eq!(fs::read(&path).unwrap(), before);
    let id = import_shop(folder, &url, &[&MERGE[..], &["--undo-folder", "kept"]].concat());
    let mode = |path: PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(folder.join("kept")), mode(folder.join(format!("kept/{id}.undo")))), (0o700, 0o600));
    assert_eq!(undo(folder, &url, &id, &[]).code, 1, "it is in another folder");
    assert_eq!(undo(folder, &url, &id, &["--undo-folder", "kept"]).code, 0);
    let report = import(folder, "shop.json", &url, &[&MERGE[..], &["--no-undo", "--json"]].concat());
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(report["undo"], serde_json::Value::Null);
}

#[test]
fn another_table_or_a_trigger_ends_an_undo_of_a_file() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let (path, url) = half_filled(folder);
    let id = import_shop(folder, &url, &MERGE);
    let merged = records(folder, &url, "merged.json");
    for (change, back, why) in [
        (
            "ALTER TABLE customers ADD COLUMN more TEXT",
            "ALTER TABLE customers DROP COLUMN more",
            "customers is another table, with other columns, than at the import",
        ),
        (
            "ALTER TABLE orders RENAME TO old_orders",
            "ALTER TABLE old_orders RENAME TO orders",
            "the database has no table orders any more",
        ),
        (
            "CREATE TRIGGER touch AFTER UPDATE ON customers BEGIN UPDATE customers SET note = 'touched' WHERE id = NEW.id; END",
            "DROP TRIGGER touch",
            "the database gives 1 of 1 records of customers other values than they had: a trigger changes them",
        ),
        (
            "CREATE TRIGGER keep BEFORE DELETE ON orders BEGIN SELECT RAISE(IGNORE); END",
            "DROP TRIGGER keep",
            "the database has changed 0 of 1 records of orders: a trigger or a rule keeps the others",
        ),
    ] {
        execute(&path, change);
        let refused = undo(folder, &url, &id, &[]);
        assert_eq!(refused.code, 3, "{}{}", refused.text(), refused.stderr);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
        execute(&path, back);
    }
    assert_eq!(records(folder, &url, "still.json"), merged);
    assert_eq!(undo(folder, &url, &id, &[]).code, 0);
}

#[test]
fn values_that_are_unique_go_back_to_whom_they_belonged() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let schema = "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE ON CONFLICT REPLACE);";
    let (_, source) =
        sqlite(folder, "source.db", &format!("{schema} INSERT INTO users VALUES (1, 'new@x'), (2, 'old@x')"));
    export(folder, &source, "shop.json");
    let (path, url) = sqlite(folder, "target.db", &format!("{schema} INSERT INTO users VALUES (1, 'old@x')"));
    let id = import_shop(folder, &url, &MERGE);
    let users = "SELECT group_concat(id || email) FROM users";
    assert_eq!(text(&path, users), "1new@x,2old@x");
    let undone = undo(folder, &url, &id, &[]);
    assert_eq!(undone.code, 0, "{}", undone.stderr);
    assert_eq!(text(&path, users), "1old@x");
}

#[test]
fn what_is_kept_of_a_file_is_dropped_after_a_day() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let (_, url) = half_filled(folder);
    let id = import_shop(folder, &url, &MERGE);
    let kept = undo_folder(folder);
    let millis = i64::from_str_radix(&id[..12], 16).unwrap() - 25 * 3_600_000;
    let old = format!("{millis:012x}{}", &id[12..]);
    fs::rename(kept.join(format!("{id}.undo")), kept.join(format!("{old}.undo"))).unwrap();
    let killed = kept.join(format!("{old}aBcD12.partial"));
    fs::write(&killed, "killed").unwrap();
    fs::set_permissions(&killed, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(listed(folder, &url).starts_with(&old));
    let id = import_shop(folder, &url, &MERGE);
    let names: Vec<_> = fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [format!("{id}.undo").as_str()]);
}

#[test]
fn random_merges_into_a_file_are_undone_without_a_trace() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let schema = "CREATE TABLE things (id INTEGER PRIMARY KEY, n INTEGER, text TEXT);";
    let (file, source) = sqlite(folder, "source.db", schema);
    let (path, url) = sqlite(folder, "things.db", schema);
    let mut runner = random_cases();
    let checked = runner.run(&(rows(), rows()), |(in_file, in_database)| {
        execute(&file, &format!("DELETE FROM things; {}", insert(&in_file)));
        execute(&path, &format!("DELETE FROM things; {}", insert(&in_database)));
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

/// The first import's old values are older than what the second one has replaced.
#[test]
fn an_import_is_undone_after_the_later_ones_that_have_written_to_its_tables() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let (path, url) = half_filled(folder);
    let first = import_shop(folder, &url, &MERGE);
    execute(
        &path,
        "UPDATE customers SET note = 'precious' WHERE id = 1; UPDATE customers SET name = 'another Bob' WHERE id = 2",
    );
    let edited = records(folder, &url, "edited.json");
    let second = import_shop(folder, &url, &MERGE);
    for options in [&[][..], &["--dry-run"], &["--keep-changed"]] {
        let refused = undo(folder, &url, &first, options);
        assert_eq!(refused.code, 3, "{}", refused.text());
        let why = format!("the import {second} came later, and has written to customers, too: undo that one first");
        assert!(refused.stderr.contains(&why), "{}", refused.stderr);
    }
    assert_eq!(undo(folder, &url, &second, &[]).code, 0);
    assert_eq!(records(folder, &url, "again.json"), edited);
    assert_eq!(undo(folder, &url, &first, &[]).code, 3, "somebody has changed its records");
}

#[test]
fn what_triggers_make_of_other_tables_or_of_removed_rows_is_not_called_undone() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let (path, url) = half_filled(folder);
    let id = import_shop(folder, &url, &MERGE);
    for (trigger, why) in [
        (
            "CREATE TRIGGER other AFTER DELETE ON orders BEGIN UPDATE customers SET note = 'touched' WHERE id = 1; END",
            None,
        ),
        (
            "CREATE TRIGGER other AFTER UPDATE ON customers BEGIN INSERT INTO orders VALUES (8, 1, 1); END",
            Some("the database has changed 0 of 1 records of orders"),
        ),
        (
            "CREATE TRIGGER other AFTER DELETE ON customers BEGIN INSERT INTO customers VALUES (OLD.id, 'deleted', NULL); END",
            Some("the database has changed 0 of 1 records of customers"),
        ),
    ] {
        execute(&path, trigger);
        let planned = undo(folder, &url, &id, &["--dry-run"]);
        match why {
            Some(why) => assert!(planned.code == 3 && planned.stderr.contains(why), "{}", planned.stderr),
            None => assert_eq!(planned.code, 0, "the old value comes after the trigger: {}", planned.stderr),
        }
        execute(&path, "DROP TRIGGER other");
    }
    assert_eq!(undo(folder, &url, &id, &[]).code, 0);
    // A trigger could give an appended record another key.
    execute(
        &path,
        "DELETE FROM orders; DELETE FROM customers; CREATE TRIGGER other AFTER INSERT ON orders BEGIN SELECT 1; END",
    );
    let refused = import(folder, "shop.json", &url, &["--mode", "append"]);
    assert_eq!(refused.code, 3, "{}", refused.text());
    assert!(refused.stderr.contains("add --no-undo"), "{}", refused.stderr);
    assert_eq!(import(folder, "shop.json", &url, &["--mode", "append", "--no-undo"]).code, 0);
}

#[test]
fn a_folder_that_others_may_enter_keeps_nothing_and_foreign_files_stay() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let (_, url) = half_filled(folder);
    let kept = folder.join("kept");
    fs::create_dir(&kept).unwrap();
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o755)).unwrap();
    let options = [&MERGE[..], &["--undo-folder", "kept"]].concat();
    let refused = import(folder, "shop.json", &url, &options);
    assert_eq!(refused.code, 3, "{}", refused.text());
    assert!(
        refused.stderr.contains("must be a folder of this user that nobody else can enter (chmod 700)"),
        "{}",
        refused.stderr
    );
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o700)).unwrap();
    for name in ["010203040506_report.undo", "000000000000notes.partial", "019000000000zz.undo"] {
        fs::write(kept.join(name), "precious").unwrap();
        fs::set_permissions(kept.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let id = import_shop(folder, &url, &options);
    assert_eq!(fs::read_dir(&kept).unwrap().count(), 4);
    let file = kept.join(format!("{id}.undo"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(undo(folder, &url, &id, &["--undo-folder", "kept"]).code, 1, "others could read it");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(undo(folder, &url, &id, &["--undo-folder", "kept"]).code, 0);
}

#[test]
fn references_that_led_nowhere_before_the_import_may_do_so_after_its_undo() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    shop(folder);
    let lost = "CREATE TABLE visits (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (id)); INSERT INTO visits VALUES (1, 2);
         INSERT INTO customers VALUES (1, 'Ada', NULL); INSERT INTO orders VALUES (8, 2, 3);";
    let (path, url) = sqlite(folder, "target.db", SHOP_ON_SQLITE);
    execute(&path, lost);
    let before = records(folder, &url, "before.json");
    let id = import_shop(folder, &url, &MERGE);
    let undone = undo(folder, &url, &id, &[]);
    assert_eq!(undone.code, 0, "{}", undone.stderr);
    assert_eq!(records(folder, &url, "after.json"), before);
}

#[test]
fn rows_that_their_key_does_not_tell_apart_are_not_kept() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let schema = "CREATE TABLE words (k TEXT NOT NULL COLLATE NOCASE, v TEXT, PRIMARY KEY (k COLLATE BINARY));";
    let (_, source) = sqlite(folder, "source.db", &format!("{schema} INSERT INTO words VALUES ('a', 'file')"));
    export(folder, &source, "shop.json");
    let (path, url) = sqlite(folder, "target.db", &format!("{schema} INSERT INTO words VALUES ('A', 'theirs')"));
    let refused = import(folder, "shop.json", &url, &["--mode", "append"]);
    assert_eq!(refused.code, 3, "{}", refused.text());
    assert!(refused.stderr.contains("add --no-undo"), "{}", refused.stderr);
    assert_eq!(text(&path, "SELECT group_concat(v) FROM words"), "theirs");
}

/// A new file of the name of the old one is another database.
#[test]
fn what_is_kept_of_a_file_is_not_for_another_one_of_its_name() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let (path, url) = half_filled(folder);
    let id = import_shop(folder, &url, &MERGE);
    let moved = folder.join("moved.db");
    fs::rename(&path, &moved).unwrap();
    fs::copy(&moved, &path).unwrap();
    let refused = undo(folder, &url, &id, &[]);
    assert_eq!(refused.code, 1, "{}{}", refused.text(), refused.stderr);
    assert!(refused.stderr.contains("there is no import of this id"), "{}", refused.stderr);
}

/// No file may grow beyond a limit, as on a full disk: whichever file it is (the database, its journal, what is kept, the state), and
/// whichever write fails, the database has all of the import or nothing.
#[test]
fn whichever_write_fails_the_file_has_all_of_the_import_or_nothing_and_what_is_kept_tells_which() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let table = "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT);";
    let rows = |count: u32, word: &str| {
        let values: Vec<String> = (0..count).map(|id| format!("({id}, '{}')", word.repeat(100))).collect();
        format!("{table} INSERT INTO notes VALUES {};", values.join(", "))
    };
    let (_, source) = sqlite(folder, "source.db", &rows(600, "new"));
    export(folder, &source, "notes.json");
    let (path, url) = sqlite(folder, "half.db", &rows(300, "old"));
    // The state is there before the disk is full.
    assert_eq!(run(folder, &["import", "notes.json", "--target", &url, "--mode", "merge", "--dry-run"]).code, 0);
    let sum = || text(&path, "SELECT count(*) || ' ' || sum(body LIKE 'new%') FROM notes");
    let (mut failed, mut imported) = (0, 0);
    for kilobytes in (4..420).step_by(4) {
        let arguments = ["import", "notes.json", "--target", &url, "--mode", "merge"];
        let ended = WaybillCommand::with_file_size_limit(kilobytes, folder).run(arguments);
        let kept = listed(folder, &url);
        // The import may be done, and only the audit trail not.
        if ended.code == 0 || ended.stderr.contains("it is done, but the audit trail could not be told so") {
            assert_eq!(sum(), "600 600", "{kilobytes}");
            assert_eq!(kept.matches("  merge  ").count(), 1, "{kilobytes}: {kept}");
            let id = kept.split("  ").next().unwrap().to_owned();
            let undone = undo(folder, &url, &id, &[]);
            assert_eq!(undone.code, 0, "{kilobytes}: {}", undone.stderr);
            imported += 1;
        } else {
            assert_eq!(kept, "no import by this user can be undone here\n", "{kilobytes}");
            failed += 1;
        }
        assert_eq!(sum(), "300 0", "{kilobytes}: {}", ended.stderr);
    }
    assert!(failed > 20 && imported > 10, "{failed} failed, {imported} did not");
}
