//! What reviewers of the replacement of parts have found, each as a test.

use waybill::model::manifest::{ExportType, Metadata};
use waybill::model::ordered_map::OrderedMap;

use super::undo::undo;
use super::*;
use crate::harness::sealed_again;

const PROFILE: &str = r#"name = "desk"
[[references]]
from = "notes.item"
to = "users.id"
when = { kind = "user" }
[[references]]
from = "notes.item"
to = "rooms.id"
when = { kind = "room" }
[filters.company]
label = "Company"
table = "companies"
show = "name"
boundary = true
[filters.any]
label = "Company, and what is nobody's"
table = "companies"
show = "name"
[outside]
default = "null"
[tables.companies.columns]
id = "plain"
name = "plain"
[tables.users]
owned_by = ["company_id"]
[tables.users.columns]
id = "plain"
company_id = "plain"
name = "personal"
password = "secret"
[tables.rooms]
owned_by = ["company_id"]
[tables.rooms.columns]
id = "plain"
company_id = "plain"
[tables.incidents]
owned_by = ["company_id"]
[tables.incidents.columns]
id = "plain"
company_id = "plain"
title = "plain"
[tables.comments]
owned_by = ["incident_id"]
[tables.comments.columns]
id = "plain"
incident_id = "plain"
text = "plain"
[tables.notes]
owned_by = ["company_id"]
[tables.notes.columns]
id = "plain"
company_id = "plain"
kind = "plain"
item = "plain"
"#;
const SCHEMA: &str = "CREATE TABLE companies (id text PRIMARY KEY, name text NOT NULL);
    CREATE TABLE users (id bigint PRIMARY KEY, company_id text REFERENCES companies (id), name text, password text);
    CREATE TABLE rooms (id bigint PRIMARY KEY, company_id text REFERENCES companies (id));
    CREATE TABLE incidents (id bigint PRIMARY KEY, company_id text REFERENCES companies (id), title text);
    CREATE TABLE comments (id bigint PRIMARY KEY, incident_id bigint NOT NULL REFERENCES incidents (id), text text);
    CREATE TABLE notes (id bigint PRIMARY KEY, company_id text REFERENCES companies (id), kind text, item bigint);";
const ROWS: &str = "INSERT INTO companies VALUES ('a', 'Acme'), ('b', 'Beta');
    INSERT INTO users VALUES (1, 'a', 'Ada', 'h1'), (2, 'b', 'Bob', 'h2'), (7, 'b', 'Bea', 'h7');
    INSERT INTO rooms VALUES (7, 'b');
    INSERT INTO incidents VALUES (1, 'a', 'one'), (2, 'a', 'two'), (10, 'b', 'ten');
    INSERT INTO comments VALUES (1, 1, 'of one'), (2, 2, 'of two');
    INSERT INTO notes VALUES (1, 'a', 'user', 2), (2, 'a', 'user', 1);";
const REPLACE: [&str; 4] = ["--mode", "replace", "--profile", "desk.toml"];

/// What runs statements in a database, and returns the texts that they select.
type Sql<'s> = Box<dyn Fn(&str) -> String + 's>;

fn databases<'s>(folder: &Path, server: &'s Postgres) -> [(String, Sql<'s>); 2] {
    fs::write(folder.join("desk.toml"), PROFILE).unwrap();
    let (path, on_sqlite) = sqlite(folder, "desk.db", &format!("{SCHEMA}{ROWS}"));
    let on_postgres = database(server, "desk_on_server", &format!("{SCHEMA}{ROWS}"));
    let in_file = move |sql: &str| {
        let connection = Connection::open(&path).unwrap();
        if sql.starts_with("SELECT") {
            return connection.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
        }
        connection.execute_batch(sql).unwrap();
        String::new()
    };
    let in_server = |sql: &str| server.sql_as("waybill_owner", "desk_on_server", sql);
    [(on_sqlite, Box::new(in_file)), (on_postgres, Box::new(in_server))]
}

fn export_part(folder: &Path, url: &str, filter: &str) {
    drop(fs::remove_file(folder.join("part.json")));
    let source = ["export", "--source", url, "--profile", "desk.toml", "--filter", filter, "--output", "part.json"];
    let ended = run(folder, &source);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn a_company_whose_name_is_the_key_of_one_that_is_gone_keeps_its_records() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    for (url, sql) in databases(folder, &server) {
        export_part(folder, &url, "company=Acme");
        sql("DELETE FROM notes; DELETE FROM comments; DELETE FROM incidents WHERE company_id = 'a'; DELETE FROM users WHERE company_id = 'a';
             DELETE FROM companies WHERE id = 'a'; UPDATE companies SET name = 'a'");
        let refused = import(folder, "part.json", &url, &REPLACE);
        assert_eq!(refused.code, 3, "{}", refused.text());
        assert!(refused.stderr.contains("no record has the key"), "{}", refused.stderr);
        assert_eq!(sql("SELECT CAST(count(*) AS text) FROM incidents"), "1");
    }
}

#[test]
fn a_reference_of_another_kind_is_not_kept() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    for (url, sql) in databases(folder, &server) {
        export_part(folder, &url, "company=Acme");
        let note = "SELECT kind || ' ' || coalesce(CAST(item AS text), 'nothing') FROM notes WHERE id = 1";
        assert_eq!(import(folder, "part.json", &url, &REPLACE).code, 0);
        assert_eq!(sql(note), "user 2", "of the same kind, it stays");
        for mode in ["merge", "replace"] {
            // A room of Beta's: in the file, the note is about a user.
            sql("UPDATE notes SET kind = 'room', item = 7 WHERE id = 1");
            let imported = import(folder, "part.json", &url, &["--mode", mode, "--profile", "desk.toml"]);
            assert_eq!(imported.code, 0, "{}", imported.stderr);
            assert_eq!(sql(note), "user nothing", "{mode}");
        }
    }
}

#[test]
fn what_belongs_to_nobody_is_not_removed() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    for (url, sql) in databases(folder, &server) {
        sql("INSERT INTO incidents VALUES (8, NULL, 'nobody''s')");
        export_part(folder, &url, "any=Acme");
        sql(
            "UPDATE incidents SET title = 'changed' WHERE id = 8; INSERT INTO incidents VALUES (9, NULL, 'new'), (3, 'a', 'three')",
        );
        let replaced = import(folder, "part.json", &url, &REPLACE);
        assert_eq!(replaced.code, 0, "{}", replaced.stderr);
        assert!(replaced.text().contains("1 removed"), "{}", replaced.text());
        assert_eq!(sql("SELECT min(title) || max(title) FROM incidents WHERE company_id IS NULL"), "changednew");
    }
}

#[test]
fn nothing_comes_back_to_what_is_somebody_elses_now() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    for (at, (url, sql)) in databases(folder, &server).into_iter().enumerate() {
        export_part(folder, &url, "company=Acme");
        sql("DELETE FROM comments WHERE id = 1; UPDATE incidents SET company_id = 'b', title = 'of Beta' WHERE id = 1");
        let planned = import(folder, "part.json", &url, &[&REPLACE[..], &["--dry-run"]].concat());
        if at == 0 {
            assert_eq!(planned.code, 3, "{}", planned.text());
        } else {
            assert!(planned.text().contains("is seen when they are written"), "{}", planned.text());
        }
        let refused = import(folder, "part.json", &url, &REPLACE);
        assert_eq!(refused.code, 3, "{}", refused.text());
        let says = "1 record of comments that would come back do not belong to what is replaced";
        assert!(refused.stderr.contains(says), "{}", refused.stderr);
        assert_eq!(sql("SELECT CAST(count(*) AS text) FROM comments"), "1");
        let replaced = import(folder, "part.json", &url, &[&REPLACE[..], &["--policy", "comments=skip"]].concat());
        assert_eq!(replaced.code, 0, "{}", replaced.stderr);
        assert_eq!(sql("SELECT title FROM incidents WHERE id = 1"), "of Beta");
    }
}

#[test]
fn work_on_a_record_that_would_be_removed_makes_the_plan_stale() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    for (at, (url, sql)) in databases(folder, &server).into_iter().enumerate() {
        export_part(folder, &url, "company=Acme");
        sql("INSERT INTO incidents VALUES (3, 'a', 'three'), (4, 'a', 'four')");
        let plan = format!("plan{at}.json");
        let planned = import(folder, "part.json", &url, &[&REPLACE[..], &["--dry-run", "--output", &plan]].concat());
        assert_eq!(planned.code, 0, "{}", planned.stderr);
        let shown = run(folder, &["import", "show", &plan, "--table", "incidents", "--key", "3"]).text();
        assert!(shown.contains("title: \"three\""), "who reviews it sees what goes: {shown}");
        let with_plan = [&REPLACE[..], &["--plan", &plan]].concat();
        for (change, says) in [
            ("UPDATE incidents SET title = 'worked on' WHERE id = 3", "incidents 3: title"),
            ("INSERT INTO incidents VALUES (5, 'a', 'five')", "incidents 5: would be removed now"),
            ("UPDATE incidents SET company_id = 'b' WHERE id = 4", "incidents 4: would not be removed now"),
        ] {
            sql(change);
            let stale = import(folder, "part.json", &url, &with_plan);
            assert_eq!(stale.code, 8, "{}", stale.text());
            assert!(stale.stderr.contains(says), "{says}: {}", stale.stderr);
        }
        sql(
            "UPDATE incidents SET title = 'three' WHERE id = 3; UPDATE incidents SET company_id = 'a' WHERE id = 4; DELETE FROM incidents WHERE id = 5",
        );
        let replaced = import(folder, "part.json", &url, &[&with_plan[..], &["--json"]].concat());
        assert_eq!(replaced.code, 0, "{}", replaced.stderr);
        let report: serde_json::Value = serde_json::from_slice(&replaced.stdout).unwrap();
        assert_eq!(undo(folder, &url, report["undo"].as_str().unwrap(), &[]).code, 0);
        assert_eq!(sql("SELECT title FROM incidents WHERE id = 3"), "three");
    }
}

/// SQLite compares a text with a number by the types of columns.
#[test]
fn numbers_of_a_file_are_the_texts_of_a_table_and_nothing_is_made_anew() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    fs::write(folder.join("desk.toml"), PROFILE).unwrap();
    let (_, source) = sqlite(folder, "numbers.db", &format!("{SCHEMA}{ROWS}"));
    let texts = SCHEMA.replace("users (id bigint", "users (id text").replace("item bigint", "item text");
    let (path, target) = sqlite(folder, "texts.db", &format!("{texts}{ROWS}"));
    for filter in [&["--filter", "company=a"][..], &[]] {
        drop(fs::remove_file(folder.join("part.json")));
        let options = ["export", "--source", &source, "--profile", "desk.toml", "--output", "part.json"];
        assert_eq!(run(folder, &[&options[..], filter].concat()).code, 0);
        let replaced = import(folder, "part.json", &target, &REPLACE);
        assert_eq!(replaced.code, 0, "{}", replaced.stderr);
        assert!(replaced.text().starts_with("nothing changed"), "{}", replaced.text());
        let passwords = "SELECT group_concat(password) FROM users";
        let kept: String = Connection::open(&path).unwrap().query_row(passwords, [], |row| row.get(0)).unwrap();
        assert_eq!(kept, "h1,h2,h7");
    }
}

/// A change of the metadata, and why it is refused.
type Forgery = (fn(&mut Metadata), &'static str);

#[test]
fn a_part_of_an_older_version_or_one_that_contradicts_itself_replaces_nothing() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    fs::write(folder.join("desk.toml"), PROFILE).unwrap();
    let (_, url) = sqlite(folder, "desk.db", &format!("{SCHEMA}{ROWS}"));
    export_part(folder, &url, "company=a");
    let part = fs::read(folder.join("part.json")).unwrap();
    let forgeries: [Forgery; 4] = [
        (|metadata| metadata.selected_records.0[0].1.emptied_references = None, "made by an older version"),
        (|metadata| metadata.filters_applied = OrderedMap::default(), "contradicts itself"),
        (
            |metadata| metadata.filters_applied = OrderedMap(vec![("organization".to_owned(), Vec::new())]),
            "contradicts itself",
        ),
        (|metadata| metadata.export_type = ExportType::Full, "contradicts itself"),
    ];
    for (forge, says) in forgeries {
        fs::write(folder.join("altered.json"), sealed_again(&part, forge)).unwrap();
        let refused = import(folder, "altered.json", &url, &[&REPLACE[..], &["--accept-unsigned"]].concat());
        assert_eq!(refused.code, 3, "{} {}", refused.text(), refused.stderr);
        assert!(refused.stderr.contains(says), "{says}: {}", refused.stderr);
    }
    fs::write(folder.join("same.json"), sealed_again(&part, |_| ())).unwrap();
    assert_eq!(import(folder, "same.json", &url, &[&REPLACE[..], &["--accept-unsigned"]].concat()).code, 0);
}
