//! Missing, locked, damaged and read-only sources, and values of another type than their column.

use rusqlite::Connection;
use tempfile::TempDir;

use crate::harness::{CommandOutput, WaybillCommand, generate_sample, parse_export};

fn export(folder: &TempDir, source: &str) -> CommandOutput {
    WaybillCommand::new(folder.path()).run([
        "export",
        "--source",
        &format!("sqlite:{source}"),
        "--profile",
        "supportsignal",
        "--output",
        "out.json",
    ])
}

#[test]
fn a_source_that_cannot_be_used_is_named_with_its_reason_and_nothing_is_written() {
    let folder = TempDir::new().unwrap();
    let make = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    make("text.db", b"this is not a database, it is a text of some length, as one can see");
    make("short.db", b"x");
    make("empty.db", b"");
    std::fs::create_dir(folder.path().join("folder.db")).unwrap();
    let other = Connection::open(folder.path().join("other.db")).unwrap();
    other.execute_batch("CREATE TABLE t (x); CREATE TABLE users (id)").unwrap();
    let cases = [
        ("missing.db", "missing.db: the database file does not exist"),
        ("text.db", "text.db: the file is not an SQLite database"),
        // SQLite treats a file shorter than its header as empty.
        ("short.db", "short.db: the database does not fit the profile supportsignal: tables are missing"),
        ("folder.db", "folder.db: the database file cannot be opened: it is a directory"),
        (
            "empty.db",
            "empty.db: the database does not fit the profile supportsignal: tables are missing: accounts, ai_prompts,",
        ),
        (
            "other.db",
            "other.db: the database does not fit the profile supportsignal: tables are missing: accounts, ai_prompts,",
        ),
    ];
    for (source, reason) in cases {
        let ended = export(&folder, source);
        let code = if reason.contains("does not fit") { 3 } else { 1 };
        assert_eq!(ended.code, code, "{source}: {}", ended.stderr);
        assert!(ended.stderr.contains(reason), "{source}: {}", ended.stderr);
        assert!(!folder.path().join("out.json").exists());
    }
    let left = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    assert!(!left.into_iter().any(|name| name.contains(".part")));
}

#[test]
fn a_locked_source_fails_after_the_wait_with_its_reason() {
    let folder = TempDir::new().unwrap();
    let source = generate_sample(3, folder.path());
    let lock = Connection::open(&source).unwrap();
    lock.execute_batch("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE").unwrap();
    let ended = export(&folder, "sample.db");
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("another program has locked the database (waited 5 seconds)"), "{}", ended.stderr);
}

#[test]
fn a_read_only_source_can_be_exported() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let source = generate_sample(3, folder.path());
    Connection::open(&source).unwrap().execute_batch("PRAGMA journal_mode = DELETE").unwrap();
    let before = std::fs::read(&source).unwrap();
    std::fs::set_permissions(&source, PermissionsExt::from_mode(0o400)).unwrap();
    assert_eq!(export(&folder, "sample.db").code, 0);
    assert!(std::fs::read(&source).unwrap() == before, "the source was changed");
}

#[test]
fn a_damaged_source_fails_with_a_clear_reason_and_leaves_no_file() {
    use std::io::{Seek, SeekFrom, Write};
    let folder = TempDir::new().unwrap();
    let source = generate_sample(50, folder.path());
    Connection::open(&source).unwrap().execute_batch("PRAGMA journal_mode = DELETE").unwrap();
    let bytes = std::fs::metadata(&source).unwrap().len();
    let mut file = std::fs::OpenOptions::new().write(true).open(&source).unwrap();
    for page in (bytes / 4096 / 4)..(bytes / 4096) {
        file.seek(SeekFrom::Start(page * 4096)).unwrap();
        file.write_all(&[0xff; 64]).unwrap();
    }
    let ended = export(&folder, "sample.db");
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("the database is damaged"), "{}", ended.stderr);
    assert!(!folder.path().join("out.json").exists());
}

/// SQLite stores any value in any column; values of another type are exported with a tag, without loss.
#[test]
fn values_of_another_type_than_their_column_are_exported_exactly() {
    let folder = TempDir::new().unwrap();
    let source = generate_sample(3, folder.path());
    let connection = Connection::open(&source).unwrap();
    connection
        .execute_batch(
            "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF; DELETE FROM sites; DELETE FROM workflow_handoffs;
             INSERT INTO sites VALUES ('text in integer', 'abc', 'c', 'n', 1, 'u', NULL);
             INSERT INTO sites VALUES ('blob in text', 1, 'c', x'00ff', 1, 'u', NULL);
             INSERT INTO sites VALUES ('not UTF-8', 1, 'c', CAST(x'61ff62' AS TEXT), 1, 'u', NULL);
             INSERT INTO sites VALUES ('nul', 1, 'c', 'a' || char(0) || 'b', 1, 'u', NULL);
             INSERT INTO sites VALUES ('ends', 9223372036854775807, 'c', '</script><b>', -9223372036854775808, 'u', 9007199254740991);
             INSERT INTO sites VALUES ('real', 1.5, 'c', 'é\"\\ \u{2028} 👍', 1e999, 'u', 9007199254740993);
             INSERT INTO sites VALUES ('', 0, 'c', '', 0, '', 0);
             INSERT INTO workflow_handoffs VALUES ('h1', 1, 'i', 'a', 'b', '{\"n\":9007199254740993}', 2, 1, 'yes', NULL, NULL, 1);
             INSERT INTO workflow_handoffs VALUES ('h2', 1, 'i', 'a', 'b', '{\"a\":1,\"a\":2}', 1, 1, 0, NULL, NULL, 1);
             INSERT INTO workflow_handoffs VALUES ('h3', 1, 'i', 'a', 'b', 'not json', 1, 1, 0, NULL, NULL, 1);
             INSERT INTO workflow_handoffs VALUES ('h4', 1, 'i', 'a', 'b', '[1, 2.50, \"x\"]', 1, 1, 0, NULL, NULL, 1);
             UPDATE ai_prompts SET temperature = 0.1 + 0.2, success_rate = 1e999 WHERE rowid = 1;
             UPDATE ai_prompts SET temperature = 'warm', success_rate = 5e-324 WHERE rowid = 2;",
        )
        .unwrap();
    let ended = export(&folder, "sample.db");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let bytes = std::fs::read(folder.path().join("out.json")).unwrap();
    let data = parse_export(&bytes).data;
    let value = |table: &str, id: &str, column: &str| {
        let record = data[table].iter().find(|record| record["id"] == id).unwrap_or_else(|| panic!("{id}"));
        record[column].to_string()
    };
    assert_eq!(value("sites", "text in integer", "_creation_time"), r#"{"$text":"abc"}"#);
    assert_eq!(value("sites", "blob in text", "name"), r#"{"$blob":"AP8="}"#);
    assert_eq!(value("sites", "not UTF-8", "name"), r#"{"$bytes":"Yf9i"}"#);
    assert_eq!(value("sites", "nul", "name"), r#""a\u0000b""#);
    assert_eq!(value("sites", "ends", "_creation_time"), r#""9223372036854775807""#);
    assert_eq!(value("sites", "ends", "created_at"), r#""-9223372036854775808""#);
    assert_eq!(value("sites", "ends", "updated_at"), "9007199254740991");
    assert_eq!(value("sites", "real", "_creation_time"), r#"{"$real":1.5}"#);
    assert_eq!(value("sites", "real", "created_at"), r#"{"$real":"Infinity"}"#);
    assert_eq!(value("sites", "real", "updated_at"), r#""9007199254740993""#);
    assert_eq!(value("sites", "real", "name"), "\"é\\\"\\\\ \\u{2028} 👍\"".replace("\\u{2028}", "\u{2028}"));
    assert_eq!(value("sites", "", "name"), r#""""#);
    assert_eq!(value("workflow_handoffs", "h1", "handoff_data"), r#"{"$json":"{\"n\":9007199254740993}"}"#);
    assert_eq!(value("workflow_handoffs", "h1", "team_leader_notified"), r#"{"$int":2}"#);
    assert_eq!(value("workflow_handoffs", "h1", "handoff_accepted"), r#"{"$text":"yes"}"#);
    assert_eq!(value("workflow_handoffs", "h2", "handoff_data"), r#"{"$json":"{\"a\":1,\"a\":2}"}"#);
    assert_eq!(value("workflow_handoffs", "h3", "handoff_data"), r#"{"$json":"not json"}"#);
    assert!(String::from_utf8(bytes).unwrap().contains("\"handoff_data\":[1, 2.50, \"x\"],"), "embedded as it stands");
    let prompts = &data["ai_prompts"];
    assert_eq!(prompts[0]["temperature"].to_string(), "0.30000000000000004");
    assert_eq!(prompts[0]["success_rate"], "Infinity");
    assert_eq!(prompts[1]["temperature"].to_string(), r#"{"$text":"warm"}"#);
    assert_eq!(prompts[1]["success_rate"].as_f64(), Some(5e-324));
}

#[test]
fn a_cell_of_ten_megabytes_and_hostile_names_survive() {
    let folder = TempDir::new().unwrap();
    let source = generate_sample(3, folder.path());
    let connection = Connection::open(&source).unwrap();
    let long = "ä\"\n".repeat(2_500_000);
    connection.execute("UPDATE incident_narratives SET consolidated_narrative = ?1 WHERE rowid = 1", [&long]).unwrap();
    let blob = vec![0xa5_u8; 3_000_001];
    connection.execute("UPDATE incident_narratives SET before_event_extra = ?1 WHERE rowid = 1", [&blob]).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE \"we\"\"ird; DROP TABLE users--\" (x); CREATE TABLE \"new\nline 👍\" (\"select\" TEXT)",
        )
        .unwrap();
    let ended = export(&folder, "sample.db");
    assert_eq!(ended.code, 6, "expected exit code 6 for unknown tables: {}", ended.stderr);
    assert!(ended.stderr.contains("new\\u000aline"), "a newline in a name was not escaped: {}", ended.stderr);
    let export = parse_export(&std::fs::read(folder.path().join("out.json")).unwrap());
    let narrative = &export.data["incident_narratives"][0];
    assert!(narrative["consolidated_narrative"].as_str() == Some(&long));
    assert_eq!(narrative["before_event_extra"]["$blob"].as_str().unwrap().len(), 4_000_004);
    let unknown = export.metadata["redaction"]["unclassified"].as_array().unwrap();
    assert!(unknown.contains(&"we\"ird; DROP TABLE users--".into()) && unknown.contains(&"new\nline 👍".into()));
}

#[test]
fn objects_that_are_not_plain_tables_are_listed_with_their_reason() {
    let folder = TempDir::new().unwrap();
    let source = generate_sample(3, folder.path());
    Connection::open(&source)
        .unwrap()
        .execute_batch(
            "CREATE VIEW open_incidents AS SELECT * FROM incidents; CREATE VIRTUAL TABLE search USING fts5(text)",
        )
        .unwrap();
    let ended = export(&folder, "sample.db");
    assert_eq!(ended.code, 0);
    for said in
        ["not included  search (a virtual table: its content is not exported)", "not included  open_incidents (a view"]
    {
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
    let export = parse_export(&std::fs::read(folder.path().join("out.json")).unwrap());
    let listed: Vec<&str> =
        export.metadata["notIncluded"].as_array().unwrap().iter().map(|o| o["object"].as_str().unwrap()).collect();
    assert!(
        listed.contains(&"open_incidents") && listed.contains(&"search") && listed.contains(&"search_data"),
        "{listed:?}"
    );
}
