//! Loaded data: nothing while it is loading, then the data, or in its place why it cannot be shown.

use leptos::prelude::*;

use super::error_panel::ErrorPanel;
use super::loading::Loading;
use super::viewer::current_viewer;
use crate::model::ApiError;

/// Shows the data with `show`, and an error in an `ErrorPanel`.
#[component]
pub fn Loaded<T, S>(data: Resource<Result<T, ApiError>>, show: S) -> impl IntoView
where
    T: Clone + Send + Sync + 'static,
    S: Fn(T) -> AnyView + Copy + Send + Sync + 'static,
{
    let content = move |loaded| match loaded {
        Ok(value) => show(value),
        Err(error) => view! { <ErrorPanel error viewer=current_viewer() /> }.into_any(),
    };
    view! { <Loading>{move || data.get().map(content)}</Loading> }
}
