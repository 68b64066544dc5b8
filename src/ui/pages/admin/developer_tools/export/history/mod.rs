//! The history page: every export, newest first.

mod entries;
mod tabs;

use leptos::prelude::*;

use super::breadcrumbs::below_export;
use crate::model::history::HistoryPage as Page;
use crate::model::route;
use crate::rpc::history::list_exports;
use crate::ui::components::{Layout, Loaded};
pub use entries::Entries;
pub use tabs::HistoryTabs;

#[component]
pub fn HistoryPage(page: u32) -> impl IntoView {
    let page = Resource::new(move || page, list_exports);
    view! {
        <Layout title="History" crumbs=below_export()>
            <HistoryTabs is_audit=false />
            <Loaded data=page show=|page| view! { <History page /> }.into_any() />
        </Layout>
    }
}

#[component]
fn History(page: Page) -> impl IntoView {
    if page.total == 0 {
        return view! { <NoExports /> }.into_any();
    }
    let Page { entries, page, pages, .. } = page;
    view! {
        <Entries entries />
        <Pager page pages />
    }
    .into_any()
}

#[component]
fn NoExports() -> impl IntoView {
    view! {
        <section class="card message">
            <h2>"No export yet"</h2>
            <p>"Every export is listed here: who requested it, what it contained and how it ended."</p>
            <a class="button primary" href=route::EXPORT>"Go to the export page"</a>
        </section>
    }
}

#[component]
fn Pager(page: u32, pages: u32) -> impl IntoView {
    let link = |number: u32, label: &'static str| {
        view! { <a class="button" href=format!("{}?page={number}", route::HISTORY)>{label}</a> }
    };
    (pages > 1).then(|| {
        view! {
            <nav class="pager" aria-label="Pages">
                {(page > 1).then(|| link(page - 1, "Newer"))}
                <span>{format!("Page {page} of {pages}")}</span>
                {(page < pages).then(|| link(page + 1, "Older"))}
            </nav>
        }
    })
}
