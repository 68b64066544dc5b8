//! Opens the source and builds the app from command-line arguments.

use std::path::Path;
use std::sync::Arc;

use secrecy::ExposeSecret;

use super::args::{DatabaseArgs, SigningArgs, SourceArgs, StateArgs};
use super::exit::{CliError, Exit};
use super::source_url::SourceUrl;
use super::terminal::eprint_line;
use crate::server::app::{App, PageTarget, Parts, Storage};
use crate::server::binding::SourceName;
use crate::server::export::Application;
use crate::server::profile::{Profile, SecondFactorPolicy};
use crate::server::profiles;
use crate::server::source::Source;
use crate::server::source::postgres::ConnectConfig;
use crate::server::support::clock::SystemClock;
use crate::server::support::random::SystemRandom;

/// An opened source and its profile.
pub struct OpenedSource {
    pub url: SourceUrl,
    pub source: Arc<dyn Source>,
    pub profile: Profile,
}

impl DatabaseArgs {
    pub fn url(&self) -> Result<SourceUrl, CliError> {
        let text = self.source.expose_secret();
        let usage_error = |message: String| CliError::new(Exit::Usage, format!("--source: {message}"));
        let url: SourceUrl = text.parse().map_err(usage_error)?;
        let is_on_command_line = std::env::args_os().any(|argument| argument.to_string_lossy().ends_with(text));
        if is_on_command_line && ConnectConfig::contains_password(text) {
            let message = "other users of this machine can read a password on the command line: put the URL into \
                           WAYBILL_SOURCE, or the password into PGPASSWORD or ~/.pgpass";
            return Err(usage_error(message.into()));
        }
        Ok(url)
    }

    pub async fn open(&self) -> Result<(SourceUrl, Arc<dyn Source>), CliError> {
        let (url, trusted) = (self.url()?, self.trust_owner.clone());
        if let Some(host) = url.unverified_host() {
            eprint_line(&format!(
                "note: nothing verifies that {host} is the right database server, so anyone on the network path could read \
                 and change rows: use sslmode=verify-full"
            ));
        }
        run_blocking(move || url.open(&trusted).map(|source| (url, source))).await
    }
}

impl SourceArgs {
    /// Opens the source and finds its profile.
    pub async fn open(&self) -> Result<OpenedSource, CliError> {
        let (url, source) = self.database.open().await?;
        let requested = self.profile.clone();
        run_blocking(move || {
            let profile = profiles::resolve(&*source, requested.as_deref(), &url.database_name());
            let profile = profile.map_err(|error| url.with_context(error.into()))?;
            Ok(OpenedSource { url, source, profile })
        })
        .await
    }
}

/// Runs blocking work on a thread of tokio's blocking pool.
pub async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CliError> + Send + 'static,
) -> Result<T, CliError> {
    let panicked = |_| CliError::new(Exit::Failure, "internal error: a task of the program panicked; please report it");
    tokio::task::spawn_blocking(work).await.map_err(panicked)?
}

/// What only some commands say of the app.
#[derive(Default)]
pub struct AppOptions {
    pub second_factor: SecondFactorPolicy,
    /// A database that the page may write to.
    pub target: Option<PageTarget>,
    pub application: Application,
}

/// Opens the source and builds the app on it.
pub async fn build_app(
    source: &SourceArgs,
    state: &StateArgs,
    signing: &SigningArgs,
    options: AppOptions,
) -> Result<(Arc<App>, SourceUrl), CliError> {
    let path = state.file.path()?;
    if source.database.url()?.file().is_some_and(|file| is_same_file(file, &path)) {
        let message = "--state names the source itself: give Waybill's own records another file";
        return Err(CliError::new(Exit::Usage, message));
    }
    let OpenedSource { url, source, profile } = source.open().await?;
    let parts = Parts {
        source,
        profile,
        application: options.application,
        second_factor: options.second_factor,
        source_name: state.source_name.clone().map_or_else(|| url.default_name(), SourceName::explicit),
        storage: Storage::File(&path),
        signing_key: &signing.key_path(&state.file)?,
        target: options.target,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
    };
    let app = App::build(parts).await.map_err(|error| url.with_context(error.into()))?;
    Ok((app, url))
}

/// Whether both paths lead to the same existing file.
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| path.metadata().ok().map(|file| (file.dev(), file.ino()));
    identity(a).is_some_and(|identity_of_a| Some(identity_of_a) == identity(b))
}

/// The name of the system user who runs the program.
pub fn system_user() -> String {
    whoami::username().unwrap_or_else(|_| "unknown".into())
}
