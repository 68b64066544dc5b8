//! Test set-up: a sample database on disk, the real server on a free port, signed-in browsers.

mod browser;
mod cutting_proxy;
mod failing_store;
mod faulty_source;
mod memory_artifacts;
mod parsed_export;
mod pooler;
mod postgres;
mod running_server;
mod stalling_proxy;
mod tls_relay;
mod waybill_command;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempDir;
use waybill::model::export::ExportId;
use waybill::server::app::{App, PageTarget, Parts, Storage};
use waybill::server::artifact::ArtifactStore;
use waybill::server::audit;
use waybill::server::binding::SourceName;
use waybill::server::export::Application;
use waybill::server::http::connections::ConnectionLimits;
use waybill::server::profile::builtin::supportsignal;
use waybill::server::profile::{Profile, SecondFactorPolicy};
use waybill::server::sample::generate;
use waybill::server::source::Source;
use waybill::server::source::sqlite::{SqliteSource, SqliteTarget};
use waybill::server::state::StateDatabase;
use waybill::server::state::exports::ExportRow;
use waybill::server::support::clock::Clock;
use waybill::server::support::random::SystemRandom;
use waybill::server::{http, worker};

pub use browser::{Browser, Response};
pub use cutting_proxy::{CuttingProxy, Lost};
pub use failing_store::FailingStore;
pub use faulty_source::{Fault, FaultySource};
pub use memory_artifacts::MemoryArtifacts;
pub use parsed_export::{ParsedExport, parse_export, sealed_again, with_line_changed};
pub use pooler::Pooler;
pub use postgres::{Postgres, connect_source};
pub use running_server::{PROFILE, RunningServer, create_application};
pub use stalling_proxy::StallingProxy;
pub use tls_relay::TlsRelay;
pub use waybill_command::{CommandOutput, ServerProcess, WaybillCommand, program};

pub const PASSWORD: &str = "correct horse battery staple";
pub const ADMIN: &str = "system.admin@sample.test";
pub const ROLES: [(&str, &str); 5] = [
    ("system_admin", ADMIN),
    ("demo_admin", "demo.admin@sample.test"),
    ("company_admin", "company.admin@sample.test"),
    ("team_lead", "team.lead@sample.test"),
    ("frontline_worker", "frontline.worker@sample.test"),
];

/// Writes a sample database with this many incidents.
pub fn generate_sample(incidents: u64, folder: &Path) -> PathBuf {
    let path = folder.join("sample.db");
    let spec = supportsignal::SampleSpec { incidents, participants: incidents / 5, ..Default::default() };
    generate(&spec.sample(), &path, PASSWORD, true).unwrap();
    path
}

/// Runs SQL on an SQLite file while the server uses it, as the application or another program would.
pub fn execute_sql(source: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(source).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    connection.execute_batch(sql).unwrap();
}

/// A clock that tests advance by hand.
#[derive(Default)]
pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn advance(&self, by: TimeDelta) {
        self.0.fetch_add(by.num_seconds(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        let start: DateTime<Utc> = "2026-11-20T14:02:11Z".parse().unwrap();
        start + TimeDelta::seconds(self.0.load(Ordering::SeqCst))
    }
}

/// What most tests leave as it is.
#[derive(Default)]
struct Options {
    second_factor: SecondFactorPolicy,
    target: Option<PageTarget>,
    application: Application,
    http: http::HttpConfig,
}

/// A running server, with its state and files in one temporary folder.
pub struct Waybill {
    pub app: Arc<App>,
    pub clock: Arc<TestClock>,
    /// Path of the sample database; empty for other sources.
    pub source: PathBuf,
    pub address: SocketAddr,
    pub folder: TempDir,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Waybill {
    /// On a sample of 50 incidents.
    pub async fn start() -> Self {
        Self::with_incidents(50).await
    }

    pub async fn with_incidents(incidents: u64) -> Self {
        Self::with_wrapped_source(incidents, |source| source).await
    }

    /// On a sample, with the source wrapped by `wrap`, such as in a [`FaultySource`].
    pub async fn with_wrapped_source(incidents: u64, wrap: impl FnOnce(Arc<dyn Source>) -> Arc<dyn Source>) -> Self {
        let folder = TempDir::new().unwrap();
        let source = generate_sample(incidents, folder.path());
        let wrapped = wrap(Arc::new(SqliteSource::new(&source)));
        let profile = Profile::built_in("supportsignal").unwrap();
        Self::assemble(folder, source, wrapped, profile, SecondFactorPolicy::Optional).await
    }

    /// On a sample, with this state.
    pub async fn with_state(folder: TempDir, state: StateDatabase) -> Self {
        Self::with_stores(folder, Storage::Stores { state, artifacts: None }).await
    }

    /// On a sample, with finished files in this store.
    pub async fn with_artifacts(artifacts: Arc<dyn ArtifactStore>) -> Self {
        let folder = TempDir::new().unwrap();
        let state = StateDatabase::open(&folder.path().join("waybill.db")).await.unwrap();
        Self::with_stores(folder, Storage::Stores { state, artifacts: Some(artifacts) }).await
    }

    /// On a sample that the page may write to, and takes files of up to this many bytes for.
    pub async fn with_target(max_upload_bytes: u64) -> Self {
        let folder = TempDir::new().unwrap();
        let file = generate_sample(50, folder.path());
        let source = SqliteSource::new(&file);
        let target = PageTarget {
            target: Arc::new(SqliteTarget::new(source.clone(), folder.path().join("undo"))),
            name: file.display().to_string(),
            source: Arc::new(source.clone()),
            max_upload_bytes,
        };
        let profile = Profile::built_in("supportsignal").unwrap();
        Self::with_page_target(folder, file, Arc::new(source), profile, Some(target)).await
    }

    /// On any source and profile, of which the page may write to the target.
    pub async fn with_page_target(
        folder: TempDir,
        file: PathBuf,
        source: Arc<dyn Source>,
        profile: Profile,
        target: Option<PageTarget>,
    ) -> Self {
        let path = folder.path().join("waybill.db");
        let options = Options { target, ..Options::default() };
        Self::assemble_with(Storage::File(&path), folder, file, source, profile, options).await
    }

    /// On any source and profile, with what the operator says of the application.
    pub async fn with_application(
        source: Arc<dyn Source>,
        profile: Profile,
        application: Application,
        http: http::HttpConfig,
    ) -> Self {
        Self::with_application_and_target(source, profile, (application, None), http).await
    }

    /// The same, of which the page may write to the target.
    pub async fn with_application_and_target(
        source: Arc<dyn Source>,
        profile: Profile,
        (application, target): (Application, Option<PageTarget>),
        http: http::HttpConfig,
    ) -> Self {
        let (folder, options) = (TempDir::new().unwrap(), Options { target, application, http, ..Options::default() });
        let path = folder.path().join("waybill.db");
        Self::assemble_with(Storage::File(&path), folder, PathBuf::new(), source, profile, options).await
    }

    async fn with_stores(folder: TempDir, storage: Storage<'_>) -> Self {
        let file = generate_sample(50, folder.path());
        let source = Arc::new(SqliteSource::new(&file));
        let profile = Profile::built_in("supportsignal").unwrap();
        Self::assemble_with(storage, folder, file, source, profile, Options::default()).await
    }

    /// On a sample, with this policy for second factors.
    pub async fn with_second_factor_policy(second_factor: SecondFactorPolicy) -> Self {
        let folder = TempDir::new().unwrap();
        let file = generate_sample(50, folder.path());
        let source = Arc::new(SqliteSource::new(&file));
        Self::assemble(folder, file, source, Profile::built_in("supportsignal").unwrap(), second_factor).await
    }

    /// On any source and profile.
    pub async fn with_source(source: Arc<dyn Source>, profile: Profile) -> Self {
        let optional = SecondFactorPolicy::Optional;
        Self::assemble(TempDir::new().unwrap(), PathBuf::new(), source, profile, optional).await
    }

    async fn assemble(
        folder: TempDir,
        file: PathBuf,
        source: Arc<dyn Source>,
        profile: Profile,
        second_factor: SecondFactorPolicy,
    ) -> Self {
        let path = folder.path().join("waybill.db");
        let options = Options { second_factor, ..Options::default() };
        Self::assemble_with(Storage::File(&path), folder, file, source, profile, options).await
    }

    async fn assemble_with(
        storage: Storage<'_>,
        folder: TempDir,
        file: PathBuf,
        source: Arc<dyn Source>,
        profile: Profile,
        options: Options,
    ) -> Self {
        let clock = Arc::new(TestClock::default());
        let parts = Parts {
            target: options.target,
            source,
            profile,
            application: options.application,
            source_name: SourceName::explicit("test"),
            second_factor: options.second_factor,
            storage,
            signing_key: &folder.path().join("signing-key.pem"),
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
        };
        let app = App::build(parts).await.unwrap();
        let router = http::router(app.clone(), options.http).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server_task =
            http::connections::serve(listener, router, ConnectionLimits::default(), std::future::pending());
        let serving = tokio::spawn(server_task);
        let worker_task = tokio::spawn(worker::run(app.clone()));
        Self { app, clock, source: file, address, folder, tasks: vec![serving, worker_task] }
    }

    /// The name of the session cookie.
    pub fn cookie_name(&self) -> String {
        waybill::server::http::session_cookie_name(&http::HttpConfig::default(), &self.app.source_id)
    }

    /// A browser without a session.
    pub fn anonymous(&self) -> Browser {
        Browser::new(self.address)
    }

    /// A browser with a session of this account.
    pub async fn signed_in_as(&self, email: &str) -> Browser {
        let browser = self.anonymous();
        let answer = browser.sign_in(email, PASSWORD).await;
        assert_eq!(answer.status, 303, "sign-in of {email} failed");
        browser
    }

    pub async fn signed_in_admin(&self) -> Browser {
        self.signed_in_as(ADMIN).await
    }

    /// Event names in the audit trail, oldest first. Panics if the hash chain is broken.
    pub async fn audit_trail(&self) -> Vec<String> {
        self.audit_entries().await.into_iter().map(|entry| entry.event).collect()
    }

    /// All entries of the audit trail, oldest first. Panics if the hash chain is broken.
    pub async fn audit_entries(&self) -> Vec<audit::AuditRecord> {
        let file = StateDatabase::open(&self.folder.path().join("waybill.db")).await.unwrap();
        assert_eq!(audit::verify_chain(&file, &[]).await.unwrap().error, None, "the audit chain is broken");
        let mut entries = Vec::new();
        audit::for_each(&file, |entry| entries.push(entry)).await.unwrap();
        entries
    }

    /// The export as the state has it.
    pub async fn export_row(&self, id: ExportId) -> ExportRow {
        let file = StateDatabase::open(&self.folder.path().join("waybill.db")).await.unwrap();
        let state = file.for_source(Some(self.app.source_id.clone()));
        state.connect().await.unwrap().exports().find(id).await.unwrap().unwrap()
    }

    /// The folder of finished files.
    pub fn artifact_folder(&self) -> PathBuf {
        self.folder.path().join("waybill.db.files").join(&self.app.source_id)
    }

    /// Names of the files in the artefact folder, unfinished ones included.
    pub fn artifact_names(&self) -> Vec<String> {
        std::fs::read_dir(self.artifact_folder())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

impl Drop for Waybill {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}
