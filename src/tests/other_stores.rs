//! The export on stores that are not the usual ones: it knows them by their traits only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use tempfile::TempDir;
use waybill::model::export::RunState;
use waybill::seal::Verifier;
use waybill::server::state::StateDatabase;
use waybill::server::state::sqlite::SqliteStore;

use crate::harness::{FailingStore, MemoryArtifacts, Waybill};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_cannot_be_recorded_starts_no_export() {
    let folder = TempDir::new().unwrap();
    let (real, files) = SqliteStore::open(&folder.path().join("waybill.db")).await.unwrap();
    let fails = Arc::new(AtomicBool::new(false));
    let state = StateDatabase::on(Arc::new(FailingStore { real, fails: fails.clone() }), files);
    let waybill = Waybill::with_state(folder, state).await;
    let admin = waybill.signed_in_admin().await;
    fails.store(true, Ordering::SeqCst);
    let answer = admin.post("/rpc/request_export", "").await;
    assert_eq!(answer.status, 500, "{}", answer.text());
    fails.store(false, Ordering::SeqCst);
    assert!(!waybill.audit_trail().await.contains(&"export_requested".to_owned()));
    assert_eq!(waybill.artifact_names(), Vec::<String>::new());
    assert!(matches!(admin.export_and_wait().await.1, RunState::Completed(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn finished_files_can_be_kept_elsewhere_than_in_a_folder() {
    let artifacts = MemoryArtifacts::default();
    let waybill = Waybill::with_artifacts(Arc::new(artifacts.clone())).await;
    let admin = waybill.signed_in_admin().await;
    let (run, state) = admin.export_and_wait().await;
    let RunState::Completed(done) = state else { panic!("{state:?}") };
    let file = admin.download(&run).await;
    assert_eq!((file.status, file.body.len() as u64), (200, done.bytes));
    let mut verifier = Verifier::default();
    verifier.feed(&file.body).unwrap();
    verifier.finish().unwrap();
    let path = format!("/api/v1/exports/{}/file", run.id);
    let part = admin.send("GET", &path, &[("range", "bytes=10-29")], "").await;
    assert_eq!((part.status, &part.body[..]), (206, &file.body[10..30]));
    assert!(!waybill.artifact_folder().exists(), "the folder was used after all");
    waybill.clock.advance(TimeDelta::minutes(16));
    waybill.app.exports.remove_expired_artifacts().await.unwrap();
    assert!(artifacts.0.lock().unwrap().is_empty());
    assert_eq!(admin.download(&run).await.status, 410);
}
