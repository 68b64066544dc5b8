//! What an organisation may have: all of its own, and nothing of anybody else's.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{CommandOutput, ParsedExport, Postgres, WaybillCommand, execute_sql, parse_export};

/// Two organisations that share a user. SQL that both engines accept.
const CHAT: &str = "
    CREATE TABLE orgs (id text PRIMARY KEY NOT NULL, name text NOT NULL);
    CREATE TABLE users (id text PRIMARY KEY NOT NULL, name text NOT NULL, email text NOT NULL);
    CREATE TABLE profiles (id text PRIMARY KEY NOT NULL, user_id text NOT NULL REFERENCES users (id), bio text);
    CREATE TABLE members (id text PRIMARY KEY NOT NULL, org_id text NOT NULL REFERENCES orgs (id),
        user_id text NOT NULL REFERENCES users (id), role text NOT NULL);
    CREATE TABLE channels (id text PRIMARY KEY NOT NULL, org_id text NOT NULL REFERENCES orgs (id), topic text,
        archived_by text REFERENCES users (id));
    CREATE TABLE talks (id text PRIMARY KEY NOT NULL, org_id text REFERENCES orgs (id));
    CREATE TABLE messages (id text PRIMARY KEY NOT NULL, channel_id text REFERENCES channels (id),
        talk_id text REFERENCES talks (id), author_id text NOT NULL REFERENCES users (id),
        parent_id text REFERENCES messages (id), body text);
    CREATE TABLE pins (id text PRIMARY KEY NOT NULL, channel_id text NOT NULL REFERENCES channels (id),
        message_id text NOT NULL REFERENCES messages (id));
    CREATE TABLE notes (id text PRIMARY KEY NOT NULL, org_id text NOT NULL REFERENCES orgs (id), body text);
    CREATE TABLE emojis (id text PRIMARY KEY NOT NULL, name text, added_by text REFERENCES users (id));
    CREATE TABLE links (id text PRIMARY KEY NOT NULL, url text);
    INSERT INTO orgs VALUES ('a', 'Acme'), ('b', 'Globex');
    INSERT INTO users VALUES ('ann', 'Ann', 'ann@a.example'), ('bob', 'Bob', 'bob@b.example'),
        ('cay', 'Cay', 'cay@both.example'), ('dan', 'Dan', 'dan@gone.example');
    INSERT INTO profiles VALUES ('pa', 'ann', 'bio of ann'), ('pb', 'bob', 'bio of bob'), ('pc', 'cay', 'bio of cay'),
        ('pd', 'dan', 'bio of dan');
    INSERT INTO members VALUES ('m1', 'a', 'ann', 'owner'), ('m2', 'b', 'bob', 'owner'), ('m3', 'a', 'cay', 'member'),
        ('m4', 'b', 'cay', 'member');
    INSERT INTO channels VALUES ('ca', 'a', 'of a', 'bob'), ('cb', 'b', 'of b', 'bob');
    INSERT INTO talks VALUES ('ta', 'a'), ('tb', 'b'), ('tn', NULL);
    INSERT INTO messages VALUES
        ('1', 'ca', NULL, 'ann', NULL, 'of a'), ('2', 'ca', NULL, 'dan', '1', 'of a, by one who left'),
        ('3', NULL, 'ta', 'cay', NULL, 'of a'), ('4', 'cb', NULL, 'cay', NULL, 'of b'),
        ('5', 'ca', NULL, 'cay', '4', 'of a, a reply'), ('6', 'ca', 'tb', 'cay', NULL, 'of both'),
        ('7', NULL, NULL, 'cay', NULL, 'of nobody'), ('8', NULL, 'tn', 'cay', NULL, 'of a talk that is nobody''s'),
        ('9', 'ca', 'ta', 'cay', '9', 'of a twice');
    INSERT INTO pins VALUES ('p1', 'ca', '1'), ('p2', 'ca', '4');
    INSERT INTO notes VALUES ('n1', 'a', 'private to its author');
    INSERT INTO emojis VALUES ('e1', 'smile', 'bob');
    INSERT INTO links VALUES ('l1', 'https://b.example');";

const PROFILE: &str = r#"
name = "chat"
[scopes.organization]
table = "orgs"
key = "id"
label = "name"
owners = { table = "members", user = "user_id", scope = "org_id", when = { role = "owner" } }
[[references]]
from = "messages.parent_id"
to = "messages.id"
[outside]
default = "null"
"channels.archived_by" = "null"
"messages.author_id" = "stub(name)"
"emojis.added_by" = "null"
[filters.org]
label = "Organisation"
table = "orgs"
show = "name"
boundary = true
[tables.orgs.columns]
id = "plain"
name = "plain"
[tables.users]
shared = "members.user_id"
[tables.users.columns]
id = "plain"
name = "personal"
email = "personal"
[tables.profiles]
owned_by = ["user_id"]
[tables.profiles.columns]
id = "plain"
user_id = "plain"
bio = "personal"
[tables.members]
owned_by = ["org_id"]
[tables.members.columns]
id = "plain"
org_id = "plain"
user_id = "plain"
role = "plain"
[tables.channels]
owned_by = ["org_id"]
[tables.channels.columns]
id = "plain"
org_id = "plain"
topic = "plain"
archived_by = "plain"
[tables.talks]
owned_by = ["org_id"]
[tables.talks.columns]
id = "plain"
org_id = "plain"
[tables.messages]
owned_by = ["channel_id", "talk_id"]
[tables.messages.columns]
id = "plain"
channel_id = "plain"
talk_id = "plain"
author_id = "plain"
parent_id = "plain"
body = "personal"
[tables.pins]
owned_by = ["channel_id", "message_id"]
[tables.pins.columns]
id = "plain"
channel_id = "plain"
message_id = "plain"
[tables.notes]
owned_by = ["org_id"]
private = "to their author"
[tables.notes.columns]
id = "plain"
org_id = "plain"
body = "personal"
[tables.emojis]
whole = true
[tables.emojis.columns]
id = "plain"
name = "plain"
added_by = "plain"
[tables.links.columns]
id = "plain"
url = "plain"
"#;

/// The same chat in both engines.
struct Chat {
    folder: TempDir,
    postgres: Postgres,
}

impl Chat {
    fn new() -> Self {
        let (folder, postgres) = (TempDir::new().unwrap(), Postgres::start());
        rusqlite::Connection::open(folder.path().join("chat.db")).unwrap().execute_batch(CHAT).unwrap();
        postgres.sql(CHAT);
        std::fs::write(folder.path().join("chat.toml"), PROFILE).unwrap();
        Self { folder, postgres }
    }

    fn change(&self, sql: &str) {
        execute_sql(&self.folder.path().join("chat.db"), sql);
        self.postgres.sql(sql);
    }

    fn change_profile(&self, from: &str, to: &str) {
        let path = self.folder.path().join("chat.toml");
        let profile = std::fs::read_to_string(&path).unwrap();
        assert!(profile.contains(from), "{from}");
        std::fs::write(path, profile.replace(from, to)).unwrap();
    }

    fn sources(&self) -> [String; 2] {
        [format!("sqlite:{}", self.folder.path().join("chat.db").display()), self.postgres.url()]
    }

    fn run(&self, source: &str, command: &str, arguments: &[&str]) -> CommandOutput {
        let fixed = [command, "--source", source, "--profile", "chat.toml"];
        WaybillCommand::new(self.folder.path()).run([&fixed, arguments].concat())
    }

    /// The export that both engines give.
    fn export(&self, selection: &[&str]) -> ParsedExport {
        let [one, other] = self.sources().map(|source| {
            let ended = self.run(&source, "export", &[&["--force", "--output", "out.json"], selection].concat());
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            assert_eq!(WaybillCommand::new(self.folder.path()).run(["verify", "out.json"]).code, 0);
            parse_export(&std::fs::read(self.folder.path().join("out.json")).unwrap())
        });
        assert_eq!((&one.data, &one.metadata["selectedRecords"]), (&other.data, &other.metadata["selectedRecords"]));
        one
    }

    fn refused(&self, selection: &[&str]) -> String {
        let [one, other] = self.sources().map(|source| {
            let ended = self.run(&source, "export", &[&["--force", "--output", "refused.json"], selection].concat());
            assert!(!self.folder.path().join("refused.json").exists());
            assert_eq!(ended.code, 2, "{}", ended.stderr);
            ended.stderr
        });
        assert_eq!(one, other);
        one
    }
}

fn ids(export: &ParsedExport, table: &str) -> Vec<String> {
    export.data[table].iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

fn row<'e>(export: &'e ParsedExport, table: &str, id: &str) -> &'e Value {
    export.data[table].iter().find(|row| row["id"] == id).unwrap()
}

#[test]
fn an_organisation_has_what_all_its_owners_give_it_and_nothing_of_others() {
    let export = Chat::new().export(&["--organization", "a", "--order", "key"]);
    assert_eq!(export.metadata["filtersApplied"], json!({ "organization": ["a"] }));
    assert_eq!(export.metadata["exportType"], "segmented");
    assert_eq!(ids(&export, "orgs"), ["a"]);
    assert_eq!(ids(&export, "members"), ["m1", "m3"]);
    assert_eq!(ids(&export, "channels"), ["ca"]);
    assert_eq!(ids(&export, "talks"), ["ta"]);
    assert_eq!(ids(&export, "messages"), ["1", "2", "3", "5", "9"]);
    assert_eq!(ids(&export, "pins"), ["p1"], "the other pins a message of b");
    assert_eq!(ids(&export, "profiles"), ["pa", "pc"], "members share their profiles");
    assert_eq!(ids(&export, "emojis"), ["e1"], "a table that is nobody's");
    for absent in ["notes", "links"] {
        assert!(!export.data.contains_key(absent), "{absent}");
        assert!(export.metadata["recordCounts"][absent].is_null(), "{absent}");
    }
}

#[test]
fn who_stays_outside_is_a_stub_or_nothing() {
    let export = Chat::new().export(&["--organization", "a", "--order", "key"]);
    assert_eq!(ids(&export, "users"), ["ann", "cay", "dan"], "stubs are the last ones");
    assert_eq!(row(&export, "users", "cay")["email"], "cay@both.example");
    assert_eq!(row(&export, "users", "dan"), &json!({ "id": "dan", "name": "Dan", "email": null }));
    assert!(row(&export, "channels", "ca")["archived_by"].is_null(), "bob is no member");
    assert!(row(&export, "messages", "5")["parent_id"].is_null(), "its thread is another organisation's");
    assert_eq!(row(&export, "messages", "2")["parent_id"], "1");
    assert_eq!(row(&export, "messages", "9")["parent_id"], "9");
    assert!(row(&export, "emojis", "e1")["added_by"].is_null());
    let selected = &export.metadata["selectedRecords"];
    assert_eq!(
        selected["users"],
        json!({ "askedFor": 2, "cameAlong": 0, "stubs": 1, "emptiedReferences": [],
                "byRule": { "shared by members.user_id": 2, "outside, referred to by messages.author_id": 1 } })
    );
    assert_eq!(export.metadata["recordCounts"]["users"], 3);
    assert_eq!(
        selected["messages"],
        json!({ "askedFor": 5, "cameAlong": 0, "ownersDisagree": 1, "nobodys": 1, "emptiedReferences": ["parent_id"],
                "byRule": { "by messages.channel_id": 4, "by messages.talk_id": 1 } }),
        "message 6 is of both, message 7 of nobody; message 8 has an owner, which is nobody's"
    );
    assert_eq!(selected["pins"]["ownersDisagree"], 1);
    let text = serde_json::to_string(&export.data).unwrap();
    for word in ["of b", "of both", "of nobody", "bob", "Globex", "gone.example", "bio of dan", "private"] {
        assert!(!text.contains(word), "{word}");
    }
}

#[test]
fn every_record_is_in_one_organisation_at_most_and_each_has_all_of_its_own() {
    let chat = Chat::new();
    let exports = ["a", "b"].map(|id| chat.export(&["--organization", id]));
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    for export in &exports {
        for table in ["orgs", "members", "channels", "talks", "messages", "pins"] {
            for id in ids(export, table) {
                *seen.entry((table.to_owned(), id)).or_default() += 1;
            }
        }
    }
    assert!(seen.values().all(|times| *times == 1), "{seen:?}");
    assert_eq!(ids(&exports[1], "messages"), ["4"]);
    assert_eq!(ids(&exports[1], "users"), ["bob", "cay"]);
}

#[test]
fn filters_and_tables_choose_within_the_organisation() {
    let chat = Chat::new();
    let chosen = chat.export(&["--organization", "a", "--tables", "messages", "--order", "key"]);
    assert_eq!(ids(&chosen, "messages"), ["1", "2", "3", "5", "9"]);
    assert_eq!(ids(&chosen, "users"), ["ann", "cay", "dan"], "two authors came along, one is a stub");
    assert_eq!(chosen.metadata["selectedRecords"]["users"]["cameAlong"], 2);
    assert_eq!(ids(&chosen, "orgs"), ["a"], "the channels' owner");
    assert!(!chosen.data.contains_key("members"));
    let other = chat.export(&["--organization", "a", "--filter", "org=Globex"]);
    for table in ["orgs", "messages", "channels", "members"] {
        assert!(other.data.get(table).is_none_or(Vec::is_empty), "a filter widens nothing: {table}");
    }
    assert_eq!(ids(&other, "users"), ["ann", "cay"], "no owner leads from users to the filter's table");
}

#[test]
fn a_boundary_keeps_others_people_out_of_a_segment() {
    let export = Chat::new().export(&["--filter", "org=Acme", "--order", "key"]);
    assert_eq!(ids(&export, "messages"), ["1", "2", "3", "5", "6", "9", "4"], "one owner is enough");
    let pinned = row(&export, "messages", "4").as_object().unwrap();
    let given: Vec<&String> = pinned.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name).collect();
    assert_eq!(given, ["id"], "a pin cannot refer to nothing, and the message is another organisation's");
    assert_eq!(ids(&export, "links"), ["l1"], "no filter reaches it");
    assert_eq!(ids(&export, "notes"), ["n1"], "an admin's segment has private records");
    assert_eq!(row(&export, "messages", "5")["parent_id"], "4", "the stub is in");
    assert_eq!(row(&export, "messages", "6")["talk_id"], Value::Null, "the talk is another organisation's");
    assert_eq!(export.metadata["selectedRecords"]["messages"]["nobodys"], 1);
}

#[test]
fn a_reference_that_nobody_has_reviewed_is_not_followed_under_a_scope() {
    let chat = Chat::new();
    let before = chat.export(&["--organization", "a", "--order", "key"]);
    chat.change("ALTER TABLE links ADD COLUMN org_id text REFERENCES orgs (id)");
    chat.change("ALTER TABLE messages ADD COLUMN link_id text REFERENCES links (id)");
    chat.change("UPDATE links SET org_id = 'a'");
    chat.change("UPDATE messages SET link_id = 'l1'");
    chat.change_profile(
        "body = \"personal\"\n[tables.pins]",
        "body = \"personal\"\nlink_id = \"plain\"\n[tables.pins]",
    );
    chat.change_profile("url = \"plain\"\n", "url = \"plain\"\norg_id = \"plain\"\n");
    for source in chat.sources() {
        let told = WaybillCommand::new(chat.folder.path())
            .run(["profile", "check", "--source", &source, "--profile", "chat.toml"])
            .stderr;
        assert!(told.contains("messages.link_id refers to links, and the profile does not mention it"), "{told}");
        assert!(told.contains("links is never in an organisation's export"), "{told}");
        assert!(told.contains("messages.author_id can lead out of an organisation: a stub"), "{told}");
        assert!(told.contains("notes is never in an organisation's export: private to their author"), "{told}");
    }
    let mut after = chat.export(&["--organization", "a", "--order", "key"]);
    for message in after.data.get_mut("messages").unwrap() {
        assert!(message.as_object_mut().unwrap().remove("link_id").unwrap().is_null());
    }
    assert_eq!(after.data, before.data);
}

#[test]
fn a_table_that_no_organisation_has_is_named_and_cannot_be_asked_for() {
    let chat = Chat::new();
    let export = chat.export(&["--organization", "a"]);
    let excluded = export.metadata["redaction"]["excludedTables"].as_array().unwrap();
    let reason = |table: &str| excluded.iter().find(|it| it["table"] == table).unwrap()["reason"].clone();
    assert_eq!(reason("notes"), "in no organisation's export: private to their author");
    assert_eq!(reason("links"), "in no organisation's export: nothing says whose its records are");
    assert_eq!(export.metadata["selectedRecords"]["emojis"]["byRule"], json!({ "whole table": 1 }));
    let refused = chat.refused(&["--organization", "a", "--tables", "notes"]);
    assert!(refused.contains("notes is never in an organisation's export: private to their author"), "{refused}");
}

#[test]
fn a_stub_may_be_null_where_the_schema_says_so_and_has_columns_that_exist() {
    let chat = Chat::new();
    let export = chat.export(&["--organization", "a"]);
    let columns = export.metadata["schema"]["users"]["columns"].as_array().unwrap();
    let nullable: Vec<bool> = columns.iter().map(|column| column["nullable"].as_bool().unwrap()).collect();
    assert_eq!(nullable, [false, false, true], "id, name, email");
    chat.change_profile("\"messages.author_id\" = \"stub(name)\"", "\"messages.author_id\" = \"stub(nam)\"");
    let refused = chat.refused(&["--organization", "a"]);
    assert!(refused.contains("[outside] messages.author_id: users.nam is no column"), "{refused}");
}

#[test]
fn a_reference_that_nobody_has_reviewed_stops_the_part_where_that_is_the_default() {
    let chat = Chat::new();
    chat.change(
        "CREATE TABLE seen (id text PRIMARY KEY NOT NULL, org_id text NOT NULL REFERENCES orgs (id), \
                 user_id text NOT NULL REFERENCES users (id)); INSERT INTO seen VALUES ('s1', 'a', 'bob')",
    );
    chat.change_profile(
        "[tables.pins]\n",
        "[tables.seen]\nowned_by = [\"org_id\"]\n[tables.seen.columns]\nid = \"plain\"\norg_id = \"plain\"\nuser_id = \"plain\"\n[tables.pins]\n",
    );
    let export = chat.export(&["--organization", "a"]);
    assert_eq!(row(&export, "seen", "s1")["user_id"], "bob", "it must not be null, and nobody has said what else");
    chat.change_profile("default = \"null\"", "default = \"stop\"");
    let refused = chat.refused(&["--organization", "a"]);
    assert!(refused.contains("that must stay outside, and the profile says \"stop\""), "{refused}");
}

#[test]
fn whoever_checks_a_part_is_told_that_it_is_one_and_a_preview_gives_its_command() {
    let chat = Chat::new();
    chat.export(&["--organization", "a", "--tables", "messages"]);
    let told = WaybillCommand::new(chat.folder.path()).run(["verify", "out.json"]);
    assert!(told.text().contains(", a part: organization a; tables messages"), "{}", told.text());
    let inspected = WaybillCommand::new(chat.folder.path()).run(["inspect", "out.json"]).text();
    assert!(inspected.contains("a part of the database: organization a; tables messages"), "{inspected}");
    assert!(inspected.contains("at the end belong to others"), "{inspected}");
    for source in chat.sources() {
        let preview = chat.run(&source, "preview", &["--organization", "a", "--json"]);
        let preview: Value = serde_json::from_slice(&preview.stdout).unwrap();
        assert_eq!(preview["command"], "waybill export --profile chat.toml --organization a --output .");
        assert!(preview["file_name"].as_str().unwrap().ends_with("-organization.json"), "{}", preview["file_name"]);
        let text = chat.run(&source, "preview", &["--organization", "a"]).text();
        assert!(text.contains("messages: ") && text.contains(" by messages.channel_id"), "{text}");
        assert!(text.contains(" % of the database"), "{text}");
    }
}

#[test]
fn more_records_than_were_expected_are_refused_before_the_first_byte() {
    let chat = Chat::new();
    let records = chat.export(&["--organization", "a"]).metadata["totalRecords"].as_u64().unwrap();
    let (enough, less) = (records.to_string(), (records - 1).to_string());
    chat.export(&["--organization", "a", "--max-records", &enough]);
    let refused = chat.refused(&["--organization", "a", "--max-records", &less]);
    assert!(
        refused.contains(&format!("{records} records are selected, more than the {less} of --max-records")),
        "{refused}"
    );
}

#[test]
fn a_reference_that_must_stop_the_part_stops_it() {
    let chat = Chat::new();
    chat.change_profile("\"messages.author_id\" = \"stub(name)\"", "\"messages.author_id\" = \"stop\"");
    let refused = chat.refused(&["--organization", "a"]);
    assert!(refused.contains("messages.author_id leads to 1 record of users that must stay outside"), "{refused}");
    assert_eq!(ids(&chat.export(&["--organization", "b"]), "messages"), ["4"], "nothing leads outside there");
}

#[test]
fn an_organisation_that_does_not_exist_is_refused_and_never_everything() {
    let chat = Chat::new();
    for id in ["c", "A", "a ", " a", "Acme", "a'--", "../a", "a\u{202e}", "%", "a,b"] {
        assert!(chat.refused(&["--organization", id]).contains("no organisation has the id"), "{id}");
    }
    for id in ["", " ", "a\u{1b}[2J"] {
        assert!(chat.refused(&["--organization", id]).contains("--organization needs the id"), "{id:?}");
    }
    chat.change_profile("[scopes.organization]\ntable = \"orgs\"\nkey = \"id\"\nlabel = \"name\"\n", "");
    chat.change_profile(
        "owners = { table = \"members\", user = \"user_id\", scope = \"org_id\", when = { role = \"owner\" } }\n",
        "",
    );
    assert!(chat.refused(&["--organization", "a"]).contains("does not say what an organisation is"));
}

impl Chat {
    /// Why a record is in the part, or not, as both engines tell it.
    fn explain(&self, table: &str, key: &str, selection: &[&str]) -> String {
        let [one, other] = self.sources().map(|source| {
            let ended = self.run(&source, "explain", &[&["--table", table, "--key", key][..], selection].concat());
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            String::from_utf8(ended.stdout).unwrap()
        });
        assert_eq!(one, other);
        one
    }
}

#[test]
fn the_path_of_a_record_is_told_to_what_names_its_beginning() {
    let chat = Chat::new();
    let of_a = ["--organization", "a"];
    assert_eq!(
        chat.explain("messages", "1", &of_a),
        "messages id=1 is in\n  by messages.channel_id it belongs to channels id=ca\n    \
         by channels.org_id it belongs to orgs id=a\n      organization asks for it\n"
    );
    assert_eq!(
        chat.explain("profiles", "pc", &of_a),
        "profiles id=pc is in\n  by profiles.user_id it belongs to users id=cay\n    \
         members id=m3 shares it, by members.user_id\n      by members.org_id it belongs to orgs id=a\n        \
         organization asks for it\n"
    );
    assert_eq!(
        chat.explain("users", "ann", &["--organization", "a", "--tables", "messages"]),
        "users id=ann is in\n  messages id=1 refers to it, so it came along, by messages.author_id\n    \
         by messages.channel_id it belongs to channels id=ca\n      by channels.org_id it belongs to orgs id=a\n        \
         organization asks for it\n"
    );
    assert_eq!(chat.explain("emojis", "e1", &of_a), "emojis id=e1 is in\n  emojis is whole in this part\n");
}

#[test]
fn the_link_that_is_missing_is_told() {
    let chat = Chat::new();
    let of_a = ["--organization", "a"];
    assert_eq!(
        chat.explain("messages", "6", &of_a),
        "messages id=6 is not in\n  it does not belong to organization\n    \
         by messages.channel_id it belongs to channels id=ca, which belongs to organization\n    \
         by messages.talk_id it belongs to talks id=tb, which does not belong to organization\n      \
         by talks.org_id it belongs to orgs id=b, which does not belong to organization\n        \
         it is none that is asked for by organization\n  no record in the part brings it along\n"
    );
    assert_eq!(
        chat.explain("messages", "7", &of_a),
        "messages id=7 is not in\n  it does not belong to organization\n    messages.channel_id leads to no owner\n    \
         messages.talk_id leads to no owner\n  no record in the part brings it along\n"
    );
    assert_eq!(
        chat.explain("users", "dan", &of_a),
        "users id=dan is in as a stub\n  it does not belong to organization\n    \
         no record of members in organization shares it, by members.user_id\n  no record in the part brings it along\n  a stub of it is in: messages id=2 refers to it, by messages.author_id\n"
    );
    assert_eq!(
        chat.explain("notes", "n1", &of_a),
        "notes id=n1 is not in\n  notes is in no organisation's export: private to their author\n"
    );
    let json: Value = serde_json::from_str(&chat.explain("notes", "n1", &["--organization", "a", "--json"])).unwrap();
    assert_eq!((&json["verdict"], &json["record"]), (&json!("out"), &json!("notes id=n1")));
}

#[test]
fn a_question_about_no_record_is_refused() {
    let chat = Chat::new();
    for (arguments, says) in [
        (&["--table", "messages", "--key", "77", "--organization", "a"][..], "no record of messages has the key `77`"),
        (
            &["--table", "mesages", "--key", "1", "--organization", "a"],
            "no table mesages is exported; did you mean `messages`?",
        ),
        (&["--table", "messages", "--key", "1"], "every record of an exported table is in a full export"),
        (
            &["--table", "messages", "--key", "id=1", "--key", "x=2", "--organization", "a"],
            "with --key VALUE, the value of its id",
        ),
    ] {
        for source in chat.sources() {
            let ended = chat.run(&source, "explain", arguments);
            assert!(ended.code == 2 && ended.stderr.contains(says), "{}", ended.stderr);
        }
    }
}

/// Tables of the tests below, in both engines: teams and groups belong to organisations, and who owns what is less plain.
const OWNED: &str = "
    CREATE TABLE teams (org_id text NOT NULL REFERENCES orgs (id), id integer NOT NULL, name text, PRIMARY KEY (id));
    CREATE TABLE groups (org_id text NOT NULL REFERENCES orgs (id), id integer NOT NULL, name text, PRIMARY KEY (id));
    CREATE TABLE rooms (org_id text NOT NULL REFERENCES orgs (id), nr integer NOT NULL, team_id integer REFERENCES teams (id),
        PRIMARY KEY (org_id, nr));
    CREATE TABLE posts (id integer PRIMARY KEY NOT NULL, org_id text REFERENCES orgs (id), room integer,
        FOREIGN KEY (org_id, room) REFERENCES rooms (org_id, nr));
    CREATE TABLE comments (id integer PRIMARY KEY NOT NULL, entity_id integer);
    CREATE TABLE badges (id integer PRIMARY KEY NOT NULL, group_name text);
    INSERT INTO teams VALUES ('a', 3, 'Core'), ('a', 4, 'Ops'), ('b', 5, 'Core');
    INSERT INTO groups VALUES ('b', 3, 'Admins'), ('a', 7, 'Admins'), ('a', 8, 'Friends');
    INSERT INTO rooms VALUES ('b', 1, 3), ('a', 2, 3);
    INSERT INTO posts VALUES (1, 'a', 2), (2, 'b', 1);
    INSERT INTO comments VALUES (1, 3), (2, 4), (3, 5), (4, 7);
    INSERT INTO badges VALUES (1, 'Admins'), (2, 'Friends');";

const OWNED_PROFILE: &str = r#"
[tables.teams]
owned_by = ["org_id"]
[tables.teams.columns]
id = "plain"
org_id = "plain"
name = "plain"
[tables.groups]
owned_by = ["org_id"]
[tables.groups.columns]
id = "plain"
org_id = "plain"
name = "plain"
[tables.rooms]
owned_by = ["team_id"]
[tables.rooms.columns]
org_id = "plain"
nr = "plain"
team_id = "plain"
[tables.posts]
owned_by = ["org_id", "room"]
[tables.posts.columns]
id = "plain"
org_id = "plain"
room = "plain"
[tables.comments]
owned_by = ["entity_id"]
[tables.comments.columns]
id = "plain"
entity_id = "plain"
[tables.badges]
owned_by = ["group_name"]
[tables.badges.columns]
id = "plain"
group_name = "plain"
[[references]]
from = "comments.entity_id"
to = "teams.id"
[[references]]
from = "comments.entity_id"
to = "groups.id"
[[references]]
from = "badges.group_name"
to = "groups.name"
[tables.pins]
"#;

#[test]
fn a_record_of_which_anybody_else_may_be_an_owner_stays_home() {
    let chat = Chat::new();
    chat.change(OWNED);
    chat.change_profile("[tables.pins]\n", OWNED_PROFILE.trim_start());
    let export = chat.export(&["--organization", "a", "--order", "key"]);
    let numbers =
        |table: &str| -> Vec<i64> { export.data[table].iter().map(|row| row["id"].as_i64().unwrap()).collect() };
    assert_eq!(numbers("posts"), [1], "post 2 is in a room of team 3, and of organisation b");
    assert_eq!(export.metadata["selectedRecords"]["posts"]["ownersDisagree"], 1);
    assert_eq!(numbers("comments"), [2, 4], "comment 1 may be about group 3 of b, comment 3 is about team 5 of b");
    assert_eq!(numbers("badges"), [2], "both organisations have a group of that name");
}

#[test]
fn a_stub_has_its_key_and_what_is_named_whatever_else_refers_to_its_table() {
    let chat = Chat::new();
    chat.change("CREATE UNIQUE INDEX by_email ON users (email)");
    chat.change("CREATE TABLE logins (id text PRIMARY KEY NOT NULL, email text REFERENCES users (email))");
    chat.change_profile("[tables.links.columns]", "[tables.logins]\nexclude = \"sign-ins\"\n[tables.links.columns]");
    let export = chat.export(&["--organization", "a"]);
    assert_eq!(row(&export, "users", "dan"), &json!({ "id": "dan", "name": "Dan", "email": null }));
}

#[test]
fn a_composite_reference_that_leads_outside_leaves_nothing_of_its_key() {
    let chat = Chat::new();
    chat.change(
        "CREATE TABLE desks (site text NOT NULL, nr integer NOT NULL, org_id text NOT NULL REFERENCES orgs (id), \
         PRIMARY KEY (site, nr)); CREATE TABLE bookings (id text PRIMARY KEY NOT NULL, org_id text NOT NULL REFERENCES orgs (id), \
         site text, nr integer, FOREIGN KEY (site, nr) REFERENCES desks (site, nr)); \
         INSERT INTO desks VALUES ('hall', 77, 'b'), ('loft', 5, 'a'); \
         INSERT INTO bookings VALUES ('b1', 'a', 'hall', 77), ('b2', 'a', 'loft', 5)",
    );
    chat.change_profile(
        "[tables.pins]\n",
        "[tables.desks]\nowned_by = [\"org_id\"]\n[tables.desks.columns]\nsite = \"plain\"\nnr = \"plain\"\norg_id = \"plain\"\n\
         [tables.bookings]\nowned_by = [\"org_id\"]\n[tables.bookings.columns]\nid = \"plain\"\norg_id = \"plain\"\nsite = \"plain\"\n\
         nr = \"plain\"\n[tables.pins]\n",
    );
    let export = chat.export(&["--organization", "a"]);
    let booked = |id: &str| (row(&export, "bookings", id)["site"].clone(), row(&export, "bookings", id)["nr"].clone());
    assert_eq!(booked("b1"), (Value::Null, Value::Null));
    assert_eq!(booked("b2"), (json!("loft"), json!(5)));
}

#[test]
fn a_check_of_the_data_counts_what_is_in_no_organisation() {
    let chat = Chat::new();
    // More than are told as examples.
    for number in 10..20 {
        chat.change(&format!("INSERT INTO talks VALUES ('t{number}', NULL)"));
    }
    for source in chat.sources() {
        let arguments = ["profile", "check", "--data", "--source", &source, "--profile", "chat.toml"];
        let checked = WaybillCommand::new(chat.folder.path()).run(arguments);
        for line in [
            "looked into 2 organisations",
            "messages: left out, because one owner is inside and another one outside (counted for each organisation): 2, such as 6",
            "pins: left out, because one owner is inside and another one outside (counted for each organisation): 2, such as p2",
            "messages: left out, because they belong to nobody: 1, such as 7",
            "talks: left out, because they belong to nobody: 11, such as t10; t11; tn",
            "messages.channel_id has no index, so whatever belongs to an organisation is found by reading all of messages",
        ] {
            assert!(checked.stderr.contains(line), "{line}: {}", checked.stderr);
        }
    }
}
