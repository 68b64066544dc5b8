//! Test set-up: a sample database on disk, the real server on a free port, signed-in browsers.

mod browser;
mod faulty;
mod files;
mod pooler;
mod postgres;
mod program;
mod stalling;
mod tls_relay;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempDir;
use waybill::server::app::{App, Parts};
use waybill::server::audit;
use waybill::server::binding::SourceName;
use waybill::server::http::connections::Limits;
use waybill::server::profile::{Profile, SecondFactorPolicy};
use waybill::server::sample::{Size, generate};
use waybill::server::source::Source;
use waybill::server::source::sqlite::SqliteSource;
use waybill::server::state::StateFile;
use waybill::server::support::clock::Clock;
use waybill::server::support::random::SystemRandom;
use waybill::server::{http, worker};

pub use browser::{Answer, Browser};
pub use faulty::{Fault, FaultySource};
pub use files::{Export, changed_line, read_export};
pub use pooler::Pooler;
pub use postgres::{Postgres, source_at};
pub use program::{Ended, Program, Server};
pub use stalling::StallingProxy;
pub use tls_relay::TlsRelay;

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
pub fn sample(incidents: u64, folder: &Path) -> PathBuf {
    let path = folder.join("sample.db");
    generate(&path, &Size { incidents, participants: incidents / 5, seed: 1 }, PASSWORD, true).unwrap();
    path
}

/// Runs SQL on an SQLite file while the server uses it, as the application or another program would.
pub fn change_source(source: &Path, sql: &str) {
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
        Self::on_sample_of(50).await
    }

    pub async fn on_sample_of(incidents: u64) -> Self {
        Self::with(incidents, |source| source).await
    }

    /// On a sample, with the source wrapped by `wrap`, such as in a [`FaultySource`].
    pub async fn with(incidents: u64, wrap: impl FnOnce(Arc<dyn Source>) -> Arc<dyn Source>) -> Self {
        let folder = TempDir::new().unwrap();
        let source = sample(incidents, folder.path());
        let wrapped = wrap(Arc::new(SqliteSource::new(&source)));
        let profile = Profile::built_in("supportsignal").unwrap();
        Self::assemble(folder, source, wrapped, profile, SecondFactorPolicy::Optional).await
    }

    /// On a sample, with this policy for second factors.
    pub async fn start_requiring(second_factor: SecondFactorPolicy) -> Self {
        let folder = TempDir::new().unwrap();
        let file = sample(50, folder.path());
        let source = Arc::new(SqliteSource::new(&file));
        Self::assemble(folder, file, source, Profile::built_in("supportsignal").unwrap(), second_factor).await
    }

    /// On any source and profile.
    pub async fn on(source: Arc<dyn Source>, profile: Profile) -> Self {
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
        let clock = Arc::new(TestClock::default());
        let parts = Parts {
            source,
            profile,
            source_name: SourceName::chosen("test"),
            second_factor,
            state: &folder.path().join("waybill.db"),
            signing_key: &folder.path().join("signing-key.pem"),
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
        };
        let app = App::build(parts).await.unwrap();
        let router = http::router(app.clone(), http::Site::default()).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = http::connections::serve(listener, router, Limits::default(), std::future::pending());
        let serving = tokio::spawn(serving);
        let working = tokio::spawn(worker::run(app.clone()));
        Self { app, clock, source: file, address, folder, tasks: vec![serving, working] }
    }

    /// The name of the session cookie.
    pub fn cookie_name(&self) -> String {
        waybill::server::http::cookie_name(&http::Site::default(), &self.app.source_id)
    }

    /// A browser without a session.
    pub fn visitor(&self) -> Browser {
        Browser::new(self.address)
    }

    /// A browser with a session of this account.
    pub async fn signed_in_as(&self, email: &str) -> Browser {
        let browser = self.visitor();
        let answer = browser.sign_in(email, PASSWORD).await;
        assert_eq!(answer.status, 303, "sign-in of {email}");
        browser
    }

    pub async fn admin(&self) -> Browser {
        self.signed_in_as(ADMIN).await
    }

    /// Event names in the audit trail, oldest first. Panics if the hash chain is broken.
    pub async fn audit_trail(&self) -> Vec<String> {
        self.audit_entries().await.into_iter().map(|entry| entry.event).collect()
    }

    /// All entries of the audit trail, oldest first. Panics if the hash chain is broken.
    pub async fn audit_entries(&self) -> Vec<audit::Recorded> {
        let file = StateFile::open(&self.folder.path().join("waybill.db")).await.unwrap();
        assert_eq!(audit::check(&file, &[]).await.unwrap().fault, None, "the audit chain is broken");
        let mut entries = Vec::new();
        audit::each(&file, |entry| entries.push(entry)).await.unwrap();
        entries
    }

    /// Names of the files in the artefact folder, unfinished ones included.
    pub fn artifacts(&self) -> Vec<String> {
        let folder = self.app.exports.artifacts.folder();
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Waybill {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}
