//! State is bound to its source: sessions, accounts and exports of one database mean nothing for another, and only
//! Waybill's own files are removed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use rusqlite::Connection;
use tempfile::TempDir;
use waybill::model::export::RunState;

use crate::harness::{Browser, PASSWORD, Postgres, WaybillCommand};

/// A profile of an application with its own accounts; row 1 is the admin in every database.
const PROFILE: &str = r#"
name = "app"
[auth]
table = "users"
id = "id"
email = "email"
password = "hash"
[roles.admin]
label = "Admin"
when = { role = "admin" }
capabilities = ["export_database"]
[tables.users.columns]
id = "plain"
email = "personal"
hash = "secret"
role = "plain"
"#;

/// Creates an application's database; all of them have the same admin.
fn create_application(folder: &Path, name: &str) -> PathBuf {
    let hash = waybill::server::support::password::hash_argon2id(PASSWORD, b"0123456789abcdef");
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    Connection::open(&path)
        .unwrap()
        .execute_batch(&format!(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, hash TEXT, role TEXT);
             INSERT INTO users VALUES (1, 'boss@example.org', '{hash}', 'admin')"
        ))
        .unwrap();
    path
}

/// A running `waybill serve`, with the lines that it printed at start.
struct RunningServer {
    process: Child,
    browser: Browser,
    printed: Vec<String>,
}

impl RunningServer {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut program = WaybillCommand::new(folder);
        program.0.args(["serve", "--address", "127.0.0.1:0"]).args(arguments);
        let mut process = program.0.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut printed = vec![lines.next().expect("the server did not start")];
        if !arguments.contains(&"--profile") {
            printed.extend(lines.by_ref().take(2));
        }
        let address = printed[0].split("http://").nth(1).and_then(|url| url.split('/').next()).unwrap();
        let browser = Browser::new(address.parse().unwrap());
        Self { process, browser, printed }
    }

    fn application(folder: &Path, database: &Path) -> Self {
        let profile = folder.join("app.toml");
        std::fs::write(&profile, PROFILE).unwrap();
        let source = format!("sqlite:{}", database.display());
        Self::start(folder, &["--source", &source, "--profile", profile.to_str().unwrap()])
    }

    /// The printed code for creating the first account.
    fn setup_code(&self) -> Option<String> {
        self.printed.iter().find_map(|line| line.split_once("/setup")).map(|(_, rest)| rest.trim().to_owned())
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const EXPORT_PAGE: &str = "/admin/developer-tools/export";

/// F1: two applications, one system user, the default `--state`.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_application_is_visible_at_another() {
    let folder = TempDir::new().unwrap();
    let (a, b) = (create_application(folder.path(), "a/app.db"), create_application(folder.path(), "b/app.db"));
    let (a, b) = (RunningServer::application(folder.path(), &a), RunningServer::application(folder.path(), &b));
    a.browser.sign_in("boss@example.org", PASSWORD).await;
    let (run, state) = a.browser.export_and_wait().await;
    assert!(matches!(state, RunState::Completed(_)), "{state:?}");
    let file = format!("/api/v1/exports/{}/file", run.id);
    let cookie = a.browser.get(EXPORT_PAGE).await;
    assert_eq!(cookie.status, 200);
    // A's session at B: browsers send cookies of a host to every port.
    let token = plant_session(folder.path());
    let stranger = |path: String| {
        let b = &b.browser;
        let cookie = cookies_for_both_sources(folder.path(), &token);
        async move { b.send("GET", &path, &[("cookie", &cookie)], "").await.status }
    };
    assert_eq!(stranger(EXPORT_PAGE.into()).await, 303, "A's session opened a page at B");
    assert_eq!(stranger(file.clone()).await, 401);
    // B's own admin has the same id and e-mail address as A's.
    b.browser.sign_in("boss@example.org", PASSWORD).await;
    let page = b.browser.get(EXPORT_PAGE).await.text();
    assert!(!page.contains("/api/v1/exports/") && !page.contains("Complete and sealed"), "A's export is shown at B");
    assert_eq!(b.browser.get(&file).await.status, 404);
    let events = format!("/api/v1/exports/{}/events", run.id);
    assert_eq!(b.browser.get(&events).await.status, 404);
    let history = b.browser.get("/admin/developer-tools/export/history").await.text();
    assert!(history.contains("No export yet"), "A's history is shown at B");
    assert_eq!(a.browser.get(&file).await.status, 200);
}

/// The token under the cookie names of both sources: browsers send A's cookie to B too, and an attacker can send it
/// under B's cookie name.
fn cookies_for_both_sources(folder: &Path, token: &str) -> String {
    let state = Connection::open(folder.join("state/waybill/waybill.db")).unwrap();
    let mut statement = state.prepare("SELECT id FROM sources").unwrap();
    let ids = statement.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap);
    let site = waybill::server::http::HttpConfig::default();
    let cookies: Vec<String> =
        ids.map(|id| format!("{}={token}", waybill::server::http::session_cookie_name(&site, &id))).collect();
    assert_eq!(cookies.len(), 2);
    cookies.join("; ")
}

/// Copies the session under a token that the test knows: the state holds only digests of tokens.
fn plant_session(folder: &Path) -> String {
    use sha2::{Digest, Sha256};
    let state = Connection::open(folder.join("state/waybill/waybill.db")).unwrap();
    let token = "0".repeat(64);
    let digest = hex::encode(Sha256::digest(&token));
    let copied = state
        .execute(
            "INSERT INTO sessions SELECT ?1, source_id, account_id, email, created_at, last_seen_at, network,
                credential_sha256, awaits_code FROM sessions",
            [&digest],
        )
        .unwrap();
    assert_eq!(copied, 1);
    token
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_setup_codes_are_valid_for_one_database_only() {
    let folder = TempDir::new().unwrap();
    let plain = |name: &str| {
        let path = folder.path().join(name);
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE things (id INTEGER PRIMARY KEY)").unwrap();
        format!("sqlite:{}", path.display())
    };
    let a = RunningServer::start(folder.path(), &["--source", &plain("a.db")]);
    let b = RunningServer::start(folder.path(), &["--source", &plain("b.db")]);
    let (code_a, code_b) = (a.setup_code().unwrap(), b.setup_code().expect("B printed no code"));
    let password = "a+long+enough+password";
    let form = |code: &str, name: &str| format!("code={code}&name={name}&password={password}&repeated={password}");
    let crossed = b.browser.post("/setup", &form(&code_a, "ada")).await;
    assert!(crossed.header("location").contains("problem=setup"), "A's code made an account at B");
    assert_eq!(a.browser.post("/setup", &form(&code_a, "ada")).await.header("location"), "/login?notice=made");
    let refused = b.browser.sign_in("ada", "a long enough password").await;
    assert!(refused.header("location").contains("problem=wrong"), "A's account signed in at B");
    assert_eq!(b.browser.post("/setup", &form(&code_b, "ada")).await.header("location"), "/login?notice=made");
    drop((a, b));
    // With several sources, `user add` needs `--source-name`.
    let which = WaybillCommand::new(folder.path()).run(["user", "add", "--admin", "eve"]);
    assert_eq!(which.code, 2, "{}", which.stderr);
    assert!(which.stderr.contains("choose one with --source-name (a, b)"), "{}", which.stderr);
    let made = WaybillCommand::new(folder.path()).run(["user", "add", "--admin", "eve", "--source-name", "b"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let unknown = WaybillCommand::new(folder.path()).run(["user", "add", "--admin", "eve", "--source-name", "c"]);
    assert_eq!(unknown.code, 2, "{}", unknown.stderr);
}

#[test]
fn a_second_server_on_the_same_state_is_refused_and_harms_nothing() {
    let folder = TempDir::new().unwrap();
    let path = create_application(folder.path(), "app.db");
    let state = folder.path().join("x.db");
    let files = folder.path().join("x.db.files");
    std::fs::create_dir(&files).unwrap();
    for name in ["mine", "mine.part", &"g".repeat(64)] {
        std::fs::write(files.join(name), "precious").unwrap();
    }
    // A file left by an earlier version, which can no longer be downloaded.
    let old = files.join("a".repeat(64));
    std::fs::write(&old, "{").unwrap();
    let link = files.join("b".repeat(64));
    std::os::unix::fs::symlink(files.join("mine"), &link).unwrap();
    let (state, source) = (format!("sqlite:{}", state.display()), format!("sqlite:{}", path.display()));
    let profile = folder.path().join("app.toml");
    std::fs::write(&profile, PROFILE).unwrap();
    let arguments = ["--source", &source, "--profile", profile.to_str().unwrap(), "--state", &state];
    let first = RunningServer::start(folder.path(), &arguments);
    let second = WaybillCommand::new(folder.path()).run(["serve", "--address", "127.0.0.1:0"].iter().chain(&arguments));
    assert_eq!(second.code, 3, "{}", second.stderr);
    assert!(
        second.stderr.contains("another Waybill server already serves this database with this state"),
        "{}",
        second.stderr
    );
    let command = ["export", "--output", "out.json"];
    assert_eq!(
        WaybillCommand::new(folder.path()).run(command.iter().chain(&arguments)).code,
        0,
        "a command cannot run beside the server"
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (_, ended) = runtime.block_on(async {
        first.browser.sign_in("boss@example.org", PASSWORD).await;
        first.browser.export_and_wait().await
    });
    assert!(matches!(ended, RunState::Completed(_)), "{ended:?}");
    drop(first);
    for name in ["mine", "mine.part", &"g".repeat(64)] {
        assert_eq!(std::fs::read_to_string(files.join(name)).unwrap(), "precious", "{name}");
    }
    assert!(!old.exists(), "an earlier version's file was not removed");
    assert!(link.symlink_metadata().is_ok(), "a symbolic link was removed");
    // The lock goes with the process, even when it is killed.
    drop(RunningServer::start(folder.path(), &arguments));
}

#[test]
fn an_artefact_folder_that_is_a_link_is_refused() {
    let folder = TempDir::new().unwrap();
    let source = format!("sqlite:{}", create_application(folder.path(), "app.db").display());
    let elsewhere = folder.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("a".repeat(64)), "precious").unwrap();
    std::os::unix::fs::symlink(&elsewhere, folder.path().join("x.db.files")).unwrap();
    let state = format!("sqlite:{}", folder.path().join("x.db").display());
    let ended = WaybillCommand::new(folder.path()).run(["serve", "--source", &source, "--state", &state]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("belongs to another user or is a symbolic link"), "{}", ended.stderr);
    assert!(elsewhere.join("a".repeat(64)).exists());
}

#[test]
fn a_killed_command_does_not_stay_running_in_history() {
    let folder = TempDir::new().unwrap();
    let path = crate::harness::generate_sample(4000, folder.path());
    let source = format!("--source=sqlite:{}", path.display());
    let mut child =
        WaybillCommand::new(folder.path()).0.args(["export", &source, "--output", "out.json"]).spawn().unwrap();
    let state = folder.path().join("state/waybill/waybill.db");
    let statuses = || -> Vec<(String, Option<String>)> {
        let Ok(state) = Connection::open(&state) else { return Vec::new() };
        let Ok(mut statement) = state.prepare("SELECT status, message FROM exports ORDER BY requested_at, id") else {
            return Vec::new();
        };
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.map(|rows| rows.filter_map(Result::ok).collect()).unwrap_or_default()
    };
    while statuses().first().is_none_or(|(status, _)| status != "running") {
        assert!(child.try_wait().unwrap().is_none(), "the command ended before it could be killed");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(statuses()[0].0, "running");
    assert_eq!(WaybillCommand::new(folder.path()).run(["export", &source, "--output", "again.json"]).code, 0);
    assert_eq!(statuses()[0], ("failed".into(), Some("The command was killed. Start a new export.".into())));
    assert_eq!(statuses()[1].0, "completed");
}

/// A physical copy keeps its server's identity; an upgraded or moved server has a new one.
#[test]
fn a_database_known_under_another_name_is_refused_until_rebound() {
    let (one, two, folder) = (Postgres::start(), Postgres::start(), TempDir::new().unwrap());
    for server in [&one, &two] {
        server.sql("CREATE TABLE t (id integer PRIMARY KEY)");
    }
    // Servers created from one template share an identity, like a copy and its original.
    let system = "SELECT system_identifier FROM pg_control_system()";
    assert_eq!(one.sql(system), two.sql(system));
    let run = |server: &Postgres, arguments: &[&str]| {
        let mut program = WaybillCommand::new(folder.path());
        program.0.env("WAYBILL_SOURCE", server.url());
        program.run(arguments)
    };
    let export = |server: &Postgres, name: &str| {
        run(server, &["export", "--source-name", name, "--output", "out.json", "--force"])
    };
    assert_eq!(export(&one, "prod").code, 0);
    let copy = export(&two, "staging");
    assert_eq!(copy.code, 3, "{}", copy.stderr);
    assert!(copy.stderr.contains("known as prod, not as staging"), "{}", copy.stderr);
    assert!(copy.stderr.contains("waybill state rebind --source-name staging --new"), "{}", copy.stderr);
    let said = run(&two, &["state", "rebind", "--source-name", "staging", "--new"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!((export(&two, "staging").code, export(&one, "prod").code), (0, 0));
    // The same name for a database of another identity, as after an upgrade.
    one.sql_as("postgres", "postgres", "CREATE DATABASE upgraded OWNER waybill_owner");
    let upgraded = |arguments: &[&str]| {
        let mut program = WaybillCommand::new(folder.path());
        program.0.env("WAYBILL_SOURCE", one.url_as("waybill_owner", "upgraded"));
        program.run(arguments)
    };
    let export_upgraded = || upgraded(&["export", "--source-name", "prod", "--output", "out.json", "--force"]);
    let refused = export_upgraded();
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(refused.stderr.contains("prod was another database so far"), "{}", refused.stderr);
    let taken = upgraded(&["state", "rebind", "--source-name", "staging", "--from", "prod"]);
    assert_eq!(taken.code, 2, "{}", taken.stderr);
    let said = upgraded(&["state", "rebind", "--source-name", "prod", "--from", "prod"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(export_upgraded().code, 0);
    let listed = upgraded(&["state", "list"]).text();
    assert!(listed.contains("prod") && listed.contains("/upgraded") && listed.contains("staging"), "{listed}");
    let unknown = upgraded(&["state", "rebind", "--source-name", "x", "--from", "nobody"]);
    assert_eq!(unknown.code, 2, "{}", unknown.stderr);
}

/// A moved file keeps its device, inode and creation time; a file of the same name elsewhere is another database.
#[test]
fn a_moved_or_renamed_file_is_refused_until_rebound() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let export = |name: &str, more: &[&str]| {
        let source = format!("sqlite:{}", path(name).display());
        let arguments = [&["export", "--source", &source, "--output", "out.json", "--force"], more].concat();
        WaybillCommand::new(folder.path()).run(arguments)
    };
    for name in ["a/shop.db", "b/shop.db"] {
        create_application(folder.path(), name);
        assert_eq!(export(name, &[]).code, 0, "files of the same name in other folders are new sources");
    }
    std::fs::create_dir(path("moved")).unwrap();
    for (from, to) in [("a/shop.db", "moved/shop.db"), ("b/shop.db", "b/renamed.db")] {
        std::fs::rename(path(from), path(to)).unwrap();
        let refused = export(to, &[]);
        assert_eq!(refused.code, 3, "{}", refused.stderr);
        assert!(refused.stderr.contains("is no longer at that path"), "{}", refused.stderr);
    }
    // A restored copy has a new inode number, but the file known by that name is gone.
    std::fs::create_dir(path("restored")).unwrap();
    std::fs::copy(path("moved/shop.db"), path("restored/shop.db")).unwrap();
    std::fs::remove_file(path("moved/shop.db")).unwrap();
    let refused = export("restored/shop.db", &[]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(refused.stderr.contains("shop was another database so far (sqlite:"), "{}", refused.stderr);
    let source = format!("sqlite:{}", path("restored/shop.db").display());
    let rebind = |more: &[&str]| {
        WaybillCommand::new(folder.path()).run([&["state", "rebind", "--source", &source], more].concat())
    };
    let undecided = rebind(&[]);
    assert_eq!(undecided.code, 2, "{}", undecided.stderr);
    assert!(undecided.stderr.contains("--from") && undecided.stderr.contains("--new"), "{}", undecided.stderr);
    let said = rebind(&["--from", "shop"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(export("restored/shop.db", &[]).code, 0);
    let state = Connection::open(folder.path().join("state/waybill/waybill.db")).unwrap();
    let exports: u32 = state
        .query_row(
            "SELECT count(*) FROM exports JOIN sources ON sources.id = source_id WHERE name = 'shop'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(exports, 2, "the history moved with the source");
}

/// Creates a state of the version before state was bound to a source.
fn create_state_without_sources(path: &Path) {
    let state = Connection::open(path).unwrap();
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/state/sqlite");
    state
        .execute_batch(
            "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
                installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL,
                checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)",
        )
        .unwrap();
    for (version, name) in [(1, "state"), (2, "accounts"), (3, "compression")] {
        let sql = std::fs::read_to_string(migrations.join(format!("000{version}_{name}.sql"))).unwrap();
        state.execute_batch(&sql).unwrap();
        let checksum = {
            use sha2::Digest;
            sha2::Sha384::digest(&sql).to_vec()
        };
        let row = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (?1, ?2, 1, ?3, 1)";
        state.execute(row, rusqlite::params![version, name, checksum]).unwrap();
    }
    let hash = waybill::server::support::password::hash_argon2id("a long enough password", b"0123456789abcdef");
    state
        .execute_batch(&format!(
            "INSERT INTO accounts VALUES ('local:1', 'ada', '{hash}', '2026-11-01T00:00:00Z');
             INSERT INTO sessions VALUES ('{}', 'local:1', 'ada', '2999-01-01T00:00:00Z', '2999-01-01T00:00:00Z');
             INSERT INTO exports (id, requested_at, account_id, requested_by, door, scope, file_name, outcome, artifact, expires_at)
                 VALUES ('0190b6a4-7c1e-7b7a-8c2e-3f1d5a6b7c8d', '2026-11-01T00:00:00Z', 'local:1', 'ada', 'page', 'full',
                         'x.json', 'completed', '{}', '2999-01-01T00:00:00Z'),
                        ('0190b6a4-7c1e-7b7a-8c2e-3f1d5a6b7c8e', '2026-11-01T00:00:00Z', 'local:1', 'ada', 'page', 'full',
                         'y.json', 'running', NULL, NULL)",
            "c".repeat(64),
            "d".repeat(64)
        ))
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_without_sources_is_assigned_to_the_first_source_served() {
    let folder = TempDir::new().unwrap();
    let state = folder.path().join("old.db");
    create_state_without_sources(&state);
    let files = folder.path().join("old.db.files");
    std::fs::create_dir(&files).unwrap();
    std::fs::write(files.join("d".repeat(64)), "{}").unwrap();
    let plain = |name: &str| {
        let path = folder.path().join(name);
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE things (id INTEGER PRIMARY KEY)").unwrap();
        format!("sqlite:{}", path.display())
    };
    let url = format!("sqlite:{}", state.display());
    let serve = |source: &str| {
        let mut program = WaybillCommand::new(folder.path());
        program.0.args(["serve", "--address", "127.0.0.1:0", "--source", source, "--state", &url]);
        let mut process = program.0.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let printed: Vec<String> = lines.by_ref().take(2).collect();
        let address = printed[0].split("http://").nth(1).and_then(|url| url.split('/').next()).unwrap();
        let browser = Browser::new(address.parse().unwrap());
        RunningServer { process, browser, printed }
    };
    let first = serve(&plain("first.db"));
    assert!(first.printed[1].starts_with("1 account that belonged to no database yet"), "{:?}", first.printed);
    let ada = first.browser.sign_in("ada", "a long enough password").await;
    assert_eq!(ada.header("location"), "/admin");
    assert_eq!(first.browser.get("/api/v1/exports/0190b6a4-7c1e-7b7a-8c2e-3f1d5a6b7c8d/file").await.status, 404);
    assert!(first.browser.get("/admin/developer-tools/export/history").await.text().contains("No export yet"));
    let second = serve(&plain("second.db"));
    assert!(second.printed[1].contains("There is no account yet"), "{:?}", second.printed);
    let refused = second.browser.sign_in("ada", "a long enough password").await;
    assert!(refused.header("location").contains("problem=wrong"));
    drop((first, second));
    assert!(!files.join("d".repeat(64)).exists(), "a file that can no longer be downloaded is still there");
    let state = Connection::open(&state).unwrap();
    let left: String = state
        .query_row("SELECT group_concat(status) FROM (SELECT status FROM exports ORDER BY id)", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, "completed,failed", "history is kept");
    let adopted: u32 =
        state.query_row("SELECT count(*) FROM audit WHERE event = 'accounts_adopted'", [], |row| row.get(0)).unwrap();
    assert_eq!(adopted, 1);
}
