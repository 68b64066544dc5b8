//! The analysis guide, as a panel of the export page and as a separate page.

use leptos::prelude::*;

use super::breadcrumbs::below_export;
use crate::rpc::export::analysis_guide;
use crate::ui::components::{Icon, Layout, Loaded, ServerHtml};

/// The guide in a panel that is collapsed at first.
#[component]
pub fn GuidePanel() -> impl IntoView {
    let prose = Callback::new(|html: String| view! { <div class="prose" inner_html=html></div> }.into_any());
    view! {
        <details class="card guide-panel">
            <summary><Icon name="book-open" />"How to analyse the file with an AI assistant, and how to handle it"</summary>
            <ServerHtml load=|_| Box::pin(analysis_guide()) argument=String::new() show=prose />
        </details>
    }
}

#[component]
pub fn GuidePage() -> impl IntoView {
    let guide = Resource::new(|| (), |()| analysis_guide());
    view! {
        <Layout title="Analysis guide" crumbs=below_export()>
            <Loaded data=guide show=|html| view! { <article class="card prose" inner_html=html></article> }.into_any() />
        </Layout>
    }
}
