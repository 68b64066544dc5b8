//! The error panel shown in place of a page that cannot be shown.

use leptos::prelude::*;

use crate::model::ApiError;
use crate::model::access::Viewer;
use crate::model::route;

/// Says what went wrong and links to the next step.
#[expect(clippy::needless_pass_by_value, reason = "a component owns its properties")]
#[component]
pub fn ErrorPanel(error: ApiError, #[prop(optional_no_strip)] viewer: Option<Viewer>) -> impl IntoView {
    let (title, text) = match &error {
        ApiError::Forbidden => {
            let needed = viewer.as_ref().map(|viewer| viewer.exporting_roles.join(" or ")).unwrap_or_default();
            let role = viewer.map(|viewer| viewer.role).unwrap_or_default();
            let text = format!("This page needs the role {needed}. You are signed in as {role}.");
            ("Your role cannot open this page", text)
        }
        ApiError::Unauthenticated => ("You are signed out", "Sign in again to continue.".to_owned()),
        ApiError::NotFound => ("Not found", error.to_string()),
        _ => ("This page is not available right now", error.to_string()),
    };
    let action = match error {
        ApiError::Unauthenticated => view! { <a class="button primary" href=route::LOGIN>"Sign in"</a> }.into_any(),
        ApiError::Forbidden | ApiError::NotFound => {
            view! { <a class="button" href=route::ADMIN>"Back to the tools"</a> }.into_any()
        }
        _ => view! { <a class="button" href="">"Try again"</a> }.into_any(),
    };
    view! {
        <section class="card message">
            <h2>{title}</h2>
            <p>{text}</p>
            {action}
        </section>
    }
}
