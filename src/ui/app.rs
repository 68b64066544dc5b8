//! Which page stands under which address.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use super::pages::admin::AdminPage;
use super::pages::admin::developer_tools::export::{ExportPage, GuidePage, HistoryPage, RunPage, VerifyPage};
use super::pages::login::LoginPage;
use super::pages::not_found::NotFoundPage;

/// The application. Every page is rendered whole before its first byte leaves, so that it carries its
/// numbers without JavaScript and a refusal has its real status.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|title: String| format!("{title} · Waybill") />
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/login") view=LoginPage ssr=SsrMode::Async />
                <Route path=path!("/admin") view=AdminPage ssr=SsrMode::Async />
                <Route path=path!("/admin/developer-tools/export") view=ExportPage ssr=SsrMode::Async />
                <Route path=path!("/admin/developer-tools/export/guide") view=GuidePage ssr=SsrMode::Async />
                <Route path=path!("/admin/developer-tools/export/history") view=HistoryPage ssr=SsrMode::Async />
                <Route path=path!("/admin/developer-tools/export/verify") view=VerifyPage ssr=SsrMode::Async />
                <Route path=path!("/admin/developer-tools/export/runs/:id") view=RunPage ssr=SsrMode::Async />
            </Routes>
        </Router>
    }
}
