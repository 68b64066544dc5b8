//! Runs are rows: what another process sees of them, and what becomes of them when their process is gone.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use waybill::model::export::{ExportId, Progress, RunState, Stage};
use waybill::server::export::{Destination, ExportRequest};
use waybill::server::identity::Caller;
use waybill::server::state::exports::{ExportRow, ExportState};
use waybill::server::state::jobs::{Fence, JobEnd, JobKind, NewJob, Stop};
use waybill::server::state::{SourceState, StateDatabase};

use crate::harness::{Fault, FaultySource, Waybill};

/// The state as another process opens it.
async fn from_another_process(waybill: &Waybill) -> SourceState {
    let file = StateDatabase::open(&waybill.folder.path().join("waybill.db")).await.unwrap();
    file.for_source(Some(waybill.app.source_id.clone()))
}

async fn hanging() -> Waybill {
    Waybill::with_wrapped_source(400, FaultySource::wrap(Fault::Hang, Arc::new(AtomicU64::new(300)))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_sees_the_progress_of_a_run_and_can_cancel_it() {
    let waybill = hanging().await;
    let admin = waybill.signed_in_admin().await;
    let run = admin.request_export().await;
    let other = from_another_process(&waybill).await;
    let (records, total_records) = loop {
        let stored = other.connect().await.unwrap().jobs().progress(run.id.0).await.unwrap();
        let progress = stored.map(|stored| serde_json::from_str::<Progress>(&stored).unwrap());
        if let Some(Stage::Writing { records: records @ 1.., total_records, .. }) =
            progress.map(|progress| progress.stage)
        {
            break (records, total_records);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(total_records > records);
    let stop = other.connect().await.unwrap().jobs().request_stop(run.id.0).await.unwrap();
    assert_eq!(stop, Stop::Requested);
    assert!(matches!(admin.wait_for_end(&run).await, RunState::Cancelled { .. }));
    assert_eq!(waybill.artifact_names(), Vec::<String>::new());
}

/// An older version that still runs after an upgrade of the state queues exports without jobs.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_without_a_job_does_not_block_its_account_for_ever() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let (first, _) = admin.export_and_wait().await;
    let id = ExportId(uuid::Uuid::from_u128(7));
    let orphan = ExportRow { id, state: ExportState::Queued, ..waybill.export_row(first.id).await };
    let other = from_another_process(&waybill).await;
    other.connect().await.unwrap().exports().insert(&orphan).await.unwrap();
    assert_eq!(admin.post("/rpc/request_export", "").await.status, 429);
    waybill.app.exports.recover().await.unwrap();
    let ExportState::Failed { failure, .. } = waybill.export_row(id).await.state else { panic!("still waiting") };
    assert_eq!(failure.message, "The server was stopped. Start a new export.");
    assert!(matches!(admin.export_and_wait().await.1, RunState::Completed(_)));
}

/// A job of a newer version, say.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_cannot_be_read_fails_and_does_not_hold_up_the_next() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let (first, _) = admin.export_and_wait().await;
    let unreadable = ExportRow {
        id: ExportId(uuid::Uuid::from_u128(7)),
        state: ExportState::Queued,
        ..waybill.export_row(first.id).await
    };
    let other = from_another_process(&waybill).await;
    let mut tx = other.begin().await.unwrap();
    let job = NewJob { id: unreadable.id.0, kind: JobKind::Export, spec: "{\"order\": 1}".into(), max_attempts: 1 };
    tx.exports().insert(&ExportRow { account_id: None, ..unreadable.clone() }).await.unwrap();
    tx.jobs().insert(&job).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(admin.export_and_wait().await.1, RunState::Completed(_)));
    let ExportState::Failed { failure, .. } = waybill.export_row(unreadable.id).await.state else {
        panic!("still waiting")
    };
    assert_eq!(failure.message, "This version cannot run the export. Start a new one.");
}

/// A process that was suspended for longer than its lease has lost the run: what it still does must not count.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_lost_its_lease_publishes_nothing() {
    let waybill = hanging().await;
    let admin = waybill.signed_in_admin().await;
    let run = admin.request_export().await;
    let other = from_another_process(&waybill).await;
    while !matches!(waybill.export_row(run.id).await.state, ExportState::Running) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let fence = Fence { id: run.id.0, attempt: 1 };
    assert!(other.connect().await.unwrap().jobs().finish(fence, JobEnd::Failed).await.unwrap());
    // The heartbeat learns of it and stops the read; until then the unfinished file is there.
    let started = std::time::Instant::now();
    while waybill.artifact_names() != Vec::<String>::new() || started.elapsed() < Duration::from_secs(1) {
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", waybill.artifact_names());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let trail = waybill.audit_trail().await;
    assert!(!trail.contains(&"export_completed".to_owned()), "{trail:?}");
    assert!(!trail.contains(&"export_failed".to_owned()), "who took the lease records the end: {trail:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_lost_its_lease_leaves_no_file() {
    let waybill = hanging().await;
    let path = waybill.folder.path().join("out.json");
    let destination = Destination::File { path: path.clone(), replace: false };
    let exports = waybill.app.exports.clone();
    let command = tokio::spawn(async move {
        let caller = Caller::command_line("ops");
        exports.export_to_file(&caller, destination, ExportRequest::default(), |_| ()).await
    });
    let other = from_another_process(&waybill).await;
    let lost = loop {
        let newest = other.connect().await.unwrap().exports().page(0, 1).await.unwrap();
        match newest.first() {
            Some(row) if row.state == ExportState::Running => break Fence { id: row.id.0, attempt: 1 },
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    assert!(other.connect().await.unwrap().jobs().finish(lost, JobEnd::Failed).await.unwrap());
    assert!(command.await.unwrap().is_err());
    assert!(!path.exists());
}
