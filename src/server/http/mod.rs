//! The HTTP entry point: translates between HTTP and use cases, decides nothing.
//!
//! May import: `app`, `answer`, `context`, `ui`. Flow: `router` wraps every route in security headers, CSRF protection
//! and session lookup. Leptos serves pages and server functions; form handlers and REST endpoints have a file per
//! subject.

mod account;
mod assets;
pub mod connections;
mod events;
mod file;
mod headers;
mod network;
mod problem;
mod public_url;
mod range;
mod session;
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
use super::context::Visitor;
use super::identity;
use super::readiness::Ready;
use crate::ui::{ADDRESSES, FirstVisit, Page, RecoveryCodes, StaticPage, shell};
use problem::Problem;
pub use public_url::PublicUrl;
pub use session::cookie_name;

/// Forms are small; files are never uploaded.
const LARGEST_BODY: usize = 64 << 10;

const MOST_LISTENERS: usize = 64;

/// HTTP settings from the command line of `serve`.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Folder with the static assets (WASM, scripts, styles), if there is one.
    pub root: Option<PathBuf>,
    /// Such as `https://waybill.example.org`. With https, cookies are `Secure`.
    pub public_url: Option<PublicUrl>,
    /// Proxies whose X-Forwarded-For is trusted.
    pub trusted_proxies: Vec<IpAddr>,
}

#[derive(Clone)]
struct Shared {
    app: Arc<App>,
    site: Arc<Site>,
    options: LeptosOptions,
    /// Name of the session cookie.
    cookie: Arc<str>,
    /// Limits concurrent event streams: each polls its run several times a second.
    listeners: Arc<Semaphore>,
}

impl FromRef<Shared> for LeptosOptions {
    fn from_ref(shared: &Shared) -> Self {
        shared.options.clone()
    }
}

/// Builds the router with every route and layer.
///
/// # Errors
/// `ConfigError` if the public URL is not a valid origin.
pub fn router(app: Arc<App>, site: Site) -> Result<Router, tower_http::csrf::ConfigError> {
    // Rendering spawns tasks. A second call fails, harmlessly.
    let _ = any_spawner::Executor::init_tokio();
    let options =
        LeptosOptions::builder().output_name("waybill").site_pkg_dir("pkg").env(leptos::config::Env::PROD).build();
    let csrf = match &site.public_url {
        Some(url) => CsrfLayer::new().add_trusted_origin(&url.origin)?,
        None => CsrfLayer::new(),
    };
    let listeners = Arc::new(Semaphore::new(MOST_LISTENERS));
    let cookie = session::cookie_name(&site, &app.source_id).into();
    let shared = Shared { app, site: Arc::new(site), options, cookie, listeners };
    let pages = ADDRESSES.into_iter().fold(Router::new(), |router, address| router.route(address, get(render_page)));
    let router = pages
        .route("/", get(async || axum::response::Redirect::to("/admin")))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/login", post(sign_in::sign_in))
        .route("/login/code", post(sign_in::sign_in_with_code))
        .route("/admin/account/password", post(account::change_password))
        .route("/admin/account/second-factor", post(account::change_second_factor))
        .route("/admin/account/sessions", post(account::end_other_sessions))
        .route("/logout", post(sign_in::sign_out))
        .route("/setup", post(sign_in::set_up))
        .route("/theme", post(theme::choose))
        .route("/rpc/{*name}", post(server_function))
        .route("/api/v1/exports/{id}/events", get(events::events))
        .route("/api/v1/exports/{id}/file", get(file::file).head(file::no_head))
        .route("/api/v1/exports/{id}/cancellation", post(file::cancel))
        .route("/api/{*rest}", get(problem::not_found).post(problem::not_found))
        .fallback(assets::asset_or_not_found)
        .with_state(shared.clone());
    Ok(router
        .layer(from_fn_with_state(shared.clone(), session::find_visitor))
        .layer(csrf.with_rejection_response(problem::cross_site))
        .layer(RequestBodyLimitLayer::new(LARGEST_BODY))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(from_fn_with_state(shared.clone(), headers::refuse_other_hosts))
        .layer(from_fn_with_state(shared, headers::secure)))
}

/// Readiness probe for load balancers: whether pages and exports would work now.
async fn ready(State(shared): State<Shared>) -> (StatusCode, &'static str) {
    match shared.app.readiness.ask().await {
        Ready::Yes => (StatusCode::OK, "ready\n"),
        Ready::NoSource => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
        Ready::NoState => (StatusCode::SERVICE_UNAVAILABLE, "Waybill's own records cannot be read\n"),
    }
}

async fn server_function(State(shared): State<Shared>, request: Request) -> Response {
    if !server_fn_paths().any(|(path, _)| path == request.uri().path()) {
        return problem::not_found().await.into_response();
    }
    let provide = context_of(&shared, &request);
    handle_server_fns_with_context(provide, request).await.into_response()
}

async fn render_page(State(shared): State<Shared>, request: Request) -> Response {
    let provide = context_of(&shared, &request);
    let theme = theme::of(request.headers());
    let codes = request.extensions().get::<RecoveryCodes>().cloned();
    let first_visit = match first_visit(&shared, request.uri().path(), request.headers()).await {
        Ok(first_visit) => first_visit,
        Err(error) => return Problem::from(error).into_response(),
    };
    let with_policy = move || {
        provide();
        provide_context(theme);
        provide_context(first_visit.clone());
        if let Some(codes) = codes.clone() {
            provide_context(codes);
        }
        headers::page_policy();
    };
    let query = Query::<Vec<(String, String)>>::try_from_uri(request.uri()).unwrap_or_default();
    let page = Page::at(request.uri().path(), &query);
    let is_none = page == Page::Static(StaticPage::NotFound);
    let render = leptos_axum::render_app_async_with_context(with_policy, move || shell(page.clone()));
    let mut response = render(request).await;
    if is_none {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

/// Context of the sign-in and set-up pages.
async fn first_visit(shared: &Shared, path: &str, headers: &HeaderMap) -> Result<FirstVisit, identity::Error> {
    if !matches!(path, "/login" | "/setup") {
        return Ok(FirstVisit::default());
    }
    let needs_account = shared.app.identity.needs_first_account().await?;
    let is_local = shared.app.identity.is_local();
    Ok(FirstVisit { needs_account, is_local, name: sign_in::name_typed(headers) })
}

/// Leptos context of pages and server functions: the app and the `Visitor`.
fn context_of(shared: &Shared, request: &Request) -> impl Fn() + Clone + Send + Sync + 'static {
    let app = shared.app.clone();
    let visitor = request.extensions().get::<Visitor>().cloned().unwrap_or(Visitor::Anonymous);
    move || {
        provide_context(app.clone());
        provide_context(visitor.clone());
    }
}

/// Makes a header value from any text; characters that HTTP does not allow are dropped.
fn header(text: &str) -> HeaderValue {
    let plain: String = text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
    HeaderValue::try_from(plain).unwrap_or(HeaderValue::from_static(""))
}
