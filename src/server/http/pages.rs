//! Pages and server functions: what Leptos needs to know of a request.

use axum::body::{Body, to_bytes};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::provide_context;
use leptos::server_fn::axum::server_fn_paths;
use leptos_axum::handle_server_fns_with_context;

use super::problem::{self, ProblemDetails};
use super::security::cookies::typed_name;
use super::security::headers;
use super::state::AppState;
use super::theme;
use crate::model::ApiError;
use crate::model::part_query::PartQuery;
use crate::model::route;
use crate::server::rpc_context::{self, ErrorHead};
use crate::server::{export, identity};
use crate::ui::{Page, RecoveryCodes, SignInContext, StaticPage, shell};

pub async fn render_page(State(state): State<AppState>, request: Request) -> Response {
    let search = request.uri().query().unwrap_or_default().to_owned();
    if let Some(canonical) = canonical_address(request.uri().path(), &search) {
        return Redirect::to(&canonical).into_response();
    }
    match address_without_past_problem(&state, request.uri().path(), &search).await {
        Ok(None) => {}
        Ok(Some(address)) => return Redirect::to(&address).into_response(),
        Err(error) => return ProblemDetails::from(state.api_error(&error)).into_response(),
    }
    let provide = leptos_context(&state, &request);
    let theme = theme::from_cookie(request.headers());
    let codes = request.extensions().get::<RecoveryCodes>().cloned();
    let sign_in_context = match sign_in_context(&state, request.uri().path(), request.headers()).await {
        Ok(context) => context,
        Err(error) => return ProblemDetails::from(state.api_error(&error)).into_response(),
    };
    let with_policy = move || {
        provide();
        provide_context(theme);
        provide_context(sign_in_context.clone());
        if let Some(codes) = codes.clone() {
            provide_context(codes);
        }
        headers::set_page_csp();
    };
    let query = Query::<Vec<(String, String)>>::try_from_uri(request.uri()).unwrap_or_default();
    let page = match request.uri().path() {
        path if is_of_owners(path) && !state.app.exports.serves_owners() => Page::Static(StaticPage::NotFound),
        path if is_of_persons(path) && !state.app.exports.serves_persons() => Page::Static(StaticPage::NotFound),
        path => Page::resolve(path, &search, &query),
    };
    let is_not_found = page == Page::Static(StaticPage::NotFound);
    let render = leptos_axum::render_app_async_with_context(with_policy, move || shell(page.clone()));
    let mut response = render(request).await;
    if is_not_found {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

/// Pages that are there only where somebody owns an organisation.
fn is_of_owners(path: &str) -> bool {
    matches!(path, route::ORGANIZATION_EXPORT | route::ORGANIZATION_VERIFY)
        || route::id_in(path, route::ORGANIZATION_RUN).is_some()
}

/// Pages that are there only where people have data of their own.
fn is_of_persons(path: &str) -> bool {
    matches!(path, route::OWN_DATA | route::OWN_DATA_VERIFY | route::OWN_DATA_IMPORT)
        || route::id_in(path, route::OWN_DATA_RUN).is_some()
}

/// The address without the problem of a form that was refused, if nothing is in its way any more. Otherwise a page that is
/// loaded again would tell what has passed.
async fn address_without_past_problem(
    state: &AppState,
    path: &str,
    search: &str,
) -> Result<Option<String>, export::Error> {
    const BUSY: &str = "problem=busy";
    let is_told = search.split('&').any(|parameter| parameter == BUSY);
    if !is_told || !matches!(path, route::EXPORT | route::ORGANIZATION_EXPORT) || state.app.exports.is_busy().await? {
        return Ok(None);
    }
    let others: Vec<&str> = search.split('&').filter(|parameter| *parameter != BUSY).collect();
    Ok(Some(if others.is_empty() { path.to_owned() } else { format!("{path}?{}", others.join("&")) }))
}

/// Where a form without script leads: what it sends has one address.
fn canonical_address(path: &str, search: &str) -> Option<String> {
    if path != route::EXPORT || search.is_empty() {
        return None;
    }
    let part = PartQuery::parse(search).ok()?;
    let of_page = search.split('&').filter(|parameter| PartQuery::is_of_the_page(parameter));
    let parameters = std::iter::once(part.to_string()).filter(|text| !text.is_empty());
    let canonical: Vec<String> = parameters.chain(of_page.map(str::to_owned)).collect();
    let canonical = canonical.join("&");
    (canonical != search).then(|| if canonical.is_empty() { path.to_owned() } else { format!("{path}?{canonical}") })
}

pub async fn server_function(State(state): State<AppState>, request: Request) -> Response {
    if !server_fn_paths().any(|(path, _)| path == request.uri().path()) {
        return problem::not_found().await.into_response();
    }
    let provide = leptos_context(&state, &request);
    let response = handle_server_fns_with_context(provide, request).await.into_response();
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR { with_status_of_error(response).await } else { response }
}

/// Leptos answers a call that it cannot read with 500: the status is that of the error which the body tells.
async fn with_status_of_error(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    if let Ok(error) = serde_json::from_slice::<ApiError>(&body) {
        head.status = ErrorHead::of(&error).status;
    }
    Response::from_parts(head, Body::from(body))
}

/// Context of the sign-in and set-up pages.
async fn sign_in_context(state: &AppState, path: &str, headers: &HeaderMap) -> Result<SignInContext, identity::Error> {
    if !matches!(path, route::LOGIN | route::SETUP) {
        return Ok(SignInContext::default());
    }
    let needs_account = state.app.identity.needs_first_account().await?;
    let is_local = state.app.identity.uses_local_accounts();
    Ok(SignInContext { needs_account, is_local, name: typed_name(headers) })
}

/// Leptos context of pages and server functions: the app and the `Authentication`.
fn leptos_context(state: &AppState, request: &Request) -> impl Fn() + Clone + Send + Sync + 'static {
    let app = state.app.clone();
    let authentication = rpc_context::authentication(request);
    move || {
        provide_context(app.clone());
        provide_context(authentication.clone());
    }
}
