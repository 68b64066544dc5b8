//! Fields for passwords: the current one, and a new one.

use leptos::prelude::*;

/// Limits of a new password, in characters. The server checks them again.
const MIN_CHARS: u32 = 15;
const MAX_CHARS: u32 = 1024;

/// The password of an account that exists.
#[component]
pub fn PasswordField(label: &'static str, #[prop(optional)] autofocus: bool) -> impl IntoView {
    view! {
        <label>
            {label}
            <input type="password" name="password" autocomplete="current-password" required autofocus=autofocus />
        </label>
    }
}

/// A password that is set with this form.
#[component]
pub fn NewPasswordField(label: &'static str, name: &'static str) -> impl IntoView {
    view! {
        <label>
            {label}
            <input type="password" name=name autocomplete="new-password" required minlength=MIN_CHARS maxlength=MAX_CHARS />
        </label>
    }
}
