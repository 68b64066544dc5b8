//! Type-erased `Suspense` and text signals, which keep the WebAssembly small.

use leptos::prelude::*;

/// `Suspense` with type-erased children. Leptos' own is compiled again for every type of child; this one
/// is compiled once, which saves a good part of the page's download.
#[component]
pub fn Loading(children: ChildrenFn) -> impl IntoView {
    view! { <Suspense>{children()}</Suspense> }
}

/// Returns a derived text signal. One type for all closures, for the same reason.
pub fn text_signal(compute: impl Fn() -> String + Send + Sync + 'static) -> Signal<String> {
    Signal::derive(compute)
}
