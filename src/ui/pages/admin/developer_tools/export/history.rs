//! The history page: every export, newest first.

use leptos::prelude::*;

use super::breadcrumbs::below_export;
use crate::model::history::{HistoryEntry, HistoryPage as Page, RunStatus};
use crate::model::{route, text};
use crate::rpc::history::list_exports;
use crate::ui::components::{ErrorPanel, Icon, Layout, Loading, current_viewer};

#[component]
pub fn HistoryPage(page: u32) -> impl IntoView {
    let page = Resource::new(move || page, list_exports);
    view! {
        <Layout title="History" crumbs=below_export()>
            <HistoryTabs is_audit=false />
            <Loading>
                {move || page.get().map(|page| match page {
                    Ok(page) if page.total == 0 => view! { <NoExports /> }.into_any(),
                    Ok(page) => view! { <Entries page /> }.into_any(),
                    Err(error) => view! { <ErrorPanel error viewer=current_viewer() /> }.into_any(),
                })}
            </Loading>
        </Layout>
    }
}

/// Links between the list of exports and the audit trail.
#[component]
pub fn HistoryTabs(is_audit: bool) -> impl IntoView {
    let current = |here: bool| here.then_some("page");
    view! {
        <nav class="tabs" aria-label="History">
            <a href=route::HISTORY aria-current=current(!is_audit)>"Exports"</a>
            <a href=route::AUDIT aria-current=current(is_audit)>"Audit trail"</a>
        </nav>
    }
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
fn Entries(page: Page) -> impl IntoView {
    let rows = page.entries.into_iter().map(|entry| view! { <Entry entry /> }).collect_view();
    view! {
        <section class="card scroll" tabindex="0" role="group" aria-label="Exports">
            <table class="log-table">
                <caption class="visually-hidden">"Exports, newest first. Times are UTC."</caption>
                <thead><tr>
                    <th scope="col">"When (UTC)"</th>
                    <th scope="col">"Who"</th>
                    <th scope="col">"Scope"</th>
                    <th scope="col">"Status"</th>
                    <th scope="col" class="number">"Records"</th>
                    <th scope="col" class="number">"Size"</th>
                    <th scope="col" class="number">"Duration"</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
        <Pager page=page.page pages=page.pages />
    }
}

#[component]
fn Entry(entry: HistoryEntry) -> impl IntoView {
    let size = entry.bytes.map_or("–".into(), text::bytes);
    let estimated =
        entry.estimated_bytes.zip(entry.bytes).map(|(estimated, _)| format!("estimated {}", text::bytes(estimated)));
    let digest = entry
        .sha256
        .map(|digest| view! { <span class="detail">"Seal "<code class="full-digest">{digest}</code></span> });
    let download_link = entry.downloadable.then(|| {
        view! { <a class="button small" href=route::with_id(route::EXPORT_FILE, entry.id)><Icon name="download" />"Download"</a> }
    });
    let (badge_class, status) = if entry.status == RunStatus::Completed && entry.deviations.has_drifted() {
        ("badge drifted".to_owned(), "Complete, with drift")
    } else {
        (format!("badge {}", entry.status.as_str()), status_label(entry.status))
    };
    let deviations = entry
        .deviations
        .lines()
        .into_iter()
        .map(|line| view! { <span class="detail">{text::to_sentence(&line)}</span> });
    let deviations = deviations.collect_view();
    let downloads = (entry.downloads > 0).then(|| text::count_with_noun(entry.downloads, "download"));
    view! {
        <tr>
            <td><time>{text::to_minute(&entry.requested_at)}</time></td>
            <td>{entry.requested_by}<span class="detail">{format!("from the {}", entry.channel.as_str())}</span></td>
            <td>{entry.scope}</td>
            <td>
                <span class=badge_class>{status}</span>" "{download_link}
                {deviations}
                <span class="detail">{entry.message.or(downloads)}</span>
                {digest}
            </td>
            <td class="number">{entry.records.map_or("–".into(), text::count)}</td>
            <td class="number">{size}<span class="detail">{estimated}</span></td>
            <td class="number">{entry.duration_ms.map_or("–".into(), text::duration)}</td>
        </tr>
    }
}

fn status_label(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Queued => "Queued",
        RunStatus::Running => "Running",
        RunStatus::Completed => "Complete",
        RunStatus::Failed => "Failed",
        RunStatus::Cancelled => "Cancelled",
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
