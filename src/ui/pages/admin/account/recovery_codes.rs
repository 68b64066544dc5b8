//! New recovery codes.

use leptos::prelude::*;

use crate::model::route;

/// New recovery codes, shown only once.
#[derive(Clone, Debug)]
pub struct RecoveryCodes(pub Vec<String>);

#[component]
pub fn NewRecoveryCodes(codes: RecoveryCodes) -> impl IntoView {
    let codes = codes.0.into_iter().map(|code| view! { <li><code>{code}</code></li> }).collect_view();
    view! {
        <section class="card account" role="status">
            <h2>"Your recovery codes"</h2>
            <p>"Each code signs you in once when you do not have your authenticator app. They are shown only now: store them with your passwords, not on the phone."</p>
            <ul class="recovery-codes">{codes}</ul>
            <a class="button primary" href=route::ADMIN>"I have stored them"</a>
        </section>
    }
}
