//! Renders the page that a URL was resolved to.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};

use super::pages::account::{OwnDataPage, OwnImportPage};
use super::pages::admin::AdminPage;
use super::pages::admin::account::AccountPage;
use super::pages::admin::developer_tools::export::{
    AuditPage, ExportPage, GuidePage, HistoryPage, RunPage, VerifyPage,
};
use super::pages::admin::developer_tools::import::ImportPage;
use super::pages::admin::organization::OrganizationExportPage;
use super::pages::login::{LoginCodePage, LoginPage};
use super::pages::not_found::NotFoundPage;
use super::pages::setup::SetupPage;
use super::routes::{LivePage, StaticPage};

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
        StaticPage::OrganizationExport { asked, problem } => {
            view! { <OrganizationExportPage asked problem /> }.into_any()
        }
        StaticPage::OwnData { problem } => view! { <OwnDataPage problem /> }.into_any(),
        StaticPage::NotFound => view! { <NotFoundPage /> }.into_any(),
    };
    view! { <Title formatter=|title: String| format!("{title} · Waybill") />{page} }
}

/// Renders a live page on the server, then hydrates it in the browser.
#[component]
pub fn LivePageView(page: LivePage) -> impl IntoView {
    provide_meta_context();
    let page = match page {
        LivePage::Export { problem, part } => view! { <ExportPage problem part /> }.into_any(),
        LivePage::Run { id, scope } => view! { <RunPage id scope /> }.into_any(),
        LivePage::Verify { scope } => view! { <VerifyPage scope /> }.into_any(),
    };
    view! { <Title formatter=|title: String| format!("{title} · Waybill") />{page} }
}

/// Renders the import page on the server, then hydrates it in the browser.
#[component]
pub fn ImportPageView() -> impl IntoView {
    provide_meta_context();
    view! { <Title formatter=|title: String| format!("{title} · Waybill") /><ImportPage /> }
}

/// The same of the page on which people import into their own data.
#[component]
pub fn OwnImportPageView() -> impl IntoView {
    provide_meta_context();
    view! { <Title formatter=|title: String| format!("{title} · Waybill") /><OwnImportPage /> }
}
