//! Profiles: drafts, drift, guesses, treatments, and errors in profile files.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{CommandOutput, Postgres, WaybillCommand, parse_export};

const SHOP: &str = "
    CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL, name TEXT, \"passwordHash\" TEXT NOT NULL, opaque TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), total REAL, phone TEXT);
    INSERT INTO users VALUES (1, 'ada@example.org', 'Ada', '$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln');
    INSERT INTO orders VALUES (7, 1, 9.5, '+44 20 7946 0018');";

/// A database that no built-in profile knows, in either engine.
struct Shop {
    folder: TempDir,
    url: String,
    server: Option<Postgres>,
}

impl Shop {
    fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("shop.db");
        Connection::open(&path).unwrap().execute_batch(SHOP).unwrap();
        Self { folder, url: format!("sqlite:{}", path.display()), server: None }
    }

    fn postgres() -> Self {
        let server = Postgres::start();
        server.sql(SHOP);
        Self { folder: TempDir::new().unwrap(), url: server.url(), server: Some(server) }
    }

    fn run(&self, arguments: &[&str]) -> CommandOutput {
        let mut program = WaybillCommand::new(self.folder.path());
        program.0.env("WAYBILL_SOURCE", &self.url);
        program.run(arguments)
    }

    fn change(&self, sql: &str) {
        match &self.server {
            Some(server) => drop(server.sql(sql)),
            None => Connection::open(self.folder.path().join("shop.db")).unwrap().execute_batch(sql).unwrap(),
        }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }
}

fn on_both_engines(test: impl Fn(&Shop)) {
    test(&Shop::sqlite());
    test(&Shop::postgres());
}

pub fn read_export_file(folder: &Path, name: &str) -> crate::harness::ParsedExport {
    parse_export(&std::fs::read(folder.join(name)).unwrap())
}

#[test]
fn a_draft_guesses_every_column_with_its_reason_and_checks_without_drift() {
    on_both_engines(|shop| {
        let drafted = shop.run(&["profile", "init", "--output", "shop.toml"]);
        assert_eq!(drafted.code, 0, "{}", drafted.stderr);
        let text = std::fs::read_to_string(shop.folder.path().join("shop.toml")).unwrap();
        let line = |column: &str| {
            text.lines()
                .find(|line| line.starts_with(column) && line.contains("class ="))
                .unwrap_or_else(|| panic!("{column}\n{text}"))
        };
        for (column, class, reason) in [
            ("email", "personal", "e-mail"),
            ("name", "personal", "a name in a table of people"),
            ("passwordHash", "secret", "password"),
            ("opaque", "secret", "JSON web tokens"),
            ("phone", "personal", "phone numbers"),
            ("total", "plain", "nothing points at a person"),
            ("user_id", "plain", "a key"),
        ] {
            let line = line(column);
            assert!(line.contains(&format!("class = \"{class}\"")) && line.contains(reason), "{line}");
        }
        if shop.server.is_none() {
            let onto_itself = shop.run(&["profile", "init", "--output", "shop.db", "--force"]);
            assert_eq!(onto_itself.code, 2, "the database would be overwritten");
        }
        let again = shop.run(&["profile", "init", "--output", "shop.toml"]);
        assert_eq!(again.code, 5, "an existing profile was overwritten");
        let checked = shop.run(&["profile", "check", "--profile", "shop.toml"]);
        assert_eq!(checked.code, 0, "{}", checked.stderr);
        assert!(checked.text().starts_with("no drift: "), "{}", checked.text());
        assert!(checked.stderr.contains("users.passwordHash is left out but must not be null"), "{}", checked.stderr);
    });
}

/// What follows a line of the document that begins so, up to a line that ends the block.
fn block<'a>(document: &'a str, opening: &str, end: &str) -> &'a str {
    let (_, rest) = document.split_once(opening).unwrap();
    rest.split_once(end).unwrap().0
}

/// The tutorial makes one profile of one database, chapter by chapter.
#[test]
fn what_the_tutorial_says_fits_its_example() {
    let tutorial = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/profiles.md");
    let tutorial = std::fs::read_to_string(tutorial).unwrap();
    let folder = TempDir::new().unwrap();
    let run = |arguments: &[&str]| {
        let source = format!("sqlite:{}", folder.path().join("shop.db").display());
        WaybillCommand::new(folder.path()).run([arguments, &["--source", &source]].concat())
    };
    let sql = block(&tutorial, "sqlite3 shop.db \"\n", "\"\n```");
    Connection::open(folder.path().join("shop.db")).unwrap().execute_batch(sql).unwrap();
    assert_eq!(run(&["profile", "init", "--output", "shop.toml"]).code, 0);
    let draft = std::fs::read_to_string(folder.path().join("shop.toml")).unwrap();
    let mut chapters = tutorial.split("```toml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    for line in chapters.next().unwrap().lines() {
        assert!(draft.lines().any(|drafted| drafted == line), "the draft has not {line:?}:\n{draft}");
    }
    let profile: String = std::iter::once(&*draft).chain(chapters).flat_map(|part| [part, "\n"]).collect();
    std::fs::write(folder.path().join("shop.toml"), profile).unwrap();
    let checked = run(&["profile", "check", "--profile", "shop.toml"]);
    assert_eq!(checked.code, 0, "{}", checked.stderr);
    for part in [["--filter", "shop=Tea"], ["--filter", "period=2026-07-01..2026-10-01"], ["--organization", "1"]] {
        let export = run(&["export", "--profile", "shop.toml", part[0], part[1], "--output", "part.json", "--force"]);
        assert_eq!(export.code, 0, "{}", export.stderr);
        let export = parse_export(&std::fs::read(folder.path().join("part.json")).unwrap());
        assert_eq!(export.metadata["recordCounts"]["orders"], 1, "{part:?}");
        assert_eq!(export.metadata["recordCounts"]["attachments"], 1, "{part:?}");
    }
}

#[test]
fn the_drift_option_decides_whether_an_export_is_refused() {
    on_both_engines(|shop| {
        shop.run(&["profile", "init", "--output", "shop.toml"]);
        let export = |policy: &str, name: &str| {
            shop.run(&["export", "--profile", "shop.toml", "--drift", policy, "--json", "--output", name])
        };
        assert_eq!(export("refuse", "before.json").code, 0, "without drift nothing is refused");
        shop.change("ALTER TABLE users ADD COLUMN iban TEXT; CREATE TABLE coupon (id INTEGER PRIMARY KEY)");
        let refused = export("refuse", "refused.json");
        assert_eq!(refused.code, 3, "{}", refused.stderr);
        assert!(refused.stderr.contains("nothing was written: left out, unknown to the profile: coupon, users.iban"));
        assert!(!shop.folder.path().join("refused.json").exists());
        let allowed = export("allow", "allowed.json");
        assert_eq!(allowed.code, 0, "{}", allowed.stderr);
        let printed: Value = serde_json::from_slice(&allowed.stdout).unwrap();
        assert_eq!(printed["deviations"]["unknown_tables"], serde_json::json!(["coupon"]));
        assert_eq!(export("report", "reported.json").code, 6);
        let nonsense = export("perhaps", "x.json");
        assert_eq!(nonsense.code, 2, "{}", nonsense.stderr);
        // A missing table may mean another application's database.
        shop.change("DROP TABLE orders");
        let missing = export("report", "missing.json");
        assert_eq!(missing.code, 3, "{}", missing.stderr);
        assert!(missing.stderr.contains("a table is missing: orders"), "{}", missing.stderr);
        let rest = export("allow", "rest.json");
        assert_eq!(rest.code, 0, "{}", rest.stderr);
        assert!(read_export_file(shop.folder.path(), "rest.json").data.contains_key("users"));
        shop.change("DROP TABLE users");
        assert_eq!(export("allow", "others.json").code, 3, "another application's database");
    });
}

/// D13: secrets that are recognisable by name only, by value only, nested in JSON, binary, or one among many values.
#[test]
fn without_a_profile_no_hidden_secret_is_exported() {
    on_both_engines(|shop| {
        let is_postgres = shop.server.is_some();
        let (json, binary, uuid) = if is_postgres { ("jsonb", "bytea", "uuid") } else { ("TEXT", "BLOB", "TEXT") };
        let blob = |hex: &str| if is_postgres { format!("'\\x{hex}'") } else { format!("x'{hex}'") };
        shop.change(&format!(
            "CREATE TABLE people (id INTEGER PRIMARY KEY, pin TEXT, reset_code TEXT, totp_seed TEXT, note TEXT);
             CREATE TABLE integrations (id INTEGER PRIMARY KEY, config {json}, extra {json}, material {binary});
             CREATE TABLE sessions (id {uuid} PRIMARY KEY, person_id INTEGER, seen TEXT);
             CREATE TABLE verifications (id INTEGER PRIMARY KEY, identifier TEXT, value TEXT);
             CREATE TABLE settings (id INTEGER PRIMARY KEY, key TEXT, value TEXT);
             CREATE TABLE sparse (id INTEGER PRIMARY KEY, ref TEXT);
             CREATE TABLE devices (id INTEGER PRIMARY KEY, url TEXT, callback TEXT, attr1 TEXT);"
        ));
        let mut sql = String::new();
        for n in 0..60 {
            let _ = write!(
                sql,
                "INSERT INTO people VALUES ({n}, '40{n:02}', '7713{n:02}', 'JBSWY3DPEHPK3P{}{}', 'Called about the invoice.');
                 INSERT INTO integrations VALUES ({n}, '{{\"smtp\": {{\"host\": \"mail.example.org\", \"password\": \"Leak{n:02}json!\"}}}}',
                    '{{\"steps\": [{{\"value\": \"Zk3jJq0P{n:02}wVx81mQzR7\"}}]}}', {});
                 INSERT INTO sessions VALUES ('5e55{n:04}-7c1e-4b7a-8c2e-3f1d5a6b7c8d', 1, 'today');
                 INSERT INTO verifications VALUES ({n}, 'reset-password:kQ7vTz{n:02}XwP0aLm9Rb', '8829{n:02}');
                 INSERT INTO settings VALUES ({n}, 'option_{n}', 'on');
                 INSERT INTO sparse VALUES ({n}, NULL);
                 INSERT INTO devices VALUES ({n}, 'https://hooks.example.org/services/B9x8Zk3jJq0PwV{n:02}', 'https://u:Leakurl{n:02}@example.org/', 'kind {}');",
                ["A", "B", "C"][n % 3],
                n % 8 % 6 + 2,
                blob(&format!("c0ffee{n:02}aa55")),
                n % 4
            );
        }
        sql.push_str("UPDATE settings SET key = 'smtp_password', value = 'Leakmixed' WHERE id = 31; UPDATE sparse SET ref = 'Zx81mQ0wVk3jJq7LeakP' WHERE id = 17;");
        shop.change(&sql);
        let ended = shop.run(&["export", "--output", "out.json"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let text = std::fs::read_to_string(shop.folder.path().join("out.json")).unwrap();
        for secret in [
            "\"4017\"",
            "771317",
            "JBSWY3DPEHPK3P",
            "json!",
            "Zk3jJq0P",
            "wP/uF6p",
            "5e550017",
            "kQ7vTz",
            "882917",
            "Leak",
            "B9x8",
        ] {
            assert!(!text.contains(secret), "{secret} was exported\n{}", ended.stderr);
        }
        // Harmless values are still exported.
        for harmless in ["Called about the invoice.", "kind 3", "option_5"] {
            assert!(text.contains(harmless), "{harmless} was not exported\n{}", ended.stderr);
        }
        assert!(ended.stderr.contains("left out  sparse.ref (opaque text"), "{}", ended.stderr);
        assert!(ended.stderr.contains("a guess can be wrong"), "{}", ended.stderr);
    });
}

#[test]
fn a_guessed_class_that_differs_from_the_last_export_is_reported() {
    on_both_engines(|shop| {
        let export = |name: &str| shop.run(&["export", "--json", "--output", name]);
        shop.change("CREATE TABLE settings (id INTEGER PRIMARY KEY, remark TEXT)");
        assert_eq!(export("first.json").code, 0);
        shop.change("INSERT INTO settings VALUES (1, 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl')");
        let second = export("second.json");
        assert_eq!(second.code, 0, "{}", second.stderr);
        let printed: Value = serde_json::from_slice(&second.stdout).unwrap();
        let changed = serde_json::json!([{"field": "settings.remark", "was": "personal", "is": "secret"}]);
        assert_eq!(printed["deviations"]["reclassified"], changed);
        assert!(read_export_file(shop.folder.path(), "second.json").data["settings"][0].get("remark").is_none());
        let third = shop.run(&["export", "--output", "third.json"]);
        assert!(!third.stderr.contains("guessed differently"), "{}", third.stderr);
    });
}

#[test]
fn drift_is_exit_code_6_with_the_line_to_add() {
    on_both_engines(|shop| {
        shop.run(&["profile", "init", "--output", "shop.toml"]);
        shop.change("ALTER TABLE users ADD COLUMN \"api key\" TEXT; ALTER TABLE orders RENAME COLUMN phone TO phones; CREATE TABLE notes (body TEXT)");
        let text = std::fs::read_to_string(shop.folder.path().join("shop.toml")).unwrap();
        let real = text.lines().find(|line| line.starts_with("total")).unwrap();
        shop.write("shop.toml", &text.replace(real, "total = { class = \"plain\", type = \"money\" }"));
        let checked = shop.run(&["profile", "check", "--profile", "shop.toml"]);
        assert_eq!(checked.code, 6, "{}", checked.stderr);
        let text = checked.text().to_lowercase();
        for line in [
            "unclassified: users.api key; add under [tables.users.columns]: \"api key\" = { class = \"secret\", type = \"text\" }",
            "unclassified: notes; add:\n  [tables.notes.columns]\n  body = { class = \"personal\", type = \"text\" }",
            "missing: orders.phone is not in the database; did you mean orders.phones?",
            "type changed: orders.total was money and is now",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        let json = shop.run(&["profile", "check", "--profile", "shop.toml", "--json"]);
        assert_eq!(serde_json::from_slice::<Value>(&json.stdout).unwrap()["type_changed"][0]["was"], "money");
        // Unclassified columns are left out, and the summary says so.
        let ended = shop.run(&["export", "--profile", "shop.toml", "--output", "out.json"]);
        assert_eq!(ended.code, 6, "{}", ended.stderr);
        let lines: Vec<&str> = ended.stderr.lines().collect();
        let headline = "complete, without 1 table and 2 columns that the profile does not know, without 1 column that the \
                        database no longer has, with 1 column of another type than the profile knows: 2 records in 2 tables";
        assert!(lines[0].starts_with(headline), "{}", ended.stderr);
        assert_eq!(lines[1], "left out, unknown to the profile: notes, users.api key, orders.phones");
        assert_eq!(lines[2], "no longer in the database: orders.phone");
        assert_eq!(lines[3], "of another type than the profile knows: orders.total");
        let verified = shop.run(&["verify", "out.json"]);
        assert_eq!(verified.code, 0, "the file does not verify: {}", verified.stderr);
        let export = read_export_file(shop.folder.path(), "out.json");
        assert!(!export.data.contains_key("notes") && export.data["users"][0].get("api key").is_none());
    });
}

#[test]
fn without_a_profile_secrets_are_left_out_and_every_guess_is_listed() {
    on_both_engines(|shop| {
        let ended = shop.run(&["export", "--output", "out.json"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(ended.stderr.contains("a guess can be wrong"), "{}", ended.stderr);
        let export = read_export_file(shop.folder.path(), "out.json");
        let user = export.data["users"][0].as_object().unwrap();
        assert_eq!(user.keys().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(["id", "email", "name"]));
        let guessed = export.metadata["redaction"]["guessed"].as_array().unwrap();
        assert_eq!(guessed.len(), 9);
        assert!(guessed.iter().any(|guess| guess["field"] == "users.opaque" && guess["class"] == "secret"));
        let check = shop.run(&["profile", "check"]);
        assert_eq!(check.code, 2, "{}", check.stderr);
    });
}

#[test]
fn an_error_in_a_profile_is_reported_with_its_place_and_nothing_is_exported() {
    let shop = Shop::sqlite();
    for (code, text, told) in [
        (2, "name = \"shop\"\n[tables.users.columns]\nid = \"plian\"\n", "line 3, column 6: unknown variant `plian`"),
        (2, "name = \"shop\"\n[scopes.mine]\nx = 1\n", "line 2, column 9: unknown field `mine`"),
        (2, "name = \"shop\"\n[treatments]\nsecret = \"keep\"\n", "secrets are always omitted"),
        (3, "name = \"shop\"\n[tables.userz.columns]\nid = \"plain\"\n", "a table is missing: userz"),
    ] {
        shop.write("shop.toml", text);
        let ended = shop.run(&["export", "--profile", "shop.toml", "--output", "out.json"]);
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(ended.stderr.contains(told), "{told}\n{}", ended.stderr);
        assert!(!shop.folder.path().join("out.json").exists());
    }
}

/// The JSON schema that `profile schema` prints and the parser agree on every name.
#[test]
fn the_published_schema_matches_the_parser() {
    let printed = WaybillCommand::new(&std::env::temp_dir()).run(["profile", "schema"]);
    let schema: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let expected = |text: &str| -> BTreeSet<String> {
        let error = waybill::server::profile::Profile::from_toml(text).unwrap_err().to_string();
        error.split("expected").nth(1).unwrap().split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let keys = |at: &Value| -> BTreeSet<String> { at.as_object().unwrap().keys().cloned().collect() };
    let list = |at: &Value| -> BTreeSet<String> {
        at.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
    };
    let (top, defs) = (&schema["properties"], &schema["$defs"]);
    assert_eq!(keys(top), expected("name = 'x'\nxyz = 1"));
    assert_eq!(keys(&top["auth"]["properties"]), expected("name = 'x'\n[auth]\nxyz = 1"));
    assert_eq!(keys(&top["notice"]["properties"]), expected("name = 'x'\n[notice]\nxyz = 1"));
    assert_eq!(keys(&top["roles"]["additionalProperties"]["properties"]), expected("name = 'x'\n[roles.a]\nxyz = 1"));
    let filter = &top["filters"]["additionalProperties"]["properties"];
    assert_eq!(keys(filter), expected("name = 'x'\n[filters.a]\nxyz = 1"));
    assert_eq!(list(&filter["unit"]["enum"]), expected("name = 'x'\n[filters.a]\nlabel = 'A'\nunit = 'xyz'"));
    assert_eq!(keys(&top["references"]["items"]["properties"]), expected("name = 'x'\n[[references]]\nxyz = 1"));
    assert_eq!(keys(&top["treatments"]["properties"]), expected("name = 'x'\n[treatments]\nxyz = 'keep'"));
    assert_eq!(keys(&top["tables"]["additionalProperties"]["properties"]), expected("name = 'x'\n[tables.a]\nxyz = 1"));
    assert_eq!(keys(&defs["column"]["properties"]), expected("name = 'x'\n[tables.a.columns]\nb = { xyz = 1 }"));
    assert_eq!(list(&defs["class"]["enum"]), expected("name = 'x'\n[tables.a.columns]\nb = 'xyz'"));
    assert_eq!(list(&defs["treatment"]["enum"]), expected("name = 'x'\n[treatments]\nplain = 'xyz'"));
    assert_eq!(
        list(&defs["column"]["properties"]["codec"]["enum"]),
        expected("name = 'x'\n[tables.a.columns]\nb = { class = 'plain', codec = 'xyz' }")
    );
}
