//! The second factor: setting it up, replacing its recovery codes, removing it.

use leptos::prelude::*;

use crate::model::access::{SecondFactorView, TotpSecret};
use crate::model::route;
use crate::model::text::count_with_noun;
use crate::ui::components::{PasswordField, TextField};

#[component]
pub fn SecondFactor(view: SecondFactorView) -> impl IntoView {
    match view {
        SecondFactorView::Off => view! {
            <p class="muted">"With an authenticator app on your phone, a stolen password alone is not enough to sign in."</p>
            <PasswordForm action="begin" label="Set it up" />
        }
        .into_any(),
        SecondFactorView::Pending(secret) => view! { <ConfirmCode secret /> }.into_any(),
        SecondFactorView::On { recovery_codes_left } => view! { <TurnedOn recovery_codes_left /> }.into_any(),
    }
}

#[component]
fn ConfirmCode(secret: TotpSecret) -> impl IntoView {
    let TotpSecret { uri, base32, qr_svg } = secret;
    view! {
        <p>"Scan this with your authenticator app, "<a href=uri>"open it in the app"</a>", or type in the letters. Then enter the code that the app shows. This also ends your sessions in other browsers."</p>
        <div class="qr-code" role="img" aria-label="QR code for an authenticator app" inner_html=qr_svg></div>
        <p><code class="shared-secret">{base32}</code></p>
        <form method="post" action=route::ACCOUNT_SECOND_FACTOR>
            <input type="hidden" name="action" value="confirm" />
            <TextField label="Code" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength=10 />
            <button class="button primary">"Turn it on"</button>
        </form>
    }
}

#[component]
fn TurnedOn(recovery_codes_left: u32) -> impl IntoView {
    let left = count_with_noun(recovery_codes_left.into(), "recovery code");
    view! {
        <p>{format!("It is on. You have {left} left.")}</p>
        <details>
            <summary>"New recovery codes"</summary>
            <PasswordForm action="renew" label="Replace the codes" />
        </details>
        <details>
            <summary>"Remove the second factor"</summary>
            <PasswordForm action="remove" label="Remove it" />
        </details>
    }
}

#[component]
fn PasswordForm(action: &'static str, label: &'static str) -> impl IntoView {
    view! {
        <form method="post" action=route::ACCOUNT_SECOND_FACTOR>
            <input type="hidden" name="action" value=action />
            <PasswordField label="Your password" />
            <button class="button">{label}</button>
        </form>
    }
}
