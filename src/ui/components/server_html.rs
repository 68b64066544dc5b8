//! HTML that the server renders, put into an element of the page as it is.

use std::pin::Pin;

use leptos::prelude::*;

use super::loaded::Loaded;
use crate::model::ApiError;

/// Loads the HTML.
pub type LoadHtml = fn(String) -> Pin<Box<dyn Future<Output = Result<String, ApiError>> + Send>>;

/// Loads HTML once, with `argument`, and shows it with `show`. One type for all, which keeps the WebAssembly small.
#[component]
pub fn ServerHtml(load: LoadHtml, argument: String, show: Callback<String, AnyView>) -> impl IntoView {
    let argument = StoredValue::new(argument);
    let html = Resource::new(|| (), move |()| load(argument.get_value()));
    view! { <Loaded data=html show=move |html| show.run(html) /> }
}
