//! Faults that need a separate process: it is killed, or its disk is full.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use tempfile::TempDir;
use waybill::model::export::{QueuedExport, RunState};
use waybill::seal::Verifier;
use waybill::server::profile::builtin::carol::SampleSpec as CarolSpec;

use crate::harness::{ADMIN, Browser, PASSWORD, Postgres, ServerProcess, WaybillCommand, generate_sample};
use crate::persons::Carol;

const SQLITE_SCHEMA: &str = include_str!("../../migrations/supportsignal/sqlite/0001_supportsignal.sql");
const POSTGRES_SCHEMA: &str = include_str!("../../migrations/supportsignal/postgres/0001_supportsignal.sql");

/// `make soak` runs 100 rounds.
fn rounds() -> usize {
    std::env::var("WAYBILL_KILL_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(12)
}

/// D01: killed at random points. Every download after the restart verifies, or the run has failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_at_random_points_serves_only_complete_files_after_its_restart() {
    let folder = TempDir::new().unwrap();
    let source = generate_sample(4000, folder.path());
    let mut dice = rand_chacha::ChaCha8Rng::seed_from_u64(3);
    let mut runs: Vec<QueuedExport> = Vec::new();
    let mut complete = 0;
    for _ in 0..rounds() {
        let mut server = ServerProcess::start(folder.path(), &source);
        let browser = Browser::new(server.address);
        browser.sign_in(ADMIN, PASSWORD).await;
        runs.push(browser.request_export().await);
        tokio::time::sleep(Duration::from_millis(dice.next_u64() % 1500)).await;
        server.process.kill().unwrap();
        server.process.wait().unwrap();

        let server = ServerProcess::start(folder.path(), &source);
        let browser = Browser::new(server.address);
        browser.sign_in(ADMIN, PASSWORD).await;
        for run in &runs {
            let answer = download_when_over(&browser, run).await;
            match answer.status {
                200 => {
                    let mut verifier = Verifier::default();
                    verifier.feed(&answer.body).unwrap();
                    verifier.finish().unwrap();
                    complete += 1;
                }
                409 => assert!(answer.text().contains("did not finish"), "{}", answer.text()),
                other => panic!("{other}: {}", answer.text()),
            }
        }
        let left = artifacts(folder.path());
        assert!(!left.iter().any(|name| name.contains(".part")), "a half-written file was left: {left:?}");
    }
    println!("{} rounds, {complete} complete downloads", rounds());
}

/// One transaction: whenever it is killed, the database has all of the file's records or none.
#[tokio::test]
async fn an_import_killed_at_random_points_leaves_all_records_or_none() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let sample = generate_sample(400, folder.path());
    let source = format!("sqlite:{}", sample.display());
    let exported = WaybillCommand::new(folder.path()).run(["export", "--source", &source, "--output", "all.json"]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    let count = "SELECT (SELECT count(*) FROM companies) + (SELECT count(*) FROM incidents) + (SELECT count(*) FROM workflow_handoffs)";
    let count_in = |path: &Path| {
        let connection = rusqlite::Connection::open(path).unwrap();
        let whole: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(whole, "ok");
        connection.query_row(count, [], |row| row.get::<_, u64>(0)).unwrap()
    };
    let expected = count_in(&sample);
    let mut dice = rand_chacha::ChaCha8Rng::seed_from_u64(5);
    let mut complete = 0;
    for round in 0..rounds() {
        let (path, database) = (folder.path().join(format!("target-{round}.db")), format!("target_{round}"));
        let is_sqlite = round % 2 == 0;
        let url = if is_sqlite {
            rusqlite::Connection::open(&path).unwrap().execute_batch(SQLITE_SCHEMA).unwrap();
            format!("sqlite:{}", path.display())
        } else {
            server.sql_as("postgres", "postgres", &format!("CREATE DATABASE {database} OWNER waybill_owner"));
            server.sql_as("waybill_owner", &database, POSTGRES_SCHEMA);
            server.url_as("waybill_owner", &database)
        };
        let mut import = WaybillCommand::new(folder.path()).0;
        let mut process = import.args(["import", "all.json", "--target", &url]).stdout(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(dice.next_u64() % 1500)).await;
        let _ = process.kill();
        process.wait().unwrap();
        let sql = |sql: &str| server.sql_as("waybill_owner", &database, sql);
        let records = if is_sqlite { count_in(&path) } else { sql(count).parse().unwrap() };
        assert!(records == 0 || records == expected, "{records} of {expected}");
        complete += usize::from(records == expected);
    }
    println!("{} rounds, {complete} complete imports", rounds());
}

/// Files are on disk before the records that refer to them: whenever it is killed, every record has its file, and what is left
/// of an import that never was goes with the next one.
#[tokio::test]
async fn copies_with_files_killed_at_random_points_leave_no_record_without_its_file() {
    let spec = CarolSpec { users: 3, people: 40, seed: 1 };
    let mut dice = rand_chacha::ChaCha8Rng::seed_from_u64(8);
    for carol in [Carol::new(&spec), Carol::in_postgres(&spec)] {
        let user = carol.user("carol@sample.test");
        assert_eq!(carol.export(&user, "own.tar.gz").code, 0);
        let keys = || carol.query("SELECT storage_key FROM media");
        let before = keys().len();
        let (url, media) = (carol.url(), carol.media().display().to_string());
        let import = ["import", "own.tar.gz", "--target", &url, "--person", &user, "--media", &media, "--mode", "copy"];
        for _ in 0..rounds() {
            let mut command = WaybillCommand::new(carol.folder.path()).0;
            let mut process = command.args(import).stdout(Stdio::null()).spawn().unwrap();
            tokio::time::sleep(Duration::from_millis(dice.next_u64() % 900)).await;
            let _ = process.kill();
            process.wait().unwrap();
            assert!(keys().iter().all(|key| carol.media().join(key).is_file()));
        }
        println!("{} rounds, {} files copied", rounds(), keys().len() - before);
        // Once nothing can be undone that could bring back earlier records, only files that records refer to are left.
        let undone = |carol: &Carol| carol.run(&["import", "undo", "--target", &url]).text();
        while let Some(id) = newest_import(&undone(&carol)) {
            assert_eq!(carol.run(&["import", "undo", &id, "--target", &url]).code, 0);
        }
        assert_eq!(carol.run(&import).code, 0);
        let left = files_below(&carol.media().join("imports"));
        assert_eq!(left, keys().iter().filter(|key| key.starts_with("imports/")).count());
    }
}

/// The id of the import that a list of those that can be undone names last.
fn newest_import(listed: &str) -> Option<String> {
    let is_id = |word: &&str| word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    listed.split_whitespace().filter(is_id).max().map(str::to_owned)
}

fn files_below(folder: &Path) -> usize {
    let folders = std::fs::read_dir(folder).unwrap().map(|folder| folder.unwrap().path());
    folders.map(|folder| std::fs::read_dir(folder).unwrap().count()).sum()
}

/// A merge and its undo, each killed at any moment: the database is as it was before or as it is after, and what can be undone is
/// exactly what has happened.
#[tokio::test]
async fn a_merge_or_an_undo_killed_at_random_points_has_happened_or_not() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let sample = generate_sample(200, folder.path());
    let run = |arguments: &[&str]| WaybillCommand::new(folder.path()).run(arguments);
    let source = format!("sqlite:{}", sample.display());
    assert_eq!(run(&["export", "--source", &source, "--output", "all.json"]).code, 0);
    let path = folder.path().join("target.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch(SQLITE_SCHEMA).unwrap();
    server.sql_as("postgres", "postgres", "CREATE DATABASE target_copy OWNER waybill_owner");
    server.sql_as("waybill_owner", "target_copy", POSTGRES_SCHEMA);
    let targets = [format!("sqlite:{}", path.display()), server.url_as("waybill_owner", "target_copy")];
    let on_file = |sql: &str| {
        rusqlite::Connection::open(&path).unwrap().query_row(sql, [], |row| row.get::<_, String>(0)).unwrap()
    };
    let look = |is_file: bool, sql: &str| {
        if is_file { on_file(sql) } else { server.sql_as("waybill_owner", "target_copy", sql) }
    };
    let change = "UPDATE companies SET name = 'changed'; UPDATE incident_narratives SET before_event = 'changed'; DELETE FROM workflow_handoffs";
    for url in &targets {
        assert_eq!(run(&["import", "all.json", "--target", url, "--no-undo"]).code, 0);
    }
    rusqlite::Connection::open(&path).unwrap().execute_batch(change).unwrap();
    server.sql_as("waybill_owner", "target_copy", change);
    let state =
        "SELECT (SELECT count(*) FROM workflow_handoffs) || ' ' || (SELECT sum(length(name)) FROM companies) || ' ' ||
         (SELECT sum(length(before_event)) FROM incident_narratives)";
    let before = look(true, state);
    let after =
        rusqlite::Connection::open(&sample).unwrap().query_row(state, [], |row| row.get::<_, String>(0)).unwrap();
    let (mut dice, mut merged, mut undone) = (rand_chacha::ChaCha8Rng::seed_from_u64(7), 0, 0);
    for round in 0..2 * rounds() {
        let (url, is_file) = (&targets[round % 2], round % 2 == 0);
        let kept = run(&["import", "undo", "--target", url]).text();
        let id = kept.split_whitespace().next().unwrap().to_owned();
        let was = look(is_file, state);
        assert_eq!(was == after, kept.contains("  merge  "), "{was} {kept}");
        let arguments = if was == after {
            vec!["import", "undo", &id, "--target", url]
        } else {
            assert_eq!(was, before);
            vec!["import", "all.json", "--target", url, "--mode", "merge"]
        };
        let mut process = WaybillCommand::new(folder.path()).0.args(arguments).stdout(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(dice.next_u64() % 2500)).await;
        let _ = process.kill();
        process.wait().unwrap();
        // PostgreSQL may need a moment to find out that the program is gone.
        let gone =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        while !is_file && server.sql_as("waybill_owner", "target_copy", gone) != "0" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let now = look(is_file, state);
        assert!(now == before || now == after, "{now} is neither {before} nor {after}");
        merged += usize::from(was == before && now == after);
        undone += usize::from(was == after && now == before);
    }
    println!("{} rounds, {merged} merges and {undone} undos complete", 2 * rounds());
}

/// A killed export cannot clean up, and its temporary file holds personal data.
#[test]
fn the_next_export_removes_temporary_files_of_a_killed_one() {
    let folder = TempDir::new().unwrap();
    let source = format!("--source=sqlite:{}", generate_sample(4000, folder.path()).display());
    let mut child =
        WaybillCommand::new(folder.path()).0.args(["export", &source, "--output", "out.json"]).spawn().unwrap();
    let temporary_files = || -> Vec<PathBuf> {
        let paths = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "part")).collect()
    };
    while temporary_files().is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "the command ended before it could be killed");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let [killed] = &temporary_files()[..] else { panic!("{:?}", temporary_files()) };
    let opened = |path: &Path| File::options().create(true).append(true).open(path).unwrap();
    let make_old = |file: &File| {
        let hour_ago = file.metadata().unwrap().modified().unwrap() - Duration::from_hours(1);
        file.set_modified(hour_ago).unwrap();
    };
    make_old(&opened(killed));
    let [new, written] = ["abcnew", "abcdef"].map(|name| folder.path().join(format!(".waybill-{name}.part")));
    opened(&new);
    let lock = opened(&written);
    make_old(&lock);
    lock.try_lock_shared().unwrap();
    // Foreign files with similar names are kept; a FIFO must not block the cleanup.
    let strange = folder.path().join(".waybill-my-own-notes.part");
    make_old(&opened(&strange));
    let pipe = folder.path().join(".waybill-aaaaaa.part");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(std::process::Command::new("touch").args(["-d", "2 hours ago"]).arg(&pipe).status().unwrap().success());
    let link = folder.path().join(".waybill-bbbbbb.part");
    std::os::unix::fs::symlink(&strange, &link).unwrap();
    assert_eq!(WaybillCommand::new(folder.path()).run(["export", &source, "--output", "out.json"]).code, 0);
    let mut left = temporary_files();
    left.sort();
    assert_eq!(left, [pipe, written, new, link, strange]);
}

/// C11: the run fails with its reason, publishes nothing, and the server goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_disk_is_full_says_so_and_goes_on() {
    let folder = TempDir::new().unwrap();
    let source = generate_sample(4000, folder.path());
    let server = ServerProcess::with_file_size_limit(8 * 1024, folder.path(), &source);
    let browser = Browser::new(server.address);
    browser.sign_in(ADMIN, PASSWORD).await;
    for _ in 0..2 {
        let (run, state) = browser.export_and_wait().await;
        let RunState::Failed { failure, .. } = state else { panic!("{state:?}") };
        assert!(failure.message.contains("the file is larger than the system allows"), "{}", failure.message);
        assert_eq!(browser.download(&run).await.status, 409);
    }
    assert_eq!(artifacts(folder.path()), Vec::<String>::new(), "files were left in the artefact folder");
}

/// Names of the files in the artefact folders of all sources.
fn artifacts(folder: &Path) -> Vec<String> {
    let names = |folder: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let files = folder.join("state/waybill/waybill.db.files");
    let sources = names(&files).into_iter().filter(|path| path.is_dir());
    sources.flat_map(|source| names(&source)).map(|path| path.file_name().unwrap().to_string_lossy().into()).collect()
}

/// Downloads once the run has ended: a run still queued when the server died starts again, any other is over.
async fn download_when_over(browser: &Browser, run: &QueuedExport) -> crate::harness::Response {
    loop {
        let answer = browser.download(run).await;
        if answer.status != 409 || !answer.text().contains("still running") {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
