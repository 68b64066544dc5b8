//! Setup: creates the first account if the database has none to sign in with. A plain form.

use leptos::prelude::*;
use leptos_meta::Title;

use super::login::SignInContext;
use crate::model::form_error::FormError;
use crate::model::route;
use crate::ui::components::{AuthLayout, FormMessage};

#[expect(clippy::needless_pass_by_value, reason = "a component owns its properties")]
#[component]
pub fn SetupPage(problem: String) -> impl IntoView {
    let needs_account = use_context::<SignInContext>().unwrap_or_default().needs_account;
    let problem = FormError::message_for_key(&problem);
    let body = if needs_account {
        view! {
            <p class="muted">
                "This database has no accounts that Waybill can use. Choose a name and a password. The account can
                export everything."
            </p>
            <FormMessage problem notice=None />
            <form method="post" action=route::SETUP>
                <label>"Code that the server printed when it started"
                    <input type="text" name="code" autocomplete="off" autocapitalize="characters" required autofocus maxlength="40" />
                </label>
                <label>"Name"<input type="text" name="name" autocomplete="username" required maxlength="100" /></label>
                <label>"Password, at least 15 characters"
                    <input type="password" name="password" autocomplete="new-password" required minlength="15" maxlength="1024" />
                </label>
                <label>"Repeat the password"
                    <input type="password" name="repeated" autocomplete="new-password" required minlength="15" maxlength="1024" />
                </label>
                <button class="button primary">"Create the account"</button>
            </form>
        }
        .into_any()
    } else {
        view! {
            <p class="form-error" role="alert">"There is nothing to set up: accounts to sign in with already exist."</p>
            <a class="button primary" href=route::LOGIN>"Sign in"</a>
        }
        .into_any()
    };
    view! {
        <Title text="First account" />
        <AuthLayout title="First account">{body}</AuthLayout>
    }
}
