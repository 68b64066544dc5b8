//! Masked or omitted values must not be revealed by derived columns or by the order of records.

use std::fs;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::harness::{Postgres, WaybillCommand, parse_export};

/// M13, D8: a search vector over masked names would hold them word for word.
#[test]
fn columns_computed_from_masked_columns_are_not_kept() {
    let server = Postgres::start();
    server.sql(
        "CREATE TABLE people (id integer PRIMARY KEY, name text, note text, city text,
            search tsvector GENERATED ALWAYS AS (to_tsvector('simple', name)) STORED,
            shouted text GENERATED ALWAYS AS (upper(city)) STORED, words tsvector);
         CREATE TRIGGER keep BEFORE INSERT OR UPDATE ON people FOR EACH ROW
            EXECUTE FUNCTION tsvector_update_trigger(words, 'pg_catalog.simple', note, city);
         INSERT INTO people (id, name, note, city) VALUES (1, 'Lovelace', 'Analytical', 'London')",
    );
    let folder = TempDir::new().unwrap();
    let sqlite = folder.path().join("people.db");
    rusqlite::Connection::open(&sqlite)
        .unwrap()
        .execute_batch(
            "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, note TEXT, city TEXT,
                search TEXT GENERATED ALWAYS AS (lower(\"name\")) VIRTUAL, shouted TEXT AS (upper(city)) STORED,
                words TEXT AS (note || search));
             INSERT INTO people (id, name, note, city) VALUES (1, 'Lovelace', 'Analytical', 'London')",
        )
        .unwrap();
    let profile = "name = \"people\"\n[treatments]\npersonal = \"mask\"\n[tables.people.columns]\nid = \"plain\"\n\
                   name = \"personal\"\nnote = \"personal\"\ncity = \"plain\"\nsearch = \"plain\"\nshouted = \"plain\"\nwords = \"plain\"\n";
    fs::write(folder.path().join("people.toml"), profile).unwrap();
    for source in [server.url(), format!("sqlite:{}", sqlite.display())] {
        let run = |arguments: &[&str]| {
            let more = ["--profile", "people.toml", "--source", &source];
            WaybillCommand::new(folder.path()).run([arguments, &more].concat())
        };
        let ended = run(&["export", "--output", "out.json", "--force"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let text = fs::read_to_string(folder.path().join("out.json")).unwrap();
        for value in ["lovelace", "analytical"] {
            assert!(!text.to_lowercase().contains(value), "{value}: {text}");
        }
        assert!(text.contains("LONDON"), "a column computed from plain columns was not kept: {text}");
        let check = run(&["profile", "check"]);
        assert!(
            check.stderr.contains("people.search is computed from name and therefore counts as personal"),
            "{}",
            check.stderr
        );
    }
}

/// L8: records ordered by a masked key would reveal its order.
#[test]
fn records_are_ordered_only_by_columns_exported_unchanged() {
    let folder = TempDir::new().unwrap();
    let source = folder.path().join("people.db");
    Connection::open(&source)
        .unwrap()
        .execute_batch(
            "CREATE TABLE people (email TEXT PRIMARY KEY, town TEXT);
             INSERT INTO people VALUES ('c@example.org', 'Aachen'), ('a@example.org', 'Zwolle'), ('b@example.org', 'Mons')",
        )
        .unwrap();
    for (email, towns) in [("personal", ["Aachen", "Mons", "Zwolle"]), ("plain", ["Zwolle", "Mons", "Aachen"])] {
        let profile = format!(
            "name = \"people\"\n[treatments]\npersonal = \"pseudonymise\"\n[tables.people.columns]\nemail = \"{email}\"\ntown = \"plain\"\n"
        );
        fs::write(folder.path().join("people.toml"), profile).unwrap();
        let source = format!("sqlite:{}", source.display());
        let arguments = [
            "export",
            "--order",
            "key",
            "--output",
            "out.json",
            "--force",
            "--profile",
            "people.toml",
            "--source",
            &source,
        ];
        assert_eq!(WaybillCommand::new(folder.path()).run(arguments).code, 0);
        let export = parse_export(&fs::read(folder.path().join("out.json")).unwrap());
        let found: Vec<&str> = (0..3).map(|row| export.data["people"][row]["town"].as_str().unwrap()).collect();
        assert_eq!(found, towns, "{email}");
    }
}
