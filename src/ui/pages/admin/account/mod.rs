//! The account page: password, second factor, other sessions. Plain forms.

mod recovery_codes;
mod second_factor;

use leptos::prelude::*;

use crate::model::access::{AccountView, SecondFactorView};
use crate::model::form_error::FormError;
use crate::model::route;
use crate::model::text::count_with_noun;
use crate::rpc::session::view_account;
use crate::ui::components::{FormMessage, Layout, Loaded, NewPasswordField, PasswordField};
use recovery_codes::NewRecoveryCodes;
pub use recovery_codes::RecoveryCodes;
use second_factor::SecondFactor;

#[expect(clippy::needless_pass_by_value, reason = "a component owns its properties")]
#[component]
pub fn AccountPage(problem: String, notice: String) -> impl IntoView {
    let account = Resource::new(|| (), |()| view_account());
    let codes = use_context::<RecoveryCodes>();
    let problem = FormError::message_for_key(&problem);
    let notice = notice_text(&notice);
    view! {
        <Layout title="Your account" crumbs=vec![("Admin", route::ADMIN)]>
            <FormMessage problem notice />
            {codes.clone().map(|codes| view! { <NewRecoveryCodes codes /> })}
            <Loaded data=account show=|account| view! { <Account account /> }.into_any() />
        </Layout>
    }
}

fn notice_text(notice: &str) -> Option<&'static str> {
    match notice {
        "password" => Some("Your password has been changed, and your other sessions have been ended."),
        "begun" => Some("Now add Waybill to your authenticator app."),
        "removed" => Some("The second factor has been removed, and your other sessions have been ended."),
        "sessions" => Some("Your other sessions have been ended."),
        _ => None,
    }
}

#[component]
fn Account(account: AccountView) -> impl IntoView {
    let is_on = matches!(account.second_factor, SecondFactorView::On { .. });
    let required_notice = (account.is_second_factor_required && !is_on).then(
        || view! { <p class="form-notice" role="status">"This console requires a second factor. Set one up to continue."</p> },
    );
    view! {
        {required_notice}
        <section class="card account">
            <h2>"Second factor"</h2>
            <SecondFactor view=account.second_factor />
        </section>
        <section class="card account"><h2>"Password"</h2><Password is_local=account.is_local /></section>
        <section class="card account"><h2>"Sessions"</h2><Sessions count=account.sessions /></section>
    }
}

#[component]
fn Password(is_local: bool) -> impl IntoView {
    if !is_local {
        let text = "Your password belongs to the application: change it there. Your sessions here end when you do.";
        return view! { <p class="muted">{text}</p> }.into_any();
    }
    view! {
        <form method="post" action=route::ACCOUNT_PASSWORD>
            <PasswordField label="Current password" />
            <NewPasswordField label="New password, at least 15 characters" name="new" />
            <NewPasswordField label="Repeat the new password" name="repeated" />
            <button class="button">"Change password"</button>
        </form>
    }
    .into_any()
}

/// `count` includes this browser's session.
#[component]
fn Sessions(count: u32) -> impl IntoView {
    if count <= 1 {
        return view! { <p class="muted">"Only this browser is signed in to your account."</p> }.into_any();
    }
    let browsers = count_with_noun(count.into(), "browser");
    view! {
        <p>{format!("Your account is signed in on {browsers}, including this one.")}</p>
        <form method="post" action=route::ACCOUNT_SESSIONS><button class="button">"End the other sessions"</button></form>
    }
    .into_any()
}
