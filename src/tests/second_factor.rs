//! The second factor: TOTP codes, recovery codes, and what a stolen password alone can reach.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::TimeDelta;
use rusqlite::Connection;
use tempfile::TempDir;
use totp_rs::{Builder, Secret};
use waybill::server::profile::{Profile, SecondFactorPolicy};
use waybill::server::source::sqlite::SqliteSource;
use waybill::server::support::clock::Clock;
use waybill::server::support::password::hash_argon2id;

use crate::harness::{ADMIN, Browser, PASSWORD, Waybill, WaybillCommand, execute_sql};

const ACCOUNT_PAGE: &str = "/admin/account";
const SECOND_FACTOR_FORM: &str = "/admin/account/second-factor";

fn password_form(action: &str) -> String {
    format!("action={action}&password={}", PASSWORD.replace(' ', "+"))
}

/// The TOTP code that an authenticator app shows, this many 30-second steps from now.
fn totp_code(waybill: &Waybill, letters: &str, steps: i64) -> String {
    let secret = Secret::try_from_base32(letters).unwrap();
    let totp = Builder::new().with_secret(secret).with_account_name("x").build().unwrap();
    totp.generate(u64::try_from(waybill.clock.now().timestamp() + 30 * steps).unwrap()).to_string()
}

/// The secret that the page shows for typing into an authenticator app.
async fn shown_secret(browser: &Browser) -> String {
    let page = browser.get(ACCOUNT_PAGE).await.text();
    let letters = page.split("class=\"shared-secret\">").nth(1).and_then(|rest| rest.split('<').next());
    letters.unwrap_or_else(|| panic!("{page}")).replace(' ', "")
}

/// Sets up a second factor; returns its secret and the recovery codes.
async fn set_up(waybill: &Waybill, browser: &Browser) -> (String, Vec<String>) {
    assert_eq!(
        browser.post(SECOND_FACTOR_FORM, &password_form("begin")).await.header("location"),
        "/admin/account?notice=begun"
    );
    let letters = shown_secret(browser).await;
    let page =
        browser.post(SECOND_FACTOR_FORM, &format!("action=confirm&code={}", totp_code(waybill, &letters, 0))).await;
    assert_eq!(page.status, 200, "{}", page.header("location"));
    let page = page.text();
    let codes = page.split("<li><code>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned());
    (letters, codes.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_password_alone_opens_nothing() {
    let waybill = Waybill::start().await;
    let (owner, elsewhere) = (waybill.signed_in_admin().await, waybill.signed_in_admin().await);
    let wrong = owner.post(SECOND_FACTOR_FORM, "action=begin&password=guess").await;
    assert_eq!(wrong.header("location"), "/admin/account?problem=password");
    let (letters, codes) = set_up(&waybill, &owner).await;
    assert_eq!(codes.len(), 10);
    assert_eq!(owner.get("/admin").await.status, 200);
    assert_eq!(elsewhere.get("/admin").await.status, 303, "other sessions must end");
    assert!(!owner.get(ACCOUNT_PAGE).await.text().contains(&codes[0]), "recovery codes are shown once");

    let thief = waybill.anonymous();
    assert_eq!(thief.sign_in(ADMIN, PASSWORD).await.header("location"), "/login/code?next=/admin");
    for door in ["/admin", "/admin/developer-tools/export", ACCOUNT_PAGE] {
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
    let (first, second) = (waybill.anonymous(), waybill.anonymous());
    first.sign_in(ADMIN, PASSWORD).await;
    second.sign_in(ADMIN, PASSWORD).await;
    let next = format!("code={}&next=%2Fadmin%2Fdeveloper-tools%2Fexport", totp_code(&waybill, &letters, 1));
    assert_eq!(first.post("/login/code", &next).await.header("location"), "/admin/developer-tools/export");
    assert_eq!(first.get("/admin").await.status, 200);
    assert!(second.post("/login/code", &next).await.header("location").contains("problem=code"));

    // A recovery code works once, too.
    let recovery = format!("code={}", codes[3].to_lowercase().replace('-', "+"));
    assert_eq!(second.post("/login/code", &recovery).await.header("location"), "/admin");
    let third = waybill.anonymous();
    third.sign_in(ADMIN, PASSWORD).await;
    assert!(third.post("/login/code", &recovery).await.header("location").contains("problem=code"));
    assert!(second.get(ACCOUNT_PAGE).await.text().contains("You have 9 recovery codes left."));

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
    let owner = waybill.signed_in_admin().await;
    let (letters, codes) = set_up(&waybill, &owner).await;
    let thief = waybill.anonymous();
    thief.sign_in(ADMIN, PASSWORD).await;
    let mut answers = Vec::new();
    for guess in 0..12 {
        let answer = thief.post("/login/code", &format!("code={guess:06}")).await;
        answers.push(answer.header("location").split(['=', '&']).nth(1).unwrap().to_owned());
    }
    assert_eq!(answers.last().unwrap(), "often-code", "{answers:?}");
    let right = thief.post("/login/code", &format!("code={}", totp_code(&waybill, &letters, 1))).await;
    assert!(right.header("location").contains("problem=often-code"), "the right code is rate limited too");
    let owner = waybill.anonymous();
    owner.sign_in(ADMIN, PASSWORD).await;
    assert_eq!(owner.post("/login/code", &format!("code={}", codes[0])).await.header("location"), "/admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_required_second_factor_must_be_set_up_first() {
    let waybill = Waybill::with_second_factor_policy(SecondFactorPolicy::Required).await;
    let admin = waybill.signed_in_admin().await;
    assert_eq!(admin.get("/admin/developer-tools/export").await.header("location"), ACCOUNT_PAGE);
    assert_eq!(admin.post("/rpc/request_export", "").await.status, 403);
    assert!(admin.get(ACCOUNT_PAGE).await.text().contains("This console requires a second factor."));
    set_up(&waybill, &admin).await;
    assert_eq!(admin.get("/admin/developer-tools/export").await.status, 200);
    // Removing it withdraws access again.
    assert_eq!(
        admin.post(SECOND_FACTOR_FORM, &password_form("remove")).await.header("location"),
        "/admin/account?notice=removed"
    );
    assert_eq!(admin.post("/rpc/request_export", "").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_can_reset_a_lost_second_factor() {
    let waybill = Waybill::start().await;
    let owner = waybill.signed_in_admin().await;
    set_up(&waybill, &owner).await;
    let state = format!("sqlite:{}", waybill.folder.path().join("waybill.db").display());
    let reset = |name: &str| {
        WaybillCommand::new(waybill.folder.path()).run(["user", "reset-second-factor", name, "--state", &state])
    };
    assert_eq!(reset("nobody@sample.test").code, 2);
    let ended = reset(ADMIN);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(owner.get("/admin").await.status, 303);
    assert_eq!(waybill.anonymous().sign_in(ADMIN, PASSWORD).await.header("location"), "/admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn renewed_recovery_codes_replace_the_old_ones() {
    let waybill = Waybill::start().await;
    let owner = waybill.signed_in_admin().await;
    let (_, old) = set_up(&waybill, &owner).await;
    let page = owner.post(SECOND_FACTOR_FORM, &password_form("renew")).await;
    assert_eq!(page.status, 200);
    assert!(!page.text().contains(&old[0]));
    let visitor = waybill.anonymous();
    visitor.sign_in(ADMIN, PASSWORD).await;
    assert!(visitor.post("/login/code", &format!("code={}", old[0])).await.header("location").contains("problem=code"));
}

/// A set-up that a thief begins with a stolen password must not become the owner's second factor.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_is_shown_only_to_its_session_and_expires() {
    let waybill = Waybill::start().await;
    let (thief, owner) = (waybill.signed_in_admin().await, waybill.signed_in_admin().await);
    thief.post(SECOND_FACTOR_FORM, &password_form("begin")).await;
    let planted = shown_secret(&thief).await;
    let page = owner.get(ACCOUNT_PAGE).await.text();
    assert!(!page.contains("class=\"shared-secret\"") && page.contains("Set it up"), "{page}");
    assert_eq!(owner.post("/rpc/view_account", "").await.json()["second_factor"], "Off");
    let confirmed =
        owner.post(SECOND_FACTOR_FORM, &format!("action=confirm&code={}", totp_code(&waybill, &planted, 0))).await;
    assert_eq!(confirmed.header("location"), "/admin/account?problem=not-now");
    let (own, _) = set_up(&waybill, &owner).await;
    assert_ne!(own, planted);
    assert!(waybill.audit_trail().await.contains(&"second_factor_begun".to_owned()));
    // An unfinished set-up expires.
    let late = waybill.signed_in_as("team.lead@sample.test").await;
    late.post(SECOND_FACTOR_FORM, &password_form("begin")).await;
    waybill.clock.advance(TimeDelta::minutes(11));
    assert!(!late.get(ACCOUNT_PAGE).await.text().contains("class=\"shared-secret\""));
}

const REFUSED_FOR_APPLICATION: &str = "/login?problem=application-second-factor&next=/admin";

/// An application whose accounts `ada` and `bob` may have a second factor there, which only `ada` has turned on.
async fn application_with_second_factors(folder: &TempDir) -> (Waybill, PathBuf) {
    let path = folder.path().join("application.db");
    let hash = hash_argon2id(PASSWORD, b"0123456789abcdef");
    let sql = format!(
        "CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT, password TEXT, two_factor_enabled BOOLEAN);
         INSERT INTO users VALUES ('1', 'ada@example.org', '{hash}', 1), ('2', 'bob@example.org', '{hash}', NULL);"
    );
    Connection::open(&path).unwrap().execute_batch(&sql).unwrap();
    let profile = "name = 'shop'
        [auth]
        table = 'users'
        id = 'id'
        email = 'email'
        password = 'password'
        application_second_factor = { two_factor_enabled = true }";
    let source = Arc::new(SqliteSource::new(&path));
    (Waybill::with_source(source, Profile::from_toml(profile).unwrap()).await, path)
}

/// Waybill cannot check the application's codes. It says so only to those who know the password.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_a_second_factor_of_the_application_cannot_sign_in_with_the_password_alone() {
    let folder = TempDir::new().unwrap();
    let (waybill, _) = application_with_second_factors(&folder).await;
    let right = waybill.anonymous().sign_in("ada@example.org", PASSWORD).await;
    assert_eq!((right.status, right.header("location")), (303, REFUSED_FOR_APPLICATION));
    let cookie = waybill.cookie_name();
    let cookies: Vec<_> = right.headers.get_all("set-cookie").iter().map(|set| set.to_str().unwrap()).collect();
    assert!(!cookies.iter().any(|set| set.starts_with(&format!("{cookie}="))), "{cookies:?}");
    let page = waybill.anonymous().get(REFUSED_FOR_APPLICATION).await.text();
    assert!(page.contains("has a second factor in the application"), "{page}");

    let wrong = waybill.anonymous().sign_in("ada@example.org", "guess").await;
    let unknown = waybill.anonymous().sign_in("eve@example.org", "guess").await;
    assert_eq!(wrong.header("location"), "/login?problem=wrong&next=/admin");
    assert_eq!((wrong.header("location"), &wrong.body), (unknown.header("location"), &unknown.body));
    assert_eq!(waybill.anonymous().sign_in("bob@example.org", PASSWORD).await.header("location"), "/admin");

    let trail = waybill.audit_entries().await;
    let refused = trail.iter().find(|entry| entry.event == "application_second_factor_needed").unwrap();
    assert_eq!(refused.actor, "ada@example.org");
}

/// Waybill's own second factor is one, too. Without it, turning the application's on ends the session.
#[tokio::test(flavor = "multi_thread")]
async fn waybills_own_second_factor_takes_the_place_of_the_applications() {
    let folder = TempDir::new().unwrap();
    let (waybill, path) = application_with_second_factors(&folder).await;
    let turn_on = |name: &str, on: bool| {
        execute_sql(&path, &format!("UPDATE users SET two_factor_enabled = {on} WHERE email = '{name}'"));
    };
    let bob = waybill.signed_in_as("bob@example.org").await;
    assert_eq!(bob.get("/admin").await.status, 200);
    turn_on("bob@example.org", true);
    assert_eq!(bob.get("/admin").await.status, 303, "the password alone no longer signs in");

    turn_on("ada@example.org", false);
    let ada = waybill.signed_in_as("ada@example.org").await;
    let (letters, _) = set_up(&waybill, &ada).await;
    turn_on("ada@example.org", true);
    assert_eq!(ada.get("/admin").await.status, 200);
    let elsewhere = waybill.anonymous();
    assert_eq!(elsewhere.sign_in("ada@example.org", PASSWORD).await.header("location"), "/login/code?next=/admin");
    let code = format!("code={}", totp_code(&waybill, &letters, 1));
    assert_eq!(elsewhere.post("/login/code", &code).await.header("location"), "/admin");
    assert_eq!(elsewhere.get("/admin").await.status, 200);
}
