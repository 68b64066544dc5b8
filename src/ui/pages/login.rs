//! Sign-in: plain forms, the same with and without JavaScript.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::model::access::safe_return_path;
use crate::model::form_problem::FormProblem;
use crate::ui::components::{Entrance, Notice};

/// Context of the sign-in and setup pages.
#[derive(Clone, Debug, Default)]
pub struct FirstVisit {
    /// Waybill manages the accounts, and there is none yet.
    pub needs_account: bool,
    /// Waybill manages the accounts; otherwise they are the application's.
    pub is_local: bool,
    /// The name typed in the last attempt, to fill the form in again.
    pub name: String,
}

#[expect(clippy::needless_pass_by_value, reason = "a component owns its properties")]
#[component]
pub fn LoginPage(next: String, problem: String, notice: String) -> impl IntoView {
    let FirstVisit { needs_account, is_local, name } = use_context().unwrap_or_default();
    let next = safe_return_path(&next).to_owned();
    let problem = FormProblem::words_of(&problem);
    let is_made = notice == "made";
    let notice = is_made.then_some("The account is made. Sign in with it.");
    let knows_name = !name.is_empty();
    let whose = if needs_account {
        view! {
            <p class="soft">
                "Nobody can sign in here yet: this console has no account. "<a href="/setup">"Make the first one"</a>
                " with the code that the server printed when it started, or with "<code>"waybill user add --admin NAME"</code>"."
            </p>
        }
        .into_any()
    } else if is_local {
        view! { <p class="soft">"With an account that was made for this console."</p> }.into_any()
    } else {
        view! { <p class="soft">"With your account of the application whose data this console looks after."</p> }
            .into_any()
    };
    view! {
        <Title text="Sign in" />
        <Entrance title="Sign in">
            {whose}
            <Notice problem notice />
            <form method="post" action="/login">
                <input type="hidden" name="next" value=next />
                <label>"E-mail address or name"<input type="text" inputmode="email" name="email" value=name autocomplete="username" autocapitalize="none" required autofocus=!knows_name /></label>
                <label>"Password"<input type="password" name="password" autocomplete="current-password" required autofocus=knows_name /></label>
                <button class="button primary">"Sign in"</button>
            </form>
        </Entrance>
    }
}

/// The second step of sign-in, for accounts with a second factor.
#[expect(clippy::needless_pass_by_value, reason = "a component owns its properties")]
#[component]
pub fn CodePage(next: String, problem: String) -> impl IntoView {
    let next = safe_return_path(&next).to_owned();
    view! {
        <Title text="Second step" />
        <Entrance title="Second step">
            <p class="soft">"Enter the code that your authenticator app shows for Waybill, or one of your recovery codes."</p>
            <Notice problem=FormProblem::words_of(&problem) notice=None />
            <form method="post" action="/login/code">
                <input type="hidden" name="next" value=next />
                <label>"Code"<input type="text" name="code" autocomplete="one-time-code" autocapitalize="characters" maxlength="60" required autofocus /></label>
                <button class="button primary">"Go on"</button>
            </form>
            <p class="soft">"Neither app nor recovery codes at hand? Whoever runs this console can take the second factor away with "<code>"waybill user reset-second-factor"</code>"."</p>
            <form method="post" action="/logout"><button class="quiet">"Sign in as somebody else"</button></form>
        </Entrance>
    }
}
