//! Copies of an organisation: its records once more, under new ids, and nothing else.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use super::undo::undo;
use super::*;

const PROFILE: &str = r#"name = "teams"
[scopes.organization]
table = "orgs"
key = "id"
label = "name"
[outside]
default = "null"
[[references]]
from = "rooms.pinned"
path = "$[*]"
to = "rooms.id"
[tables.orgs]
merge = { natural_keys = [["name"]] }
[tables.orgs.columns]
id = "plain"
name = "plain"
[tables.users]
shared = "members.user_id"
merge = { natural_keys = [["name"]] }
[tables.users.columns]
id = "plain"
name = "personal"
[tables.members]
owned_by = ["org_id"]
[tables.members.columns]
org_id = "plain"
user_id = "plain"
[tables.rooms]
owned_by = ["org_id"]
[tables.rooms.columns]
id = "plain"
org_id = "plain"
name = "plain"
parent = "plain"
pinned = { class = "plain", codec = "json" }
archived_by = "plain"
"#;
const SCHEMA: &str = "CREATE TABLE orgs (id text PRIMARY KEY, name text NOT NULL UNIQUE);
    CREATE TABLE users (id text PRIMARY KEY, name text NOT NULL UNIQUE);
    CREATE TABLE members (org_id text NOT NULL REFERENCES orgs (id), user_id text NOT NULL REFERENCES users (id), PRIMARY KEY (org_id, user_id));
    CREATE TABLE rooms (id text PRIMARY KEY, org_id text NOT NULL REFERENCES orgs (id), name text, parent text REFERENCES rooms (id),
        pinned text, archived_by text REFERENCES users (id));";
const ROWS: &str = "INSERT INTO orgs VALUES ('a', 'Acme'), ('b', 'Beta');
    INSERT INTO users VALUES ('ann', 'Ann'), ('cay', 'Cay'), ('out', 'Outsider');
    INSERT INTO members VALUES ('a', 'ann'), ('a', 'cay'), ('b', 'cay');
    INSERT INTO rooms VALUES ('r1', 'a', 'hall', NULL, '[\"r2\",\"r9\"]', 'out'), ('r2', 'a', 'attic', 'r1', NULL, 'ann'),
        ('r9', 'b', 'cellar', NULL, '[\"r1\"]', NULL);";
const COPY: [&str; 4] = ["--mode", "copy", "--profile", "teams.toml"];

/// The data of a database; where a table's records have ids, in their order.
fn data(folder: &Path, url: &str) -> Value {
    drop(fs::remove_file(folder.join("now.json")));
    let options = ["export", "--source", url, "--profile", "teams.toml", "--order", "key", "--output", "now.json"];
    let ended = run(folder, &options);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    serde_json::to_value(parse_export(&fs::read(folder.join("now.json")).unwrap()).data).unwrap()
}

fn export_organization(folder: &Path, url: &str, file: &str) {
    let options = ["export", "--source", url, "--profile", "teams.toml", "--organization", "a", "--output", file];
    let ended = run(folder, &options);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

fn databases(folder: &Path, server: &Postgres) -> [String; 2] {
    fs::write(folder.join("teams.toml"), PROFILE).unwrap();
    let rows = format!("{SCHEMA}{ROWS}");
    [sqlite(folder, "teams.db", &rows).1, database(server, "teams_on_server", &rows)]
}

/// The records of a table that one database has and the other one had not.
fn new_records<'d>(after: &'d Value, before: &Value, table: &str) -> Vec<&'d Value> {
    let before = before[table].as_array().unwrap();
    after[table].as_array().unwrap().iter().filter(|record| !before.contains(record)).collect()
}

#[test]
fn an_organisation_comes_once_more_and_everything_else_stays() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    for (at, url) in databases(folder, &server).iter().enumerate() {
        let file = format!("a{at}.json");
        export_organization(folder, url, &file);
        let before = data(folder, url);
        let plan = format!("plan{at}.json");
        let planned = import(folder, &file, url, &[&COPY[..], &["--dry-run", "--output", &plan]].concat());
        assert_eq!(planned.code, 0, "{}", planned.stderr);
        assert!(planned.text().contains("7 records in 4 tables, 5 new, 2 unchanged"), "{}", planned.text());
        assert_eq!(data(folder, url), before, "a dry run writes nothing");

        let (mut undos, mut ids, mut states) = (Vec::new(), BTreeSet::new(), vec![before.clone()]);
        for name in ["Acme (2)", "Acme (3)"] {
            let map = format!("{name}{at}.csv");
            let mut options = [&COPY[..], &["--json", "--id-map", &map]].concat();
            if undos.is_empty() {
                options.extend(["--plan", &plan]);
            }
            let copied = import(folder, &file, url, &options);
            assert_eq!(copied.code, 0, "{}", copied.stderr);
            let report: Value = serde_json::from_slice(&copied.stdout).unwrap();
            undos.push(report["undo"].as_str().unwrap().to_owned());
            let (now, last) = (data(folder, url), states.last().unwrap().clone());
            let new = |table: &str| new_records(&now, &last, table);
            let [org] = new("orgs")[..] else { panic!("{now}") };
            assert_eq!(org["name"], name);
            assert!(new("users").is_empty(), "{now}");
            let people: Vec<&Value> = new("members").iter().map(|member| &member["user_id"]).collect();
            assert_eq!(people, ["ann", "cay"]);
            assert!(new("members").iter().all(|member| member["org_id"] == org["id"]));
            let rooms = new("rooms");
            let room = |name: &str| *rooms.iter().find(|room| room["name"] == name).unwrap();
            let (hall, attic) = (room("hall"), room("attic"));
            assert!(rooms.len() == 2 && rooms.iter().all(|room| room["org_id"] == org["id"]), "{rooms:?}");
            assert_eq!(attic["parent"], hall["id"]);
            assert_eq!(attic["archived_by"], "ann");
            let pinned = hall["pinned"].to_string();
            assert!(pinned.contains(attic["id"].as_str().unwrap()) && pinned.contains("r9"), "{pinned}");
            for id in [&org["id"], &hall["id"], &attic["id"]] {
                assert!(ids.insert(id.to_string()), "copies are disjoint");
                assert!(fs::read_to_string(folder.join(&map)).unwrap().contains(id.as_str().unwrap()));
            }
            states.push(now);
        }
        for id in undos.iter().rev() {
            assert_eq!(undo(folder, url, id, &[]).code, 0);
            states.pop();
            assert_eq!(&data(folder, url), states.last().unwrap());
        }
    }
}

#[test]
fn a_copy_in_another_database_brings_what_is_missing_there() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let [url, _] = databases(folder, &server);
    export_organization(folder, &url, "a.json");
    // Cay is there, under another id.
    let there = format!("{SCHEMA} INSERT INTO users VALUES ('other', 'Cay'), ('out', 'Outsider');");
    for url in [sqlite(folder, "other.db", &there).1, database(&server, "other_on_server", &there)] {
        let copied = import(folder, "a.json", &url, &COPY);
        assert_eq!(copied.code, 0, "{}", copied.stderr);
        let now = data(folder, &url);
        assert_eq!(now["users"].as_array().unwrap().len(), 3, "{now}");
        let members = now["members"].to_string();
        assert!(members.contains("\"ann\"") && members.contains("\"other\""), "{members}");
        assert_eq!(now["orgs"][0]["name"], "Acme");
        assert_ne!(now["orgs"][0]["id"], "a");
    }
    let trail = run(folder, &["audit", "show", "--json"]).text();
    let started: Vec<&str> = trail.lines().filter(|line| line.contains("import_started")).collect();
    assert_eq!(started.len(), 2);
    for said in ["organization: a", "teams"] {
        assert!(started.iter().all(|line| line.contains(said)), "{started:?}");
    }
}

#[test]
fn an_account_with_the_id_of_another_one_is_not_taken_for_it() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let [url, _] = databases(folder, &server);
    export_organization(folder, &url, "a.json");
    let there = format!("{SCHEMA} INSERT INTO users VALUES ('cay', 'Carla'), ('out', 'Outsider');");
    for url in [sqlite(folder, "other.db", &there).1, database(&server, "other_on_server", &there)] {
        let before = data(folder, &url);
        // A policy for all tables says nothing about this one.
        for options in [&[][..], &["--dry-run"], &["--policy", "mine"]] {
            let copied = import(folder, "a.json", &url, &[&COPY[..], options].concat());
            assert_eq!(copied.code, 3, "{}", copied.stderr);
            let expected = "of users in the file: the id is here, with another name, or none";
            assert!(copied.stderr.contains(expected), "{}", copied.stderr);
            assert!(copied.stderr.contains("--policy users=mine"), "{}", copied.stderr);
            assert_eq!(data(folder, &url), before);
        }
        // She has married.
        let copied = import(folder, "a.json", &url, &[&COPY[..], &["--policy", "users=mine"]].concat());
        assert_eq!(copied.code, 0, "{}", copied.stderr);
        let now = data(folder, &url);
        assert!(now["users"].to_string().contains("Carla") && now["members"].to_string().contains("\"cay\""), "{now}");
    }
}

#[test]
fn what_cannot_be_copied_is_said_and_nothing_is_written() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let [url, _] = databases(folder, &server);
    let whole = ["export", "--source", &url, "--profile", "teams.toml", "--output", "whole.json"];
    assert_eq!(run(folder, &whole).code, 0);
    let refused = import(folder, "whole.json", &url, &COPY);
    assert!(refused.code == 3 && refused.stderr.contains("for an organisation's export"), "{}", refused.stderr);
    export_organization(folder, &url, "a.json");
    let refused = import(folder, "a.json", &url, &COPY[..2]);
    assert!(refused.code == 3 && refused.stderr.contains("by the profile teams"), "{}", refused.stderr);
    let refused = import(folder, "a.json", &url, &["--mode", "merge", "--id-map", "ids.csv"]);
    assert!(refused.code == 2 && refused.stderr.contains("--id-map is for"), "{}", refused.stderr);

    let numbered = SCHEMA
        .replace("rooms (id text PRIMARY KEY", "rooms (id integer PRIMARY KEY")
        .replace(", parent text", ", parent integer");
    let (_, url) = sqlite(folder, "numbered.db", &format!("{numbered} INSERT INTO orgs VALUES ('a', 'Acme')"));
    export_organization(folder, &url, "numbered.json");
    let refused = import(folder, "numbered.json", &url, &COPY);
    assert_eq!(refused.code, 3, "{}", refused.text());
    assert!(refused.stderr.contains("rooms"), "{}", refused.stderr);
}

/// Whoever can sign a file could say that records of others are an organisation's.
#[test]
fn records_of_another_organisation_or_of_nobody_are_not_planted_by_a_copy() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let urls = databases(folder, &server);
    // In the attacker's database, nobody owns rooms.
    let open = PROFILE.replace("[tables.rooms]\nowned_by = [\"org_id\"]", "[tables.rooms]\nwhole = true");
    let loose = SCHEMA.replace("NOT NULL REFERENCES orgs (id), name text, parent", ", name text, parent");
    for (number, (owner, expected)) in
        [("'b'", "org_id leads to what the file does not have"), ("NULL", "it belongs to nobody")].iter().enumerate()
    {
        let rows = format!(
            "INSERT INTO orgs VALUES ('a', 'Acme'); INSERT INTO rooms VALUES ('x', {owner}, 'planted', NULL, NULL, NULL)"
        );
        let (_, attacker) = sqlite(folder, &format!("attacker{number}.db"), &format!("{loose}{rows}"));
        let file = format!("planted{number}.json");
        fs::write(folder.join("teams.toml"), &open).unwrap();
        export_organization(folder, &attacker, &file);
        fs::write(folder.join("teams.toml"), PROFILE).unwrap();
        for url in &urls {
            let refused = import(folder, &file, url, &COPY);
            assert_eq!(refused.code, 4, "{}", refused.text());
            assert!(refused.stderr.contains(expected), "{}", refused.stderr);
            assert!(!data(folder, url)["rooms"].to_string().contains("planted"));
        }
    }
}

#[test]
fn what_no_organisation_may_export_comes_with_no_copy() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let schema = SCHEMA.replace("name text NOT NULL UNIQUE);", "name text NOT NULL UNIQUE, password text);")
        + "CREATE TABLE sessions (id text PRIMARY KEY, user_id text NOT NULL, token text NOT NULL);";
    let schema = schema.replacen(", password text);", ");", 1);
    let profile = |password: &str, sessions: &str| {
        let users = PROFILE.replace(
            "id = \"plain\"\nname = \"personal\"",
            &format!("id = \"plain\"\nname = \"personal\"\npassword = {password}"),
        );
        format!(
            "{users}[tables.sessions]\n{sessions}\n[tables.sessions.columns]\nid = \"plain\"\nuser_id = \"plain\"\ntoken = \"plain\"\n"
        )
    };
    let rows = "INSERT INTO orgs VALUES ('a', 'Acme'); INSERT INTO users VALUES ('eve', 'Eve', 'known hash');
        INSERT INTO members VALUES ('a', 'eve'); INSERT INTO sessions VALUES ('x', 'boss', 'planted token');";
    let (_, attacker) = sqlite(folder, "attacker.db", &format!("{schema}{rows}"));
    fs::write(folder.join("teams.toml"), profile("\"plain\"", "whole = true")).unwrap();
    export_organization(folder, &attacker, "planted.json");
    let there = format!("{schema} INSERT INTO users VALUES ('boss', 'Boss', 'secret');");
    let urls = [sqlite(folder, "there.db", &there).1, database(&server, "there_on_server", &there)];
    let secret = "{ class = \"secret\", on_import = \"unusable_hash\" }";
    for (sessions, url) in [("private = \"to their user\"", &urls[0]), ("exclude = \"credentials\"", &urls[1])] {
        fs::write(folder.join("teams.toml"), profile(secret, sessions)).unwrap();
        let refused = import(folder, "planted.json", url, &COPY);
        assert_eq!(refused.code, 3, "{}", refused.text());
        let expected = "sessions has 1 record in the file, and is in no organisation's export";
        assert!(refused.stderr.contains(expected), "{}", refused.stderr);
        let copied = import(folder, "planted.json", url, &[&COPY[..], &["--policy", "sessions=skip"]].concat());
        assert_eq!(copied.code, 0, "{}", copied.stderr);
        assert!(copied.text().contains("users.password is left out of a copy"), "{}", copied.text());
        // Everything, to see what no profile shows.
        fs::write(folder.join("teams.toml"), profile("\"plain\"", "whole = true")).unwrap();
        let now = data(folder, url).to_string();
        assert!(now.contains("Eve") && !now.contains("known hash") && !now.contains("planted token"), "{now}");
    }
}

#[test]
fn a_reference_by_another_spelling_of_an_id_ends_a_copy() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    fs::write(folder.join("teams.toml"), PROFILE).unwrap();
    let schema = SCHEMA.replace("CREATE TABLE rooms (id text", "CREATE TABLE rooms (id text COLLATE NOCASE");
    let rows = ROWS.replace("'r1', NULL, 'ann'", "'R1', NULL, 'ann'");
    let (_, url) = sqlite(folder, "teams.db", &format!("{schema}{rows}"));
    export_organization(folder, &url, "a.json");
    let refused = import(folder, "a.json", &url, &COPY);
    assert_eq!(refused.code, 4, "{}", refused.text());
    assert!(refused.stderr.contains("parent refers to a record of the file by another spelling"), "{}", refused.stderr);
}

#[test]
fn what_a_copy_leaves_out_or_behind_is_said() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    for url in databases(folder, &server) {
        let file = if url.starts_with("sqlite") { "lite.json" } else { "pg.json" };
        export_organization(folder, &url, file);
        let copied = import(folder, file, &url, &COPY);
        assert_eq!(copied.code, 0, "{}", copied.stderr);
        let behind = "1 reference to records that the file does not have, of tables that are copied";
        assert!(copied.text().contains(behind), "{}", copied.text());
        let refused = import(folder, file, &url, &[&COPY[..], &["--policy", "orgs=skip"]].concat());
        assert_eq!(refused.code, 3, "{}", refused.text());
        assert!(refused.stderr.contains("rooms refers to orgs, of which nothing is copied"), "{}", refused.stderr);
        let file_policy = import(folder, file, &url, &[&COPY[..], &["--policy", "users=file"]].concat());
        assert!(file_policy.code == 2 && file_policy.stderr.contains("mine, stop and skip"), "{}", file_policy.stderr);
        let of_person = ["--person", "ann", "--policy", "rooms=skip"];
        let of_person = import(folder, file, &url, &[&COPY[..], &of_person].concat());
        assert!(of_person.code == 2 && of_person.stderr.contains("is copied whole"), "{}", of_person.stderr);
    }
}

#[test]
fn keys_that_are_references_are_no_ids_and_what_is_there_is_not_taken_for_a_copy() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let more = "[tables.settings]\nowned_by = [\"org_id\"]\n[tables.settings.columns]\norg_id = \"plain\"
        [tables.widgets]\nowned_by = [\"org_id\"]\n[tables.widgets.columns]\nid = \"plain\"\norg_id = \"plain\"\nsettings = \"plain\"";
    fs::write(folder.join("teams.toml"), format!("{PROFILE}{more}")).unwrap();
    let schema = "CREATE TABLE settings (org_id text PRIMARY KEY REFERENCES orgs (id));
        CREATE TABLE widgets (id text PRIMARY KEY, org_id text REFERENCES orgs (id), settings text REFERENCES settings (org_id));";
    let (_, url) = sqlite(folder, "teams.db", &format!("{SCHEMA}{schema}{ROWS} INSERT INTO settings VALUES ('a')"));
    export_organization(folder, &url, "a.json");
    let refused = import(folder, "a.json", &url, &COPY);
    assert_eq!(refused.code, 3, "{}", refused.text());
    assert!(refused.stderr.contains("widgets refers to settings by settings"), "{}", refused.stderr);

    // A label of a person has nothing of the organisation in its key.
    let more = "[tables.labels]\nowned_by = [\"org_id\"]\n[tables.labels.columns]\nroom = \"plain\"\nlabel = \"plain\"\norg_id = \"plain\"";
    fs::write(folder.join("teams.toml"), format!("{PROFILE}{more}")).unwrap();
    let schema = "CREATE TABLE labels (room text REFERENCES rooms (id), label text, org_id text REFERENCES orgs (id), PRIMARY KEY (room, label));";
    let rows = "INSERT INTO labels VALUES ('r9', 'x', 'a');";
    let (_, url) = sqlite(folder, "labels.db", &format!("{SCHEMA}{schema}{ROWS}{rows}"));
    export_organization(folder, &url, "labels.json");
    let refused = import(folder, "labels.json", &url, &COPY);
    assert_eq!(refused.code, 3, "{}", refused.text());
    assert!(refused.stderr.contains("1 record of labels have a key that is there already"), "{}", refused.stderr);
}

#[test]
fn json_in_a_column_of_texts_follows_the_copy_too() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let [url, _] = databases(folder, &server);
    let profile = PROFILE.replace(r#"{ class = "plain", codec = "json" }"#, r#""plain""#);
    fs::write(folder.join("teams.toml"), profile).unwrap();
    let before = data(folder, &url);
    export_organization(folder, &url, "a.json");
    let copied = import(folder, "a.json", &url, &COPY);
    assert_eq!(copied.code, 0, "{}", copied.stderr);
    let now = data(folder, &url);
    let rooms = new_records(&now, &before, "rooms");
    let room = |name: &str| *rooms.iter().find(|room| room["name"] == name).unwrap();
    let pinned = format!("[\"{}\",\"r9\"]", room("attic")["id"].as_str().unwrap());
    assert_eq!(room("hall")["pinned"], pinned.as_str());
}

#[test]
fn a_dry_run_tells_the_values_that_a_copy_would_have_twice() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    for (url, on) in databases(folder, &server).into_iter().zip(["sqlite", "postgres"]) {
        let unique = "CREATE UNIQUE INDEX rooms_by_name ON rooms (name)";
        match url.strip_prefix("sqlite:") {
            Some(path) => Connection::open(path).unwrap().execute_batch(unique).unwrap(),
            None => drop(server.sql_as("waybill_owner", "teams_on_server", unique)),
        }
        export_organization(folder, &url, &format!("{on}.json"));
        for options in [&["--dry-run"][..], &[]] {
            let refused = import(folder, &format!("{on}.json"), &url, &[&COPY[..], options].concat());
            assert_eq!(refused.code, 3, "{on} {options:?}: {}", refused.text());
            assert!(refused.stderr.contains("name"), "{on} {options:?}: {}", refused.stderr);
        }
    }
}

#[test]
fn an_organisation_of_ocomms_is_copied_beside_itself() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let url = server.url();
    let sample = ["sample", "--application", "ocomms", "--organizations", "2", "--messages", "200", "--output", &url];
    let mut program = WaybillCommand::new(folder);
    program.0.env("WAYBILL_SAMPLE_PASSWORD", crate::harness::PASSWORD);
    let made = program.run(sample);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let id = server.sql("SELECT min(id) FROM organizations");
    let export = ["export", "--source", &url, "--profile", "ocomms", "--organization", &id, "--output", "a.json"];
    assert_eq!(run(folder, &export).code, 0);
    let slugs = || server.sql("SELECT string_agg(slug, ' ' ORDER BY slug) FROM organizations");
    let before = slugs();
    for number in ["-2", "-3"] {
        let copied = import(folder, "a.json", &url, &["--mode", "copy", "--profile", "ocomms"]);
        assert_eq!(copied.code, 0, "{}", copied.stderr);
        assert!(slugs() != before && slugs().contains(number), "{}", slugs());
    }
    let messages = "SELECT string_agg(n, ' ') FROM (SELECT count(*)::text AS n FROM messages m JOIN channels c ON c.id = m.channel_id \
                    JOIN organizations o ON o.id = c.organization_id GROUP BY o.id HAVING count(*) > 0 ORDER BY 1) AS counts";
    assert_eq!(server.sql(messages).split(' ').count(), 4);
}

#[test]
fn a_name_that_somebody_takes_meanwhile_is_told_in_words() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let [_, url] = databases(folder, &server);
    export_organization(folder, &url, "a.json");
    let mut other = server.psql("waybill_owner", "teams_on_server");
    let mut other = other.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut sql = other.stdin.take().unwrap();
    writeln!(sql, "BEGIN; INSERT INTO orgs VALUES ('c', 'Acme (2)');").unwrap();
    let copied = std::thread::scope(|scope| {
        let copied = scope.spawn(|| import(folder, "a.json", &url, &COPY));
        while server.sql("SELECT count(*) FROM pg_locks WHERE NOT granted") == "0" {
            assert!(!copied.is_finished(), "it waits for the other one");
            std::thread::yield_now();
        }
        writeln!(sql, "COMMIT;").unwrap();
        drop(sql);
        copied.join().unwrap()
    });
    assert!(other.wait().unwrap().success());
    assert_eq!(copied.code, 3, "{}", copied.text());
    let expected = "orgs has got a record with a name of the copy's while the file was read: import it again";
    assert!(copied.stderr.contains(expected), "{}", copied.stderr);
    assert_eq!(import(folder, "a.json", &url, &COPY).code, 0);
    assert!(data(folder, &url)["orgs"].to_string().contains("Acme (3)"));
}
