//! Replacements of a part of a database: of what the file's selection names here, and of nothing else.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::undo::undo;
use super::*;

const PROFILE: &str = r#"name = "field"
[filters.company]
label = "Company"
table = "companies"
show = "name"
boundary = true
[filters.period]
label = "Period"
unit = "iso"
columns = { incidents = "day" }
[outside]
"incidents.reporter" = "stub(name)"
[tables.countries.columns]
code = "plain"
name = "plain"
[tables.companies.columns]
id = "plain"
name = "plain"
[tables.users]
owned_by = ["company_id"]
[tables.users.columns]
id = "plain"
company_id = "plain"
name = "personal"
[tables.incidents]
owned_by = ["company_id"]
[tables.incidents.columns]
id = "plain"
company_id = "plain"
reporter = "plain"
day = "plain"
title = "plain"
"#;
const SCHEMA: &str = "CREATE TABLE countries (code text PRIMARY KEY, name text);
    CREATE TABLE companies (id text PRIMARY KEY, name text NOT NULL);
    CREATE TABLE users (id bigint PRIMARY KEY, company_id text REFERENCES companies (id), name text);
    CREATE TABLE incidents (id bigint PRIMARY KEY, company_id text NOT NULL REFERENCES companies (id),
        reporter bigint REFERENCES users (id), day text, title text);";
const ROWS: &str = "INSERT INTO countries VALUES ('nz', 'New Zealand');
    INSERT INTO companies VALUES ('a', 'Acme'), ('b', 'Beta');
    INSERT INTO users VALUES (1, 'a', 'Ada'), (2, 'b', 'Bob');
    INSERT INTO incidents VALUES (1, 'a', 1, '2026-07-01', 'one'), (2, 'a', 1, '2026-08-01', 'two'), (10, 'b', 2, '2026-07-05', 'ten');";

const REPLACE: [&str; 4] = ["--mode", "replace", "--profile", "field.toml"];

/// What runs statements in a database.
type Change<'c> = Box<dyn Fn(&str) + 'c>;

/// The same rows in a database of each engine.
fn companies<'c>(folder: &Path, server: &'c Postgres) -> [(String, Change<'c>); 2] {
    fs::write(folder.join("field.toml"), PROFILE).unwrap();
    let (path, on_sqlite) = sqlite(folder, "field.db", &format!("PRAGMA foreign_keys = ON; {SCHEMA}{ROWS}"));
    let on_postgres = database(server, "field_on_server", &format!("{SCHEMA}{ROWS}"));
    let in_file = move |sql: &str| Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let in_server = |sql: &str| drop(server.sql_as("waybill_owner", "field_on_server", sql));
    [(on_sqlite, Box::new(in_file)), (on_postgres, Box::new(in_server))]
}

/// Exports the part of these filters as `part.json`.
fn export_part(folder: &Path, url: &str, filters: &[&str]) {
    drop(fs::remove_file(folder.join("part.json")));
    let source = ["export", "--source", url, "--profile", "field.toml", "--output", "part.json"];
    let ended = run(folder, &[&source[..], filters].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

/// Every record of these tables.
fn records(folder: &Path, url: &str) -> String {
    drop(fs::remove_file(folder.join("now.json")));
    let source = ["export", "--source", url, "--profile", "field.toml", "--order", "key", "--output", "now.json"];
    let ended = run(folder, &source);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let data = parse_export(&fs::read(folder.join("now.json")).unwrap()).data;
    serde_json::to_string(&data).unwrap()
}

#[test]
fn a_company_gets_its_own_records_back_and_those_of_others_stay_as_they_are() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    for (url, change) in companies(folder, &server) {
        export_part(folder, &url, &["--filter", "company=Acme"]);
        change(
            "UPDATE incidents SET title = 'changed' WHERE id IN (1, 10); DELETE FROM incidents WHERE id = 2;
             INSERT INTO incidents VALUES (3, 'a', 1, NULL, 'three'), (11, 'b', 2, NULL, 'eleven');
             UPDATE countries SET name = 'Aotearoa'; INSERT INTO countries VALUES ('au', 'Australia')",
        );
        let before = records(folder, &url);
        let plan = format!("plan-{}.json", url.len());
        let planned =
            import(folder, "part.json", &url, &[&REPLACE[..], &["--dry-run", "--output", &plan]].concat()).text();
        assert!(planned.contains("1 removed, 1 new, 1 changed"), "{planned}");
        let about = "replaced is what the file's selection names here (company: a)";
        let stays = "1 record of countries with other values here, not among those that are replaced: left alone";
        assert!(planned.contains(about) && planned.contains(stays), "{planned}");
        assert_eq!(records(folder, &url), before, "a dry run writes nothing");

        let replaced = import(folder, "part.json", &url, &[&REPLACE[..], &["--plan", &plan, "--json"]].concat());
        assert_eq!(replaced.code, 0, "{}", replaced.stderr);
        let report: serde_json::Value = serde_json::from_slice(&replaced.stdout).unwrap();
        let id = report["undo"].as_str().unwrap();
        let after = records(folder, &url);
        for there in ["\"one\"", "\"two\"", "eleven", "Aotearoa", "Australia"] {
            assert!(after.contains(there), "{there}: {after}");
        }
        assert!(!after.contains("three"), "{after}");
        assert_eq!(after.matches("changed").count(), 1, "that of Beta: {after}");
        assert_eq!(undo(folder, &url, id, &[]).code, 0);
        assert_eq!(records(folder, &url), before);
    }
}

#[test]
fn a_record_that_has_moved_to_another_company_since_stays_there() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    for (url, change) in companies(folder, &server) {
        export_part(folder, &url, &["--filter", "company=a"]);
        change("UPDATE incidents SET company_id = 'b' WHERE id = 2; UPDATE incidents SET title = 'new' WHERE id = 1");
        let replaced = import(folder, "part.json", &url, &REPLACE);
        assert_eq!(replaced.code, 0, "{}", replaced.stderr);
        assert!(replaced.text().contains("1 record of incidents with other values here"), "{}", replaced.text());
        let after = records(folder, &url);
        assert!(after.contains("\"one\"") && after.matches("\"company_id\":\"b\"").count() == 3, "{after}");
    }
}

#[test]
fn another_company_that_has_got_the_name_since_loses_nothing() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    for (url, change) in companies(folder, &server) {
        export_part(folder, &url, &["--filter", "company=Acme"]);
        change(
            "UPDATE companies SET name = 'Acme of old' WHERE id = 'a'; UPDATE companies SET name = 'Acme' WHERE id = 'b'",
        );
        let replaced = import(folder, "part.json", &url, &REPLACE);
        assert_eq!(replaced.code, 0, "{}", replaced.stderr);
        let after = records(folder, &url);
        assert!(after.contains("\"ten\"") && after.matches("\"Acme\"").count() == 2, "{after}");
        // A part of a table alone does not tell whom the name meant.
        export_part(folder, &url, &["--filter", "company=b", "--tables", "countries"]);
        let refused = import(folder, "part.json", &url, &REPLACE);
        assert_eq!(refused.code, 3, "{}", refused.text());
        assert!(
            refused.stderr.contains("the file has no record of companies with the key or the name `b`"),
            "{}",
            refused.stderr
        );
    }
}

#[test]
fn a_period_is_replaced_and_what_lies_before_and_after_stays() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    for (url, change) in companies(folder, &server) {
        export_part(folder, &url, &["--filter", "period=2026-07-01..2026-08-01"]);
        change(
            "INSERT INTO incidents VALUES (4, 'b', NULL, '2026-07-31', 'july'), (5, 'a', NULL, '2026-08-01', 'august');
             UPDATE users SET name = 'Robert' WHERE id = 2",
        );
        let replaced = import(folder, "part.json", &url, &REPLACE);
        assert_eq!(replaced.code, 0, "{}", replaced.stderr);
        let after = records(folder, &url);
        assert!(after.contains("august") && after.contains("\"two\"") && !after.contains("july"), "{after}");
        assert!(after.contains("Robert"), "who came along stays as they are: {after}");
    }
}

#[test]
fn chosen_tables_are_replaced_whole_and_what_came_along_stays() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    for (url, change) in companies(folder, &server) {
        export_part(folder, &url, &["--tables", "incidents,countries"]);
        change(
            "INSERT INTO countries VALUES ('au', 'Australia'); DELETE FROM incidents WHERE id = 1;
             INSERT INTO users VALUES (3, NULL, 'Cay'); UPDATE users SET name = 'Robert' WHERE id = 2;
             INSERT INTO incidents VALUES (12, 'b', 3, NULL, 'twelve')",
        );
        let replaced = import(folder, "part.json", &url, &REPLACE);
        assert_eq!(replaced.code, 0, "{}", replaced.stderr);
        let after = records(folder, &url);
        assert!(!after.contains("Australia") && !after.contains("twelve") && after.contains("\"one\""), "{after}");
        assert!(after.contains("Robert") && after.contains("Cay"), "{after}");
        // Tables need no profile.
        change("INSERT INTO countries VALUES ('au', 'Australia')");
        let replaced = import(folder, "part.json", &url, &REPLACE[..2]);
        assert_eq!(replaced.code, 0, "{}", replaced.stderr);
        assert!(!records(folder, &url).contains("Australia"));
    }
}

#[test]
fn stubs_are_left_out_and_must_be_there() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    for (url, change) in companies(folder, &server) {
        change("UPDATE incidents SET reporter = 2 WHERE id = 1");
        export_part(folder, &url, &["--filter", "company=a"]);
        change(
            "UPDATE users SET name = 'Robert' WHERE id = 2; UPDATE incidents SET reporter = 1, title = 'x' WHERE id = 1",
        );
        for mode in ["merge", "replace"] {
            let options = ["--mode", mode, "--profile", "field.toml"];
            let imported = import(folder, "part.json", &url, &options);
            assert_eq!(imported.code, 0, "{}", imported.stderr);
            assert!(imported.text().contains("1 stub of users left out"), "{}", imported.text());
            let after = records(folder, &url);
            assert!(after.contains("Robert") && after.contains("\"one\""), "{mode}: {after}");
        }
        change("UPDATE incidents SET reporter = NULL; DELETE FROM users WHERE id = 2");
        let refused = import(folder, "part.json", &url, &REPLACE);
        assert_eq!(refused.code, 3, "{}", refused.text());
        let appended = import(folder, "part.json", &url, &["--mode", "append"]);
        assert!(appended.code == 3 && appended.stderr.contains("1 stub of users"), "{}", appended.stderr);
    }
}

#[test]
fn what_the_selection_names_must_be_known() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    for (url, change) in companies(folder, &server) {
        export_part(folder, &url, &["--filter", "company=a"]);
        let refused = import(folder, "part.json", &url, &REPLACE[..2]);
        assert_eq!(refused.code, 3, "{}", refused.text());
        assert!(refused.stderr.contains("the profile field says"), "{}", refused.stderr);
        let other = PROFILE.replace("[filters.company]", "[filters.firm]");
        fs::write(folder.join("other.toml"), other).unwrap();
        let refused = import(folder, "part.json", &url, &["--mode", "replace", "--profile", "other.toml"]);
        assert_eq!(refused.code, 3, "{}", refused.text());
        assert!(refused.stderr.contains("has no filter company"), "{}", refused.stderr);
        change(
            "DELETE FROM incidents WHERE company_id = 'a'; DELETE FROM users WHERE company_id = 'a'; DELETE FROM companies WHERE id = 'a'",
        );
        let refused = import(folder, "part.json", &url, &REPLACE);
        assert_eq!(refused.code, 3, "{}", refused.text());
        assert!(refused.stderr.contains("no record has the key or the name `a`"), "{}", refused.stderr);
        assert!(refused.stderr.contains("mode merge brings its records back"), "{}", refused.stderr);
        let merged = import(folder, "part.json", &url, &["--mode", "merge"]);
        assert_eq!(merged.code, 0, "{}", merged.stderr);
        assert!(records(folder, &url).contains("\"one\""));
    }
}

/// The numbers of incidents, whether they are of Acme, and their titles.
type Incidents = BTreeMap<i64, (bool, i64)>;

fn incidents() -> impl Strategy<Value = Incidents> {
    proptest::collection::btree_map(0..12_i64, (any::<bool>(), 0..4_i64), 0..10)
}

fn read_incidents(records: &str) -> Incidents {
    let data: serde_json::Value = serde_json::from_str(records).unwrap();
    let incident = |incident: &serde_json::Value| {
        let title = incident["title"].as_str().unwrap().parse().unwrap();
        (incident["id"].as_i64().unwrap(), (incident["company_id"] == "a", title))
    };
    data["incidents"].as_array().unwrap().iter().map(incident).collect()
}

fn insert(incidents: &Incidents) -> String {
    let rows = incidents.iter().map(|(id, (is_acme, title))| {
        let company = if *is_acme { 'a' } else { 'b' };
        format!("INSERT INTO incidents VALUES ({id}, '{company}', NULL, NULL, '{title}');")
    });
    let companies = "INSERT INTO companies VALUES ('a', 'Acme'), ('b', 'Beta');";
    companies.to_owned() + &rows.collect::<String>()
}

#[test]
fn random_parts_are_replaced_as_a_model_says_and_undone_on_both_engines() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    fs::write(folder.join("field.toml"), PROFILE).unwrap();
    let number = std::cell::Cell::new(0);
    random_cases_by(2)
        .run(&(incidents(), incidents()), |(file, there)| {
            number.set(number.get() + 1);
            let number = number.get();
            let (_, source) = sqlite(folder, &format!("source{number}.db"), &format!("{SCHEMA}{}", insert(&file)));
            export_part(folder, &source, &["--filter", "company=Acme"]);
            let mut expected = there.clone();
            expected.retain(|id, (is_acme, _)| !*is_acme || file.get(id).is_some_and(|(is_acme, _)| *is_acme));
            for (id, row) in file.iter().filter(|(_, (is_acme, _))| *is_acme) {
                if there.get(id).is_none_or(|(is_acme, _)| *is_acme) {
                    expected.insert(*id, *row);
                }
            }
            let sql = format!("{SCHEMA}{}", insert(&there));
            let mut urls = vec![sqlite(folder, &format!("target{number}.db"), &sql).1];
            // Databases of a server take longer to make.
            if number % 16 == 0 {
                urls.push(database(&server, &format!("part{number}"), &sql));
            }
            for url in urls {
                let before = records(folder, &url);
                let replaced = import(folder, "part.json", &url, &[&REPLACE[..], &["--json"]].concat());
                prop_assert_eq!(replaced.code, 0, "{}", replaced.stderr);
                prop_assert_eq!(&read_incidents(&records(folder, &url)), &expected);
                let report: serde_json::Value = serde_json::from_slice(&replaced.stdout).unwrap();
                let undone = undo(folder, &url, report["undo"].as_str().unwrap(), &[]);
                let had_nothing_to_do = undone.stderr.contains("no record is as this import has made it");
                prop_assert!(undone.code == 0 || had_nothing_to_do, "{}", undone.stderr);
                prop_assert_eq!(&records(folder, &url), &before);
            }
            Ok(())
        })
        .unwrap();
}

const TEAMS: &str = r#"name = "teams"
[scopes.organization]
table = "orgs"
key = "id"
label = "name"
[outside]
default = "null"
[tables.orgs.columns]
id = "plain"
name = "plain"
[tables.users]
shared = "members.user_id"
[tables.users.columns]
id = "plain"
name = "personal"
[tables.members]
owned_by = ["org_id"]
[tables.members.columns]
id = "plain"
org_id = "plain"
user_id = "plain"
[tables.rooms]
owned_by = ["org_id"]
[tables.rooms.columns]
id = "plain"
org_id = "plain"
name = "plain"
archived_by = "plain"
"#;

/// Two organisations that share a person. Somebody who is in neither has archived a room.
const TEAM_ROWS: &str = "CREATE TABLE orgs (id text PRIMARY KEY, name text NOT NULL);
    CREATE TABLE users (id text PRIMARY KEY, name text NOT NULL);
    CREATE TABLE members (id text PRIMARY KEY, org_id text NOT NULL REFERENCES orgs (id), user_id text NOT NULL REFERENCES users (id));
    CREATE TABLE rooms (id text PRIMARY KEY, org_id text NOT NULL REFERENCES orgs (id), name text, archived_by text REFERENCES users (id));
    INSERT INTO orgs VALUES ('a', 'Acme'), ('b', 'Beta');
    INSERT INTO users VALUES ('ann', 'Ann'), ('cay', 'Cay'), ('out', 'Outsider');
    INSERT INTO members VALUES ('m1', 'a', 'ann'), ('m2', 'a', 'cay'), ('m3', 'b', 'cay');
    INSERT INTO rooms VALUES ('r1', 'a', 'hall', 'out'), ('r2', 'b', 'cellar', NULL), ('r3', 'a', 'attic', NULL);";

#[test]
fn an_organisation_is_replaced_and_neither_its_people_nor_what_leads_outside_change() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    fs::write(folder.join("teams.toml"), TEAMS).unwrap();
    let (path, on_sqlite) = sqlite(folder, "teams.db", TEAM_ROWS);
    let on_postgres = database(&server, "teams_on_server", TEAM_ROWS);
    let changes = "UPDATE users SET name = 'Cay Now' WHERE id = 'cay'; INSERT INTO users VALUES ('dan', 'Dan');
        INSERT INTO members VALUES ('m4', 'a', 'dan'); DELETE FROM members WHERE id = 'm2';
        UPDATE rooms SET name = 'changed'; UPDATE rooms SET archived_by = 'ann' WHERE id = 'r3'; UPDATE orgs SET name = name || ' Ltd'";
    let source = |url: &str, options: &[&str]| {
        let ended = run(folder, &[&["export", "--source", url, "--profile", "teams.toml"], options].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    };
    for (at, url) in [on_sqlite, on_postgres].iter().enumerate() {
        let part = format!("a{at}.json");
        source(url, &["--organization", "a", "--output", &part]);
        if at == 0 {
            Connection::open(&path).unwrap().execute_batch(changes).unwrap();
        } else {
            server.sql_as("waybill_owner", "teams_on_server", changes);
        }
        let data_after = |mode: &str, policies: &[&str]| {
            let options = [&["--mode", mode, "--profile", "teams.toml"], policies].concat();
            let imported = import(folder, &part, url, &options);
            assert_eq!(imported.code, 0, "{}", imported.stderr);
            let again = import(folder, &part, url, &options).text();
            assert!(again.starts_with("nothing changed"), "twice is once: {again}");
            let now = format!("{mode}{at}.json");
            source(url, &["--order", "key", "--output", &now]);
            parse_export(&fs::read(folder.join(&now)).unwrap()).data
        };
        let only_rooms = ["--policy", "users=skip", "--policy", "orgs=skip", "--policy", "members=skip"];
        let merged = serde_json::to_string(&data_after("merge", &only_rooms)["rooms"]).unwrap();
        assert!(merged.contains("\"out\"") && merged.contains("\"ann\""), "a merge knows less: {merged}");
        let data = data_after("replace", &[]);
        let texts = |table: &str| serde_json::to_string(&data[table]).unwrap();
        assert!(texts("users").contains("Cay Now") && texts("users").contains("Dan"), "{}", texts("users"));
        assert!(texts("members").contains("m2") && !texts("members").contains("m4"), "{}", texts("members"));
        assert!(texts("orgs").contains("\"Acme\"") && texts("orgs").contains("Beta Ltd"), "{}", texts("orgs"));
        let rooms = texts("rooms");
        assert!(rooms.contains("\"hall\"") && rooms.contains("\"out\"") && rooms.contains("changed"), "{rooms}");
        assert!(!rooms.contains("\"ann\""), "she is in the file, which does not have her there: {rooms}");
    }
}
