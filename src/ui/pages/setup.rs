//! The first account, on a console whose database has none to sign in with. A plain form.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::ui::components::Icon;

const USED: &str = "This link has been used or has expired. Sign in with the account that was made; where there is none, \
                    start the server again for a new link, or use waybill user add.";

#[expect(clippy::needless_pass_by_value, reason = "a component owns its properties")]
#[component]
pub fn SetupPage(token: String, problem: String) -> impl IntoView {
    let problem = match problem.as_str() {
        "" => None,
        "used" => Some(USED),
        "unusable" => Some("A name has 1 to 100 characters, a password at least 12."),
        _ => Some("The account could not be made. Try again in a moment."),
    };
    let problem =
        problem.or_else(|| token.is_empty().then_some("Open the link that the server printed when it started."));
    // Without a link that may work there is nothing to fill in.
    let can_be_used = !token.is_empty() && problem != Some(USED);
    let message = problem.map(|text| view! { <p class="problem" role="alert" id="problem">{text}</p> });
    let form = can_be_used.then(|| {
        view! {
            <p class="soft">
                "This database has no accounts that Waybill could use. Choose a name and a password; whoever has them may
                export everything."
            </p>
            <form method="post" action="/setup">
                <input type="hidden" name="token" value=token />
                <label>"Name"<input type="text" name="name" autocomplete="username" required autofocus maxlength="100" /></label>
                <label>"Password, at least 12 characters"
                    <input type="password" name="password" autocomplete="new-password" required minlength="12" />
                </label>
                <button class="button primary">"Make the account"</button>
            </form>
        }
    });
    view! {
        <Title text="First account" />
        <main class="narrow">
            <p class="brand large"><Icon name="waybill" />"Waybill"</p>
            <section class="card sign-in">
                <h1>"First account"</h1>
                {message}
                {form}
            </section>
        </main>
    }
}
