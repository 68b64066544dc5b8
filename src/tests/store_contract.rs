//! What every store of the state must do. Each engine runs each case; SQLite is the only one today.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use uuid::Uuid;
use waybill::model::artifact_name::ArtifactName;
use waybill::model::channel::Channel;
use waybill::model::export::{ExportId, ExportSummary, Failure};
use waybill::model::output::Compression;
use waybill::model::selection::Selection;
use waybill::server::audit::{Actor, Event, Journal, verify_chain};
use waybill::server::state::accounts::LocalAccount;
use waybill::server::state::exports::{Completion, ExportRow, ExportState, ExportStatus, Unfinished};
use waybill::server::state::jobs::{Fence, Heartbeat, JobEnd, JobKind, NewJob, Stop};
use waybill::server::state::second_factors::SecondFactor;
use waybill::server::state::sessions::Session;
use waybill::server::state::sources::KnownSource;
use waybill::server::state::{SourceState, StateDatabase};

use crate::harness::TestClock;

const LEASE: Duration = Duration::from_mins(1);
const OVER: Duration = Duration::ZERO;
const AT: &str = "2026-11-20T14:02:11Z";

/// A store with two sources, `shop` and `clinic`.
struct Sources {
    database: StateDatabase,
    shop: SourceState,
    clinic: SourceState,
    _folder: TempDir,
}

async fn sqlite() -> Sources {
    let folder = TempDir::new().unwrap();
    let database = StateDatabase::open(&folder.path().join("waybill.db")).await.unwrap();
    let mut tx = database.for_source(None).begin().await.unwrap();
    for id in ["shop", "clinic"] {
        let source = KnownSource {
            id: id.into(),
            identity: format!("sqlite:/{id}.db"),
            file_id: None,
            name: id.into(),
            known_since: AT.into(),
        };
        tx.sources().upsert(&source).await.unwrap();
    }
    tx.commit().await.unwrap();
    let of = |id: &str| database.for_source(Some(id.into()));
    Sources { shop: of("shop"), clinic: of("clinic"), database, _folder: folder }
}

fn export(n: u128, account: Option<&str>) -> ExportRow {
    ExportRow {
        id: ExportId(Uuid::from_u128(n)),
        requested_at: AT.into(),
        account_id: account.map(Into::into),
        requested_by: "ada@example.org".into(),
        channel: if account.is_some() { Channel::Page } else { Channel::CommandLine },
        selection: Selection { tables: Some(["sales".into()].into()), ..Selection::default() },
        file_name: "shop.json".into(),
        compression: Compression::Gzip,
        estimated_bytes: Some(u64::from(u32::MAX) * 4),
        downloads: 0,
        state: ExportState::Queued,
    }
}

fn job(n: u128, max_attempts: u32) -> NewJob {
    NewJob { id: Uuid::from_u128(n), kind: JobKind::Export, spec: format!("{{\"n\":{n}}}"), max_attempts }
}

async fn insert_jobs(state: &SourceState, jobs: &[NewJob]) {
    let mut tx = state.begin().await.unwrap();
    for job in jobs {
        tx.jobs().insert(job).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Claims in a transaction of its own; returns the fence.
async fn claim(state: &SourceState, worker: &str, lease: Duration) -> Option<Fence> {
    let mut tx = state.begin().await.unwrap();
    let claimed = tx.jobs().claim(JobKind::Export, worker, lease).await.unwrap();
    tx.commit().await.unwrap();
    claimed.map(|job| job.fence)
}

/// Long enough for a lease of zero to be over.
async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

#[tokio::test]
async fn a_transaction_that_is_dropped_changes_nothing() {
    let sources = sqlite().await;
    let mut tx = sources.shop.begin().await.unwrap();
    tx.exports().insert(&export(1, None)).await.unwrap();
    drop(tx);
    assert_eq!(sources.shop.connect().await.unwrap().exports().count().await.unwrap(), 0);
}

#[tokio::test]
async fn transactions_wait_for_each_other() {
    let sources = sqlite().await;
    let first = sources.shop.begin().await.unwrap();
    let clinic = sources.clinic.clone();
    let second = tokio::spawn(async move { clinic.begin().await.unwrap().commit().await.unwrap() });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!second.is_finished(), "the second transaction began beside the first");
    first.commit().await.unwrap();
    second.await.unwrap();
}

#[tokio::test]
async fn tables_hold_the_rows_of_their_source_only() {
    let Sources { shop, clinic, _folder, .. } = sqlite().await;
    let session = Session {
        token_sha256: "token".into(),
        account_id: "u1".into(),
        email: "ada@example.org".into(),
        created_at: AT.into(),
        last_seen_at: AT.into(),
        network: Some("192.0.2.7".into()),
        credential_sha256: "credential".into(),
        awaits_code: false,
    };
    let account = LocalAccount {
        id: "local:1".into(),
        name: "Ada".into(),
        password_hash: "$argon2id$".into(),
        created_at: AT.into(),
        disabled_at: None,
    };
    let mut tx = shop.begin().await.unwrap();
    tx.sessions().insert(&session).await.unwrap();
    tx.accounts().insert(&account).await.unwrap();
    tx.exports().insert(&export(1, Some("u1"))).await.unwrap();
    tx.jobs().insert(&job(1, 1)).await.unwrap();
    tx.commit().await.unwrap();
    let mut own = shop.connect().await.unwrap();
    assert_eq!(own.sessions().find("token").await.unwrap(), Some(session));
    assert_eq!(own.accounts().find_by_name("ada").await.unwrap(), Some(account));
    assert_eq!(own.exports().find(ExportId(Uuid::from_u128(1))).await.unwrap(), Some(export(1, Some("u1"))));
    let mut other = clinic.connect().await.unwrap();
    assert_eq!(other.sessions().find("token").await.unwrap(), None);
    assert!(!other.accounts().exist().await.unwrap());
    assert_eq!(other.exports().count().await.unwrap(), 0);
    assert_eq!(other.exports().find(ExportId(Uuid::from_u128(1))).await.unwrap(), None);
    assert_eq!(other.jobs().request_stop(Uuid::from_u128(1)).await.unwrap(), Stop::Over);
    assert_eq!(other.jobs().claim(JobKind::Export, "w", LEASE).await.unwrap(), None);
    let fence = own.jobs().claim(JobKind::Export, "w", LEASE).await.unwrap().unwrap().fence;
    assert_eq!(other.jobs().heartbeat(fence, "{}", LEASE).await.unwrap(), Heartbeat::Lost);
    assert!(!other.jobs().finish(fence, JobEnd::Completed).await.unwrap());
    other.exports().mark_running(ExportId(Uuid::from_u128(1))).await.unwrap();
    other.exports().cancel(ExportId(Uuid::from_u128(1)), 0).await.unwrap();
    assert_eq!(own.exports().find(ExportId(Uuid::from_u128(1))).await.unwrap().unwrap().state, ExportState::Queued);
}

#[tokio::test]
async fn an_export_keeps_what_its_state_says() {
    let Sources { shop, _folder, .. } = sqlite().await;
    let mut tables = shop.connect().await.unwrap();
    for n in 1..=4 {
        tables.exports().insert(&export(n, Some("u1"))).await.unwrap();
    }
    let id = |n| ExportId(Uuid::from_u128(n));
    let summary = ExportSummary {
        records: 3,
        tables: 2,
        bytes: 1 << 40,
        sha256: "ab".repeat(32),
        duration_ms: 12,
        expires_at: Some(AT.into()),
        deviations: Box::default(),
    };
    let completion = Completion { summary, artifact: ArtifactName::parse(&"0f".repeat(32)) };
    let failure = Failure { message: "The disk is full.".into(), reference: Some("R-1".into()) };
    tables.exports().complete(id(1), &completion, &[]).await.unwrap();
    tables.exports().fail(id(2), &failure, None).await.unwrap();
    tables.exports().cancel(id(3), 7).await.unwrap();
    tables.exports().mark_running(id(4)).await.unwrap();
    let mut states = Vec::new();
    for n in 1..=4 {
        states.push(tables.exports().find(id(n)).await.unwrap().unwrap().state);
    }
    let cancelled = ExportState::Cancelled { duration_ms: Some(7) };
    assert_eq!(
        states,
        [
            ExportState::Completed(completion.clone()),
            ExportState::Failed { failure, duration_ms: None },
            cancelled,
            ExportState::Running
        ]
    );
    assert_eq!(
        tables.exports().count_unfinished(Some("u2")).await.unwrap(),
        Unfinished { all: 1, own: 0, of_persons: 0 }
    );
    assert_eq!(tables.exports().with_artifact().await.unwrap().len(), 1);
    tables.exports().clear_artifact(id(1)).await.unwrap();
    assert_eq!(tables.exports().with_artifact().await.unwrap(), []);
    let found = tables.exports().find_by_digest(&completion.summary.sha256).await.unwrap().unwrap();
    assert_eq!((found.id, found.state.status(), found.artifact()), (id(1), ExportStatus::Completed, None));
    let newest = tables.exports().page(0, 2).await.unwrap();
    assert_eq!(newest.iter().map(|row| row.id).collect::<Vec<_>>(), [id(4), id(3)]);
}

#[tokio::test]
async fn a_code_of_a_second_factor_is_good_once() {
    let Sources { shop, _folder, .. } = sqlite().await;
    let factor = SecondFactor {
        account_id: "u1".into(),
        name: "ada".into(),
        secret: vec![7; 20],
        begun_at: AT.into(),
        session_token_sha256: "token".into(),
        confirmed_at: None,
        last_step: 0,
    };
    let mut tables = shop.connect().await.unwrap();
    let factors = tables.second_factors();
    factors.insert_unconfirmed(&factor).await.unwrap();
    assert!(factors.accept_step("u1", 10).await.unwrap());
    assert!(!factors.accept_step("u1", 10).await.unwrap());
    assert!(!factors.accept_step("u1", 9).await.unwrap());
    factors.replace_recovery_codes("u1", &["a".into(), "b".into()]).await.unwrap();
    assert!(factors.use_recovery_code("u1", "a", AT).await.unwrap());
    assert!(!factors.use_recovery_code("u1", "a", AT).await.unwrap());
    assert_eq!(factors.count_unused_recovery_codes("u1").await.unwrap(), 1);
    assert!(factors.remove("u1").await.unwrap());
    assert_eq!(factors.count_unused_recovery_codes("u1").await.unwrap(), 0);
}

#[tokio::test]
async fn concurrent_entries_of_the_audit_trail_are_one_chain() {
    let Sources { database, shop, clinic, _folder, .. } = sqlite().await;
    let mut writers = Vec::new();
    for (n, state) in [shop, clinic].into_iter().cycle().take(6).enumerate() {
        let journal = Journal::new(state, Arc::new(TestClock::default()));
        writers.push(tokio::spawn(async move {
            for count in 0..10 {
                let event = Event::SessionsEnded { account: n.to_string(), count };
                let tx = journal.begin().await.unwrap();
                journal.commit(tx, Actor::local("cli:ops"), event).await.unwrap();
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let verified = verify_chain(&database, &[]).await.unwrap();
    assert_eq!((verified.head.entries, verified.error), (60, None));
}

#[tokio::test]
async fn jobs_are_claimed_once_each_and_the_oldest_first() {
    let Sources { shop, _folder, .. } = sqlite().await;
    insert_jobs(&shop, &[job(1, 1)]).await;
    a_moment().await;
    insert_jobs(&shop, &[job(2, 1), job(3, 1)]).await;
    let mut claims = Vec::new();
    let mut workers = Vec::new();
    for n in 0..6 {
        let shop = shop.clone();
        workers.push(tokio::spawn(async move { claim(&shop, &format!("w{n}"), LEASE).await }));
    }
    for worker in workers {
        claims.extend(worker.await.unwrap());
    }
    claims.sort_by_key(|fence| fence.id);
    let expected = [1, 2, 3].map(|n| Fence { id: Uuid::from_u128(n), attempt: 1 });
    assert_eq!(claims, expected);
}

#[tokio::test]
async fn a_lost_lease_is_claimed_again_and_the_old_worker_can_change_nothing() {
    let Sources { shop, _folder, .. } = sqlite().await;
    insert_jobs(&shop, &[job(1, 3)]).await;
    let old = claim(&shop, "old", OVER).await.unwrap();
    a_moment().await;
    let new = claim(&shop, "new", LEASE).await.unwrap();
    assert_eq!((old.id, old.attempt, new.attempt), (new.id, 1, 2));
    let mut tables = shop.connect().await.unwrap();
    assert_eq!(tables.jobs().heartbeat(old, "{}", LEASE).await.unwrap(), Heartbeat::Lost);
    assert!(!tables.jobs().finish(old, JobEnd::Completed).await.unwrap(), "a stale worker completed the job");
    assert_eq!(tables.jobs().heartbeat(new, "{\"at\":1}", LEASE).await.unwrap(), Heartbeat::Renewed);
    assert_eq!(tables.jobs().progress(new.id).await.unwrap().as_deref(), Some("{\"at\":1}"));
    assert!(tables.jobs().finish(new, JobEnd::Completed).await.unwrap());
    assert!(!tables.jobs().finish(new, JobEnd::Failed).await.unwrap(), "a job ended twice");
    assert_eq!(tables.jobs().heartbeat(new, "{}", LEASE).await.unwrap(), Heartbeat::Lost);
}

#[tokio::test]
async fn a_job_that_kills_its_workers_is_given_up_after_its_attempts() {
    let Sources { shop, _folder, .. } = sqlite().await;
    insert_jobs(&shop, &[job(1, 3)]).await;
    for attempt in 1..=3 {
        assert_eq!(shop.connect().await.unwrap().jobs().abandoned(JobKind::Export).await.unwrap(), []);
        assert_eq!(claim(&shop, "w", OVER).await.unwrap().attempt, attempt);
        a_moment().await;
    }
    assert_eq!(claim(&shop, "w", LEASE).await, None);
    let abandoned = shop.connect().await.unwrap().jobs().abandoned(JobKind::Export).await.unwrap();
    assert_eq!(abandoned, [Fence { id: Uuid::from_u128(1), attempt: 3 }]);
}

#[tokio::test]
async fn the_leases_of_a_dead_worker_end_at_once() {
    let Sources { shop, _folder, .. } = sqlite().await;
    insert_jobs(&shop, &[job(1, 1), job(2, 1)]).await;
    let dead = claim(&shop, "dead", LEASE).await.unwrap();
    let alive = claim(&shop, "alive", LEASE).await.unwrap();
    let mut tables = shop.connect().await.unwrap();
    let mut workers = tables.jobs().workers().await.unwrap();
    workers.sort();
    assert_eq!(workers, ["alive", "dead"]);
    tables.jobs().end_leases_of("dead").await.unwrap();
    assert_eq!(tables.jobs().abandoned(JobKind::Export).await.unwrap(), [dead]);
    assert_eq!(tables.jobs().heartbeat(alive, "{}", LEASE).await.unwrap(), Heartbeat::Renewed);
}

#[tokio::test]
async fn a_stop_reaches_waiting_and_running_jobs_of_any_process() {
    let Sources { shop, _folder, .. } = sqlite().await;
    insert_jobs(&shop, &[job(1, 1), job(2, 1)]).await;
    let running = claim(&shop, "w", LEASE).await.unwrap();
    let mut tables = shop.connect().await.unwrap();
    assert_eq!(tables.jobs().request_stop(running.id).await.unwrap(), Stop::Requested);
    assert_eq!(tables.jobs().heartbeat(running, "{}", LEASE).await.unwrap(), Heartbeat::StopRequested);
    assert_eq!(tables.jobs().request_stop(Uuid::from_u128(2)).await.unwrap(), Stop::Cancelled);
    drop(tables);
    assert_eq!(claim(&shop, "w", LEASE).await, None, "a cancelled job was claimed");
    let mut tables = shop.connect().await.unwrap();
    let completed = tables.jobs().complete_unless_stopped(running).await.unwrap();
    assert_eq!(completed, Heartbeat::StopRequested, "a job that was to stop was completed");
    assert!(tables.jobs().finish(running, JobEnd::Cancelled).await.unwrap());
    assert_eq!(tables.jobs().complete_unless_stopped(running).await.unwrap(), Heartbeat::Lost);
    assert_eq!(tables.jobs().request_stop(running.id).await.unwrap(), Stop::Over);
}
