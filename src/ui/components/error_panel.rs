//! The error panel shown in place of a page that cannot be shown.

use leptos::prelude::*;

use crate::model::ApiError;
use crate::model::access::Viewer;
use crate::model::route;

/// Says what went wrong and links to the next step.
#[expect(clippy::needless_pass_by_value, reason = "a component owns its properties")]
#[component]
pub fn ErrorPanel(error: ApiError, viewer: Option<Viewer>) -> impl IntoView {
    view! {
        <section class="card message">
            <h2>{title(&error)}</h2>
            <p>{explanation(&error, viewer.as_ref())}</p>
            {next_step(&error)}
        </section>
    }
}

fn title(error: &ApiError) -> &'static str {
    match error {
        ApiError::Forbidden => "Your role cannot open this page",
        ApiError::Unauthenticated => "You are signed out",
        ApiError::NotFound => "Not found",
        _ => "This page is not available right now",
    }
}

fn explanation(error: &ApiError, viewer: Option<&Viewer>) -> String {
    match (error, viewer) {
        (ApiError::Forbidden, Some(viewer)) if viewer.exporting_roles.is_empty() => {
            format!("Nobody may export the whole database here. You are signed in as {}.", viewer.role)
        }
        (ApiError::Forbidden, Some(viewer)) => {
            let needed = viewer.exporting_roles.join(" or ");
            format!("This page needs the role {needed}. You are signed in as {}.", viewer.role)
        }
        (ApiError::Unauthenticated, _) => "Sign in again to continue.".to_owned(),
        _ => error.to_string(),
    }
}

fn next_step(error: &ApiError) -> AnyView {
    match error {
        ApiError::Unauthenticated => view! { <a class="button primary" href=route::LOGIN>"Sign in"</a> }.into_any(),
        ApiError::Forbidden | ApiError::NotFound => {
            view! { <a class="button" href=route::ADMIN>"Back to the tools"</a> }.into_any()
        }
        _ => view! { <a class="button" href="">"Try again"</a> }.into_any(),
    }
}
