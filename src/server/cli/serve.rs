//! `waybill serve`: runs the web server and the background worker.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use clap::{Args, ValueEnum};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;

use super::args::{SigningArgs, SourceArgs, StateArgs};
use super::connect::build_app;
use super::exit::{CliError, Exit};
use super::terminal::eprint_line;
use crate::model::{route, text};
use crate::server::app::App;
use crate::server::http::PublicUrl;
use crate::server::http::connections::ConnectionLimits;
use crate::server::profile::{Origin, SecondFactorPolicy};
use crate::server::{http, worker};

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
    second_factor: SecondFactorPolicyArg,
    /// Folder with the static files of the pages [default: site, beside the program's folder].
    #[arg(long, value_name = "DIR", env = "WAYBILL_SITE")]
    site: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum SecondFactorPolicyArg {
    /// Only if the profile requires it.
    #[default]
    Optional,
    /// Always, whatever the profile says.
    Required,
}

impl From<SecondFactorPolicyArg> for SecondFactorPolicy {
    fn from(chosen: SecondFactorPolicyArg) -> Self {
        match chosen {
            SecondFactorPolicyArg::Optional => Self::Optional,
            SecondFactorPolicyArg::Required => Self::Required,
        }
    }
}

impl Serve {
    pub async fn run(self) -> Result<Exit, CliError> {
        let (app, url) = build_app(&self.source, &self.state, &self.signing, self.second_factor.into()).await?;
        // The server lock, held until the process ends.
        let _server_lock = app.lock_for_server()?;
        app.exports.check_source().await.map_err(|error| url.with_context(error.into()))?;
        let router = self.router(&app)?;
        let (listener, address) = self.listen().await?;
        let base_url = self.public_url.as_ref().map_or_else(|| format!("http://{address}"), |url| url.origin.clone());
        let label = &app.source;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"), source = %label.profile, engine = %label.engine,
            engine_version = %label.engine_version, source_id = %app.source_id, "serving"
        );
        announce(&format!("Waybill is ready: {base_url}{}", route::EXPORT));
        announce_accounts(&app, &base_url).await?;
        serve_until_shutdown(app, listener, router).await;
        Ok(Exit::Success)
    }

    fn router(&self, app: &Arc<App>) -> Result<Router, CliError> {
        if let Some(site) = self.site.as_ref().filter(|site| !site.is_dir()) {
            return Err(CliError::new(Exit::Usage, format!("--site: {} is not a folder", site.display())));
        }
        let config = http::HttpConfig {
            assets_folder: self.site.clone().or_else(default_site_folder),
            public_url: self.public_url.clone(),
            trusted_proxies: self.trusted_proxy.clone(),
        };
        if config.assets_folder.is_none() {
            eprint_line(
                "The static files of the pages were not found, so pages have no styles or scripts: give their folder with --site.",
            );
        }
        http::router(app.clone(), config)
            .map_err(|_| CliError::new(Exit::Usage, "--public-url: expected a URL such as https://waybill.example.org"))
    }

    async fn listen(&self) -> Result<(TcpListener, SocketAddr), CliError> {
        let listener = TcpListener::bind(&self.address).await.map_err(|error| listen_error(&self.address, &error))?;
        let address = listener.local_addr().map_err(|error| listen_error(&self.address, &error))?;
        self.require_tls(address.ip())?;
        Ok((listener, address))
    }
}

/// Says which accounts are new here, and how to create the first one.
async fn announce_accounts(app: &App, base_url: &str) -> Result<(), CliError> {
    let adopted = app.adopt_accounts().await?;
    if adopted > 0 {
        let accounts = text::count_with_noun(adopted, "account");
        announce(&format!("{accounts} that belonged to no database yet can sign in here from now on, and only here."));
    }
    let setup = app.identity.issue_setup_code().await;
    let Some(code) = setup.map_err(|error| CliError::new(Exit::Failure, error.to_string()))? else { return Ok(()) };
    announce("There is no account yet. Create the first one here with this code (works once, for one hour):");
    announce(&format!("{base_url}{}  {}", route::SETUP, code.expose_secret()));
    if app.profile.origin == Origin::BuiltIn {
        let name = &app.profile.name;
        announce(&format!("(To let the accounts of {name} sign in, start with --profile {name}.)"));
    }
    Ok(())
}

/// Serves requests and runs queued exports until a signal comes.
async fn serve_until_shutdown(app: Arc<App>, listener: TcpListener, router: Router) {
    let worker_task = tokio::spawn(worker::run(app.clone()));
    let account_check = tokio::spawn(app.exports.clone().check_accounts());
    let server = http::connections::serve(listener, router, ConnectionLimits::for_this_process(), async move {
        shutdown_signal().await;
        app.exports.shut_down().await;
    });
    // Running downloads get this long to finish; then their connections are cut.
    let grace_period = async {
        shutdown_signal().await;
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    };
    tokio::select! {
        () = server => {}
        () = grace_period => {}
    }
    worker_task.abort();
    account_check.abort();
}

impl Serve {
    /// Refuses to serve other machines without TLS: anyone on the network path could read the traffic.
    fn require_tls(&self, listening: IpAddr) -> Result<(), CliError> {
        let is_https = self.public_url.as_ref().is_some_and(|url| url.is_https);
        let is_public = self.public_url.as_ref().is_some_and(|url| !url.is_loopback());
        let is_reachable_from_network = is_public || !listening.is_loopback() || !self.trusted_proxy.is_empty();
        if is_https || !is_reachable_from_network || self.insecure_http {
            return Ok(());
        }
        let message = "other machines would send passwords and receive records in clear text: put a TLS proxy in front \
                       and give its address with --public-url https://…, or allow clear text with --insecure-http";
        Err(CliError::new(Exit::Usage, message))
    }
}

/// Prints to standard output and ignores errors: a closed pipe is no reason to stop serving.
fn announce(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn listen_error(address: &str, error: &io::Error) -> CliError {
    // Wrong usage only if it is not an address at all; one that is in use or not of this machine is a failure.
    let exit = if error.kind() == io::ErrorKind::InvalidInput { Exit::Usage } else { Exit::Failure };
    CliError::new(exit, format!("cannot listen on {address}: {error}"))
}

/// Waits for SIGINT (Ctrl-C) or SIGTERM.
pub async fn shutdown_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// `target/release/waybill` finds `target/site`; an installed program finds `site` beside its folder.
fn default_site_folder() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let site = program.parent()?.parent()?.join("site");
    site.is_dir().then_some(site)
}
