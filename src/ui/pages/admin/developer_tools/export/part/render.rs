//! The filters as HTML.

use leptos::prelude::*;

use crate::model::ApiError;
use crate::rpc::json::Json;
use crate::ui::browser;

/// Returns the filters as HTML, with what is chosen in the part, what its searches find, and why its records are in it as far
/// as that is known after half a second. Of a query that is no part, the
/// filters with nothing chosen: the page says what is wrong.
///
/// # Errors
/// `Unauthenticated` or `Forbidden`.
#[server(prefix = "/rpc", endpoint = "render_filters", output = Json)]
pub async fn render_filters(#[server(default)] part: String) -> Result<String, ApiError> {
    use crate::model::part_query::PartQuery;
    use crate::rpc::export::{list_filters, preview_export};
    let part = PartQuery::parse(&part).map_or_else(|_| String::new(), |part| part.to_string());
    if part.is_empty() {
        return list_filters(part).await.map(|filters| super::filters_html(filters, None));
    }
    // Both begin at once, where the request's context is found.
    let (filters, preview) = futures::join!(list_filters(part.clone()), preview_export(part, false, None));
    filters.map(|filters| super::filters_html(filters, preview.ok().and_then(|preview| preview.part)))
}

/// Shows the filters of another part, or of a search, after a pause and if nothing newer is asked for meanwhile.
pub async fn replace_filters(part: String, pause_ms: u32, is_newest: impl Fn() -> bool) {
    if pause_ms > 0 {
        gloo_timers::future::TimeoutFuture::new(pause_ms).await;
    }
    if !is_newest() {
        return;
    }
    if let Ok(html) = render_filters(part).await
        && is_newest()
    {
        browser::replace_regions(&html);
    }
}
