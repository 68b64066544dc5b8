//! Hydrates the page that the server rendered.

use leptos::prelude::*;

use super::browser;
use super::page_view::{ImportPageView, LivePageView, OwnImportPageView};
use super::routes::{LivePage, Query};

/// Returns the view to hydrate: the same that the server rendered for this URL. `None` on a static page.
pub fn hydrate() -> Option<impl IntoView> {
    let (path, query): (String, Query) = browser::current_url()?;
    // The page has been rendered with what the query asks for.
    let page = LivePage::resolve(&path, "", &query)?;
    Some(view! { <LivePageView page /> })
}

/// Returns the view of the import page.
pub fn hydrate_import() -> impl IntoView {
    view! { <ImportPageView /> }
}

/// Returns the view of the page on which people import into their own data.
pub fn hydrate_own_import() -> impl IntoView {
    view! { <OwnImportPageView /> }
}
