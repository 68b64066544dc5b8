//! The verify page: checks a file in the browser; the file is never uploaded.

use leptos::prelude::*;

use super::breadcrumbs::below_export_of;
use crate::model::selection::ScopeKind;
use crate::ui::components::Layout;
use crate::ui::pages::file_check::{CheckResult, DropZone, FileChecker};

const NOSCRIPT_HINT: &str = "<p class=\"form-error\">Checking in the browser needs JavaScript. \
    On the command line: <code>waybill verify FILE</code></p>";

#[component]
pub fn VerifyPage(scope: Option<ScopeKind>) -> impl IntoView {
    view! { <Layout title="Verify a file" crumbs=below_export_of(scope)><VerifyPanel /></Layout> }
}

#[component]
fn VerifyPanel() -> impl IntoView {
    let checker = FileChecker::new();
    let on_file = Callback::new(move |file| checker.check(&file));
    view! {
        <section class="card panel">
            <p>"Choose an exported file to see what it contains, whether it is complete, and whether this console made it. The file is read in your browser and not uploaded; only the digest of its seal is looked up."</p>
            <DropZone on_file />
            <noscript inner_html=NOSCRIPT_HINT></noscript>
        </section>
        <div role="status">{move || view! { <CheckResult state=checker.state.get() has_counts=true /> }}</div>
    }
}
