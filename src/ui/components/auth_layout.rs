//! The layout of pages before sign-in, and the message about a submitted form.

use leptos::prelude::*;

use super::icon::Icon;

#[component]
pub fn AuthLayout(title: &'static str, children: Children) -> impl IntoView {
    view! {
        <main class="narrow-page">
            <p class="brand large"><Icon name="waybill" />"Waybill"</p>
            <section class="card sign-in">
                <h1>{title}</h1>
                {children()}
            </section>
        </main>
    }
}

/// The result of a submitted form: an error message, a confirmation, or nothing.
#[component]
pub fn FormMessage(problem: Option<&'static str>, notice: Option<&'static str>) -> impl IntoView {
    let problem = problem.map(|text| view! { <p class="form-error" role="alert">{text}</p> });
    let notice = notice.map(|text| view! { <p class="form-notice" role="status">{text}</p> });
    (problem, notice)
}
