//! The HTTP entry point: translates between HTTP and use cases, decides nothing.
//!
//! May import: `app` and what it offers (`export`, `identity`, `import`, `readiness`), `artifact` (the stream of a download),
//! `api_error`, `rpc_context`, `source` (what is asked of an undo), `ui`,
//! `support`, `model`. Flow: `router` wraps every route in security headers, CSRF
//! protection and session lookup (`security`). Leptos serves pages and server functions (`pages`); `forms` and `api` have a
//! file per subject. `connections` is the server below the router.

mod api;
mod assets;
pub mod connections;
mod forms;
mod pages;
mod problem;
mod security;
mod state;
mod theme;

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use leptos::prelude::LeptosOptions;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::limit::RequestBodyLimitLayer;

use super::app::App;
use super::readiness::ReadinessStatus;
use crate::model::route;
use crate::model::selection::ScopeKind;
use api::organization::export_organization;
use api::own_data::export_own_data;
use api::own_import;
use api::v1::{events, export_file, imports};
use forms::{account, set_up, sign_in, sign_out, theme as theme_form};
use pages::{render_page, server_function};
pub use security::cookies::session_cookie_name;
pub use security::public_url::PublicUrl;
use security::{authentication, headers};
use state::AppState;
pub use state::{DEFAULT_MAX_DIRECT_MB, HttpConfig};

/// Forms are small. What is larger has an address and a limit of its own.
const MAX_BODY_BYTES: usize = 64 << 10;

const MAX_EVENT_STREAMS: usize = 64;

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
    let random = app.random.clone();
    let session_cookie_name = session_cookie_name(&config, &app.source_id).into();
    let has_organization_document = app.exports.serves_owners() && app.exports.has_layout_of(ScopeKind::Organization);
    let has_archive = app.exports.serves_persons() && app.exports.has_layout_of(ScopeKind::Person);
    let state = AppState { app, config: Arc::new(config), leptos_options, session_cookie_name, event_streams };
    let pages = route::PAGES.iter().fold(Router::new(), |router, page| router.route(page.path, get(render_page)));
    // What a product has set the address of is there only under its profile.
    let mut of_product = Router::new();
    if has_organization_document {
        of_product = of_product.route(route::ORGANIZATION_DOCUMENT, post(export_organization));
    }
    if has_archive {
        of_product = of_product
            .route(route::OWN_DATA_ARCHIVE, get(export_own_data).head(export_file::reject_head))
            .route(route::OWN_IMPORT_UNDO, post(own_import::undo));
    }
    let archive_uploads = if has_archive { own_uploads() } else { Router::new() };
    let router = pages
        .merge(of_product)
        .route("/", get(async || axum::response::Redirect::to(route::ADMIN)))
        .route(route::HEALTH, get(async || "ok\n"))
        .route(route::READINESS, get(readiness_probe))
        .route(route::LOGIN, post(sign_in::sign_in))
        .route(route::LOGIN_CODE, post(sign_in::sign_in_with_code))
        .route(route::ACCOUNT_PASSWORD, post(account::change_password))
        .route(route::ACCOUNT_SECOND_FACTOR, post(account::change_second_factor))
        .route(route::ACCOUNT_SESSIONS, post(account::end_other_sessions))
        .route(route::LOGOUT, post(sign_out::sign_out))
        .route(route::SETUP, post(set_up::set_up))
        .route(route::THEME, post(theme_form::change_theme))
        .route(&format!("{}{{*name}}", route::SERVER_FUNCTIONS), post(server_function))
        .route(route::EXPORT_EVENTS, get(events::events))
        .route(route::EXPORT_FILE, get(export_file::download).head(export_file::reject_head))
        .route(route::EXPORT_CANCELLATION, post(export_file::cancel))
        .route(route::IMPORT_UNDO, post(imports::undo))
        .route(&format!("{}{{*rest}}", route::API), get(problem::not_found).post(problem::not_found))
        .fallback(assets::asset_or_not_found)
        .layer(RequestBodyLimitLayer::new(MAX_BODY_BYTES))
        .merge(uploads())
        .merge(archive_uploads)
        .with_state(state.clone());
    Ok(router
        .layer(from_fn_with_state(state.clone(), authentication::authenticate))
        .layer(csrf.with_rejection_response(problem::cross_site_response))
        .layer(from_fn(problem::describe_bare_errors))
        .layer(from_fn(problem::close_refused_uploads))
        .layer(CatchPanicLayer::custom(move |panic: Box<dyn Any + Send>| problem::panic_response(&*panic, &*random)))
        .layer(from_fn_with_state(state.clone(), headers::reject_foreign_hosts))
        .layer(from_fn_with_state(state, headers::set_security_headers)))
}

/// Addresses that take files. The use case limits their size, once it knows the caller.
fn uploads() -> Router<AppState> {
    Router::new()
        .route(route::IMPORTS, post(imports::import))
        .route(route::IMPORT_PLAN, post(imports::plan))
        .layer(DefaultBodyLimit::disable())
}

/// The same of a person's archive.
fn own_uploads() -> Router<AppState> {
    Router::new()
        .route(route::OWN_IMPORTS, post(own_import::import))
        .route(route::OWN_IMPORT_PREVIEW, post(own_import::preview))
        .layer(DefaultBodyLimit::disable())
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
