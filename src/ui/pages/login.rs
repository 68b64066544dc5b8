//! Signing in: a plain form, the same with and without JavaScript.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::model::access::safe_return_path;
use crate::ui::components::Icon;

#[expect(clippy::needless_pass_by_value, reason = "a component owns its properties")]
#[component]
pub fn LoginPage(next: String, problem: String) -> impl IntoView {
    let problem = match problem.as_str() {
        "wrong" => Some("Name or password is wrong."),
        "crowded" => Some("Many people are signing in at this moment. Try again in some seconds."),
        "often" => Some("Too many attempts. Wait half a minute and try again."),
        "unavailable" => Some("The accounts cannot be read now: the database does not answer. Try again in a moment."),
        "form" => Some("The form could not be read. Fill it in again."),
        _ => None,
    };
    let next = safe_return_path(&next).to_owned();
    let message = problem.map(|text| view! { <p class="problem" role="alert" id="problem">{text}</p> });
    view! {
        <Title text="Sign in" />
        <main class="narrow">
            <p class="brand large"><Icon name="waybill" />"Waybill"</p>
            <section class="card sign-in">
                <h1>"Sign in"</h1>
                <p class="soft">"With your account of the application whose data this console looks after, or with one made for this console."</p>
                {message}
                <form method="post" action="/login">
                    <input type="hidden" name="next" value=next />
                    <label>"E-mail address or name"<input type="text" inputmode="email" name="email" autocomplete="username" autocapitalize="none" required autofocus /></label>
                    <label>"Password"<input type="password" name="password" autocomplete="current-password" required /></label>
                    <button class="button primary">"Sign in"</button>
                </form>
            </section>
        </main>
    }
}
