//! The filters as HTML.

use leptos::prelude::*;

use crate::model::ApiError;
use crate::rpc::json::Json;
use crate::ui::browser;

/// Returns the filters as HTML, with what is chosen in the part and what its searches find; and what the preview has found
/// after half a second: why records are in the part, drift, guesses. Of a query that is no part, the
/// filters with nothing chosen: the page says what is wrong.
///
/// # Errors
/// `Unauthenticated` or `Forbidden`.
#[server(prefix = "/rpc", endpoint = "render_filters", output = Json)]
pub async fn render_filters(#[server(default)] part: String) -> Result<String, ApiError> {
    use crate::model::part_query::PartQuery;
    use crate::rpc::export::{list_filters, open_export_page};
    let part = PartQuery::parse(&part).map_or_else(|_| String::new(), |part| part.to_string());
    // Both begin at once, where the request's context is found.
    let (filters, page) = futures::join!(list_filters(part.clone()), open_export_page(part));
    filters.map(|filters| super::filters_html(filters, page.unwrap_or_default().preview))
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
