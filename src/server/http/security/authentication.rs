//! Authenticates each request once, by its session cookie.

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::super::problem::ProblemDetails;
use super::super::state::AppState;
use super::client_address::client_ip_of;
use super::cookies::{percent_encode, session_token};
use crate::model::route::{self, Access};
use crate::server::identity::Caller;
use crate::server::rpc_context::Authentication;

pub async fn authenticate(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let access = route::access_to(request.uri().path());
    // A lookup costs the application's database a query: only paths that need the caller make one.
    if access == Access::Public {
        return next.run(request).await;
    }
    let authentication = match session_token(request.headers(), &state) {
        None => Authentication::Anonymous,
        Some(token) => match state.app.identity.find_caller(&token).await {
            Ok(Some(caller)) => {
                Authentication::SignedIn(Caller { client_ip: Some(client_ip_of(&request, &state)), ..caller })
            }
            Ok(None) => Authentication::Anonymous,
            Err(error) => Authentication::Unavailable(state.api_error(&error)),
        },
    };
    if access != Access::Endpoint
        && matches!(*request.method(), Method::GET | Method::HEAD)
        && matches!(authentication, Authentication::Anonymous)
    {
        let return_path = request.uri().path_and_query().map_or(route::ADMIN, |path| path.as_str());
        return Redirect::to(&format!("{}?next={}", route::LOGIN, percent_encode(return_path))).into_response();
    }
    if let Authentication::SignedIn(caller) = &authentication {
        if let Err(error) = state.app.identity.limit_unprivileged_requests(caller) {
            return ProblemDetails::from(state.api_error(&error)).into_response();
        }
        if access == Access::SignedIn && caller.lacks_second_factor {
            return Redirect::to(route::ACCOUNT).into_response();
        }
    }
    request.extensions_mut().insert(authentication);
    next.run(request).await
}
