//! The second factor: TOTP codes, recovery codes, and what a stolen password alone can reach.

use chrono::TimeDelta;
use totp_rs::{Builder, Secret};
use waybill::server::profile::SecondFactorPolicy;
use waybill::server::support::clock::Clock;

use crate::harness::{ADMIN, Browser, PASSWORD, Program, Waybill};

const ACCOUNT: &str = "/admin/account";
const FORM: &str = "/admin/account/second-factor";

fn password(action: &str) -> String {
    format!("action={action}&password={}", PASSWORD.replace(' ', "+"))
}

/// The TOTP code that an authenticator app shows, this many 30-second steps from now.
fn code(waybill: &Waybill, letters: &str, steps: i64) -> String {
    let secret = Secret::try_from_base32(letters).unwrap();
    let totp = Builder::new().with_secret(secret).with_account_name("x").build().unwrap();
    totp.generate(u64::try_from(waybill.clock.now().timestamp() + 30 * steps).unwrap()).to_string()
}

/// The secret that the page shows for typing into an authenticator app.
async fn letters(browser: &Browser) -> String {
    let page = browser.get(ACCOUNT).await.text();
    let letters = page.split("class=\"letters\">").nth(1).and_then(|rest| rest.split('<').next());
    letters.unwrap_or_else(|| panic!("{page}")).replace(' ', "")
}

/// Sets up a second factor; returns its secret and the recovery codes.
async fn set_up(waybill: &Waybill, browser: &Browser) -> (String, Vec<String>) {
    assert_eq!(browser.post(FORM, &password("begin")).await.header("location"), "/admin/account?notice=begun");
    let letters = letters(browser).await;
    let page = browser.post(FORM, &format!("action=confirm&code={}", code(waybill, &letters, 0))).await;
    assert_eq!(page.status, 200, "{}", page.header("location"));
    let page = page.text();
    let codes = page.split("<li><code>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned());
    (letters, codes.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_password_alone_opens_nothing() {
    let waybill = Waybill::start().await;
    let (owner, elsewhere) = (waybill.admin().await, waybill.admin().await);
    let wrong = owner.post(FORM, "action=begin&password=guess").await;
    assert_eq!(wrong.header("location"), "/admin/account?problem=password");
    let (letters, codes) = set_up(&waybill, &owner).await;
    assert_eq!(codes.len(), 10);
    assert_eq!(owner.get("/admin").await.status, 200);
    assert_eq!(elsewhere.get("/admin").await.status, 303, "other sessions end");
    assert!(!owner.get(ACCOUNT).await.text().contains(&codes[0]), "recovery codes are shown once");

    let thief = waybill.visitor();
    assert_eq!(thief.sign_in(ADMIN, PASSWORD).await.header("location"), "/login/code?next=/admin");
    for door in ["/admin", "/admin/developer-tools/export", ACCOUNT] {
        assert_eq!(thief.get(door).await.status, 303, "{door}");
    }
    assert_eq!(thief.post("/rpc/request_export", "").await.status, 401);
    assert_eq!(
        thief.post("/login/code", "code=000000").await.header("location"),
        "/login/code?problem=code&next=/admin"
    );
    // Signing out of a half-finished sign-in leaves the owner's session alone.
    thief.post("/logout", "").await;
    assert_eq!(owner.get("/admin").await.status, 200);

    // A code works once, so reading it over a shoulder does not help.
    let (first, second) = (waybill.visitor(), waybill.visitor());
    first.sign_in(ADMIN, PASSWORD).await;
    second.sign_in(ADMIN, PASSWORD).await;
    let next = format!("code={}&next=%2Fadmin%2Fdeveloper-tools%2Fexport", code(&waybill, &letters, 1));
    assert_eq!(first.post("/login/code", &next).await.header("location"), "/admin/developer-tools/export");
    assert_eq!(first.get("/admin").await.status, 200);
    assert!(second.post("/login/code", &next).await.header("location").contains("problem=code"));

    // A recovery code works once, too.
    let recovery = format!("code={}", codes[3].to_lowercase().replace('-', "+"));
    assert_eq!(second.post("/login/code", &recovery).await.header("location"), "/admin");
    let third = waybill.visitor();
    third.sign_in(ADMIN, PASSWORD).await;
    assert!(third.post("/login/code", &recovery).await.header("location").contains("problem=code"));
    assert!(second.get(ACCOUNT).await.text().contains("You have 9 recovery codes left."));

    // The accepted password expires after ten minutes.
    waybill.clock.advance(TimeDelta::minutes(11));
    let late = third.post("/login/code", &format!("code={}", codes[4])).await;
    assert_eq!(late.header("location"), "/login?problem=late&next=/admin");
    let trail = waybill.audit_trail().await;
    for event in ["second_factor_set", "password_accepted", "code_refused", "recovery_code_used", "password_refused"] {
        assert!(trail.contains(&event.to_owned()), "{event}: {trail:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_cannot_be_guessed_and_guessing_does_not_keep_the_owner_out() {
    let waybill = Waybill::start().await;
    let owner = waybill.admin().await;
    let (letters, codes) = set_up(&waybill, &owner).await;
    let thief = waybill.visitor();
    thief.sign_in(ADMIN, PASSWORD).await;
    let mut answers = Vec::new();
    for guess in 0..12 {
        let answer = thief.post("/login/code", &format!("code={guess:06}")).await;
        answers.push(answer.header("location").split(['=', '&']).nth(1).unwrap().to_owned());
    }
    assert_eq!(answers.last().unwrap(), "often-code", "{answers:?}");
    let right = thief.post("/login/code", &format!("code={}", code(&waybill, &letters, 1))).await;
    assert!(right.header("location").contains("problem=often-code"), "even the right one waits");
    let owner = waybill.visitor();
    owner.sign_in(ADMIN, PASSWORD).await;
    assert_eq!(owner.post("/login/code", &format!("code={}", codes[0])).await.header("location"), "/admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_is_required_nobody_does_anything_before_they_have_one() {
    let waybill = Waybill::start_requiring(SecondFactorPolicy::Required).await;
    let admin = waybill.admin().await;
    assert_eq!(admin.get("/admin/developer-tools/export").await.header("location"), ACCOUNT);
    assert_eq!(admin.post("/rpc/request_export", "").await.status, 403);
    assert!(admin.get(ACCOUNT).await.text().contains("This console asks for a second factor."));
    set_up(&waybill, &admin).await;
    assert_eq!(admin.get("/admin/developer-tools/export").await.status, 200);
    // Removing it withdraws access again.
    assert_eq!(admin.post(FORM, &password("remove")).await.header("location"), "/admin/account?notice=removed");
    assert_eq!(admin.post("/rpc/request_export", "").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lost_everything_is_let_in_by_the_operator() {
    let waybill = Waybill::start().await;
    let owner = waybill.admin().await;
    set_up(&waybill, &owner).await;
    let state = format!("sqlite:{}", waybill.folder.path().join("waybill.db").display());
    let reset =
        |name: &str| Program::new(waybill.folder.path()).run(["user", "reset-second-factor", name, "--state", &state]);
    assert_eq!(reset("nobody@sample.test").code, 2);
    let ended = reset(ADMIN);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(owner.get("/admin").await.status, 303);
    assert_eq!(waybill.visitor().sign_in(ADMIN, PASSWORD).await.header("location"), "/admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn recovery_codes_are_renewed_for_whoever_knows_the_password() {
    let waybill = Waybill::start().await;
    let owner = waybill.admin().await;
    let (_, old) = set_up(&waybill, &owner).await;
    let page = owner.post(FORM, &password("renew")).await;
    assert_eq!(page.status, 200);
    assert!(!page.text().contains(&old[0]));
    let visitor = waybill.visitor();
    visitor.sign_in(ADMIN, PASSWORD).await;
    assert!(visitor.post("/login/code", &format!("code={}", old[0])).await.header("location").contains("problem=code"));
}

/// A set-up that a thief begins with a stolen password must not become the owner's second factor.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_to_the_session_that_asked_for_it_and_for_some_minutes() {
    let waybill = Waybill::start().await;
    let (thief, owner) = (waybill.admin().await, waybill.admin().await);
    thief.post(FORM, &password("begin")).await;
    let planted = letters(&thief).await;
    let page = owner.get(ACCOUNT).await.text();
    assert!(!page.contains("class=\"letters\"") && page.contains("Set it up"), "{page}");
    assert_eq!(owner.post("/rpc/view_account", "").await.json()["second_factor"], "Off");
    let confirmed = owner.post(FORM, &format!("action=confirm&code={}", code(&waybill, &planted, 0))).await;
    assert_eq!(confirmed.header("location"), "/admin/account?problem=not-now");
    let (own, _) = set_up(&waybill, &owner).await;
    assert_ne!(own, planted);
    assert!(waybill.audit_trail().await.contains(&"second_factor_begun".to_owned()));
    // An unfinished set-up expires.
    let late = waybill.signed_in_as("team.lead@sample.test").await;
    late.post(FORM, &password("begin")).await;
    waybill.clock.advance(TimeDelta::minutes(11));
    assert!(!late.get(ACCOUNT).await.text().contains("class=\"letters\""));
}
