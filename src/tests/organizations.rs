//! `OComms`: an organisation's export is all of its own and nothing of any other, as one file and as the application's
//! own documents.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use waybill::server::profile::builtin::ocomms::SampleSpec;
use waybill::server::sample::generate_in_postgres;
use waybill::server::source::postgres::ConnectConfig;

use crate::harness::{CommandOutput, PASSWORD, ParsedExport, Postgres, WaybillCommand, parse_export};

const ORGANIZATIONS: u64 = 20;

struct Chat {
    folder: TempDir,
    postgres: Postgres,
}

impl Chat {
    fn new(organizations: u64, messages: u64) -> Self {
        let (folder, postgres) = (TempDir::new().unwrap(), Postgres::start());
        let address: ConnectConfig = postgres.url().parse().unwrap();
        let sample = SampleSpec { organizations, messages, seed: 1 }.sample();
        generate_in_postgres(&sample, &address, PASSWORD, false).unwrap();
        Self { folder, postgres }
    }

    fn ids(&self) -> Vec<String> {
        self.postgres.sql("SELECT id FROM organizations ORDER BY id").lines().map(str::to_owned).collect()
    }

    fn number(&self, sql: &str) -> u64 {
        self.postgres.sql(sql).parse().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> CommandOutput {
        let fixed = ["--source", &self.postgres.url(), "--profile", "ocomms"];
        WaybillCommand::new(self.folder.path()).run([arguments, &fixed].concat())
    }

    fn document(&self, id: &str) -> ParsedExport {
        let ended = self.run(&["export", "--organization", id, "--force", "--output", "out.json"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        parse_export(&std::fs::read(self.folder.path().join("out.json")).unwrap())
    }

    fn verify(&self, folder: &Path) -> CommandOutput {
        WaybillCommand::new(self.folder.path()).run(["verify", &folder.display().to_string()])
    }

    /// Exports the application's own documents, and returns their folder.
    fn folder(&self, id: &str) -> PathBuf {
        let parent = TempDir::new_in(self.folder.path()).unwrap().keep();
        let output = parent.display().to_string();
        let ended = self.run(&["export", "--organization", id, "--layout", "ocomms", "--output", &output]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let mut entries: Vec<PathBuf> = parent.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(entries.len(), 1, "{entries:?}");
        let found = entries.remove(0);
        assert!(ended.stderr.contains(&found.display().to_string()), "the location is told: {}", ended.stderr);
        found
    }
}

fn read(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

fn text_of(folder: &Path) -> String {
    folder.read_dir().unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
}

/// The organisations whose canaries are in a text.
fn canaries(text: &str) -> BTreeSet<String> {
    text.match_indices("canary-o").map(|(at, _)| text[at + 7..at + 12].to_owned()).collect()
}

#[test]
fn each_of_twenty_organisations_has_all_of_its_own_and_nothing_of_the_others() {
    let chat = Chat::new(ORGANIZATIONS, 2_000);
    let (mut messages, mut seen) = (0, BTreeSet::new());
    for id in &chat.ids() {
        let document = chat.document(id);
        let (text, folder) = (serde_json::to_string(&document.data).unwrap(), chat.folder(id));
        let own = canaries(&document.data["organizations"][0].to_string());
        assert_eq!(own.len(), 1, "{id}");
        assert_eq!(canaries(&text), own, "{id}");
        assert_eq!(canaries(&text_of(&folder)), own, "{id}");
        assert!(seen.insert(own), "{id} is the same as another one");
        for (table, of) in [
            ("channels", "channels WHERE organization_id"),
            ("members", "members WHERE organization_id"),
            ("conversations", "conversations WHERE organization_id"),
            ("invitations", "invitations WHERE organization_id"),
        ] {
            assert_eq!(
                document.data[table].len() as u64,
                chat.number(&format!("SELECT count(*) FROM {of} = '{id}'")),
                "{id} {table}"
            );
        }
        messages += document.data["messages"].len() as u64;
        for private in ["personal_notes", "bookmarks", "reminders", "sessions", "accounts", "push_subscriptions"] {
            assert!(!document.data.contains_key(private), "{private}");
        }
        let stubs = document.metadata["selectedRecords"]["users"]["stubs"].as_u64().unwrap_or(0);
        let users = &document.data["users"];
        let members: BTreeSet<&str> =
            document.data["members"].iter().map(|member| member["user_id"].as_str().unwrap()).collect();
        for (place, user) in users.iter().enumerate() {
            let is_member = members.contains(user["id"].as_str().unwrap());
            assert_eq!(is_member, (place as u64) < users.len() as u64 - stubs, "{user}");
            assert_eq!(is_member, user["email"].is_string(), "only members' addresses leave: {user}");
        }
    }
    assert_eq!(messages, chat.number("SELECT count(*) FROM messages"), "every message is in exactly one");
}

#[test]
fn a_pin_of_another_organisations_message_stays_home_and_is_counted() {
    let chat = Chat::new(4, 800);
    let found = chat.postgres.sql(
        "SELECT c.organization_id || ' ' || count(*) FROM pinned_messages p JOIN channels c ON c.id = p.channel_id
         JOIN messages m ON m.id = p.message_id JOIN channels o ON o.id = m.channel_id
         WHERE c.organization_id <> o.organization_id GROUP BY c.organization_id",
    );
    let (organization, foreign) = found.lines().next().expect("the sample decides something").split_once(' ').unwrap();
    let foreign: u64 = foreign.parse().unwrap();
    let document = chat.document(organization);
    assert_eq!(document.metadata["selectedRecords"]["pinned_messages"]["ownersDisagree"], foreign);
    let own: BTreeSet<&str> = document.data["messages"].iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert!(document.data["pinned_messages"].iter().all(|pin| own.contains(pin["message_id"].as_str().unwrap())));
}

#[test]
fn the_documents_are_those_of_the_application() {
    let chat = Chat::new(3, 900);
    let id = chat.ids()[0].clone();
    let folder = chat.folder(&id);
    let name = folder.file_name().unwrap().to_str().unwrap();
    let is_time = chrono::NaiveDateTime::parse_from_str(name, "ocomms-export-%Y-%m-%dT%H-%M-%SZ");
    assert!(is_time.is_ok(), "{name}");
    let mut files: Vec<String> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let expected = [
        "channel-notification-settings.json",
        "channels.json",
        "direct-messages.json",
        "manifest.json",
        "members.json",
        "notifications.json",
        "organization.json",
        "people.json",
        "pinned-messages.json",
        "read-states.json",
        "waybill.json",
    ];
    assert_eq!(files, expected);

    let organization = read(&folder, "organization.json");
    assert_eq!(organization["id"], id.as_str());
    assert!(organization["createdAt"].as_str().unwrap().ends_with('Z'), "{organization}");
    let members = read(&folder, "members.json");
    let owner = members.as_array().unwrap().iter().find(|member| member["role"] == "owner").unwrap();
    let keys: Vec<&String> = owner["user"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["createdAt", "email", "emailVerified", "id", "image", "name", "updatedAt"]);
    assert_eq!(owner["user"]["id"], owner["userId"]);
    assert!(
        members
            .as_array()
            .unwrap()
            .iter()
            .all(|member| { member["profile"].is_null() || member["profile"]["userId"] == member["userId"] })
    );

    let channels = read(&folder, "channels.json");
    let (mut messages, mut reactions, mut tombstones) = (0, 0, 0);
    for channel in channels.as_array().unwrap() {
        assert!(!channel["members"].as_array().unwrap().is_empty(), "{}", channel["name"]);
        let mut last = -1;
        for message in channel["messages"].as_array().unwrap() {
            let sequence = message["sequence"].as_i64().unwrap();
            assert!(sequence > last, "in their order");
            last = sequence;
            assert_eq!(message["channelId"], channel["id"]);
            assert!(message.get("searchContent").is_none(), "derived");
            if message["deletedAt"].is_string() {
                tombstones += 1;
                assert!(message["content"].is_null() && message["authorId"].is_null(), "{message}");
            } else {
                assert!(message["content"].is_string(), "{message}");
            }
            messages += 1;
            for reaction in message["reactions"].as_array().unwrap() {
                assert_eq!(reaction["messageId"], message["id"]);
                reactions += 1;
            }
        }
    }
    assert!(tombstones > 0 && reactions > 0, "the sample decides something");
    let direct = read(&folder, "direct-messages.json");
    for conversation in direct.as_array().unwrap() {
        assert!(!conversation["participants"].as_array().unwrap().is_empty());
        for message in conversation["messages"].as_array().unwrap() {
            messages += 1;
            reactions += message["reactions"].as_array().unwrap().len();
        }
    }
    let manifest = read(&folder, "manifest.json");
    assert_eq!(
        (&manifest["format"], &manifest["version"], &manifest["organizationId"]),
        (&json!("JSON"), &json!("1.0"), &json!(id))
    );
    let length = |name: &str| read(&folder, name).as_array().unwrap().len();
    assert_eq!(
        manifest["counts"],
        json!({
            "members": length("members.json"), "channels": length("channels.json"), "messages": messages,
            "conversations": length("direct-messages.json"), "reactions": reactions,
            "pinnedMessages": length("pinned-messages.json"), "notifications": length("notifications.json"),
        })
    );
}

/// Every user that a document names is known.
fn check_users(value: &Value, known: &BTreeMap<String, bool>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| check_users(value, known)),
        Value::Object(fields) => {
            for (key, value) in fields {
                let is_user = ["userId", "authorId", "pinnedBy", "actorId", "createdBy", "archivedBy"];
                if let (true, Some(id)) = (is_user.contains(&key.as_str()), value.as_str()) {
                    assert!(known.contains_key(id), "{key} {id}");
                }
                check_users(value, known);
            }
        }
        _ => {}
    }
}

/// Everyone who wrote, pinned, read or did something is a member, or one of the people who are no members any more.
#[test]
fn every_user_that_the_documents_name_is_told_who_it_is() {
    let chat = Chat::new(4, 1_200);
    let folder = chat.folder(&chat.ids()[0]);
    let mut known: BTreeMap<String, bool> = BTreeMap::new();
    for member in read(&folder, "members.json").as_array().unwrap() {
        known.insert(member["userId"].as_str().unwrap().to_owned(), false);
    }
    for person in read(&folder, "people.json").as_array().unwrap() {
        let keys: Vec<&str> = person.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!((keys, &person["former"]), (vec!["former", "id", "name"], &json!(true)));
        known.insert(person["id"].as_str().unwrap().to_owned(), true);
    }
    assert!(known.values().any(|is_former| *is_former), "somebody has left");
    for file in
        ["channels.json", "direct-messages.json", "pinned-messages.json", "notifications.json", "read-states.json"]
    {
        check_users(&read(&folder, file), &known);
    }
}

#[test]
fn a_folder_is_sealed_and_every_change_of_it_is_found() {
    let chat = Chat::new(2, 200);
    let folder = chat.folder(&chat.ids()[0]);
    let whole = chat.verify(&folder);
    assert_eq!(whole.code, 0, "{}", whole.stderr);
    let told = String::from_utf8(whole.stdout).unwrap();
    assert!(told.contains("unaltered") && told.contains("of ocomms"), "{told}");
    let refused = |what: &str, says: &str, change: &dyn Fn(), undo: &dyn Fn()| {
        change();
        let ended = chat.verify(&folder);
        assert!(ended.code == 4 && ended.stderr.contains(says), "{what}: {} {}", ended.code, ended.stderr);
        undo();
        assert_eq!(chat.verify(&folder).code, 0, "{what}");
    };
    for name in ["channels.json", "manifest.json", "people.json", "waybill.json"] {
        let (path, away) = (folder.join(name), folder.parent().unwrap().join("away"));
        let bytes = std::fs::read(&path).unwrap();
        let restore = || std::fs::write(&path, &bytes).unwrap();
        let altered = || {
            let mut changed = bytes.clone();
            let middle = changed.len() / 2;
            changed[middle] ^= 1;
            std::fs::write(&path, changed).unwrap();
        };
        refused(name, "not intact", &altered, &restore);
        refused(name, "not intact", &|| std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap(), &restore);
        let missing = || std::fs::rename(&path, &away).unwrap();
        refused(name, "missing", &missing, &|| std::fs::rename(&away, &path).unwrap());
    }
    let more = folder.join("more.json");
    refused("a further file", "more.json is not listed", &|| std::fs::write(&more, "{}").unwrap(), &|| {
        std::fs::remove_file(&more).unwrap();
    });
    let (people, elsewhere) = (folder.join("people.json"), folder.parent().unwrap().join("people.json"));
    std::fs::rename(&people, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &people).unwrap();
    let link = chat.verify(&folder);
    assert!(link.code == 4 && link.stderr.contains("people.json is no file"), "{}", link.stderr);
    let inspect = |path: &Path| WaybillCommand::new(chat.folder.path()).run(["inspect", &path.display().to_string()]);
    let inspected = inspect(&folder);
    assert!(inspected.code == 2 && inspected.stderr.contains("`waybill verify FOLDER`"), "{}", inspected.stderr);
    let document = inspect(&folder.join("channels.json"));
    assert!(
        document.stderr.contains("are read with any JSON tool, a person's archive with tar, and both are checked with"),
        "{}",
        document.stderr
    );
    let alone = chat.verify(&folder.join("waybill.json"));
    assert!(alone.code == 4 && alone.stderr.contains("whose files were not checked"), "{}", alone.stderr);
    let mode = std::os::unix::fs::PermissionsExt::mode(&folder.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o700, "private, whatever the umask is");
}

#[test]
fn a_layout_that_cannot_be_written_is_refused_and_leaves_nothing() {
    let chat = Chat::new(2, 50);
    let id = chat.ids()[0].clone();
    let output = chat.folder.path().join("exports").display().to_string();
    for (arguments, code, says) in [
        (vec!["--layout", "ocomms"], 2, "add --organization ID"),
        (vec!["--layout", "carol", "--organization", &id], 2, "has no layout carol"),
        (vec!["--layout", "ocomms", "--organization", "none"], 2, "no organisation has the id"),
        (vec!["--layout", "ocomms", "--organization", &id, "--tables", "users"], 2, "has its own tables"),
        (vec!["--layout", "ocomms", "--organization", &id, "--force"], 2, "cannot be used with"),
    ] {
        let ended = chat.run(&[&["export", "--output", &output], &arguments[..]].concat());
        assert!(ended.code == code && ended.stderr.contains(says), "{arguments:?}: {}", ended.stderr);
        let left = std::fs::read_dir(&output).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{arguments:?}");
    }
    let standard_output = chat.run(&["export", "--layout", "ocomms", "--organization", &id, "--output", "-"]);
    assert!(
        standard_output.code == 5 && standard_output.stderr.contains("written to a folder"),
        "{}",
        standard_output.stderr
    );
    std::fs::write(chat.folder.path().join("file"), "").unwrap();
    let file = chat.run(&["export", "--layout", "ocomms", "--organization", &id, "--output", "file"]);
    assert!(file.code == 5 && file.stderr.contains("written to a new folder"), "{}", file.stderr);
    let named = chat.run(&["export", "--layout", "ocomms", "--organization", &id, "--output", "x.json"]);
    assert!(named.code == 5 && named.stderr.contains("name the folder to make it in"), "{}", named.stderr);
    assert!(!chat.folder.path().join("x.json").exists(), "no folder has the name of a file");
}

#[test]
fn a_preview_of_a_layout_counts_what_its_documents_hold() {
    let chat = Chat::new(2, 100);
    let id = chat.ids()[0].clone();
    let preview = chat.run(&["preview", "--layout", "ocomms", "--organization", &id, "--json"]);
    assert_eq!(preview.code, 0, "{}", preview.stderr);
    let preview: Value = serde_json::from_slice(&preview.stdout).unwrap();
    let members = preview["tables"].as_array().unwrap().iter().find(|table| table["name"] == "members").unwrap();
    let folder = chat.folder(&id);
    assert_eq!(members["records"], read(&folder, "manifest.json")["counts"]["members"]);
    let named = preview["file_name"].as_str().unwrap();
    assert!(named.starts_with("ocomms-export-") && !named.contains(".json"), "{named}");
    let refused = chat.run(&["preview", "--layout", "ocomms"]);
    assert!(refused.code == 2 && refused.stderr.contains("add --organization ID"), "{}", refused.stderr);
}
