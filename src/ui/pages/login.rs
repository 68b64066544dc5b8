//! Sign-in: plain forms, the same with and without JavaScript.

use leptos::prelude::*;
use leptos_meta::Title;

use super::sign_in_context::SignInContext;
use crate::model::form_error::FormError;
use crate::model::route::{self, safe_return_path};
use crate::ui::components::{AuthLayout, FormMessage, PasswordField, TextField};

#[expect(clippy::needless_pass_by_value, reason = "a component owns its properties")]
#[component]
pub fn LoginPage(next: String, problem: String, notice: String) -> impl IntoView {
    let SignInContext { needs_account, is_local, name } = expect_context();
    let next = safe_return_path(&next).to_owned();
    let problem = FormError::message_for_key(&problem);
    let is_created = notice == "made";
    let notice = is_created.then_some("The account has been created. Sign in with it.");
    let has_name = !name.is_empty();
    view! {
        <Title text="Sign in" />
        <AuthLayout title="Sign in">
            <AccountHint needs_account is_local />
            <FormMessage problem notice />
            <form method="post" action=route::LOGIN>
                <input type="hidden" name="next" value=next />
                <TextField label="E-mail address or name" name="email" value=name inputmode="email" autocomplete="username" autocapitalize="none" autofocus=!has_name />
                <PasswordField label="Password" autofocus=has_name />
                <button class="button primary">"Sign in"</button>
            </form>
        </AuthLayout>
    }
}

/// Which account to use.
#[component]
fn AccountHint(needs_account: bool, is_local: bool) -> impl IntoView {
    if needs_account {
        return view! {
            <p class="muted">
                "This console has no account yet. "<a href=route::SETUP>"Create the first one"</a>
                " with the code that the server printed when it started, or with "<code>"waybill user add --admin NAME"</code>"."
            </p>
        }
        .into_any();
    }
    let text = if is_local {
        "Use your account for this console."
    } else {
        "Use your account in the application whose data this console exports."
    };
    view! { <p class="muted">{text}</p> }.into_any()
}

/// The second step of sign-in, for accounts with a second factor.
#[expect(clippy::needless_pass_by_value, reason = "a component owns its properties")]
#[component]
pub fn LoginCodePage(next: String, problem: String) -> impl IntoView {
    let next = safe_return_path(&next).to_owned();
    view! {
        <Title text="Second step" />
        <AuthLayout title="Second step">
            <p class="muted">"Enter the code that your authenticator app shows for Waybill, or one of your recovery codes."</p>
            <FormMessage problem=FormError::message_for_key(&problem) notice=None />
            <form method="post" action=route::LOGIN_CODE>
                <input type="hidden" name="next" value=next />
                <TextField label="Code" name="code" autocomplete="one-time-code" autocapitalize="characters" maxlength=60 autofocus=true />
                <button class="button primary">"Continue"</button>
            </form>
            <p class="muted">"No app and no recovery codes? An operator of this console can remove the second factor with "<code>"waybill user reset-second-factor"</code>"."</p>
            <form method="post" action=route::LOGOUT><button class="link-button">"Sign in as another user"</button></form>
        </AuthLayout>
    }
}
