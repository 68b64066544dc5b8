//! The console's start page: one card per tool.

pub mod account;
pub mod developer_tools;
pub mod organization;

use leptos::prelude::*;

use crate::model::access::{Capability, Viewer};
use crate::model::route;
use crate::ui::components::{Icon, Layout, Loaded, use_viewer};

/// A tool: path, icon, name, description.
type Tool = (&'static str, &'static str, &'static str, &'static str);

/// For owners of organisations.
const ORGANIZATION_TOOL: Tool = (
    route::ORGANIZATION_EXPORT,
    "database",
    "Organisation export",
    "See what your organisation has here, and export it into one sealed file.",
);

/// For whoever has data of their own.
const OWN_DATA_TOOL: Tool = (
    route::OWN_DATA,
    "download",
    "Your data",
    "See what is yours here, and export it into one file that any program can read.",
);

/// For those who may import into the database.
const IMPORT_TOOL: Tool = (
    route::IMPORT,
    "file-search",
    "Database import",
    "See what an exported file would do to the database, put its records back, and undo it.",
);

/// For those who may export the database; files can be verified by everybody.
const TOOLS: [Tool; 4] = [
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
    let has_database = viewer.has_capability(Capability::ExportDatabase);
    let has_organization = viewer.has_capability(Capability::ExportOrganization);
    let has_own_data = viewer.has_capability(Capability::ExportOwnData);
    if !has_database && !has_organization && !has_own_data {
        let needed = match viewer.exporting_roles.join(" or ") {
            none if none.is_empty() => "are for owners of an organisation".to_owned(),
            roles => format!("need the role {roles}"),
        };
        let text = format!("The tools here {needed}. You are signed in as {}.", viewer.role);
        return view! {
            <section class="card message"><h2>"No tools for this role"</h2><p>{text}</p></section>
        }
        .into_any();
    }
    let import = viewer.has_capability(Capability::ImportDatabase).then_some(IMPORT_TOOL);
    let organization = has_organization.then_some(ORGANIZATION_TOOL);
    let own_data = has_own_data.then_some(OWN_DATA_TOOL);
    let others = TOOLS.into_iter().filter(|(href, ..)| has_database || *href == route::VERIFY);
    let verify = match (has_database, has_organization) {
        (true, _) => route::VERIFY,
        (false, true) => route::ORGANIZATION_VERIFY,
        (false, false) => route::OWN_DATA_VERIFY,
    };
    let cards = own_data.into_iter().chain(organization).chain(others).chain(import).map(|(href, icon, name, text)| {
        let href = if href == route::VERIFY { verify } else { href };
        view! {
            <li><a class="card tool" href=href><Icon name=icon /><h2>{name}</h2><p>{text}</p></a></li>
        }
    });
    view! { <ul class="tools">{cards.collect_view()}</ul> }.into_any()
}
