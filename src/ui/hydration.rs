//! Hydrates the page that the server rendered.

use leptos::prelude::*;

use super::browser;
use super::page_view::{ImportPageView, LivePageView, OwnImportPageView};
use super::routes::{LivePage, Query};
use crate::model::route;

/// Returns the view to hydrate: the same that the server rendered for this URL. `None` on a static page.
pub fn hydrate() -> Option<impl IntoView> {
    let (path, query): (String, Query) = browser::current_url()?;
    // The page has been rendered with what the query asks for.
    let page = LivePage::resolve(&path, "", &query)?;
    Some(view! { <LivePageView page /> })
}

/// Returns the view of the page that imports into the database, or into one's own data.
pub fn hydrate_import() -> impl IntoView {
    let is_own = browser::current_url().is_some_and(|(path, _)| path == route::OWN_DATA_IMPORT);
    if is_own { view! { <OwnImportPageView /> }.into_any() } else { view! { <ImportPageView /> }.into_any() }
}
