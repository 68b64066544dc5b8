//! Waybill's own accounts, for databases without accounts, and roles defined as conditions.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::sync::Arc;

use chrono::TimeDelta;
use rusqlite::Connection;
use secrecy::ExposeSecret;
use tempfile::TempDir;
use waybill::server::profile::Profile;

use crate::harness::{Browser, Postgres, Waybill, WaybillCommand};

const PASSWORD: &str = "a long enough password";

fn percent_encoded(text: &str) -> String {
    text.replace(' ', "%20")
}

/// Serves a database without accounts; returns the process and the lines that it printed at start.
fn serve(folder: &TempDir) -> (std::process::Child, Vec<String>) {
    let path = folder.path().join("plain.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE IF NOT EXISTS things (id INTEGER PRIMARY KEY, token TEXT)")
        .unwrap();
    let mut program = WaybillCommand::new(folder.path());
    let arguments = ["serve", "--address", "127.0.0.1:0", "--source", &format!("sqlite:{}", path.display())];
    let mut process = program.0.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut said = vec![lines.next().unwrap().unwrap()];
    let has_account = folder.path().join("has-account").exists();
    if !has_account {
        said.extend(lines.by_ref().take(2).map(Result::unwrap));
    }
    (process, said)
}

fn browser_at(line: &str) -> Browser {
    let address = line.split("http://").nth(1).and_then(|url| url.split('/').next()).unwrap();
    Browser::new(address.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_prints_a_code_that_works_once() {
    let folder = TempDir::new().unwrap();
    let (mut process, said) = serve(&folder);
    let visitor = browser_at(&said[0]);
    let code = said[2].split_whitespace().last().unwrap().to_owned();
    assert_eq!(code.len(), "7K2Q-19FD-7K2Q-19FD".len(), "{said:?}");
    let sign_in = visitor.get("/login").await;
    assert!(sign_in.text().contains("This console has no account yet"), "{}", sign_in.text());
    let page = visitor.get("/setup").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("First account"));
    let make = |code: &str, password: &str, repeated: &str| {
        format!("code={code}&name=ada&password={}&repeated={}", percent_encoded(password), percent_encoded(repeated))
    };
    for (form, problem) in [
        (make(&code, "short", "short"), "short"),
        (make(&code, "passwordpassword", "passwordpassword"), "guessable"),
        (make(&code, PASSWORD, "another long password"), "differs"),
        (make("wrong", PASSWORD, PASSWORD), "setup"),
        (format!("code={code}"), "form"),
    ] {
        let answer = visitor.post("/setup", &form).await;
        assert_eq!(answer.header("location"), format!("/setup?problem={problem}"));
        let page = visitor.get(answer.header("location")).await;
        assert!(page.text().contains("role=\"alert\"") && page.text().contains("<form"), "{}", page.text());
    }
    // In lower case and without dashes, as people may type it.
    let made = visitor.post("/setup", &make(&code.to_lowercase().replace('-', ""), PASSWORD, PASSWORD)).await;
    assert_eq!((made.status, made.header("location")), (303, "/login?notice=made"));
    let page = visitor.get("/login?notice=made").await;
    assert!(
        page.text().contains("The account has been created") && page.text().contains("value=\"ada\""),
        "{}",
        page.text()
    );
    let again = visitor.post("/setup", &make(&code, PASSWORD, PASSWORD)).await;
    assert_eq!(again.header("location"), "/setup?problem=setup", "the code worked twice");
    let page = visitor.get("/setup").await;
    assert!(page.text().contains("nothing to set up") && !page.text().contains("<form"), "{}", page.text());
    let signed_in = visitor.sign_in("ADA", PASSWORD).await;
    assert_eq!(signed_in.header("location"), "/admin");
    let page = visitor.get("/admin/developer-tools/export").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("The classification here is a guess"), "{}", page.text());
    process.kill().unwrap();
    process.wait().unwrap();
    // Once there is an account, no code is printed.
    std::fs::write(folder.path().join("has-account"), "").unwrap();
    let (mut process, said) = serve(&folder);
    let late = browser_at(&said[0]);
    assert_eq!(late.sign_in("ada", PASSWORD).await.header("location"), "/admin");
    process.kill().unwrap();
    process.wait().unwrap();
}

/// L5: a code found in a log later must not work.
#[tokio::test(flavor = "multi_thread")]
async fn a_setup_code_expires_after_an_hour() {
    let server = Postgres::start();
    let waybill = Waybill::with_source(Arc::new(server.source()), profile_without_auth()).await;
    let code = waybill.app.identity.issue_setup_code().await.unwrap().unwrap();
    let form = format!("code={}&name=ada&password=x&repeated=x", code.expose_secret());
    assert_eq!(waybill.anonymous().post("/setup", &form).await.header("location"), "/setup?problem=short");
    waybill.clock.advance(TimeDelta::minutes(60));
    assert_eq!(waybill.anonymous().post("/setup", &form).await.header("location"), "/setup?problem=setup");
}

fn profile_without_auth() -> Profile {
    Profile::from_toml("name = \"things\"").unwrap()
}

/// Runs `waybill user …` with a first line of standard input.
fn run_user_command(folder: &TempDir, arguments: &[&str], input: &str) -> (i32, String) {
    let mut program = WaybillCommand::new(folder.path());
    let piped = || Stdio::piped();
    let command = program.0.arg("user").args(arguments).stdin(piped()).stdout(piped()).stderr(piped());
    let mut child = command.spawn().unwrap();
    // A command that reads no input may have ended already.
    let mut stdin = child.stdin.take().unwrap();
    if !input.is_empty() {
        let _ = writeln!(stdin, "{input}");
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), said)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_can_be_added_on_the_command_line_and_gets_a_new_password_there() {
    let folder = TempDir::new().unwrap();
    let add = |name: &str, password: &str| run_user_command(&folder, &["add", "--admin", name], password);
    assert_eq!(add("ada", "short").0, 2);
    assert!(add("ada", "short").1.contains("at least 15 characters"));
    assert!(add("ada", "aaaaaaaaaaaaaaaaaaaa").1.contains("easy to guess"));
    assert_eq!(add("", PASSWORD).0, 2);
    assert!(add("ada", "\n").1.contains("at least 15 characters"), "a blank line is no password");
    let (code, said) = add("ada", "");
    assert_eq!(code, 0);
    let made_up = said.split("password ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    std::fs::write(folder.path().join("has-account"), "").unwrap();
    let (mut process, said) = serve(&folder);
    let visitor = browser_at(&said[0]);
    assert_eq!(visitor.sign_in("ada", &made_up).await.header("location"), "/admin");
    assert_eq!(visitor.get("/admin/developer-tools/export").await.status, 200);
    assert_eq!(add("ada", PASSWORD).0, 0);
    assert_eq!(visitor.get("/admin/developer-tools/export").await.status, 303, "a new password must end the sessions");
    assert!(visitor.sign_in("ada", &made_up).await.header("location").contains("problem=wrong"));
    let page = visitor.get("/login?problem=wrong").await;
    assert!(page.text().contains("value=\"ada\""), "the name was not kept in the form: {}", page.text());
    assert_eq!(visitor.sign_in("ada", PASSWORD).await.header("location"), "/admin");
    process.kill().unwrap();
    process.wait().unwrap();
}

/// M9: accounts of people who leave can be disabled or removed.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_can_be_listed_disabled_and_removed_and_their_sessions_end() {
    let folder = TempDir::new().unwrap();
    let run = |arguments: &[&str]| run_user_command(&folder, arguments, PASSWORD);
    assert_eq!(
        run(&["list"]),
        (0, "Waybill has no accounts of its own; create one with `waybill user add --admin NAME`\n".into())
    );
    run(&["add", "--admin", "ada"]);
    run(&["add", "--admin", "grace"]);
    std::fs::write(folder.path().join("has-account"), "").unwrap();
    let (mut process, said) = serve(&folder);
    let (ada, grace) = (browser_at(&said[0]), browser_at(&said[0]));
    ada.sign_in("ada", PASSWORD).await;
    grace.sign_in("grace", PASSWORD).await;
    let listed = run(&["list"]).1;
    assert!(listed.contains("ada  since ") && listed.contains(" · no second factor · 1 session\n"), "{listed}");
    let open = run(&["sessions", "Ada"]).1;
    assert!(open.starts_with("ada  from 127.0.0.1 · since ") && !open.contains("grace"), "{open}");
    assert_eq!(ada.get("/admin").await.status, 200);
    assert_eq!(run(&["disable", "ada"]).0, 0);
    assert_eq!((ada.get("/admin").await.status, grace.get("/admin").await.status), (303, 200));
    assert!(ada.sign_in("ada", PASSWORD).await.header("location").contains("problem=wrong"));
    assert!(run(&["list"]).1.contains("disabled since "));
    assert_eq!(run(&["enable", "ada"]).0, 0);
    assert_eq!(ada.sign_in("ada", PASSWORD).await.header("location"), "/admin");
    let (code, said) = run(&["sessions", "--end", "somebody"]);
    assert!(code == 2 && said.contains("\"somebody\" is not signed in"), "{said}");
    assert_eq!(run(&["sessions", "--end"]), (0, "2 sessions ended\n".into()));
    assert_eq!((ada.get("/admin").await.status, grace.get("/admin").await.status), (303, 303));
    assert_eq!(run(&["remove", "ada"]).0, 0);
    assert!(ada.sign_in("ada", PASSWORD).await.header("location").contains("problem=wrong"));
    let (code, said) = run(&["remove", "ada"]);
    assert!(code == 2 && said.contains("no Waybill account is named \"ada\""), "{said}");
    process.kill().unwrap();
    process.wait().unwrap();
    let trail = WaybillCommand::new(folder.path()).run(["audit", "show", "--json"]).text();
    for event in ["account_disabled", "account_enabled", "sessions_ended", "account_removed"] {
        assert!(trail.contains(event), "{event}: {trail}");
    }
}

const CHAT_SCHEMA: &str = "
    CREATE TABLE users (id uuid PRIMARY KEY, email text NOT NULL, password text, is_active boolean);
    CREATE TABLE members (user_id uuid REFERENCES users (id), role text, active boolean);
    INSERT INTO users VALUES ('00000000-0000-0000-0000-000000000001', 'owner@example.org', '{hash}', true),
        ('00000000-0000-0000-0000-000000000002', 'member@example.org', '{hash}', true),
        ('00000000-0000-0000-0000-000000000003', 'left@example.org', '{hash}', true);
    INSERT INTO members VALUES ('00000000-0000-0000-0000-000000000001', 'owner', true),
        ('00000000-0000-0000-0000-000000000002', 'member', true), ('00000000-0000-0000-0000-000000000003', 'owner', false);";

const CHAT_PROFILE: &str = r#"
    name = "chat"
    [auth]
    table = "users"
    id = "id"
    email = "email"
    password = "password"
    [roles.owner]
    label = "Owner"
    table = "members"
    user = "user_id"
    when = { role = "owner", active = true }
    capabilities = ["export_database"]
    [tables.users.columns]
    id = "plain"
    email = "personal"
    password = "secret"
    is_active = "plain"
    [tables.members.columns]
    user_id = "plain"
    role = "plain"
    active = "plain"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_a_condition_on_the_databases_own_tables() {
    let server = Postgres::start();
    let hash = waybill::server::support::password::hash_argon2id(PASSWORD, b"0123456789abcdef");
    server.sql(&CHAT_SCHEMA.replace("{hash}", &hash));
    let source = Arc::new(tokio::task::block_in_place(|| server.source()));
    let waybill = Waybill::with_source(source, Profile::from_toml(CHAT_PROFILE).unwrap()).await;
    for (email, status) in [("owner@example.org", 200), ("member@example.org", 403), ("left@example.org", 403)] {
        let browser = waybill.anonymous();
        assert_eq!(browser.sign_in(email, PASSWORD).await.status, 303);
        assert_eq!(browser.get("/admin/developer-tools/export").await.status, status, "{email}");
    }
    // The same id with another address, as in another database, is another person.
    let browser = waybill.anonymous();
    browser.sign_in("owner@example.org", PASSWORD).await;
    server.sql("UPDATE users SET email = 'somebody.else@example.org' WHERE email = 'owner@example.org'");
    assert_eq!(browser.get("/admin/developer-tools/export").await.status, 303);
    server.sql("UPDATE users SET email = 'owner@example.org' WHERE email = 'somebody.else@example.org'");
    // Losing the role takes effect at once.
    let browser = waybill.anonymous();
    browser.sign_in("OWNER@example.org", PASSWORD).await;
    assert_eq!(browser.get("/admin/developer-tools/export").await.status, 200);
    server.sql("UPDATE members SET active = false");
    assert_eq!(browser.get("/admin/developer-tools/export").await.status, 403);
}

/// Accounts as better-auth stores them: passwords in a separate table, beside other sign-in providers.
const BETTER_AUTH_SCHEMA: &str = "
    CREATE TABLE users (id text PRIMARY KEY, email text NOT NULL, banned boolean, email_verified_at timestamptz, role text);
    CREATE TABLE accounts (id text PRIMARY KEY, user_id text REFERENCES users (id), provider_id text, password text);
    INSERT INTO users VALUES ('u1', 'ada@example.org', NULL, now(), 'admin'), ('u2', 'banned@example.org', true, now(), 'admin'),
        ('u3', 'unverified@example.org', false, NULL, 'admin'), ('u4', 'google@example.org', false, now(), 'admin');
    INSERT INTO accounts SELECT 'a' || id, id, 'credential', '{hash}' FROM users WHERE id <> 'u4';
    INSERT INTO accounts SELECT 'g' || id, id, 'google', NULL FROM users";

const BETTER_AUTH_PROFILE: &str = r#"
    name = "chat"
    [auth]
    table = "users"
    id = "id"
    email = "email"
    password = { table = "accounts", user = "user_id", column = "password", when = { provider_id = "credential" } }
    active = { banned = [false, { null = true }], email_verified_at = { null = false } }
    [roles.admin]
    label = "Admin"
    when = { role = ["admin", "owner"] }
    capabilities = ["export_database"]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_password_may_be_in_another_table_and_suspended_accounts_cannot_sign_in() {
    // The hash that better-auth 1.7.25 stores for this password.
    let hash = "d18917a7063b32dee420588b9e598505:8ab42aef003fc024aef59e8c15924b9dcee1217d9df57a82c2cfac2f0f87ef495c31deb0\
                af91dc73df3884eace43da1b44d3b3af1fe6aeb528a944a78822e8e6";
    let password = "p\u{e4}ssword 1";
    let server = Postgres::start();
    server.sql(&BETTER_AUTH_SCHEMA.replace("{hash}", hash));
    let source = Arc::new(tokio::task::block_in_place(|| server.source()));
    let waybill = Waybill::with_source(source, Profile::from_toml(BETTER_AUTH_PROFILE).unwrap()).await;
    let sign_in = async |email: &str| {
        let browser = waybill.anonymous();
        let form = format!("email={}&password=p%C3%A4ssword+1", email.replace('@', "%40"));
        let answer = browser.post("/login", &form).await;
        (browser, answer.header("location").to_owned())
    };
    for out in ["banned@example.org", "unverified@example.org", "google@example.org", "nobody@example.org"] {
        assert!(sign_in(out).await.1.contains("problem=wrong"), "{out}, {password}");
    }
    let (ada, to) = sign_in("ada@example.org").await;
    assert_eq!((to.as_str(), ada.get("/admin/developer-tools/export").await.status), ("/admin", 200));
    // Suspension ends the session for good; so does a new password (D15).
    server.sql("UPDATE users SET banned = true WHERE id = 'u1'");
    assert_eq!(ada.get("/admin").await.status, 303);
    server.sql("UPDATE users SET banned = false WHERE id = 'u1'");
    assert_eq!(ada.get("/admin").await.status, 303);
    let (ada, _) = sign_in("ada@example.org").await;
    assert_eq!(ada.get("/admin").await.status, 200);
    server.sql(&format!("UPDATE accounts SET password = '{}' WHERE id = 'au1'", hash.replace("d18917", "d18918")));
    assert_eq!(ada.get("/admin").await.status, 303);
}

/// L10: registering the admin's address in another case must not lock the admin out.
#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_differ_only_by_case_are_separate_accounts() {
    let server = Postgres::start();
    let hash = waybill::server::support::password::hash_argon2id(PASSWORD, b"0123456789abcdef");
    server.sql(&CHAT_SCHEMA.replace("{hash}", &hash));
    server.sql("INSERT INTO users VALUES ('00000000-0000-0000-0000-000000000009', 'Owner@example.org', 'x', true)");
    let source = Arc::new(tokio::task::block_in_place(|| server.source()));
    let waybill = Waybill::with_source(source, Profile::from_toml(CHAT_PROFILE).unwrap()).await;
    assert_eq!(waybill.anonymous().sign_in("owner@example.org", PASSWORD).await.header("location"), "/admin");
    assert!(waybill.anonymous().sign_in("Owner@example.org", PASSWORD).await.header("location").contains("wrong"));
}

#[test]
fn accounts_that_cannot_sign_in_are_reported_by_draft_check_and_log() {
    let server = Postgres::start();
    server.sql(
        "CREATE TABLE users (id integer PRIMARY KEY, email text NOT NULL, password text, is_admin boolean, is_active boolean);
         INSERT INTO users SELECT n, 'u' || n || '@example.org', '$6$salt$' || repeat('x', 86), false, true
           FROM generate_series(1, 20) n",
    );
    let folder = TempDir::new().unwrap();
    let run =
        |arguments: &[&str]| WaybillCommand::new(folder.path()).run([arguments, &["--source", &server.url()]].concat());
    let draft = run(&["profile", "init"]).text();
    for line in [
        "# 20 of 20 stored passwords sampled are sha512-crypt, which Waybill cannot check: these accounts cannot sign in.",
        "# active = { is_active = true }",
        "# when = { is_admin = true }",
    ] {
        assert!(draft.contains(line), "{line}: {draft}");
    }
    let profile: String = draft.replace("# [auth]", "[auth]").replace("# [roles", "[roles");
    let uncommented = ["table", "id", "email", "password", "active", "label", "when", "capabilities"];
    let profile =
        uncommented.iter().fold(profile, |text, key| text.replace(&format!("# {key} ="), &format!("{key} =")));
    std::fs::write(folder.path().join("users.toml"), &profile).unwrap();
    let check = run(&["profile", "check", "--profile", "users.toml"]);
    assert_eq!(check.code, 0, "{}", check.stderr);
    assert!(
        check
            .stderr
            .contains("20 of 20 stored passwords sampled cannot be used to sign in: Waybill cannot check sha512-crypt"),
        "{}",
        check.stderr
    );
    assert!(check.stderr.contains("no account has the role Admin"), "{}", check.stderr);
    let mut program = WaybillCommand::new(folder.path());
    let arguments = ["serve", "--address", "127.0.0.1:0", "--profile", "users.toml", "--source", &server.url()];
    let mut process = program.0.args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let log = BufReader::new(process.stderr.take().unwrap());
    let said = log.lines().map(Result::unwrap).find(|line| line.contains("cannot check sha512-crypt"));
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(said.is_some());
}
