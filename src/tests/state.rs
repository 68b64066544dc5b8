//! State is bound to its source: sessions, accounts and exports of one database mean nothing for another, and only
//! Waybill's own files are removed.

use std::path::Path;

use rusqlite::Connection;
use tempfile::TempDir;
use waybill::model::export::RunState;

use crate::harness::{PASSWORD, PROFILE, RunningServer, WaybillCommand, create_application};

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
