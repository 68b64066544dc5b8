//! `waybill serve`: runs the web server and the background worker.

use std::io::{self, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;

use super::open::{SourceUrl, app, blocking};
use super::{Exit, Failed, SigningArgs, SourceArgs, StateArgs, tell};
use crate::model::export::DriftPolicy;
use crate::model::manifest::RecordOrder;
use crate::model::text;
use crate::server::app::App;
use crate::server::http::PublicUrl;
use crate::server::http::connections::Limits;
use crate::server::profile::{Origin, SecondFactorPolicy};
use crate::server::{classification, export, http, profile, worker};

#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    signing: SigningArgs,
    /// Address to listen on; keep it on this machine and let a reverse proxy add TLS.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8118")]
    address: String,
    /// Address that people type, such as `https://waybill.example.org`; with https, cookies are Secure.
    #[arg(long, value_name = "URL", env = "WAYBILL_PUBLIC_URL")]
    public_url: Option<PublicUrl>,
    /// Serve other machines without TLS: anyone on the network path can read passwords and records.
    #[arg(long)]
    insecure_http: bool,
    /// IP address of a reverse proxy whose X-Forwarded-For is trusted; may be given several times.
    #[arg(long, value_name = "IP")]
    trusted_proxy: Vec<IpAddr>,
    /// Whether users must set up a second factor before they may do anything.
    #[arg(long, value_enum, default_value_t, env = "WAYBILL_SECOND_FACTOR")]
    second_factor: SecondFactor,
    /// Folder with the static files of the pages [default: site, beside the program's folder].
    #[arg(long, value_name = "DIR", env = "WAYBILL_SITE")]
    site: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum SecondFactor {
    /// Only if the profile requires it.
    #[default]
    Optional,
    /// Always, whatever the profile says.
    Required,
}

impl From<SecondFactor> for SecondFactorPolicy {
    fn from(chosen: SecondFactor) -> Self {
        match chosen {
            SecondFactor::Optional => Self::Optional,
            SecondFactor::Required => Self::Required,
        }
    }
}

impl Serve {
    pub async fn run(self) -> Result<Exit, Failed> {
        let (app, url) = app(&self.source, &self.state, &self.signing, self.second_factor.into()).await?;
        // The server lock, held until the process ends.
        let _only_server = app.exports.artifacts.serve().map_err(export::Error::from)?;
        refuse_a_source_that_cannot_be_used(app.clone(), url).await?;
        if let Some(site) = self.site.as_ref().filter(|site| !site.is_dir()) {
            return Err(Failed::new(Exit::Usage, format!("--site: {} is not a folder", site.display())));
        }
        let site = http::Site {
            root: self.site.clone().or_else(site_beside_program),
            public_url: self.public_url.clone(),
            trusted_proxies: self.trusted_proxy.clone(),
        };
        if site.root.is_none() {
            tell("The page's files are not there, so pages are bare: give their folder with --site.");
        }
        let router = http::router(app.clone(), site)
            .map_err(|_| Failed::new(Exit::Usage, "--public-url: write https://waybill.example.org"))?;
        let listener = TcpListener::bind(&self.address).await.map_err(|error| cannot_listen(&self.address, &error))?;
        let address = listener.local_addr().map_err(|error| cannot_listen(&self.address, &error))?;
        self.refuse_clear_text(address.ip())?;
        let open = self.public_url.as_ref().map_or_else(|| format!("http://{address}"), |url| url.origin.clone());
        let label = &app.source;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"), source = %label.profile, engine = %label.engine,
            engine_version = %label.engine_version, source_id = %app.source_id, "serving"
        );
        say(&format!("Waybill is ready: {open}/admin/developer-tools/export"));
        let adopted = app.adopt_accounts().await?;
        if adopted > 0 {
            let accounts = text::counted(adopted, "account");
            say(&format!(
                "{accounts} that belonged to no database yet may sign in here from now on, and nowhere else."
            ));
        }
        let setup = app.identity.offer_setup().await;
        if let Some(code) = setup.map_err(|error| Failed::new(Exit::Failed, error.to_string()))? {
            say("Nobody can sign in yet. Make the first account here, with this code (works once, for an hour):");
            say(&format!("{open}/setup  {}", code.expose_secret()));
            if app.profile.origin == Origin::BuiltIn {
                let name = &app.profile.name;
                say(&format!("(The accounts of {name} itself may sign in with --profile {name}.)"));
            }
        }
        let work = tokio::spawn(worker::run(app.clone()));
        let looking = tokio::spawn(look_at_accounts(app.clone()));
        let stopping = app.clone();
        let serving = http::connections::serve(listener, router, Limits::of_this_process(), async move {
            told_to_stop().await;
            stopping.exports.shut_down().await;
        });
        // Running downloads get this long to finish; then their connections are cut.
        let grace = async {
            told_to_stop().await;
            tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        };
        tokio::select! {
            () = serving => {}
            () = grace => {}
        }
        work.abort();
        looking.abort();
        Ok(Exit::Done)
    }
}

impl Serve {
    /// Refuses to serve other machines without TLS: anyone on the network path could read the traffic.
    fn refuse_clear_text(&self, listening: IpAddr) -> Result<(), Failed> {
        let is_https = self.public_url.as_ref().is_some_and(|url| url.is_https);
        let is_public = self.public_url.as_ref().is_some_and(|url| !url.is_loopback());
        let reaches_others = is_public || !listening.is_loopback() || !self.trusted_proxy.is_empty();
        if is_https || !reaches_others || self.insecure_http {
            return Ok(());
        }
        let message = "other machines would send passwords and get records in clear text: let a proxy with TLS stand in \
                       front and give its address with --public-url https://…, or allow it with --insecure-http";
        Err(Failed::new(Exit::Usage, message))
    }
}

/// Prints to standard output and ignores errors: a closed pipe is no reason to stop serving.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn cannot_listen(address: &str, error: &io::Error) -> Failed {
    // Wrong usage only if it is not an address at all; one that is in use or not of this machine is a failure.
    let exit = if error.kind() == io::ErrorKind::InvalidInput { Exit::Usage } else { Exit::Failed };
    Failed::new(exit, format!("{address} cannot be listened on: {error}"))
}

/// Checks at startup that the source can be exported: a wrong path would otherwise show up on every page.
async fn refuse_a_source_that_cannot_be_used(app: Arc<App>, url: SourceUrl) -> Result<(), Failed> {
    blocking(move || {
        let opened = app.exports.source.open_snapshot().and_then(|mut snapshot| snapshot.catalog());
        let catalog = opened.map_err(|error| url.named(error.into()))?;
        let divided = app.profile.divide(&catalog, RecordOrder::Storage, DriftPolicy::Report);
        divided.map_err(|error| url.named(error.into()))?;
        match app.profile.missing_accounts(&catalog) {
            missing if missing.is_empty() => Ok(()),
            missing => Err(url.named(profile::Error::MissingAccounts(missing).into())),
        }
    })
    .await
}

/// Logs who cannot sign in, and measures how long it takes to check a password of this application.
async fn look_at_accounts(app: Arc<App>) {
    let (source, profile) = (app.exports.source.clone(), app.profile.clone());
    let looked = tokio::task::spawn_blocking(move || classification::check_accounts(&*source, &profile));
    let Ok(Ok(Some(check))) = looked.await else { return };
    for line in check.problems() {
        tracing::warn!("{line}");
    }
    // Best effort: no caller depends on it.
    let _ = app.identity.learn(check.hashes).await;
}

/// Waits for SIGINT (Ctrl-C) or SIGTERM.
pub async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// `target/release/waybill` finds `target/site`; an installed program finds `site` beside its folder.
fn site_beside_program() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let site = program.parent()?.parent()?.join("site");
    site.is_dir().then_some(site)
}
