//! Who may sign in where the database has no accounts of its own, and roles that are conditions.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;
use waybill::server::profile::Profile;

use crate::harness::{Browser, Postgres, Program, Waybill};

const PASSWORD: &str = "a long enough password";

fn encoded(text: &str) -> String {
    text.replace(' ', "%20")
}

/// A database without accounts, served by the program itself; the lines that it printed.
fn serve(folder: &TempDir) -> (std::process::Child, Vec<String>) {
    let path = folder.path().join("plain.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE IF NOT EXISTS things (id INTEGER PRIMARY KEY, token TEXT)")
        .unwrap();
    let mut program = Program::new(folder.path());
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

fn browser(line: &str) -> Browser {
    let address = line.split("http://").nth(1).and_then(|url| url.split('/').next()).unwrap();
    Browser::new(address.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_prints_a_link_that_works_once() {
    let folder = TempDir::new().unwrap();
    let (mut process, said) = serve(&folder);
    let visitor = browser(&said[0]);
    let link = said[2].split_once("/setup").map(|(_, rest)| format!("/setup{rest}")).unwrap();
    let token = link.split("token=").nth(1).unwrap().to_owned();
    let page = visitor.get(&link).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("First account"));
    let make = |token: &str, password: &str| format!("token={token}&name=ada&password={}", encoded(password));
    let short = visitor.post("/setup", &make(&token, "short")).await;
    assert!(short.header("location").contains("problem=unusable"), "{}", short.header("location"));
    let wrong = visitor.post("/setup", &make("wrong", PASSWORD)).await;
    assert!(wrong.header("location").contains("problem=used"));
    for nothing_to_fill_in in ["/setup", wrong.header("location")] {
        let page = visitor.get(nothing_to_fill_in).await;
        assert!(page.text().contains("role=\"alert\"") && !page.text().contains("<form"), "{}", page.text());
    }
    let made = visitor.post("/setup", &make(&token, PASSWORD)).await;
    assert_eq!((made.status, made.header("location")), (303, "/login"));
    let again = visitor.post("/setup", &make(&token, "another long password")).await;
    assert!(again.header("location").contains("problem=used"), "the link is used up");
    let signed_in = visitor.sign_in("ADA", PASSWORD).await;
    assert_eq!(signed_in.header("location"), "/admin");
    let page = visitor.get("/admin/developer-tools/export").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("What is secret here is a guess"), "{}", page.text());
    process.kill().unwrap();
    process.wait().unwrap();
    // With an account there is no link any more.
    std::fs::write(folder.path().join("has-account"), "").unwrap();
    let (mut process, said) = serve(&folder);
    let late = browser(&said[0]);
    assert_eq!(late.sign_in("ada", PASSWORD).await.header("location"), "/admin");
    process.kill().unwrap();
    process.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_can_be_added_on_the_command_line_and_gets_a_new_password_there() {
    let folder = TempDir::new().unwrap();
    let add = |name: &str, password: &str| {
        let mut program = Program::new(folder.path());
        let mut child = program
            .0
            .args(["user", "add", "--admin", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
        let output = child.wait_with_output().unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap(),
        )
    };
    assert_eq!(add("ada", "short").0, 2);
    assert!(add("ada", "short").1.contains("at least 12 characters"));
    assert_eq!(add("", PASSWORD).0, 2);
    let (code, said) = add("ada", "");
    assert_eq!(code, 0);
    let made_up = said.split("password ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    std::fs::write(folder.path().join("has-account"), "").unwrap();
    let (mut process, said) = serve(&folder);
    let visitor = browser(&said[0]);
    assert_eq!(visitor.sign_in("ada", &made_up).await.header("location"), "/admin");
    assert_eq!(visitor.get("/admin/developer-tools/export").await.status, 200);
    assert_eq!(add("ada", PASSWORD).0, 0);
    assert_eq!(visitor.get("/admin/developer-tools/export").await.status, 303, "a new password ends the sessions");
    assert!(visitor.sign_in("ada", &made_up).await.header("location").contains("problem=wrong"));
    assert_eq!(visitor.sign_in("ada", PASSWORD).await.header("location"), "/admin");
    process.kill().unwrap();
    process.wait().unwrap();
}

const CHAT: &str = "
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
    let hash = waybill::server::support::password::hash(PASSWORD, b"0123456789abcdef");
    server.sql(&CHAT.replace("{hash}", &hash));
    let source = Arc::new(tokio::task::block_in_place(|| server.source()));
    let waybill = Waybill::on(source, Profile::from_toml(CHAT_PROFILE).unwrap()).await;
    for (email, status) in [("owner@example.org", 200), ("member@example.org", 403), ("left@example.org", 403)] {
        let browser = waybill.visitor();
        assert_eq!(browser.sign_in(email, PASSWORD).await.status, 303);
        assert_eq!(browser.get("/admin/developer-tools/export").await.status, status, "{email}");
    }
    // The same id with another name, as another database would have it: not the same person.
    let browser = waybill.visitor();
    browser.sign_in("owner@example.org", PASSWORD).await;
    server.sql("UPDATE users SET email = 'somebody.else@example.org' WHERE email = 'owner@example.org'");
    assert_eq!(browser.get("/admin/developer-tools/export").await.status, 303);
    server.sql("UPDATE users SET email = 'owner@example.org' WHERE email = 'somebody.else@example.org'");
    // Whoever loses the role loses it at once.
    let browser = waybill.visitor();
    browser.sign_in("OWNER@example.org", PASSWORD).await;
    assert_eq!(browser.get("/admin/developer-tools/export").await.status, 200);
    server.sql("UPDATE members SET active = false");
    assert_eq!(browser.get("/admin/developer-tools/export").await.status, 403);
}
