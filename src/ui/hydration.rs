//! Brings the page that the server rendered to life.

use leptos::prelude::*;

use super::app::{Live, LivePage, Query};
use super::browser;

/// The view to lay over the document: the same that the server rendered under this address.
pub fn hydrate() -> Option<impl IntoView> {
    let (path, query): (String, Query) = browser::address()?;
    let page = LivePage::at(&path, &query)?;
    Some(view! { <Live page /> })
}
