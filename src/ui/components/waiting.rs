//! Shows what waits for the server's answer.

use leptos::prelude::*;

/// `Suspense` for children of any type. The stock one is compiled anew for every type of child; this
/// one once, which is a good part of the page's download.
#[component]
pub fn Waiting(children: ChildrenFn) -> impl IntoView {
    view! { <Suspense>{children()}</Suspense> }
}

/// A text that follows a signal. One type for all of them, for the same reason.
pub fn text(of: impl Fn() -> String + Send + Sync + 'static) -> Signal<String> {
    Signal::derive(of)
}
