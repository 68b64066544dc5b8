//! The console's start page: one card per tool.

pub mod account;
pub mod developer_tools;

use leptos::prelude::*;

use crate::model::access::{Capability, Viewer};
use crate::model::route;
use crate::ui::components::{Icon, Layout, Loaded, use_viewer};

/// The tools: path, icon, name, description.
const TOOLS: [(&str, &str, &str, &str); 4] = [
    (
        route::EXPORT,
        "database",
        "Database export",
        "See what the database contains, and export all of it into one sealed file.",
    ),
    (
        route::VERIFY,
        "shield-check",
        "Verify a file",
        "Check that an exported file is complete and was made by this console. The file stays in your browser.",
    ),
    (route::HISTORY, "history", "History", "Who exported what, when, and how it ended."),
    (
        route::GUIDE,
        "book-open",
        "Analysis guide",
        "How to analyse an export with an AI assistant, and how to handle it.",
    ),
];

#[component]
pub fn AdminPage() -> impl IntoView {
    view! {
        <Layout title="Tools" crumbs=vec![("Admin", route::ADMIN)]>
            <Loaded data=use_viewer() show=|viewer| view! { <ToolCards viewer /> }.into_any() />
        </Layout>
    }
}

#[component]
fn ToolCards(viewer: Viewer) -> impl IntoView {
    if !viewer.has_capability(Capability::ExportDatabase) {
        let needed = viewer.exporting_roles.join(" or ");
        let text = format!("The tools here need the role {needed}. You are signed in as {}.", viewer.role);
        return view! {
            <section class="card message"><h2>"No tools for this role"</h2><p>{text}</p></section>
        }
        .into_any();
    }
    let cards = TOOLS.map(|(href, icon, name, text)| {
        view! {
            <li><a class="card tool" href=href><Icon name=icon /><h2>{name}</h2><p>{text}</p></a></li>
        }
    });
    view! { <ul class="tools">{cards.into_iter().collect_view()}</ul> }.into_any()
}
