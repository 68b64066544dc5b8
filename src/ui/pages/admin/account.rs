//! The account page: password, second factor, other sessions. Plain forms.

use leptos::prelude::*;

use crate::model::access::{AccountView, SecondFactorView, TotpSecret};
use crate::model::form_error::FormError;
use crate::model::route;
use crate::model::text::count_with_noun;
use crate::rpc::session::view_account;
use crate::ui::components::{ErrorPanel, FormMessage, Layout, Loading};

/// New recovery codes, shown only once.
#[derive(Clone, Debug)]
pub struct RecoveryCodes(pub Vec<String>);

#[expect(clippy::needless_pass_by_value, reason = "a component owns its properties")]
#[component]
pub fn AccountPage(problem: String, notice: String) -> impl IntoView {
    let account = Resource::new(|| (), |()| view_account());
    let codes = use_context::<RecoveryCodes>();
    let problem = FormError::message_for_key(&problem);
    let notice = match notice.as_str() {
        "password" => Some("Your password has been changed, and your other sessions have been ended."),
        "begun" => Some("Now add Waybill to your authenticator app."),
        "removed" => Some("The second factor has been removed, and your other sessions have been ended."),
        "sessions" => Some("Your other sessions have been ended."),
        _ => None,
    };
    view! {
        <Layout title="Your account" crumbs=vec![("Admin", route::ADMIN)]>
            <FormMessage problem notice />
            {codes.clone().map(|codes| view! { <NewRecoveryCodes codes /> })}
            <Loading>
                {move || account.get().map(|account| match account {
                    Ok(account) => view! { <Account account /> }.into_any(),
                    Err(error) => view! { <ErrorPanel error /> }.into_any(),
                })}
            </Loading>
        </Layout>
    }
}

#[component]
fn NewRecoveryCodes(codes: RecoveryCodes) -> impl IntoView {
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

#[component]
fn Account(account: AccountView) -> impl IntoView {
    let required_notice = (account.is_second_factor_required
        && !matches!(account.second_factor, SecondFactorView::On { .. }))
    .then(
        || view! { <p class="form-notice" role="status">"This console requires a second factor. Set one up to continue."</p> },
    );
    let password = if account.is_local {
        view! {
            <form method="post" action=route::ACCOUNT_PASSWORD>
                <label>"Current password"<input type="password" name="password" autocomplete="current-password" required /></label>
                <label>"New password, at least 15 characters"
                    <input type="password" name="new" autocomplete="new-password" required minlength="15" maxlength="1024" />
                </label>
                <label>"Repeat the new password"
                    <input type="password" name="repeated" autocomplete="new-password" required minlength="15" maxlength="1024" />
                </label>
                <button class="button">"Change password"</button>
            </form>
        }
        .into_any()
    } else {
        view! { <p class="muted">"Your password belongs to the application: change it there. Your sessions here end when you do."</p> }
            .into_any()
    };
    let sessions = match account.sessions {
        0 | 1 => view! { <p class="muted">"Only this browser is signed in to your account."</p> }.into_any(),
        several => view! {
            <p>{format!("Your account is signed in on {}, including this one.", count_with_noun(several.into(), "browser"))}</p>
            <form method="post" action=route::ACCOUNT_SESSIONS><button class="button">"End the other sessions"</button></form>
        }
        .into_any(),
    };
    view! {
        {required_notice}
        <section class="card account">
            <h2>"Second factor"</h2>
            <SecondFactor view=account.second_factor />
        </section>
        <section class="card account"><h2>"Password"</h2>{password}</section>
        <section class="card account"><h2>"Sessions"</h2>{sessions}</section>
    }
}

#[component]
fn SecondFactor(view: SecondFactorView) -> impl IntoView {
    match view {
        SecondFactorView::Off => view! {
            <p class="muted">"With an authenticator app on your phone, a stolen password alone is not enough to sign in."</p>
            <PasswordForm action="begin" label="Set it up" />
        }
        .into_any(),
        SecondFactorView::Pending(TotpSecret { uri, base32, qr_svg }) => view! {
            <p>"Scan this with your authenticator app, "<a href=uri>"open it in the app"</a>", or type in the letters. Then enter the code that the app shows. This also ends your sessions in other browsers."</p>
            <div class="qr-code" role="img" aria-label="QR code for an authenticator app" inner_html=qr_svg></div>
            <p><code class="shared-secret">{base32}</code></p>
            <form method="post" action=route::ACCOUNT_SECOND_FACTOR>
                <input type="hidden" name="action" value="confirm" />
                <label>"Code"<input type="text" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="10" required /></label>
                <button class="button primary">"Turn it on"</button>
            </form>
        }
        .into_any(),
        SecondFactorView::On { recovery_codes_left } => view! {
            <p>{format!("It is on. You have {} left.", count_with_noun(recovery_codes_left.into(), "recovery code"))}</p>
            <details>
                <summary>"New recovery codes"</summary>
                <PasswordForm action="renew" label="Replace the codes" />
            </details>
            <details>
                <summary>"Remove the second factor"</summary>
                <PasswordForm action="remove" label="Remove it" />
            </details>
        }
        .into_any(),
    }
}

#[component]
fn PasswordForm(action: &'static str, label: &'static str) -> impl IntoView {
    view! {
        <form method="post" action=route::ACCOUNT_SECOND_FACTOR>
            <input type="hidden" name="action" value=action />
            <label>"Your password"<input type="password" name="password" autocomplete="current-password" required /></label>
            <button class="button">{label}</button>
        </form>
    }
}
