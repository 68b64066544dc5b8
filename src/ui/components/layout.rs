//! The layout of every page after sign-in: brand, source, signed-in user, breadcrumbs.

use leptos::prelude::*;
use leptos_meta::Title;

use super::icon::Icon;
use super::loading::Loading;
use super::viewer::{provide_viewer, use_viewer};
use crate::model::access::Viewer;
use crate::model::route;

/// A breadcrumb: name and path.
pub type Breadcrumb = (&'static str, &'static str);

/// `actions` are rendered beside the title.
#[expect(clippy::needless_pass_by_value, reason = "a component owns its properties")]
#[component]
pub fn Layout(
    title: &'static str,
    crumbs: Vec<Breadcrumb>,
    #[prop(optional, into)] actions: ViewFn,
    children: ChildrenFn,
) -> impl IntoView {
    provide_viewer();
    view! {
        <Title text=title />
        <a class="skip" href="#content">"Skip to content"</a>
        <PageHeader />
        <main id="content" tabindex="-1">
            <div class="page-heading">
                <div>
                    <nav class="crumbs" aria-label="Breadcrumb"><ol>{breadcrumbs(crumbs, title)}</ol></nav>
                    <h1>{title}</h1>
                </div>
                <div class="page-actions">{actions.run()}</div>
            </div>
            {children()}
        </main>
        <PageFooter />
    }
}

/// If the viewer cannot be loaded, the header stays empty: the page below says why.
#[component]
fn PageHeader() -> impl IntoView {
    let viewer = use_viewer();
    view! {
        <header class="page-header">
            <a class="brand" href=route::ADMIN><Icon name="waybill" />"Waybill"</a>
            <Loading>
                {move || viewer.get().and_then(Result::ok).map(|viewer| view! { <SignedInUser viewer /> })}
            </Loading>
        </header>
    }
}

fn breadcrumbs(crumbs: Vec<Breadcrumb>, title: &'static str) -> impl IntoView {
    let steps = crumbs.into_iter().map(|(name, href)| view! { <li><a href=href>{name}</a></li> });
    let mut steps: Vec<AnyView> = steps.map(IntoAny::into_any).collect();
    steps.push(view! { <li aria-current="page">{title}</li> }.into_any());
    steps
}

#[component]
fn SignedInUser(viewer: Viewer) -> impl IntoView {
    let source = format!("{} · {} {}", viewer.source.profile, viewer.source.engine, viewer.source.engine_version);
    view! {
        <span class="source-chip">{source}</span>
        <span class="signed-in-user"><a class="email" href=route::ACCOUNT>{viewer.email}</a>" "<span class="role">{viewer.role}</span></span>
        <form method="post" action=route::LOGOUT><button class="link-button">"Sign out"</button></form>
    }
}

#[component]
fn PageFooter() -> impl IntoView {
    view! {
        <footer class="page-footer">
            <form method="post" action=route::THEME aria-label="Colour theme">
                <button class="link-button" name="theme" value="system">"System"</button>
                <button class="link-button" name="theme" value="light">"Light"</button>
                <button class="link-button" name="theme" value="dark">"Dark"</button>
            </form>
            <span>"Waybill "{env!("CARGO_PKG_VERSION")}</span>
        </footer>
    }
}
