//! References inside values: in JSON (`path`) and in lists in a text (`split`).

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tempfile::TempDir;
use waybill::server::rows::{JsonPath, JsonStep};

use crate::harness::{CommandOutput, ParsedExport, Postgres, WaybillCommand, execute_sql, parse_export};

/// Organisation a has teams whose members and tags are listed; `json` stands for the engine's type.
const TEAMS: &str = r#"
    CREATE TABLE orgs (id text PRIMARY KEY NOT NULL, name text NOT NULL);
    CREATE TABLE people (id text PRIMARY KEY NOT NULL, org_id text NOT NULL REFERENCES orgs (id), name text NOT NULL);
    CREATE TABLE tags (id integer PRIMARY KEY NOT NULL, name text NOT NULL);
    CREATE TABLE teams (id text PRIMARY KEY NOT NULL, org_id text NOT NULL REFERENCES orgs (id), members json, tags text);
    INSERT INTO orgs VALUES ('a', 'Acme'), ('b', 'Globex');
    INSERT INTO people VALUES ('1', 'a', 'Ada'), ('2', 'a', 'Bob'), ('3', 'b', 'Cid'), ('4', 'a', 'Dee'), ('5', 'a', 'Eve');
    INSERT INTO tags VALUES (7, 'seven'), (8, 'eight'), (9, 'nine');
    INSERT INTO teams VALUES
        ('t1', 'a', '{"lead": {"id": "1"}, "all": [{"id": "2"}, {"id": "3"}, {"id": 4}, {"name": "5"}, "5", null]}', '7, 8,,x'),
        ('t2', 'a', '["1", {"all": "5"}]', ''),
        ('t3', 'a', NULL, NULL),
        ('t4', 'a', '{"all": {"id": "5"}}', ' 9 '),
        ('t5', 'b', '{"all": [{"id": "5"}]}', '7');"#;

const PROFILE: &str = r#"
name = "teams"
[scopes.organization]
table = "orgs"
key = "id"
label = "name"
[[references]]
from = "teams.members"
to = "people.id"
path = "$.all[*].id"
[[references]]
from = "teams.tags"
to = "tags.id"
split = ","
[filters.team]
label = "Team"
table = "teams"
show = "id"
[tables.orgs.columns]
id = "plain"
name = "plain"
[tables.people]
owned_by = ["org_id"]
[tables.people.columns]
id = "plain"
org_id = "plain"
name = "plain"
[tables.tags.columns]
id = "plain"
name = "plain"
[tables.teams]
owned_by = ["org_id"]
[tables.teams.columns]
id = "plain"
org_id = "plain"
members = { class = "plain", codec = "json" }
tags = "plain"
"#;

struct Databases {
    folder: TempDir,
    postgres: Postgres,
}

impl Databases {
    fn new(sql: &str, profile: &str) -> Self {
        let (folder, postgres) = (TempDir::new().unwrap(), Postgres::start());
        execute_sql(&folder.path().join("teams.db"), &sql.replace(" json", " text"));
        postgres.sql(sql);
        let databases = Self { folder, postgres };
        databases.use_profile(profile);
        databases
    }

    fn use_profile(&self, profile: &str) {
        std::fs::write(self.folder.path().join("teams.toml"), profile).unwrap();
    }

    /// Runs a command on each engine.
    fn run(&self, command: &str, more: &[&str]) -> [CommandOutput; 2] {
        ["sqlite:teams.db", &self.postgres.url()].map(|source| {
            let fixed = [command, "--source", source, "--profile", "teams.toml"];
            WaybillCommand::new(self.folder.path()).run([&fixed[..], more].concat())
        })
    }

    /// What both engines export.
    fn exports(&self, selection: &[&str]) -> [ParsedExport; 2] {
        ["sqlite:teams.db", &self.postgres.url()].map(|source| {
            let fixed = ["export", "--source", source, "--profile", "teams.toml", "--force", "--output", "out.json"];
            let ended = WaybillCommand::new(self.folder.path()).run([&fixed[..], selection].concat());
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            parse_export(&std::fs::read(self.folder.path().join("out.json")).unwrap())
        })
    }

    /// The ids of a table's records, which both engines export.
    fn ids(&self, selection: &[&str], table: &str) -> Vec<String> {
        let [one, other] = self.exports(selection).map(|export| ids(&export, table));
        assert_eq!(one, other);
        one
    }
}

fn ids(export: &ParsedExport, table: &str) -> Vec<String> {
    let records = export.data.get(table).cloned().unwrap_or_default();
    records.iter().map(|record| record["id"].to_string().trim_matches('"').to_owned()).collect()
}

#[test]
fn what_a_list_in_a_value_names_comes_along() {
    // People and tags are asked for in no other way.
    let databases = Databases::new(TEAMS, PROFILE);
    let only = |team: &'static str| ["--tables", "teams", "--filter", team];
    let people = |team| databases.ids(&only(team), "people");
    assert_eq!(people("team=t1"), ["2", "3", "4"], "texts and numbers, by their texts");
    assert_eq!(people("team=t2"), [""; 0], "what has another shape refers to nothing");
    assert_eq!(people("team=t3"), [""; 0]);
    assert_eq!(people("team=t4"), [""; 0], "an object is no list");
    let tags = |team| databases.ids(&only(team), "tags");
    assert_eq!(tags("team=t1"), ["7", "8"]);
    assert_eq!(tags("team=t2"), [""; 0]);
    assert_eq!(tags("team=t4"), ["9"], "without the blanks around it");
}

#[test]
fn a_list_never_leads_out_of_an_organisation_and_stays_what_it_is() {
    let databases = Databases::new(TEAMS, PROFILE);
    for export in databases.exports(&["--organization", "a"]) {
        assert_eq!(ids(&export, "people"), ["1", "2", "4", "5"]);
        assert_eq!(export.data["teams"][0]["members"]["all"][1], json!({"id": "3"}), "an id that leads to nothing");
        assert!(export.data["people"].iter().all(|person| person["name"] != "Cid"));
    }
    // What else becomes of it, a rule of this very column says.
    let outside = "[outside]\ndefault = \"stub\"\n\"teams.members\" = ";
    databases.use_profile(&format!("{PROFILE}{outside}\"stub(name)\"\n"));
    for export in databases.exports(&["--organization", "a"]) {
        assert_eq!(ids(&export, "people"), ["1", "2", "4", "5", "3"]);
        assert_eq!(export.data["people"][4], json!({"id": "3", "org_id": null, "name": "Cid"}));
    }
    databases.use_profile(&format!("{PROFILE}{outside}\"stop\"\n"));
    for refused in databases.run("export", &["--organization", "a", "--output", "none.json"]) {
        let says = "teams.members leads to 1 record of people that must stay outside";
        assert!(refused.code != 0 && refused.stderr.contains(says), "{}", refused.stderr);
    }
}

#[test]
fn explain_finds_the_way_through_a_value() {
    let databases = Databases::new(TEAMS, PROFILE);
    let asked = ["--tables", "teams", "--filter", "team=t1", "--table", "people", "--key", "4"];
    for explained in databases.run("explain", &asked) {
        let says = "teams id=t1 refers to it, so it came along, by teams.members";
        assert!(explained.code == 0 && explained.text().contains(says), "{}{}", explained.text(), explained.stderr);
    }
    let asked = ["--tables", "teams", "--filter", "team=t1", "--table", "tags", "--key", "8"];
    for explained in databases.run("explain", &asked) {
        assert!(explained.text().contains("by teams.tags"), "{}{}", explained.text(), explained.stderr);
    }
}

#[test]
fn what_cannot_be_read_as_json_refers_to_nothing() {
    let databases = Databases::new(TEAMS, PROFILE);
    let broken = "{\"all\": [{\"id\": \"1\"}";
    execute_sql(
        &databases.folder.path().join("teams.db"),
        &format!("UPDATE teams SET members = '{broken}' WHERE id = 't1'"),
    );
    // PostgreSQL's json may have a zero character, which its jsonb refuses.
    databases.postgres.sql(r#"UPDATE teams SET members = '{"all": [{"id": "1"}], "x": "\u0000"}' WHERE id = 't1'"#);
    assert_eq!(databases.ids(&["--tables", "teams", "--filter", "team=t1"], "people"), [""; 0]);
}

#[test]
fn a_path_or_separator_that_could_be_more_than_that_is_refused() {
    let databases = Databases::new("CREATE TABLE orgs (id text PRIMARY KEY NOT NULL);", PROFILE);
    for (from, to, says) in [
        ("path = \"$.all[*].id\"", "path = \"$.all[0]\"", "is no path: write $, .name"),
        ("path = \"$.all[*].id\"", "path = \"$.a' OR 1=1\"", "is no path"),
        ("split = \",\"", "split = \"'\"", "split needs what separates"),
        ("split = \",\"", "split = \"\"", "split needs what separates"),
        ("split = \",\"", "split = \",\"\npath = \"$\"", "either path or split"),
        ("split = \",\"", "split = \",\"\nfollow = \"never\"", "leave follow out"),
        ("split = \",\"", "split = \",\"\ntogether_with = [\"id\"]", "leave together_with out"),
        (
            "[tables.teams]\nowned_by = [\"org_id\"]",
            "[tables.teams]\nowned_by = [\"org_id\", \"tags\"]",
            "names owners",
        ),
    ] {
        databases.use_profile(&PROFILE.replace(from, to));
        for refused in databases.run("preview", &[]) {
            assert!(refused.code == 2 && refused.stderr.contains(says), "{to}: {}", refused.stderr);
        }
    }
}

/// The values that a path leads to, by its definition.
fn values_at(value: &Value, path: &[JsonStep], found: &mut BTreeSet<String>) {
    let Some((step, rest)) = path.split_first() else {
        match value {
            Value::String(text) => drop(found.insert(text.clone())),
            Value::Number(number) => drop(found.insert(number.to_string())),
            _ => {}
        }
        return;
    };
    match (step, value) {
        (JsonStep::Member(name), Value::Object(members)) => {
            if let Some(member) = members.get(name) {
                values_at(member, rest, found);
            }
        }
        (JsonStep::Elements, Value::Array(elements)) => elements.iter().for_each(|it| values_at(it, rest, found)),
        _ => {}
    }
}

/// Documents whose arrays are where the paths of the test look for them, and other values anywhere else.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        (0..40u8).prop_map(|id| json!(id.to_string())),
        (0..40u8).prop_map(|id| json!(id)),
        Just(Value::Null),
        Just(json!(true)),
        Just(json!("é'\"\\")),
    ];
    let item = prop_oneof![
        leaf.clone(),
        leaf.clone().prop_map(|id| json!({"id": id})),
        leaf.clone().prop_map(|id| json!({"b": {"id": id}}))
    ];
    let items = proptest::collection::vec(item, 0..4);
    prop_oneof![
        items.clone().prop_map(Value::Array),
        (items.clone(), items, leaf).prop_map(|(a, b, id)| json!({"a": a, "b": {"id": id, "list": b}})),
    ]
}

#[test]
fn random_documents_refer_to_what_the_path_says_on_both_engines() {
    let mut runner = TestRunner::default();
    let documents: Vec<Value> = (0..150).map(|_| document().new_tree(&mut runner).unwrap().current()).collect();
    let rows: Vec<String> = documents
        .iter()
        .enumerate()
        .map(|(id, document)| format!("('{id}', '{}', '{}')", id % 5, document.to_string().replace('\'', "''")))
        .collect();
    let items: Vec<String> = (0..40).map(|id| format!("('{id}')")).collect();
    let sql = format!(
        "CREATE TABLE items (id text PRIMARY KEY NOT NULL);
         CREATE TABLE docs (id text PRIMARY KEY NOT NULL, shelf text NOT NULL, body json);
         INSERT INTO items VALUES {}; INSERT INTO docs VALUES {};",
        items.join(", "),
        rows.join(", ")
    );
    let profile = |path: &str| {
        format!(
            "name = \"docs\"\n[[references]]\nfrom = \"docs.body\"\nto = \"items.id\"\npath = \"{path}\"\n\
             [filters.doc]\nlabel = \"Doc\"\ntable = \"docs\"\nshow = \"shelf\"\n\
             [tables.items.columns]\nid = \"plain\"\n[tables.docs.columns]\nid = \"plain\"\nshelf = \"plain\"\n\
             body = {{ class = \"plain\", codec = \"json\" }}\n"
        )
    };
    let databases = Databases::new(&sql, &profile("$"));
    for path in ["$[*]", "$[*].id", "$[*].b.id", "$.a[*].id", "$.b.id", "$.b.list[*]"] {
        databases.use_profile(&profile(path));
        let steps = path.parse::<JsonPath>().unwrap().0;
        let chosen: Vec<String> = (0..8).map(|id| format!("doc={}", id * 17)).collect();
        let mut expected = BTreeSet::new();
        (0..8).for_each(|id| values_at(&documents[id * 17], &steps, &mut expected));
        expected.retain(|id| id.parse::<u8>().is_ok_and(|id| id < 40));
        let filters: Vec<&str> = chosen.iter().flat_map(|filter| ["--filter", filter.as_str()]).collect();
        let selection = [&["--tables", "docs"], &filters[..]].concat();
        for export in databases.exports(&selection) {
            assert_eq!(ids(&export, "items").into_iter().collect::<BTreeSet<_>>(), expected, "{path}");
        }
    }
}
