//! The audit trail: what was done and what was refused, newest first.

mod entries;
mod filter;

use leptos::prelude::*;

use super::breadcrumbs::below_export;
use super::history::HistoryTabs;
use crate::model::history::AuditPage as Page;
use crate::rpc::history::list_audit;
use crate::ui::components::{Layout, Loaded};
use entries::Entries;
pub use filter::AuditQuery;
use filter::{Filter, Pager};

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
            <Loaded data=page show=move |page| view! { <Trail page query=query.get_value() /> }.into_any() />
        </Layout>
    }
}

#[component]
fn Trail(page: Page, query: AuditQuery) -> impl IntoView {
    let rows = if page.entries.is_empty() {
        view! { <section class="card message"><p>{query.text_without_entries()}</p></section> }.into_any()
    } else {
        view! { <Entries entries=page.entries /> }.into_any()
    };
    view! {
        <Filter kinds=page.kinds query=query.clone() />
        {rows}
        <Pager query older_than=page.older_than />
        <p class="muted">"Each entry contains the hash of the one before it. "<code>"waybill audit verify"</code>" checks this chain and compares it with the hashes stored in exported files."</p>
    }
}
