//! The audit trail: what was done and what was refused, newest first.

use leptos::prelude::*;

use super::breadcrumbs::below_export;
use super::history::HistoryTabs;
use crate::model::history::{AuditEntry, AuditPage as Page};
use crate::model::{route, text};
use crate::rpc::history::list_audit;
use crate::ui::components::{ErrorPanel, Layout, Loading, current_viewer};

/// The filter and position in the audit trail; empty means no filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    pub kind: String,
    pub actor: String,
    /// Show entries older than this one; 0 shows the newest.
    pub before: u64,
}

#[component]
pub fn AuditPage(query: AuditQuery) -> impl IntoView {
    let source_query = query.clone();
    let page = Resource::new(
        move || source_query.clone(),
        |AuditQuery { kind, actor, before }| list_audit(kind, actor, before),
    );
    let query = StoredValue::new(query);
    view! {
        <Layout title="Audit trail" crumbs=below_export()>
            <HistoryTabs is_audit=true />
            <Loading>
                {move || page.get().map(|page| match page {
                    Ok(page) => view! { <Entries page query=query.get_value() /> }.into_any(),
                    Err(error) => view! { <ErrorPanel error viewer=current_viewer() /> }.into_any(),
                })}
            </Loading>
        </Layout>
    }
}

#[component]
fn Entries(page: Page, query: AuditQuery) -> impl IntoView {
    let AuditQuery { kind, actor, before } = query.clone();
    let options = page.kinds.into_iter().map(|name| {
        let chosen = name == kind;
        view! { <option value=name.clone() selected=chosen>{name.replace('_', " ")}</option> }
    });
    let options = options.collect_view();
    let is_filtered = !query.kind.is_empty() || !query.actor.is_empty();
    let rows = if page.entries.is_empty() {
        let text = match (is_filtered, before) {
            (true, _) => "No entry matches. Enter the full name.",
            (false, 0) => "Nothing has been recorded yet.",
            (false, _) => "No older entries.",
        };
        view! { <section class="card message"><p>{text}</p></section> }.into_any()
    } else {
        let rows = page.entries.into_iter().map(|entry| view! { <Entry entry /> }).collect_view();
        view! {
            <section class="card scroll" tabindex="0" role="group" aria-label="Entries">
                <table class="log-table">
                    <caption class="visually-hidden">"Entries, newest first. Times are UTC."</caption>
                    <thead><tr>
                        <th scope="col" class="number">"Entry"</th>
                        <th scope="col">"When (UTC)"</th>
                        <th scope="col">"Who"</th>
                        <th scope="col">"What"</th>
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </section>
        }
        .into_any()
    };
    let older = page
        .older_than
        .map(|entry| view! { <button class="button" name="before" value=entry.to_string()>"Older"</button> });
    let newest = (before > 0).then(|| view! { <button class="button">"Newest"</button> });
    view! {
        <form class="filter" method="get" action=route::AUDIT>
            <label>"What "<select name="kind"><option value="">"everything"</option>{options}</select></label>
            <label>"Who "<input type="text" name="actor" value=actor placeholder="ada@example.org" autocapitalize="none" /></label>
            <button class="button">"Show"</button>
        </form>
        {rows}
        <form class="pager" method="get" action=route::AUDIT aria-label="Pages">
            <input type="hidden" name="kind" value=query.kind />
            <input type="hidden" name="actor" value=query.actor />
            {newest}
            {older}
        </form>
        <p class="muted">"Each entry contains the hash of the one before it. "<code>"waybill audit verify"</code>" checks this chain and compares it with the hashes stored in exported files."</p>
    }
}

#[component]
fn Entry(entry: AuditEntry) -> impl IntoView {
    let network = entry.network.map(|network| view! { <span class="detail">{format!("from {network}")}</span> });
    view! {
        <tr>
            <td class="number">{entry.entry.to_string()}</td>
            <td><time>{text::to_minute(&entry.at)}</time></td>
            <td>{entry.actor}{network}</td>
            <td>{text::capitalized(&entry.kind.replace('_', " "))}<span class="detail">{entry.details}</span></td>
        </tr>
    }
}
