//! What every handler shares.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRef;
use leptos::prelude::LeptosOptions;
use tokio::sync::Semaphore;

use super::security::public_url::PublicUrl;
use crate::model::ApiError;
use crate::server::api_error::{ClientError, report};
use crate::server::app::App;

/// HTTP settings from the command line of `serve`.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Folder with the static assets (WASM, scripts, styles), if there is one.
    pub assets_folder: Option<PathBuf>,
    /// Such as `https://waybill.example.org`. With https, cookies are `Secure`.
    pub public_url: Option<PublicUrl>,
    /// Proxies whose X-Forwarded-For is trusted.
    pub trusted_proxies: Vec<IpAddr>,
    /// The largest export of an organisation that a request is answered with at once, in bytes.
    pub max_direct_bytes: u64,
    /// How long a request for one's own data waits for the end of the export. Proxies give up after a minute.
    pub own_data_wait: Duration,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            assets_folder: None,
            public_url: None,
            trusted_proxies: Vec::new(),
            max_direct_bytes: DEFAULT_MAX_DIRECT_MB * 1_000_000,
            own_data_wait: Duration::from_secs(20),
        }
    }
}

/// The largest export that is answered at once, unless the operator says otherwise, in MB.
pub const DEFAULT_MAX_DIRECT_MB: u64 = 64;

#[derive(Clone)]
pub struct AppState {
    pub app: Arc<App>,
    pub config: Arc<HttpConfig>,
    pub leptos_options: LeptosOptions,
    /// Name of the session cookie.
    pub session_cookie_name: Arc<str>,
    /// Limits concurrent event streams: each polls its run several times a second.
    pub event_streams: Arc<Semaphore>,
}

impl AppState {
    /// Reports an error and returns what the client gets of it.
    pub fn api_error(&self, error: &impl ClientError) -> ApiError {
        report(error, &*self.app.random)
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos_options.clone()
    }
}
