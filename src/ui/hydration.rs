//! Hydrates the page that the server rendered.

use leptos::prelude::*;

use super::app::{Live, LivePage, Query};
use super::browser;

/// Returns the view to hydrate: the same that the server rendered for this URL. `None` on a static page.
pub fn hydrate() -> Option<impl IntoView> {
    let (path, query): (String, Query) = browser::address()?;
    let page = LivePage::at(&path, &query)?;
    Some(view! { <Live page /> })
}
