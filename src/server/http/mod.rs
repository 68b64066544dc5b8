//! The HTTP entry point: translates between HTTP and use cases, decides nothing.
//!
//! May import: `app`, `api_error`, `rpc_context`, `ui`. Flow: `router` wraps every route in security headers, CSRF protection
//! and session lookup. Leptos serves pages and server functions; form handlers and REST endpoints have a file per
//! subject.

mod account;
mod assets;
mod authentication;
mod client_address;
pub mod connections;
mod events;
mod export_file;
mod headers;
mod problem;
mod public_url;
mod range;
mod sign_in;
mod theme;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRef, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use leptos::prelude::{LeptosOptions, provide_context};
use leptos::server_fn::axum::server_fn_paths;
use leptos_axum::handle_server_fns_with_context;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::limit::RequestBodyLimitLayer;

use super::app::App;
use super::identity;
use super::readiness::ReadinessStatus;
use super::rpc_context::Authentication;
use crate::ui::{PAGE_PATHS, Page, RecoveryCodes, SignInContext, StaticPage, shell};
pub use authentication::session_cookie_name;
use problem::ProblemDetails;
pub use public_url::PublicUrl;

/// Forms are small; files are never uploaded.
const MAX_BODY_BYTES: usize = 64 << 10;

const MAX_EVENT_STREAMS: usize = 64;

/// HTTP settings from the command line of `serve`.
#[derive(Clone, Debug, Default)]
pub struct HttpConfig {
    /// Folder with the static assets (WASM, scripts, styles), if there is one.
    pub assets_folder: Option<PathBuf>,
    /// Such as `https://waybill.example.org`. With https, cookies are `Secure`.
    pub public_url: Option<PublicUrl>,
    /// Proxies whose X-Forwarded-For is trusted.
    pub trusted_proxies: Vec<IpAddr>,
}

#[derive(Clone)]
struct AppState {
    app: Arc<App>,
    config: Arc<HttpConfig>,
    leptos_options: LeptosOptions,
    /// Name of the session cookie.
    session_cookie_name: Arc<str>,
    /// Limits concurrent event streams: each polls its run several times a second.
    event_streams: Arc<Semaphore>,
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos_options.clone()
    }
}

/// Builds the router with every route and layer.
///
/// # Errors
/// `ConfigError` if the public URL is not a valid origin.
pub fn router(app: Arc<App>, config: HttpConfig) -> Result<Router, tower_http::csrf::ConfigError> {
    // Rendering spawns tasks. A second call fails, harmlessly.
    let _ = any_spawner::Executor::init_tokio();
    let leptos_options =
        LeptosOptions::builder().output_name("waybill").site_pkg_dir("pkg").env(leptos::config::Env::PROD).build();
    let csrf = match &config.public_url {
        Some(url) => CsrfLayer::new().add_trusted_origin(&url.origin)?,
        None => CsrfLayer::new(),
    };
    let event_streams = Arc::new(Semaphore::new(MAX_EVENT_STREAMS));
    let session_cookie_name = authentication::session_cookie_name(&config, &app.source_id).into();
    let state = AppState { app, config: Arc::new(config), leptos_options, session_cookie_name, event_streams };
    let pages = PAGE_PATHS.into_iter().fold(Router::new(), |router, address| router.route(address, get(render_page)));
    let router = pages
        .route("/", get(async || axum::response::Redirect::to("/admin")))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readiness_probe))
        .route("/login", post(sign_in::sign_in))
        .route("/login/code", post(sign_in::sign_in_with_code))
        .route("/admin/account/password", post(account::change_password))
        .route("/admin/account/second-factor", post(account::change_second_factor))
        .route("/admin/account/sessions", post(account::end_other_sessions))
        .route("/logout", post(sign_in::sign_out))
        .route("/setup", post(sign_in::set_up))
        .route("/theme", post(theme::change_theme))
        .route("/rpc/{*name}", post(server_function))
        .route("/api/v1/exports/{id}/events", get(events::events))
        .route("/api/v1/exports/{id}/file", get(export_file::download).head(export_file::reject_head))
        .route("/api/v1/exports/{id}/cancellation", post(export_file::cancel))
        .route("/api/{*rest}", get(problem::not_found).post(problem::not_found))
        .fallback(assets::asset_or_not_found)
        .with_state(state.clone());
    Ok(router
        .layer(from_fn_with_state(state.clone(), authentication::authenticate))
        .layer(csrf.with_rejection_response(problem::cross_site_response))
        .layer(RequestBodyLimitLayer::new(MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(problem::panic_response))
        .layer(from_fn_with_state(state.clone(), headers::reject_foreign_hosts))
        .layer(from_fn_with_state(state, headers::set_security_headers)))
}

/// Readiness probe for load balancers: whether pages and exports would work now.
async fn readiness_probe(State(state): State<AppState>) -> (StatusCode, &'static str) {
    match state.app.readiness.check().await {
        ReadinessStatus::Ready => (StatusCode::OK, "ready\n"),
        ReadinessStatus::SourceUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
        ReadinessStatus::StateUnavailable => {
            (StatusCode::SERVICE_UNAVAILABLE, "Waybill's own records cannot be read\n")
        }
    }
}

async fn server_function(State(state): State<AppState>, request: Request) -> Response {
    if !server_fn_paths().any(|(path, _)| path == request.uri().path()) {
        return problem::not_found().await.into_response();
    }
    let provide = leptos_context(&state, &request);
    handle_server_fns_with_context(provide, request).await.into_response()
}

async fn render_page(State(state): State<AppState>, request: Request) -> Response {
    let provide = leptos_context(&state, &request);
    let theme = theme::from_cookie(request.headers());
    let codes = request.extensions().get::<RecoveryCodes>().cloned();
    let first_visit = match entry_page_context(&state, request.uri().path(), request.headers()).await {
        Ok(first_visit) => first_visit,
        Err(error) => return ProblemDetails::from(error).into_response(),
    };
    let with_policy = move || {
        provide();
        provide_context(theme);
        provide_context(first_visit.clone());
        if let Some(codes) = codes.clone() {
            provide_context(codes);
        }
        headers::set_page_csp();
    };
    let query = Query::<Vec<(String, String)>>::try_from_uri(request.uri()).unwrap_or_default();
    let page = Page::resolve(request.uri().path(), &query);
    let is_not_found = page == Page::Static(StaticPage::NotFound);
    let render = leptos_axum::render_app_async_with_context(with_policy, move || shell(page.clone()));
    let mut response = render(request).await;
    if is_not_found {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

/// Context of the sign-in and set-up pages.
async fn entry_page_context(
    state: &AppState,
    path: &str,
    headers: &HeaderMap,
) -> Result<SignInContext, identity::Error> {
    if !matches!(path, "/login" | "/setup") {
        return Ok(SignInContext::default());
    }
    let needs_account = state.app.identity.needs_first_account().await?;
    let is_local = state.app.identity.uses_local_accounts();
    Ok(SignInContext { needs_account, is_local, name: sign_in::typed_name(headers) })
}

/// Leptos context of pages and server functions: the app and the `Authentication`.
fn leptos_context(state: &AppState, request: &Request) -> impl Fn() + Clone + Send + Sync + 'static {
    let app = state.app.clone();
    let authentication = request.extensions().get::<Authentication>().cloned().unwrap_or(Authentication::Anonymous);
    move || {
        provide_context(app.clone());
        provide_context(authentication.clone());
    }
}

/// Makes a header value from any text; characters that HTTP does not allow are dropped.
fn header_value(text: &str) -> HeaderValue {
    let allowed: String = text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
    HeaderValue::try_from(allowed).unwrap_or(HeaderValue::from_static(""))
}
