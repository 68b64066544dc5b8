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
use super::pages::login::{LoginCodePage, LoginPage};
use super::pages::not_found::NotFoundPage;
use super::pages::setup::SetupPage;
use crate::model::export::ExportId;

/// The path of every page; `{id}` stands for an export's id.
pub const PAGE_PATHS: [&str; 11] = [
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
    LoginCode { next: String, problem: String },
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
    pub fn resolve(path: &str, query: &Query) -> Option<Self> {
        match path.strip_prefix("/admin/developer-tools/export")? {
            "" => Some(Self::Export { problem: query_value(query, "problem") }),
            "/verify" => Some(Self::Verify),
            rest => Some(Self::Run { id: rest.strip_prefix("/runs/")?.parse().ok()? }),
        }
    }
}

impl Page {
    #[must_use]
    pub fn resolve(path: &str, query: &Query) -> Self {
        if let Some(page) = LivePage::resolve(path, query) {
            return Self::Live(page);
        }
        Self::Static(match path {
            "/login" => StaticPage::Login {
                next: query_value(query, "next"),
                problem: query_value(query, "problem"),
                notice: query_value(query, "notice"),
            },
            "/login/code" => {
                StaticPage::LoginCode { next: query_value(query, "next"), problem: query_value(query, "problem") }
            }
            "/setup" => StaticPage::Setup { problem: query_value(query, "problem") },
            "/admin/account" => {
                StaticPage::Account { problem: query_value(query, "problem"), notice: query_value(query, "notice") }
            }
            "/admin" => StaticPage::Admin,
            "/admin/developer-tools/export/guide" => StaticPage::Guide,
            "/admin/developer-tools/export/history" => {
                StaticPage::History { page: query_value(query, "page").parse().unwrap_or(1) }
            }
            "/admin/developer-tools/export/history/audit" => StaticPage::Audit {
                query: AuditQuery {
                    kind: query_value(query, "kind"),
                    actor: query_value(query, "actor"),
                    before: query_value(query, "before").parse().unwrap_or_default(),
                },
            },
            _ => StaticPage::NotFound,
        })
    }
}

fn query_value(query: &Query, name: &str) -> String {
    query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

/// Renders a static page, on the server only.
#[component]
pub fn StaticPageView(page: StaticPage) -> impl IntoView {
    provide_meta_context();
    let page = match page {
        StaticPage::Login { next, problem, notice } => view! { <LoginPage next problem notice /> }.into_any(),
        StaticPage::LoginCode { next, problem } => view! { <LoginCodePage next problem /> }.into_any(),
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
pub fn LivePageView(page: LivePage) -> impl IntoView {
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

    const RUN_WITH_INVALID_ID: &str = "/admin/developer-tools/export/runs/abc";

    #[test]
    fn every_address_is_a_page() {
        for address in PAGE_PATHS {
            let address = address.replace("{id}", "0190b6a4-7c1e-7b7a-8c2e-3f1d5a6b7c8d");
            assert_ne!(Page::resolve(&address, &Query::new()), Page::Static(StaticPage::NotFound), "{address}");
        }
        for unknown in [
            "/",
            "/admin/",
            "/admin/developer-tools/export/",
            "/admin/developer-tools/exports",
            "/x",
            RUN_WITH_INVALID_ID,
        ] {
            assert_eq!(Page::resolve(unknown, &Query::new()), Page::Static(StaticPage::NotFound), "{unknown}");
        }
    }
}
