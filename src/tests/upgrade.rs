//! States of earlier versions are upgraded without a loss.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;
use waybill::model::output::Compression;
use waybill::server::export::ExportRequest;
use waybill::server::state::StateDatabase;
use waybill::server::state::jobs::JobKind;

use crate::harness::{Browser, RunningServer, WaybillCommand};

/// Applies the first migrations, as an earlier version did.
fn apply_migrations(state: &Connection, count: usize) {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/state/sqlite");
    state
        .execute_batch(
            "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
                installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL,
                checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)",
        )
        .unwrap();
    let mut files: Vec<_> = std::fs::read_dir(migrations).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for (version, file) in (1..).zip(&files[..count]) {
        let name = file.file_stem().unwrap().to_string_lossy();
        let sql = std::fs::read_to_string(file).unwrap();
        state.execute_batch(&sql).unwrap();
        let checksum = {
            use sha2::Digest;
            sha2::Sha384::digest(&sql).to_vec()
        };
        let row = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (?1, ?2, 1, ?3, 1)";
        state.execute(row, rusqlite::params![version, name, checksum]).unwrap();
    }
}

/// Creates a state of the version before state was bound to a source.
fn create_state_without_sources(path: &Path) {
    let state = Connection::open(path).unwrap();
    apply_migrations(&state, 3);
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

/// Creates a state of the version before runs were jobs: one export waits, two have lost their process.
fn create_state_without_jobs(path: &Path) {
    let state = Connection::open(path).unwrap();
    apply_migrations(&state, 8);
    let export = |n: u32, channel: &str, status: &str| {
        let sql = "INSERT INTO exports (id, requested_at, requested_by, channel, scope, file_name, status, compression) \
                   VALUES (?1, '2026-11-01T00:00:00Z', 'cli:ops', ?2, 'full', 'x.json.gz', ?3, 'gzip')";
        let id = format!("0190b6a4-7c1e-7b7a-8c2e-00000000000{n}");
        state.execute(sql, rusqlite::params![id, channel, status]).unwrap();
    };
    export(1, "page", "queued");
    export(2, "page", "running");
    export(3, "command line", "running");
    export(4, "page", "completed");
}

#[tokio::test]
async fn unfinished_exports_of_an_earlier_version_become_jobs() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("old.db");
    create_state_without_jobs(&path);
    let state = StateDatabase::open(&path).await.unwrap().for_source(None);
    let mut tx = state.begin().await.unwrap();
    let claimed = tx.jobs().claim(JobKind::Export, "w", Duration::from_mins(1)).await.unwrap().unwrap();
    assert_eq!(claimed.fence.id.to_string(), "0190b6a4-7c1e-7b7a-8c2e-000000000001");
    let request: ExportRequest = serde_json::from_str(&claimed.spec).unwrap();
    assert_eq!(request, ExportRequest { compression: Compression::Gzip, ..ExportRequest::default() });
    let abandoned = tx.jobs().abandoned(JobKind::Export).await.unwrap();
    assert_eq!(abandoned.iter().map(|fence| fence.id.as_u128() & 0xF).collect::<Vec<_>>(), [2, 3]);
    let channels = "SELECT group_concat(channel) FROM (SELECT channel FROM exports ORDER BY id)";
    let channels: String = Connection::open(&path).unwrap().query_row(channels, [], |row| row.get(0)).unwrap();
    assert_eq!(channels, "page,page,command line,page", "how they were requested is kept");
}
