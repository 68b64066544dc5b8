//! Routes: maps a URL to its page, the same way on the server and in the browser.
//!
//! There is no client-side router: every navigation loads a page that the server picks. That saves
//! about 100 kB of download, and static pages need no script at all.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};

use super::pages::admin::AdminPage;
use super::pages::admin::account::AccountPage;
use super::pages::admin::developer_tools::export::{
    AuditPage, AuditQuery, ExportPage, GuidePage, HistoryPage, RunPage, VerifyPage,
};
use super::pages::login::{CodePage, LoginPage};
use super::pages::not_found::NotFoundPage;
use super::pages::setup::SetupPage;
use crate::model::export::ExportId;

/// The path of every page; `{id}` stands for an export's id.
pub const ADDRESSES: [&str; 11] = [
    "/setup",
    "/login",
    "/login/code",
    "/admin",
    "/admin/account",
    "/admin/developer-tools/export",
    "/admin/developer-tools/export/guide",
    "/admin/developer-tools/export/history",
    "/admin/developer-tools/export/history/audit",
    "/admin/developer-tools/export/verify",
    "/admin/developer-tools/export/runs/{id}",
];

/// The decoded query parameters of a URL.
pub type Query = Vec<(String, String)>;

/// A parsed URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    Static(StaticPage),
    Live(LivePage),
}

/// A page that is rendered on the server only and loads no script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StaticPage {
    Login { next: String, problem: String, notice: String },
    Code { next: String, problem: String },
    Setup { problem: String },
    Admin,
    Account { problem: String, notice: String },
    Guide,
    History { page: u32 },
    Audit { query: AuditQuery },
    NotFound,
}

/// A page that is hydrated in the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LivePage {
    Export { problem: String },
    Run { id: ExportId },
    Verify,
}

impl LivePage {
    /// Returns the live page at `path`, if there is one.
    #[must_use]
    pub fn at(path: &str, query: &Query) -> Option<Self> {
        match path.strip_prefix("/admin/developer-tools/export")? {
            "" => Some(Self::Export { problem: text(query, "problem") }),
            "/verify" => Some(Self::Verify),
            rest => Some(Self::Run { id: rest.strip_prefix("/runs/")?.parse().ok()? }),
        }
    }
}

impl Page {
    #[must_use]
    pub fn at(path: &str, query: &Query) -> Self {
        if let Some(page) = LivePage::at(path, query) {
            return Self::Live(page);
        }
        Self::Static(match path {
            "/login" => StaticPage::Login {
                next: text(query, "next"),
                problem: text(query, "problem"),
                notice: text(query, "notice"),
            },
            "/login/code" => StaticPage::Code { next: text(query, "next"), problem: text(query, "problem") },
            "/setup" => StaticPage::Setup { problem: text(query, "problem") },
            "/admin/account" => StaticPage::Account { problem: text(query, "problem"), notice: text(query, "notice") },
            "/admin" => StaticPage::Admin,
            "/admin/developer-tools/export/guide" => StaticPage::Guide,
            "/admin/developer-tools/export/history" => {
                StaticPage::History { page: text(query, "page").parse().unwrap_or(1) }
            }
            "/admin/developer-tools/export/history/audit" => StaticPage::Audit {
                query: AuditQuery {
                    kind: text(query, "kind"),
                    actor: text(query, "actor"),
                    before: text(query, "before").parse().unwrap_or_default(),
                },
            },
            _ => StaticPage::NotFound,
        })
    }
}

fn text(query: &Query, name: &str) -> String {
    query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

/// Renders a static page, on the server only.
#[component]
pub fn Static(page: StaticPage) -> impl IntoView {
    provide_meta_context();
    let page = match page {
        StaticPage::Login { next, problem, notice } => view! { <LoginPage next problem notice /> }.into_any(),
        StaticPage::Code { next, problem } => view! { <CodePage next problem /> }.into_any(),
        StaticPage::Setup { problem } => view! { <SetupPage problem /> }.into_any(),
        StaticPage::Account { problem, notice } => view! { <AccountPage problem notice /> }.into_any(),
        StaticPage::Admin => view! { <AdminPage /> }.into_any(),
        StaticPage::Guide => view! { <GuidePage /> }.into_any(),
        StaticPage::History { page } => view! { <HistoryPage page /> }.into_any(),
        StaticPage::Audit { query } => view! { <AuditPage query /> }.into_any(),
        StaticPage::NotFound => view! { <NotFoundPage /> }.into_any(),
    };
    view! { <Title formatter=|title: String| format!("{title} · Waybill") />{page} }
}

/// Renders a live page on the server, then hydrates it in the browser.
#[component]
pub fn Live(page: LivePage) -> impl IntoView {
    provide_meta_context();
    let page = match page {
        LivePage::Export { problem } => view! { <ExportPage problem /> }.into_any(),
        LivePage::Run { id } => view! { <RunPage id /> }.into_any(),
        LivePage::Verify => view! { <VerifyPage /> }.into_any(),
    };
    view! { <Title formatter=|title: String| format!("{title} · Waybill") />{page} }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN_OF_NOTHING: &str = "/admin/developer-tools/export/runs/abc";

    #[test]
    fn every_address_is_a_page() {
        for address in ADDRESSES {
            let address = address.replace("{id}", "0190b6a4-7c1e-7b7a-8c2e-3f1d5a6b7c8d");
            assert_ne!(Page::at(&address, &Query::new()), Page::Static(StaticPage::NotFound), "{address}");
        }
        for odd in
            ["/", "/admin/", "/admin/developer-tools/export/", "/admin/developer-tools/exports", "/x", RUN_OF_NOTHING]
        {
            assert_eq!(Page::at(odd, &Query::new()), Page::Static(StaticPage::NotFound), "{odd}");
        }
    }
}
