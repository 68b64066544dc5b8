//! `waybill serve`: runs the web server and the background worker.

mod announce;
mod listen;
mod shutdown;
mod site;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use clap::{Args, ValueEnum};
use secrecy::SecretString;

use super::args::{ApplicationArgs, DatabaseArgs, SigningArgs, SourceArgs, StateArgs, UndoFolderArgs, as_target};
use super::connect::{AppOptions, build_app, run_blocking};
use super::exit::{CliError, Exit};
use super::terminal::eprint_line;
use crate::model::access::Capability;
use crate::model::route;
use crate::server::app::{App, PageTarget};
use crate::server::http::{self, PublicUrl};
use crate::server::profile::SecondFactorPolicy;

use announce::{announce, announce_accounts};
use listen::Reach;
use shutdown::serve_until_shutdown;
pub use shutdown::shutdown_signal;
use site::default_site_folder;

#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    signing: SigningArgs,
    #[command(flatten)]
    application: ApplicationArgs,
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
    /// The largest export of an organisation that `POST /api/admin/export` is answered with at once, in MB of JSON.
    #[arg(long, value_name = "MB", default_value_t = http::DEFAULT_MAX_DIRECT_MB, env = "WAYBILL_MAX_DIRECT_EXPORT")]
    max_direct_export: u64,
    /// The source as a database to write to, by a user of its own: turns on imports on the page, for whose role the profile says so.
    ///
    /// sqlite:PATH, or a libpq URL such as `postgres://owner@host:5432/db`. Triggers, checks and casts of the database run with the
    /// rights of this user: give the owner of the tables. A password is refused here: put the URL into `WAYBILL_TARGET`.
    #[arg(long, value_name = "URL", env = "WAYBILL_TARGET", hide_env_values = true)]
    target: Option<SecretString>,
    /// The largest file that is taken to be imported on the page, in MB.
    #[arg(long, value_name = "MB", default_value_t = 1000, env = "WAYBILL_MAX_UPLOAD")]
    max_upload: u64,
    #[command(flatten)]
    undo: UndoFolderArgs,
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

/// The page that whoever may export anything comes for.
fn first_page(app: &App) -> &'static str {
    let has_admins = app.profile.auth.is_none() || app.profile.roles_with(Capability::ExportDatabase).next().is_some();
    if has_admins {
        route::EXPORT
    } else if app.exports.serves_owners() {
        route::ORGANIZATION_EXPORT
    } else if app.exports.serves_persons() {
        route::OWN_DATA
    } else {
        route::EXPORT
    }
}

impl Serve {
    pub async fn run(self) -> Result<Exit, CliError> {
        let target = self.open_target().await?;
        let application = self.application.application();
        let options = AppOptions { second_factor: self.second_factor.into(), target, application };
        let (app, url) = build_app(&self.source, &self.state, &self.signing, options).await?;
        // The server lock, held until the process ends.
        let _server_lock = app.lock_for_server()?;
        app.exports.check_source().await.map_err(|error| url.with_context(error.into()))?;
        app.exports.check_application()?;
        let router = self.router(&app)?;
        let (listener, address) = listen::listen(&self.address, &self.reach()).await?;
        let base_url = self.public_url.as_ref().map_or_else(|| format!("http://{address}"), |url| url.origin.clone());
        let label = &app.source;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"), source = %label.profile, engine = %label.engine,
            engine_version = %label.engine_version, source_id = %app.source_id, "serving"
        );
        announce(&format!("Waybill is ready: {base_url}{}", first_page(&app)));
        announce_accounts(&app, &base_url).await?;
        serve_until_shutdown(app, listener, router).await;
        Ok(Exit::Success)
    }

    /// The database that the page may write to.
    async fn open_target(&self) -> Result<Option<PageTarget>, CliError> {
        let Some(target) = &self.target else { return Ok(None) };
        let trust_owner = self.source.database.trust_owner.clone();
        let database = DatabaseArgs { source: target.clone(), trust_owner: trust_owner.clone() };
        let named = |error: CliError| CliError::new(error.exit, as_target(&error.message));
        let (url, source) = database.open().await.map_err(named)?;
        let max_upload_bytes = self.max_upload.saturating_mul(1_000_000);
        let (name, target) = (url.without_password(), url.target(&trust_owner, self.undo.path(&self.state.file)?));
        let checked = target.clone();
        run_blocking(move || {
            checked
                .check()
                .map_err(|error| CliError::new(Exit::Refused, format!("--target: {}: {error}", url.without_password())))
        })
        .await?;
        Ok(Some(PageTarget { target, name, source, max_upload_bytes }))
    }

    fn router(&self, app: &Arc<App>) -> Result<Router, CliError> {
        if let Some(site) = self.site.as_ref().filter(|site| !site.is_dir()) {
            return Err(CliError::new(Exit::Usage, format!("--site: {} is not a folder", site.display())));
        }
        let config = http::HttpConfig {
            assets_folder: self.site.clone().or_else(default_site_folder),
            public_url: self.public_url.clone(),
            trusted_proxies: self.trusted_proxy.clone(),
            max_direct_bytes: self.max_direct_export.saturating_mul(1_000_000),
            ..http::HttpConfig::default()
        };
        if config.assets_folder.is_none() {
            eprint_line(
                "The static files of the pages were not found, so pages have no styles or scripts: give their folder with --site.",
            );
        }
        http::router(app.clone(), config)
            .map_err(|_| CliError::new(Exit::Usage, "--public-url: expected a URL such as https://waybill.example.org"))
    }

    fn reach(&self) -> Reach<'_> {
        Reach {
            public_url: self.public_url.as_ref(),
            has_proxy: !self.trusted_proxy.is_empty(),
            allows_clear_text: self.insecure_http,
        }
    }
}
