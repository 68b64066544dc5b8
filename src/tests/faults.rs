//! Faults in the middle of an export or a download.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::{Rng, SeedableRng};
use waybill::model::access::{Capability, Grant};
use waybill::model::export::RunState;
use waybill::model::output::Compression;
use waybill::server::identity::Caller;
use waybill::server::state::exports::ExportState;

use crate::harness::{ADMIN, Fault, FaultySource, Waybill, execute_sql};

fn random_records(n: usize, below: u64) -> Vec<u64> {
    let mut dice = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    (0..n).map(|_| 1 + dice.next_u64() % below).collect()
}

/// B02: a panic while reading is never mistaken for the end of the data. Figure: 0 artefacts in 200 panics.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_panics_at_random_records_publish_nothing() {
    std::panic::set_hook(Box::new(|_| ()));
    let at = Arc::new(AtomicU64::new(0));
    let waybill = Waybill::with_wrapped_source(50, FaultySource::wrap(Fault::Panic, at.clone())).await;
    let admin = waybill.signed_in_admin().await;
    for record in random_records(200, 700) {
        at.store(record, Ordering::SeqCst);
        let (run, state) = admin.export_and_wait().await;
        let RunState::Failed { failure, .. } = state else { panic!("record {record}: {state:?}") };
        assert!(failure.message.starts_with("Stopped at "), "{}", failure.message);
        let stopped_at: u64 =
            failure.message.split("record ").nth(1).unwrap().split(':').next().unwrap().parse().unwrap();
        assert!(stopped_at <= record, "record {record}: {}", failure.message);
        assert_eq!(admin.download(&run).await.status, 409);
        assert_eq!(waybill.artifact_names(), Vec::<String>::new());
    }
    // After all that, the next export works without a restart.
    at.store(0, Ordering::SeqCst);
    assert!(matches!(admin.export_and_wait().await.1, RunState::Completed(_)));
    let trail = waybill.audit_trail().await;
    assert_eq!(trail.iter().filter(|event| *event == "export_failed").count(), 200);
}

/// B01: the message that page, history and audit show names table and record, but no path or SQL.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_error_says_where_and_what_to_do() {
    let at = Arc::new(AtomicU64::new(60));
    let waybill = Waybill::with_wrapped_source(50, FaultySource::wrap(Fault::Error, at)).await;
    let admin = waybill.signed_in_admin().await;
    let (_, state) = admin.export_and_wait().await;
    let RunState::Failed { failure, .. } = state else { panic!("{state:?}") };
    assert!(failure.message.starts_with("Stopped at sessions, record 5: "), "{}", failure.message);
    assert!(failure.message.contains("the database is damaged; check it with its own tools"), "{}", failure.message);
    assert_eq!(failure.reference.map(|reference| reference.len()), Some(9));
    let text = failure.message.to_lowercase();
    assert!(!text.contains("select") && !text.contains('/') && !text.contains(".db"), "{text}");
}

/// A table with fewer records than were counted in the same snapshot fails the run.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_ends_early_is_not_sealed() {
    let at = Arc::new(AtomicU64::new(150));
    let waybill = Waybill::with_wrapped_source(50, FaultySource::wrap(Fault::EarlyEnd, at)).await;
    let (_, state) = waybill.signed_in_admin().await.export_and_wait().await;
    let RunState::Failed { failure, .. } = state else { panic!("{state:?}") };
    assert!(failure.message.contains("were counted in the same snapshot"), "{}", failure.message);
    assert_eq!(waybill.artifact_names(), Vec::<String>::new());
}

/// D08: a cancelled run ends within two seconds and leaves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn cancel_ends_a_run_quickly_and_leaves_nothing() {
    let at = Arc::new(AtomicU64::new(1));
    let waybill = Waybill::with_wrapped_source(50, FaultySource::wrap(Fault::Hang, at.clone())).await;
    let admin = waybill.signed_in_admin().await;
    let run = admin.request_export().await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let cancelled_at = std::time::Instant::now();
    let answer = admin.post(&format!("/api/v1/exports/{}/cancellation", run.id), "").await;
    assert_eq!(answer.status, 204);
    assert!(matches!(admin.wait_for_end(&run).await, RunState::Cancelled { .. }));
    assert!(cancelled_at.elapsed().as_secs() < 2, "{:?}", cancelled_at.elapsed());
    assert_eq!(waybill.artifact_names(), Vec::<String>::new());
    assert!(waybill.audit_trail().await.contains(&"export_cancelled".to_owned()));
    at.store(0, Ordering::SeqCst);
    assert!(matches!(admin.export_and_wait().await.1, RunState::Completed(_)));
}

/// What the program logs in this process.
#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// F05: a demotion stops a running export.
#[tokio::test(flavor = "multi_thread")]
async fn a_demoted_admins_run_is_stopped_within_five_seconds() {
    let log = Log::default();
    let writer = log.clone();
    let _ = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).try_init();
    let at = Arc::new(AtomicU64::new(1));
    let waybill = Waybill::with_wrapped_source(400, FaultySource::wrap(Fault::Hang, at)).await;
    let admin = waybill.signed_in_admin().await;
    let run = admin.request_export().await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let demoted_at = std::time::Instant::now();
    execute_sql(&waybill.source, &format!("UPDATE users SET role = 'team_lead' WHERE email = '{ADMIN}'"));
    loop {
        if let ExportState::Failed { failure, .. } = waybill.export_row(run.id).await.state {
            assert_eq!(failure.message, "Your role no longer allows exports.");
            let (log, reference) = (log.text(), failure.reference.unwrap());
            let line = log.lines().find(|line| line.contains(&reference)).unwrap();
            assert!(line.contains(" INFO "), "a revoked role is no error: {line}");
            break;
        }
        assert!(demoted_at.elapsed().as_secs() < 5);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(waybill.artifact_names(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_says_that_an_export_is_running_only_while_one_is() {
    const PAGE: &str = "/admin/developer-tools/export";
    let waybill = Waybill::with_wrapped_source(400, FaultySource::wrap(Fault::Hang, Arc::new(AtomicU64::new(1)))).await;
    let admin = waybill.signed_in_admin().await;
    let run = admin.request_export().await;
    let address = format!("{PAGE}?tables=users&problem=busy");
    assert_eq!(admin.get(&address).await.status, 200);
    admin.post(&format!("/api/v1/exports/{}/cancellation", run.id), "").await;
    admin.wait_for_end(&run).await;
    let over = admin.get(&address).await;
    assert_eq!((over.status, over.header("location")), (303, &*format!("{PAGE}?tables=users")));
}

/// F05: an admin who was demoted between the request and the start of the run is shown the reason, too.
#[tokio::test(flavor = "multi_thread")]
async fn an_admin_demoted_before_the_run_starts_sees_why_it_failed() {
    let waybill = Waybill::start().await;
    execute_sql(&waybill.source, &format!("UPDATE users SET role = 'team_lead' WHERE email = '{ADMIN}'"));
    let id: String = rusqlite::Connection::open(&waybill.source)
        .unwrap()
        .query_row("SELECT id FROM users WHERE email = ?1", [ADMIN], |row| row.get(0))
        .unwrap();
    let grants = vec![Grant::of_whole_database(Capability::ExportDatabase)];
    // As authenticated a moment before the demotion.
    let admin = Caller::account(id, ADMIN.into(), "System admin".into(), grants);
    let run = waybill.app.exports.request(&admin, "", Compression::None).await.unwrap();
    let state = loop {
        let view = waybill.app.exports.view(&admin, run.id).await.unwrap();
        if view.state.is_finished() {
            break view.state;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    let RunState::Failed { failure, .. } = state else { panic!("{state:?}") };
    assert_eq!(failure.message, "Your role no longer allows exports.");
    assert_eq!(waybill.artifact_names(), Vec::<String>::new());
}

/// C06: a client that disconnects is recorded.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_in_the_middle_of_a_download_is_recorded() {
    use futures::StreamExt;
    let waybill = Waybill::with_incidents(2000).await;
    let admin = waybill.signed_in_admin().await;
    let (run, state) = admin.export_and_wait().await;
    let RunState::Completed(done) = state else { panic!("{state:?}") };
    let url = format!("http://{}/api/v1/exports/{}/file", waybill.address, run.id);
    let mut body = admin.client.get(url).send().await.unwrap().bytes_stream();
    body.next().await.unwrap().unwrap();
    drop(body);
    for _ in 0..100 {
        let trail = waybill.audit_entries().await;
        if let Some(entry) = trail.iter().find(|entry| entry.event == "downloaded") {
            let detail: serde_json::Value = serde_json::from_str(&entry.detail).unwrap();
            assert_eq!(detail["complete"], false);
            assert!(detail["bytes_sent"].as_u64().unwrap() < done.bytes);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the aborted download was not recorded");
}

/// C11: an unwritable disk fails the run cleanly. The test moves the artefact folder away instead of filling the disk.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_fails_the_run_and_the_next_one_works() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let folder = waybill.artifact_folder();
    let away = folder.with_extension("away");
    std::fs::rename(&folder, &away).unwrap();
    let (_, state) = admin.export_and_wait().await;
    let RunState::Failed { failure, .. } = state else { panic!("{state:?}") };
    assert!(failure.message.contains("The server cannot store the file"), "{}", failure.message);
    std::fs::rename(&away, &folder).unwrap();
    assert!(matches!(admin.export_and_wait().await.1, RunState::Completed(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_source_is_named_and_the_page_recovers() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    execute_sql(&waybill.source, "PRAGMA journal_mode = DELETE");
    let lock = rusqlite::Connection::open(&waybill.source).unwrap();
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let answer = admin.post("/rpc/request_export", "").await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("Another program has locked the database"), "{}", answer.text());
    drop(lock);
    assert!(matches!(admin.export_and_wait().await.1, RunState::Completed(_)));
}
