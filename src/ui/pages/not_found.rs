//! The 404 page.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::model::route::ADMIN;

#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! {
        <Title text="Page not found" />
        <main class="narrow-page">
            <section class="card message">
                <h1>"Page not found"</h1>
                <p>"There is no page at this address."</p>
                <a class="button" href=ADMIN>"Go to the tools"</a>
            </section>
        </main>
    }
}
