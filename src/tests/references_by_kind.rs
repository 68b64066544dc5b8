//! References whose table the record itself names: an attachment of a ticket or of a note.

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Postgres, WaybillCommand, execute_sql, parse_export};

/// Ticket 1 is of organisation a, note 1 of b: the kind alone tells them apart. SQL that both engines accept.
const DESK: &str = "
    CREATE TABLE orgs (id text PRIMARY KEY NOT NULL, name text NOT NULL);
    CREATE TABLE tickets (id text PRIMARY KEY NOT NULL, org_id text NOT NULL REFERENCES orgs (id));
    CREATE TABLE notes (id text PRIMARY KEY NOT NULL, org_id text NOT NULL REFERENCES orgs (id));
    CREATE TABLE files (id text PRIMARY KEY NOT NULL, kind text NOT NULL, entity text);
    CREATE TABLE links (id text PRIMARY KEY NOT NULL, org_id text NOT NULL REFERENCES orgs (id), kind text, entity text);
    INSERT INTO orgs VALUES ('a', 'Acme'), ('b', 'Globex');
    INSERT INTO tickets VALUES ('1', 'a'), ('2', 'b');
    INSERT INTO notes VALUES ('1', 'b'), ('2', 'a');
    INSERT INTO files VALUES ('f1', 'ticket', '1'), ('f2', 'note', '1'), ('f3', 'memo', '1'), ('f4', 'person', '1'),
        ('f5', 'ticket', NULL);
    INSERT INTO links VALUES ('l1', 'a', 'ticket', '1'), ('l2', 'a', 'note', '1'), ('l3', 'a', 'person', '1'),
        ('l4', 'a', NULL, '1'), ('l5', 'b', 'note', '1'), ('l6', 'b', 'ticket', '1');";

const PROFILE: &str = r#"
name = "desk"
[scopes.organization]
table = "orgs"
key = "id"
label = "name"
[[references]]
from = "files.entity"
to = "tickets.id"
when = { kind = "ticket" }
[[references]]
from = "files.entity"
to = "notes.id"
when = { kind = ["note", "memo"] }
[[references]]
from = "links.entity"
to = "tickets.id"
when = { kind = "ticket" }
[[references]]
from = "links.entity"
to = "notes.id"
when = { kind = ["note", "memo"] }
[filters.ticket]
label = "Ticket"
table = "tickets"
show = "id"
[tables.orgs.columns]
id = "plain"
name = "plain"
[tables.tickets]
owned_by = ["org_id"]
[tables.tickets.columns]
id = "plain"
org_id = "plain"
[tables.notes]
owned_by = ["org_id"]
[tables.notes.columns]
id = "plain"
org_id = "plain"
[tables.files]
owned_by = ["entity"]
[tables.files.columns]
id = "plain"
kind = "plain"
entity = "plain"
[tables.links]
owned_by = ["org_id"]
[tables.links.columns]
id = "plain"
org_id = "plain"
kind = "plain"
entity = "plain"
"#;

struct Desk {
    folder: TempDir,
    postgres: Postgres,
}

impl Desk {
    fn new() -> Self {
        let (folder, postgres) = (TempDir::new().unwrap(), Postgres::start());
        execute_sql(&folder.path().join("desk.db"), DESK);
        postgres.sql(DESK);
        std::fs::write(folder.path().join("desk.toml"), PROFILE).unwrap();
        Self { folder, postgres }
    }

    /// Pairs of columns of a table in the export, which both engines give.
    fn export(&self, selection: [&str; 2], table: &str, columns: [&str; 2]) -> Vec<(String, String)> {
        let [one, other] = ["sqlite:desk.db", &self.postgres.url()].map(|source| {
            let fixed = ["export", "--source", source, "--profile", "desk.toml", "--force", "--output", "out.json"];
            let ended = WaybillCommand::new(self.folder.path()).run([&fixed[..], &selection].concat());
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            let export = parse_export(&std::fs::read(self.folder.path().join("out.json")).unwrap());
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            let records = export.data.get(table).cloned().unwrap_or_default();
            records.iter().map(|record| (text(&record[columns[0]]), text(&record[columns[1]]))).collect::<Vec<_>>()
        });
        assert_eq!(one, other);
        one
    }

    fn ids(&self, selection: [&str; 2], table: &str) -> Vec<String> {
        self.export(selection, table, ["id", "id"]).into_iter().map(|(id, _)| id).collect()
    }
}

#[test]
fn a_record_belongs_to_the_owner_that_its_kind_names() {
    let desk = Desk::new();
    assert_eq!(desk.ids(["--organization", "a"], "files"), ["f1"]);
    assert_eq!(desk.ids(["--organization", "b"], "files"), ["f2", "f3"]);
}

#[test]
fn a_reference_of_another_kind_is_kept_and_one_that_leads_outside_is_not() {
    let desk = Desk::new();
    let own = [("l1", "1"), ("l2", "-"), ("l3", "1"), ("l4", "1")].map(|(id, entity)| (id.into(), entity.into()));
    assert_eq!(desk.export(["--organization", "a"], "links", ["id", "entity"]), own);
    let own = [("l5", "1"), ("l6", "-")].map(|(id, entity)| (id.into(), entity.into()));
    assert_eq!(desk.export(["--organization", "b"], "links", ["id", "entity"]), own);
}

#[test]
fn what_a_kind_names_comes_along_and_nothing_of_another_kind() {
    let desk = Desk::new();
    assert_eq!(desk.ids(["--filter", "ticket=1"], "files"), ["f1", "f5"], "f5 is nobody's");
    assert_eq!(desk.ids(["--filter", "ticket=1"], "notes"), ["1", "2"], "no filter reaches notes");
}

#[test]
fn a_value_that_could_end_a_statement_is_refused() {
    let desk = Desk::new();
    for value in ["'", "a\\\\b", "\\n"] {
        let broken = PROFILE.replace("kind = \"ticket\"", &format!("kind = \"{value}\""));
        std::fs::write(desk.folder.path().join("desk.toml"), broken).unwrap();
        let arguments = ["profile", "check", "--source", "sqlite:desk.db", "--profile", "desk.toml"];
        let refused = WaybillCommand::new(desk.folder.path()).run(arguments);
        assert!(refused.stderr.contains("without quotes and backslashes"), "{value}: {}", refused.stderr);
    }
}
