//! The export of an organisation, for its owners: counts, one button, and what was exported before. Rendered on the server
//! only: it works the same without JavaScript.

use leptos::prelude::*;

use super::summary::Summary;
use crate::model::history::HistoryEntry;
use crate::model::organization::{Organization, OrganizationPage, OrganizationPreview};
use crate::model::{route, text};
use crate::rpc::organization::open_organization_page;
use crate::ui::components::{Icon, Layout, Loaded};
use crate::ui::pages::admin::developer_tools::export::Entries;

#[component]
pub fn OrganizationExportPage(asked: Vec<String>, problem: String) -> impl IntoView {
    let page = Resource::new(|| (), move |()| open_organization_page(asked.clone()));
    let problem = StoredValue::new(problem);
    view! {
        <Layout title="Organisation export" crumbs=vec![("Admin", route::ADMIN)] actions=actions>
            <Loaded data=page show=move |page| view! { <Content page problem=problem.get_value() /> }.into_any() />
        </Layout>
    }
}

fn actions() -> impl IntoView {
    view! { <a class="button" href=route::ORGANIZATION_VERIFY><Icon name="shield-check" />"Verify a file"</a> }
}

#[component]
fn Content(page: OrganizationPage, problem: String) -> impl IntoView {
    let OrganizationPage { organizations, chosen, run, history, problem: refusal } = page;
    if let Some(text) = refusal {
        return message("This export is not yours", text);
    }
    let Some(preview) = chosen else { return view! { <Choice organizations /> }.into_any() };
    if let Some(reason) = preview.failure {
        return message("The database cannot be read", text::to_sentence(&reason));
    }
    let others = (organizations.len() > 1)
        .then(|| view! { <p><a href=route::ORGANIZATION_EXPORT>"Show another of your organisations"</a></p> });
    let unfinished = run.map(|id| {
        let progress = route::with_id(route::ORGANIZATION_RUN, id);
        view! { <p class="card panel"><a class="button" href=progress>"Show the export that is running"</a></p> }
    });
    let OrganizationPreview { organization, .. } = preview.clone();
    view! {
        {others}
        {unfinished}
        {form_error(&problem)}
        <Summary preview />
        <Before organization history />
    }
    .into_any()
}

/// Why the form was refused.
fn form_error(problem: &str) -> Option<AnyView> {
    let text = match problem {
        "" => return None,
        "busy" => "An export is already running. Wait until it has finished, then try again.",
        _ => "The export could not be started. Try again in a moment.",
    };
    Some(view! { <p class="form-error" role="alert">{text}</p> }.into_any())
}

fn message(title: &'static str, text: String) -> AnyView {
    view! {
        <section class="card message">
            <h2>{title}</h2>
            <p>{text}</p>
            <a class="button" href=route::ADMIN>"Back to the tools"</a>
        </section>
    }
    .into_any()
}

/// The organisations of an owner who has several.
#[component]
fn Choice(organizations: Vec<Organization>) -> impl IntoView {
    let links = organizations.into_iter().map(|Organization { id, name }| {
        view! { <li><a class="card tool" href=Organization::page_of(&id)><Icon name="database" /><h2>{name}</h2></a></li> }
    });
    view! {
        <p>"You own several organisations. Each has an export of its own."</p>
        <ul class="tools">{links.collect_view()}</ul>
    }
}

/// What was exported before, by whichever owner.
#[component]
fn Before(organization: Organization, history: Vec<HistoryEntry>) -> impl IntoView {
    let title = format!("Exports of {}", organization.name);
    let entries = if history.is_empty() {
        view! { <p class="muted">"None yet. Every export is listed here, with who requested it."</p> }.into_any()
    } else {
        view! { <Entries entries=history scope=organization.name /> }.into_any()
    };
    view! { <h2>{title}</h2>{entries} }
}
