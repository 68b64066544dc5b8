//! Setup: creates the first account if the database has none to sign in with. A plain form.

use leptos::prelude::*;
use leptos_meta::Title;

use super::sign_in_context::SignInContext;
use crate::model::form_error::FormError;
use crate::model::route;
use crate::ui::components::{AuthLayout, FormMessage, NewPasswordField, TextField};

#[component]
pub fn SetupPage(problem: String) -> impl IntoView {
    let needs_account = expect_context::<SignInContext>().needs_account;
    let body = if needs_account {
        view! { <FirstAccountForm problem /> }.into_any()
    } else {
        view! { <NothingToSetUp /> }.into_any()
    };
    view! {
        <Title text="First account" />
        <AuthLayout title="First account">{body}</AuthLayout>
    }
}

#[component]
fn FirstAccountForm(problem: String) -> impl IntoView {
    view! {
        <p class="muted">
            "This database has no accounts that Waybill can use. Choose a name and a password. The account can
            export everything, and import where that is turned on."
        </p>
        <FormMessage problem=FormError::message_for_key(&problem) notice=None />
        <form method="post" action=route::SETUP>
            <TextField label="Code that the server printed when it started" name="code" autocomplete="off" autocapitalize="characters" maxlength=40 autofocus=true />
            <TextField label="Name" name="name" autocomplete="username" maxlength=100 />
            <NewPasswordField label="Password, at least 15 characters" name="password" />
            <NewPasswordField label="Repeat the password" name="repeated" />
            <button class="button primary">"Create the account"</button>
        </form>
    }
}

#[component]
fn NothingToSetUp() -> impl IntoView {
    view! {
        <p class="form-error" role="alert">"There is nothing to set up: accounts to sign in with already exist."</p>
        <a class="button primary" href=route::LOGIN>"Sign in"</a>
    }
}
