//! The layout of every page after sign-in: brand, source, signed-in user, breadcrumbs.

use leptos::prelude::*;
use leptos_meta::Title;

use super::icon::Icon;
use super::waiting::Waiting;
use crate::model::ApiError;
use crate::model::access::Viewer;
use crate::rpc::session::find_viewer;

/// A breadcrumb: name and path.
pub type Crumb = (&'static str, &'static str);

/// `actions` are rendered beside the title.
#[expect(clippy::needless_pass_by_value, reason = "a component owns its properties")]
#[component]
pub fn Frame(
    title: &'static str,
    crumbs: Vec<Crumb>,
    #[prop(optional, into)] actions: ViewFn,
    children: ChildrenFn,
) -> impl IntoView {
    let viewer = Resource::new(|| (), |()| find_viewer());
    provide_context(viewer);
    view! {
        <Title text=title />
        <a class="skip" href="#content">"Skip to content"</a>
        <header class="top">
            <a class="brand" href="/admin"><Icon name="waybill" />"Waybill"</a>
            <Waiting>
                {move || viewer.get().and_then(Result::ok).map(|viewer| view! { <SignedIn viewer /> })}
            </Waiting>
        </header>
        <main id="content" tabindex="-1">
            <div class="heading">
                <div>
                    <nav class="crumbs" aria-label="Where you are"><ol>{trail(crumbs, title)}</ol></nav>
                    <h1>{title}</h1>
                </div>
                <div class="actions">{actions.run()}</div>
            </div>
            {children()}
        </main>
        <footer class="bottom">
            <form method="post" action="/theme" aria-label="Colours">
                <button class="quiet" name="theme" value="system">"System"</button>
                <button class="quiet" name="theme" value="light">"Light"</button>
                <button class="quiet" name="theme" value="dark">"Dark"</button>
            </form>
            <span>"Waybill "{env!("CARGO_PKG_VERSION")}</span>
        </footer>
    }
}

/// Returns the viewer that `Frame` loaded, for components inside it.
pub fn current_viewer() -> Option<Viewer> {
    looked_up_viewer()?.ok()
}

/// Like `current_viewer`, but also returns the error if loading failed.
pub fn looked_up_viewer() -> Option<Result<Viewer, ApiError>> {
    use_context::<Resource<Result<Viewer, ApiError>>>()?.get()
}

fn trail(crumbs: Vec<Crumb>, title: &'static str) -> impl IntoView {
    let steps = crumbs.into_iter().map(|(name, href)| view! { <li><a href=href>{name}</a></li> });
    let mut steps: Vec<AnyView> = steps.map(IntoAny::into_any).collect();
    steps.push(view! { <li aria-current="page">{title}</li> }.into_any());
    steps
}

#[component]
fn SignedIn(viewer: Viewer) -> impl IntoView {
    let source = format!("{} · {} {}", viewer.source.profile, viewer.source.engine, viewer.source.engine_version);
    view! {
        <span class="chip">{source}</span>
        <span class="who"><a class="email" href="/admin/account">{viewer.email}</a>" "<span class="role">{viewer.role}</span></span>
        <form method="post" action="/logout"><button class="quiet">"Sign out"</button></form>
    }
}
