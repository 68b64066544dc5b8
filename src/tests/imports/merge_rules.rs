//! What a profile says about merges: records that changed here since, hidden ones, and ones that are there under another key.

use super::undo::{MERGE, undo};
use super::*;

const SCHEMA: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, name TEXT, updated_at TEXT, deleted_at TEXT, boss INTEGER REFERENCES users (id));
     CREATE TABLE posts (id INTEGER PRIMARY KEY, author_id INTEGER REFERENCES users (id), title TEXT);
     CREATE TABLE likes (user_id INTEGER, post_id INTEGER, PRIMARY KEY (user_id, post_id));
     CREATE TABLE events (id INTEGER PRIMARY KEY, subject_type TEXT, subject_id INTEGER);";

const PROFILE: &str = r#"
name = "blog"
[[references]]
from = "likes.user_id"
to = "users.id"
[[references]]
from = "events.subject_id"
to = "users.id"
when = { subject_type = "user" }
[tables.users.columns]
id = "plain"
email = "personal"
name = "personal"
updated_at = "plain"
deleted_at = "plain"
boss = "plain"
[tables.posts.columns]
id = "plain"
author_id = "plain"
title = "plain"
[tables.likes.columns]
user_id = "plain"
post_id = "plain"
[tables.events.columns]
id = "plain"
subject_type = "plain"
subject_id = "plain"
"#;

const CHANGED_AT: &str =
    "[tables.users.merge]\nchanged_at = { column = \"updated_at\", unit = \"iso\" }\nhidden_by = \"deleted_at\"\n";
const NATURAL_KEY: &str = "[tables.users.merge]\nnatural_keys = [[\"email\"]]\nfold_case = [\"email\"]\n";

/// A blog on each engine, and `blog.json`, which `rows` are exported to.
struct Blogs {
    folder: TempDir,
    urls: [String; 2],
    server: Postgres,
}

impl Blogs {
    fn new(rules: &str, rows: &str, here: &str) -> Self {
        let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
        fs::write(folder.path().join("blog.toml"), format!("{PROFILE}{rules}")).unwrap();
        let (_, source) = sqlite(folder.path(), "source.db", &format!("{SCHEMA}{rows}"));
        let options = ["--order", "key", "--profile", "blog.toml", "--output", "blog.json"];
        let ended = run(folder.path(), &[&["export", "--source", &source][..], &options].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let (lite, pg) = (format!("{SCHEMA}{here}"), format!("{SCHEMA}{here}").replace("INTEGER", "bigint"));
        let urls = [sqlite(folder.path(), "target.db", &lite).1, database(&server, "target_copy", &pg)];
        Self { folder, urls, server }
    }

    fn merge(&self, url: &str, options: &[&str]) -> CommandOutput {
        import(self.folder.path(), "blog.json", url, &[&MERGE[..], &["--profile", "blog.toml"], options].concat())
    }

    /// What a query that both engines understand returns.
    fn sql(&self, url: &str, query: &str) -> String {
        match url.strip_prefix("sqlite:") {
            Some(path) => {
                let connection = Connection::open(path).unwrap();
                let mut statement = connection.prepare(query).unwrap();
                let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
                rows.map(Result::unwrap).collect::<Vec<_>>().join("\n")
            }
            None => self.server.sql_as("waybill_owner", "target_copy", query),
        }
    }
}

const NAMES: &str = "SELECT name FROM users ORDER BY id";

#[test]
fn a_record_that_changed_here_since_the_file_was_made_is_not_replaced_unasked() {
    let rows = "INSERT INTO users VALUES (1, 'a', 'file a', '2020-01-01 10:00:00', NULL, NULL),
        (2, 'b', 'file b', '2020-01-01 10:00:00', NULL, NULL), (3, 'c', 'file c', '2020-01-01 10:00:00', NULL, NULL);";
    let here = "INSERT INTO users VALUES (1, 'a', 'here a', '2199-01-01 10:00:00', NULL, NULL),
        (2, 'b', 'here b', '2020-01-02 10:00:00', NULL, NULL), (3, 'c', 'file c', '2020-01-01 10:00:00', NULL, NULL);";
    let blogs = Blogs::new(CHANGED_AT, rows, here);
    for url in &blogs.urls {
        let planned = blogs.merge(url, &["--dry-run", "--output", "plan.json"]);
        assert_eq!(planned.code, 3, "{}", planned.stderr);
        let conflict = "conflict  1 record of users changed here since the file was made\n          \
                        --policy newer leaves records that changed here since or are hidden as they are, --policy file replaces them";
        assert!(planned.text().contains(conflict), "{}", planned.text());
        let kind = "changes   1 × users: name, updated_at (changed here since the file was made)";
        assert!(planned.text().contains(kind), "{}", planned.text());
        let shown = run(blogs.folder.path(), &["import", "show", "plan.json", "--table", "users"]);
        assert!(shown.text().contains("changed  id=1 (changed here since the file was made)"), "{}", shown.text());
        assert!(shown.text().contains("changed  id=2\n"), "{}", shown.text());
        fs::remove_file(blogs.folder.path().join("plan.json")).unwrap();

        let refused = blogs.merge(url, &[]);
        assert_eq!(refused.code, 3, "{}", refused.text());
        assert!(
            refused.stderr.contains("1 record of users changed here since the file was made"),
            "{}",
            refused.stderr
        );
        assert_eq!(blogs.sql(url, NAMES), "here a\nhere b\nfile c");

        let newer = blogs.merge(url, &["--policy", "users=newer"]);
        assert_eq!(newer.code, 0, "{}", newer.stderr);
        assert!(
            newer.text().contains("users changed here since the file was made: they stay as they are"),
            "{}",
            newer.text()
        );
        assert_eq!(blogs.sql(url, NAMES), "here a\nfile b\nfile c");
        assert_eq!(blogs.merge(url, &["--policy", "users=file"]).code, 0);
        assert_eq!(blogs.sql(url, NAMES), "file a\nfile b\nfile c");
    }
}

#[test]
fn a_time_since_is_told_in_every_unit_that_a_column_may_have() {
    for (unit, kind, before, after) in [
        ("epoch_ms", "bigint", "1577872800000", "7226582400000"),
        ("epoch_seconds", "bigint", "1577872800", "7226582400"),
        ("iso", "timestamptz", "'2020-01-01T10:00:00Z'", "'2199-01-01T10:00:00+02:00'"),
        ("iso", "timestamp", "'2020-01-01 10:00:00'", "'2199-01-01 10:00:00'"),
        ("iso", "date", "'2020-01-01'", "'2199-01-01'"),
        ("iso", "text", "'2020-01-01'", "'2199-01-01'"),
    ] {
        let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
        let folder = folder.path();
        let table = |rows: &str| {
            format!("CREATE TABLE items (id bigint PRIMARY KEY, name text, at {kind}); INSERT INTO items VALUES {rows}")
        };
        let (old, new) = (
            format!("(1, 'old', {before}), (2, 'old', {before})"),
            format!("(1, 'new', {before}), (2, 'new', {after})"),
        );
        let profile = format!(
            "name = \"x\"\n[tables.items.merge]\nchanged_at = {{ column = \"at\", unit = \"{unit}\" }}\n\
             [tables.items.columns]\nid = \"plain\"\nname = \"plain\"\nat = \"plain\"\n"
        );
        fs::write(folder.join("x.toml"), profile).unwrap();
        let source = database(&server, "source", &table(&old));
        let ended = run(folder, &["export", "--source", &source, "--profile", "x.toml", "--output", "x.json"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let mut urls = vec![database(&server, "target_copy", &table(&new))];
        if kind == "bigint" || kind == "text" {
            urls.push(sqlite(folder, "target.db", &table(&new)).1);
        }
        for url in urls {
            let options = ["--profile", "x.toml", "--policy", "items=newer", "--json"];
            let merged = import(folder, "x.json", &url, &[&MERGE[..], &options].concat());
            assert_eq!(merged.code, 0, "{unit} {kind} {}", merged.stderr);
            let report: serde_json::Value = serde_json::from_slice(&merged.stdout).unwrap();
            assert_eq!(
                (&report["tables"][0]["updated"], &report["tables"][0]["changed_here"]),
                (&1.into(), &1.into()),
                "{unit} {kind} {report}"
            );
        }
    }
}

/// twentyhq/twenty#13195: a record was called a duplicate of one that nobody sees.
#[test]
fn a_record_that_is_hidden_here_is_told_as_such() {
    let rows =
        "INSERT INTO users VALUES (1, 'a', 'file a', NULL, NULL, NULL), (2, 'b', 'file b', NULL, '2020-01-01', NULL);";
    let here = "INSERT INTO users VALUES (1, 'a', 'here a', NULL, '2020-01-01', NULL), (2, 'b', 'file b', NULL, '2020-01-01', NULL);";
    let blogs = Blogs::new(CHANGED_AT, rows, here);
    for url in &blogs.urls {
        let refused = blogs.merge(url, &[]);
        assert_eq!(refused.code, 3, "{}", refused.text());
        assert!(
            refused.stderr.contains("1 record of users, hidden here, would be changed\n  --policy newer"),
            "{}",
            refused.stderr
        );
        let planned = blogs.merge(url, &["--dry-run", "--policy", "file"]);
        assert_eq!(planned.code, 0, "{}", planned.stderr);
        assert!(planned.text().contains("users: name, deleted_at (hidden here)"), "{}", planned.text());
        assert_eq!(blogs.merge(url, &["--policy", "users=newer"]).code, 0);
        assert_eq!(blogs.sql(url, NAMES), "here a\nfile b");
    }
}

const TWO_HERE: &str =
    "INSERT INTO users VALUES (1, 'ada@x', 'Ada', NULL, NULL, NULL), (77, 'Eve@X', 'E.', NULL, NULL, NULL);";

#[test]
fn a_record_that_is_there_under_another_key_is_merged_and_references_follow() {
    let rows = "INSERT INTO users VALUES (1, 'ada@x', 'Ada', NULL, NULL, NULL), (2, 'bob@x', 'Bob', NULL, NULL, 3), (3, 'eve@x', 'Eve', NULL, NULL, NULL);
        INSERT INTO posts VALUES (10, 3, 'by eve'), (11, 2, 'by bob'); INSERT INTO likes VALUES (3, 10), (1, 10);
        INSERT INTO events VALUES (20, 'user', 3), (21, 'post', 3);";
    // Bob, whose boss is Eve, comes before her; SQLite sees that too late.
    let rows_on_sqlite = rows.replace("NULL, NULL, 3)", "NULL, NULL, NULL)");
    for (place, rows) in [rows_on_sqlite.as_str(), rows].into_iter().enumerate() {
        let blogs = Blogs::new(NATURAL_KEY, rows, TWO_HERE);
        let url = &blogs.urls[place];
        let before = records(blogs.folder.path(), url, "before.json");
        let planned = blogs.merge(url, &["--dry-run", "--output", "plan.json"]);
        assert_eq!(planned.code, 0, "{}", planned.stderr);
        assert!(
            planned.text().contains("changes   1 × users: email, name (here under another key)"),
            "{}",
            planned.text()
        );
        let note = "note      1 record of users found under another key, by a natural one: references to them follow";
        assert!(planned.text().contains(note), "{}", planned.text());

        let merged = blogs.merge(url, &["--plan", "plan.json", "--json"]);
        assert_eq!(merged.code, 0, "{}", merged.stderr);
        let report: serde_json::Value = serde_json::from_slice(&merged.stdout).unwrap();
        assert_eq!(blogs.sql(url, NAMES), "Ada\nBob\nEve");
        assert_eq!(blogs.sql(url, "SELECT CAST(id AS text) FROM users ORDER BY id"), "1\n2\n77");
        assert_eq!(blogs.sql(url, "SELECT title || author_id FROM posts ORDER BY id"), "by eve77\nby bob2");
        assert_eq!(blogs.sql(url, "SELECT CAST(user_id AS text) FROM likes ORDER BY user_id"), "1\n77");
        let events = blogs.sql(url, "SELECT subject_type || subject_id FROM events ORDER BY id");
        assert_eq!(events, "user77\npost3", "a post is no user");
        if place == 1 {
            assert_eq!(blogs.sql(url, "SELECT CAST(boss AS text) FROM users WHERE id = 2"), "77");
        }
        let again = blogs.merge(url, &[]);
        assert!(again.text().starts_with("nothing changed: all "), "twice is once: {}", again.text());
        // The second import changed nothing, and what it keeps stands before the first one's.
        let undone = undo(blogs.folder.path(), url, report["undo"].as_str().unwrap(), &[]);
        assert!(undone.code == 0 || undone.stderr.contains("later"), "{}", undone.stderr);
        if undone.code == 0 {
            assert_eq!(records(blogs.folder.path(), url, "undone.json"), before);
        }
    }
}

#[test]
fn a_plan_is_stale_once_another_record_has_the_natural_key() {
    let rows =
        "INSERT INTO users VALUES (3, 'eve@x', 'Eve', NULL, NULL, NULL); INSERT INTO posts VALUES (10, 3, 'by eve');";
    let same = "INSERT INTO users VALUES (77, 'eve@x', 'Eve', NULL, NULL, NULL);";
    let blogs = Blogs::new(NATURAL_KEY, rows, same);
    for url in &blogs.urls {
        let plan = format!("plan-{}.json", url.len());
        assert_eq!(blogs.merge(url, &["--dry-run", "--output", &plan]).code, 0);
        let moved = "UPDATE users SET id = 78";
        match url.strip_prefix("sqlite:") {
            Some(path) => Connection::open(path).unwrap().execute_batch(moved).unwrap(),
            None => drop(blogs.sql(url, moved)),
        }
        let stale = blogs.merge(url, &["--plan", &plan]);
        assert_eq!(stale.code, 8, "{}", stale.text());
        let moved = "which records of users are there under another key is another now";
        assert!(stale.stderr.contains(moved), "{}", stale.stderr);
        assert_eq!(blogs.sql(url, "SELECT title FROM posts"), "");
    }
}

/// actualbudget/actual#4280, chatwoot/chatwoot#12325: what one file has twice was created twice.
#[test]
fn a_natural_key_that_does_not_tell_which_record_is_meant_ends_the_import() {
    let user = |id: u32, email: &str| format!("INSERT INTO users VALUES ({id}, '{email}', 'x', NULL, NULL, NULL);");
    for (rows, here, why) in [
        (
            [user(5, "new@x"), user(6, "NEW@x")].concat(),
            String::new(),
            "the records id=5 and id=6 of users in the file have the same natural key (email), and not both can be meant",
        ),
        (
            [user(1, "a@x"), user(6, "A@x")].concat(),
            user(1, "a@x"),
            "of users in the file have the same natural key (email)",
        ),
        (
            user(5, "a@x"),
            [user(1, "a@x"), user(2, "A@x")].concat(),
            "the record id=5 of users in the file fits several records by its natural keys (email)",
        ),
    ] {
        let blogs = Blogs::new(NATURAL_KEY, &rows, &here);
        for url in &blogs.urls {
            for options in [&["--dry-run"][..], &[]] {
                let refused = blogs.merge(url, options);
                assert_eq!(refused.code, 3, "{}", refused.text());
                assert!(refused.stderr.contains(why), "{why}: {}", refused.stderr);
            }
        }
    }
}

#[test]
fn null_is_no_natural_key_and_a_record_that_its_own_key_finds_is_not_looked_for() {
    let rows = "INSERT INTO users VALUES (1, 'moved@x', 'Ada', NULL, NULL, NULL), (4, NULL, 'Nil', NULL, NULL, NULL), (9, 'ada@x', 'Other', NULL, NULL, NULL);";
    let here = "INSERT INTO users VALUES (1, 'ada@x', 'Ada', NULL, NULL, NULL), (5, NULL, 'None', NULL, NULL, NULL);";
    let blogs = Blogs::new(NATURAL_KEY, rows, here);
    for url in &blogs.urls {
        let refused = blogs.merge(url, &[]);
        assert_eq!(refused.code, 3, "{}", refused.text());
        let why = "1 record of users with another natural key (email) here than in the file: maybe not the same";
        assert!(
            refused.stderr.contains(why) && refused.stderr.contains("--policy TABLE=file takes"),
            "{}",
            refused.stderr
        );
        assert_eq!(blogs.merge(url, &["--policy", "newer", "--policy", "users=stop"]).code, 3);
        let merged = blogs.merge(url, &["--policy", "users=file"]);
        assert_eq!(merged.code, 0, "{}", merged.stderr);
        let users = blogs.sql(url, "SELECT id || name || coalesce(email, '-') FROM users ORDER BY id");
        assert_eq!(users, "1Adamoved@x\n4Nil-\n5None-\n9Otherada@x");
    }
}

#[test]
fn a_record_that_came_before_the_one_that_it_refers_to_cannot_follow() {
    let rows = "INSERT INTO users VALUES (2, 'bob@x', 'Bob', NULL, NULL, 3), (3, 'eve@x', 'Eve', NULL, NULL, NULL);";
    let blogs = Blogs::new(NATURAL_KEY, rows, TWO_HERE);
    let refused = blogs.merge(&blogs.urls[0], &[]);
    assert_eq!(refused.code, 3, "{}", refused.text());
    let why =
        "1 record of users in the file before the records of users that it refers to, and these have other keys here";
    assert!(refused.stderr.contains(why), "{}", refused.stderr);
    assert_eq!(blogs.sql(&blogs.urls[0], NAMES), "Ada\nE.");
}

#[test]
fn mistakes_in_what_a_profile_says_about_merges_are_told() {
    let folder = TempDir::new().unwrap();
    for (rule, why) in [
        ("natural_keys = [[]]", "users.merge: a natural key needs a column"),
        (
            "natural_keys = [[\"emial\"]]",
            "users.merge: users.emial is no column of this profile; did you mean `email`?",
        ),
        ("natural_keys = [[\"email\", \"email\"]]", "users.merge: a natural key has a column twice"),
        ("changed_at = \"updated_at\"", "expected `{ column = \"updated_at\", unit = \"iso\" }`"),
        ("fold_case = [\"email\"]", "users.merge: fold_case: email is in no natural key"),
        ("hidden_by = \"gone\"", "users.merge: users.gone is no column of this profile"),
        ("changed_at = { column = \"updated_at\", unit = \"days\" }", "unknown variant `days`"),
        ("changed_on = \"x\"", "unknown field `changed_on`"),
    ] {
        fs::write(folder.path().join("blog.toml"), format!("{PROFILE}[tables.users.merge]\n{rule}\n")).unwrap();
        let (_, url) = sqlite(folder.path(), "x.db", "");
        let refused = run(folder.path(), &["profile", "check", "--profile", "blog.toml", "--source", &url]);
        assert!(refused.code != 0 && refused.stderr.contains(why), "{rule}: {}", refused.stderr);
    }
}

/// The page has one answer for all tables.
#[test]
fn file_for_all_tables_takes_a_record_with_another_natural_key_for_the_same() {
    let user = |email: &str| format!("INSERT INTO users VALUES (1, '{email}', 'x', NULL, NULL, NULL);");
    let blogs = Blogs::new(NATURAL_KEY, &user("new@x"), &user("old@x"));
    for url in &blogs.urls {
        assert_eq!(blogs.merge(url, &[]).code, 3);
        let merged = blogs.merge(url, &["--policy", "file"]);
        assert_eq!(merged.code, 0, "{}", merged.stderr);
        assert_eq!(blogs.sql(url, "SELECT email FROM users"), "new@x");
    }
}

#[test]
fn columns_that_the_database_sets_take_nothing_from_the_file() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let schema =
        "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, set_at TEXT NOT NULL DEFAULT 'here', seen_at TEXT);";
    let (_, source) = sqlite(
        folder,
        "source.db",
        &format!("{schema} INSERT INTO items VALUES (1, 'new', 'there', 'x'), (2, 'two', 'there', 'x');"),
    );
    export(folder, &source, "items.json");
    let profile = |columns: &str| format!("name = \"items\"\n[tables.items.columns]\nname = \"plain\"\n{columns}\n");
    let set = "{ class = \"plain\", set_by_target = true }";
    fs::write(folder.join("items.toml"), profile(&format!("id = \"plain\"\nset_at = {set}\nseen_at = {set}"))).unwrap();
    fs::write(folder.join("key.toml"), profile(&format!("id = {set}\nset_at = \"plain\"\nseen_at = \"plain\"")))
        .unwrap();
    // It says to which table a reference leads.
    let when = "id = \"plain\"\nset_at = { class = \"plain\", set_by_target = true }\nseen_at = \"plain\"\n[[references]]\nfrom = \"items.seen_at\"\n\
        to = \"items.name\"\nwhen = { set_at = \"there\" }";
    fs::write(folder.join("when.toml"), profile(when)).unwrap();
    let there = format!("{schema} INSERT INTO items VALUES (1, 'old', 'mine', 'mine');");
    for url in [sqlite(folder, "target.db", &there).1, database(&server, "items", &there)] {
        for (profile, column) in [("key.toml", "id"), ("when.toml", "set_at")] {
            let refused = import(folder, "items.json", &url, &["--mode", "merge", "--profile", profile]);
            assert_eq!(refused.code, 3, "{}", refused.stderr);
            let expected = format!("items.{column} is a key, a reference");
            assert!(refused.stderr.contains(&expected), "{}", refused.stderr);
        }
        let merged = import(folder, "items.json", &url, &["--mode", "merge", "--profile", "items.toml"]);
        assert_eq!(merged.code, 0, "{}", merged.stderr);
        assert!(
            merged.text().contains("items.set_at is set by the database: the database fills it in new records"),
            "{}",
            merged.text()
        );
        fs::remove_file(folder.join("now.json")).ok();
        export(folder, &url, "now.json");
        let now = parse_export(&fs::read(folder.join("now.json")).unwrap());
        let expected = [
            serde_json::json!({"id": 1, "name": "new", "set_at": "mine", "seen_at": "mine"}),
            serde_json::json!({"id": 2, "name": "two", "set_at": "here", "seen_at": null}),
        ];
        assert_eq!(now.data["items"], expected, "{url}");
    }
}
