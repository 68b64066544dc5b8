//! Signing in and out.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::Stdio;

use chrono::TimeDelta;
use tempfile::TempDir;

use waybill::model::export::RunState;

use crate::harness::{
    ADMIN, Browser, Fault, FaultySource, PASSWORD, Waybill, WaybillCommand, execute_sql, generate_sample,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_anonymous_visitor_is_sent_to_sign_in_and_back_to_where_they_wanted_to_go() {
    let waybill = Waybill::start().await;
    let visitor = waybill.anonymous();
    let answer = visitor.get("/admin/developer-tools/export?x=1").await;
    assert_eq!((answer.status, answer.header("location")), (303, "/login?next=/admin/developer-tools/export%3Fx%3D1"));
    let form = format!(
        "email={ADMIN}&password={}&next=%2Fadmin%2Fdeveloper-tools%2Fexport%3Fx%3D1",
        PASSWORD.replace(' ', "+")
    );
    let answer = visitor.post("/login", &form).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/admin/developer-tools/export?x=1"));
    assert_eq!(visitor.get("/admin/developer-tools/export").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_return_path_never_leaves_the_site() {
    let waybill = Waybill::start().await;
    for evil in ["https%3A%2F%2Fevil.test", "%2F%2Fevil.test", "%2F%5Cevil.test"] {
        let form = format!("email={ADMIN}&password={}&next={evil}", PASSWORD.replace(' ', "+"));
        let answer = waybill.anonymous().post("/login", &form).await;
        assert_eq!(answer.header("location"), "/admin");
    }
}

/// E01: an unknown address and a wrong password get the same response.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_address_look_the_same() {
    let waybill = Waybill::start().await;
    let wrong = waybill.anonymous().sign_in(ADMIN, "guess").await;
    let unknown = waybill.anonymous().sign_in("nobody@sample.test", "guess").await;
    assert_eq!(wrong.status, 303);
    assert_eq!(wrong.header("location"), "/login?problem=wrong&next=/admin");
    assert_eq!(wrong.header("location"), unknown.header("location"));
    assert_eq!(wrong.body, unknown.body);
    let page = waybill.anonymous().get("/login?problem=wrong").await;
    assert!(page.text().contains("Name or password is wrong."));
}

/// E02: the eleventh attempt is rate limited, whatever address the client claims in `X-Forwarded-For`.
#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_rate_limited_and_a_forged_address_does_not_help() {
    let waybill = Waybill::start().await;
    let visitor = waybill.anonymous();
    for attempt in 0..10 {
        let claimed = format!("203.0.113.{attempt}");
        let headers = [("sec-fetch-site", "same-origin"), ("x-forwarded-for", claimed.as_str())];
        let answer = visitor.send("POST", "/login", &headers, "email=a%40sample.test&password=guess").await;
        assert_eq!(answer.header("location"), "/login?problem=wrong&next=/admin");
    }
    let answer = visitor.sign_in("a@sample.test", "guess").await;
    assert_eq!(answer.header("location"), "/login?problem=often&next=/admin");
}

/// E05, E09: the cookie's attributes, and no usable token in the state.
#[tokio::test(flavor = "multi_thread")]
async fn the_session_cookie_is_out_of_reach_of_scripts_and_only_its_digest_is_kept() {
    let waybill = Waybill::start().await;
    let answer = waybill.anonymous().sign_in(ADMIN, PASSWORD).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
    let token = cookie.split(['=', ';']).nth(1).unwrap();
    assert_eq!(token.len(), 64);
    for name in ["waybill.db", "waybill.db-wal"] {
        let kept = std::fs::read(waybill.folder.path().join(name)).unwrap_or_default();
        assert!(!kept.windows(64).any(|window| window == token.as_bytes()), "{name} holds the token");
    }
}

/// E04: signing in does not make a cookie valid that was set before.
#[tokio::test(flavor = "multi_thread")]
async fn signing_in_gives_a_new_session() {
    let waybill = Waybill::start().await;
    let fixed = "f".repeat(64);
    let name = waybill.cookie_name();
    let cookie = format!("{name}={fixed}");
    let headers = [("sec-fetch-site", "same-origin"), ("cookie", cookie.as_str())];
    let form = format!("email={ADMIN}&password={}", PASSWORD.replace(' ', "+"));
    let answer = waybill.anonymous().send("POST", "/login", &headers, &form).await;
    assert!(
        answer.header("set-cookie").starts_with(&format!("{name}=")) && !answer.header("set-cookie").contains(&fixed)
    );
    let replay = waybill.anonymous().send("GET", "/admin", &[("cookie", cookie.as_str())], "").await;
    assert_eq!(replay.status, 303);
}

/// ASVS 7.2.4: the session of the cookie sent with the sign-in ends; sessions of other browsers go on.
#[tokio::test(flavor = "multi_thread")]
async fn signing_in_again_ends_the_previous_session() {
    let waybill = Waybill::start().await;
    let (here, there) = (waybill.anonymous(), waybill.signed_in_admin().await);
    let first = here.sign_in(ADMIN, PASSWORD).await;
    let cookie = first.header("set-cookie").split(';').next().unwrap().to_owned();
    here.sign_in(ADMIN, PASSWORD).await;
    let old = waybill.anonymous().send("GET", "/admin", &[("cookie", &cookie)], "").await;
    assert_eq!((old.status, here.get("/admin").await.status, there.get("/admin").await.status), (303, 200, 200));
}

/// M8, D15: when the application resets a stolen password, the thief's session ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_the_stored_password_changes() {
    let waybill = Waybill::start().await;
    let thief = waybill.signed_in_admin().await;
    assert_eq!(thief.get("/admin").await.status, 200);
    let other = waybill::server::support::password::hash_argon2id("another password", b"fedcba9876543210");
    execute_sql(&waybill.source, &format!("UPDATE users SET password = '{other}' WHERE email = '{ADMIN}'"));
    assert_eq!(thief.get("/admin").await.status, 303);
}

/// D7: an account without rights can neither flood the audit trail nor delay others.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_rights_is_rate_limited() {
    let waybill = Waybill::start().await;
    let frontline = waybill.signed_in_as("frontline.worker@sample.test").await;
    let mut statuses = Vec::new();
    for _ in 0..200 {
        statuses.push(frontline.get("/api/v1/exports/01900000-0000-7000-8000-000000000000/events").await);
    }
    let last = statuses.last().unwrap();
    assert_eq!(last.status, 429);
    assert!(!last.header("retry-after").is_empty());
    let refused = waybill.audit_trail().await.iter().filter(|event| *event == "refused").count();
    assert!(refused <= 2, "{refused}");
    assert_eq!(waybill.signed_in_admin().await.get("/admin/developer-tools/export").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_everywhere() {
    let waybill = Waybill::start().await;
    let (here, there) = (waybill.signed_in_admin().await, waybill.signed_in_admin().await);
    assert_eq!(here.post("/logout", "").await.status, 303);
    assert_eq!(there.get("/admin").await.status, 303);
}

/// E06: idle and absolute limits of a session.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_it_is_idle_and_in_any_case_after_twelve_hours() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    for _ in 0..13 {
        waybill.clock.advance(TimeDelta::minutes(50));
        assert_eq!(admin.get("/admin").await.status, 200);
    }
    waybill.clock.advance(TimeDelta::minutes(61));
    assert_eq!(admin.get("/admin").await.status, 303);

    let busy = waybill.signed_in_admin().await;
    for _ in 0..15 {
        waybill.clock.advance(TimeDelta::minutes(47));
        busy.get("/admin").await;
    }
    waybill.clock.advance(TimeDelta::minutes(47));
    assert_eq!(busy.get("/admin").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_closes_the_event_stream() {
    let at = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(1));
    let waybill = Waybill::with_wrapped_source(400, FaultySource::wrap(Fault::Hang, at)).await;
    let admin = waybill.signed_in_admin().await;
    let run = admin.request_export().await;
    let listening = tokio::time::timeout(std::time::Duration::from_secs(8), admin.wait_for_end(&run));
    let (last, _) = tokio::join!(listening, async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        admin.post("/logout", "").await
    });
    assert!(matches!(last.expect("the event stream was not closed"), RunState::Running(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_is_signed_out() {
    let waybill = Waybill::start().await;
    let lead = waybill.signed_in_as("team.lead@sample.test").await;
    execute_sql(&waybill.source, "PRAGMA foreign_keys = OFF; DELETE FROM users WHERE email = 'team.lead@sample.test'");
    assert_eq!(lead.get("/admin").await.status, 303);
}

/// DNS rebinding: a foreign page whose host name resolves to this server is refused (421).
#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_another_host_is_refused() {
    let waybill = Waybill::start().await;
    let visitor = waybill.anonymous();
    for (host, status) in [("evil.example", 421), ("localhost:1", 200), ("127.0.0.1", 200), ("[::1]:8118", 200)] {
        let answer = visitor.send("GET", "/login", &[("host", host)], "").await;
        assert_eq!(answer.status, status, "{host}: {}", answer.text());
        assert_eq!(visitor.send("GET", "/healthz", &[("host", host)], "").await.status, 200);
    }
}

#[test]
fn plain_http_beyond_loopback_needs_insecure_http() {
    let folder = TempDir::new().unwrap();
    let source = format!("--source=sqlite:{}", generate_sample(5, folder.path()).display());
    let first_line = |more: &[&str]| {
        let mut program = WaybillCommand::new(folder.path());
        let arguments = [&["serve", &source][..], more].concat();
        let mut server = program.0.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line.is_empty() {
            let mut said = String::new();
            server.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            return (server.wait().unwrap().code(), said);
        }
        server.kill().unwrap();
        server.wait().unwrap();
        (None, line)
    };
    let everywhere = ["--address", "0.0.0.0:0"];
    let here = ["--address", "127.0.0.1:0"];
    for refused in [
        &everywhere[..],
        &[&here[..], &["--public-url", "http://waybill.example.org"]].concat(),
        &[&here[..], &["--trusted-proxy", "127.0.0.1"]].concat(),
    ] {
        let (code, said) = first_line(refused);
        assert!(
            code == Some(2) && said.contains("clear text") && said.contains("--insecure-http"),
            "{refused:?}: {said}"
        );
    }
    let (_, said) = first_line(&[&here[..], &["--public-url", "https://x.example.org/waybill"]].concat());
    assert!(said.contains("it has a path"), "{said}");
    for served in [
        &here[..],
        &[&everywhere[..], &["--insecure-http"]].concat(),
        &[&everywhere[..], &["--public-url", "HTTPS://Waybill.example.org"]].concat(),
    ] {
        let (_, said) = first_line(served);
        assert!(said.starts_with("Waybill is ready: http"), "{served:?}: {said}");
    }
}

/// The scheme of `--public-url` is matched whatever its case.
#[tokio::test(flavor = "multi_thread")]
async fn behind_tls_cookies_are_secure_and_hsts_is_set() {
    let folder = TempDir::new().unwrap();
    let source = format!("--source=sqlite:{}", generate_sample(5, folder.path()).display());
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut program = WaybillCommand::new(folder.path());
    let public = ["--public-url", "HTTPS://Waybill.example.org", "--trusted-proxy", "127.0.0.1"];
    let arguments = ["serve", &source, "--profile", "supportsignal", "--address", &free.to_string()];
    program.0.args(arguments).args(public);
    let mut server = program.0.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("https://waybill.example.org/admin"), "{line}");
    let headers = [("host", "waybill.example.org"), ("origin", "https://waybill.example.org")];
    let form = format!("email={ADMIN}&password={}", PASSWORD.replace(' ', "%20"));
    let signed_in = Browser::new(free).send("POST", "/login", &headers, &form).await;
    assert_eq!((signed_in.status, signed_in.header("location")), (303, "/admin"));
    let cookie = signed_in.header("set-cookie");
    assert!(cookie.starts_with("__Host-waybill-") && cookie.contains("; Secure"), "{cookie}");
    assert_eq!(signed_in.header("strict-transport-security"), "max-age=31536000");
    server.kill().unwrap();
    server.wait().unwrap();
}

/// L12: otherwise a user who can create tables could imitate a known application and make its accounts admins.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_a_database_sign_in_only_with_an_explicit_profile() {
    let folder = TempDir::new().unwrap();
    let source = format!("sqlite:{}", generate_sample(5, folder.path()).display());
    let serve = |more: &[&str]| {
        let mut program = WaybillCommand::new(folder.path());
        let arguments = [&["serve", "--address", "127.0.0.1:0", "--source", &source][..], more].concat();
        let mut server = program.0.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines().map_while(Result::ok);
        let first = lines.next().unwrap();
        let address = first.split("http://").nth(1).and_then(|url| url.split('/').next()).unwrap().to_owned();
        let rest: Vec<String> = if more.is_empty() { lines.take(3).collect() } else { Vec::new() };
        (server, Browser::new(address.parse().unwrap()), rest)
    };
    let (mut server, browser, said) = serve(&[]);
    assert!(browser.sign_in(ADMIN, PASSWORD).await.header("location").contains("problem=wrong"));
    assert_eq!(said[2], "(To let the accounts of supportsignal sign in, start with --profile supportsignal.)");
    server.kill().unwrap();
    server.wait().unwrap();
    let (mut server, browser, _) = serve(&["--profile", "supportsignal"]);
    assert_eq!(browser.sign_in(ADMIN, PASSWORD).await.header("location"), "/admin");
    server.kill().unwrap();
    server.wait().unwrap();
}

/// F18: `/healthz` answers 200 while the database is down; `/readyz` does not.
#[tokio::test(flavor = "multi_thread")]
async fn readyz_fails_while_the_database_is_unreachable() {
    let waybill = Waybill::start().await;
    let visitor = waybill.anonymous();
    let ready = visitor.get("/readyz").await;
    assert_eq!((ready.status, ready.text().as_str()), (200, "ready\n"));
    let moved = waybill.source.with_extension("moved");
    std::fs::rename(&waybill.source, &moved).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    let gone = visitor.get("/readyz").await;
    assert_eq!((gone.status, gone.text().as_str()), (503, "the database does not answer\n"));
    assert_eq!(visitor.get("/healthz").await.status, 200);
}

/// M6, D4: many attempts from many networks must not lock the owner out.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_browser_is_not_locked_out_by_failed_attempts_of_others() {
    let folder = TempDir::new().unwrap();
    let source = generate_sample(5, folder.path());
    let mut program = WaybillCommand::new(folder.path());
    let arguments = ["serve", "--address", "127.0.0.1:0", "--profile", "supportsignal", "--insecure-http"];
    program.0.args(arguments).args([
        "--trusted-proxy",
        "127.0.0.1",
        "--source",
        &format!("sqlite:{}", source.display()),
    ]);
    let mut server = program.0.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).and_then(|url| url.split('/').next()).unwrap().parse().unwrap();
    let owner = Browser::new(address);
    assert_eq!(owner.sign_in(ADMIN, PASSWORD).await.header("location"), "/admin");
    let stranger = Browser::new(address);
    let form = format!("email={ADMIN}&password=guess");
    let mut refused = 0;
    for n in 0..300 {
        let from = format!("198.51.{}.{}", n / 250, n % 250);
        let headers = [("sec-fetch-site", "same-origin"), ("x-forwarded-for", from.as_str())];
        let answer = stranger.send("POST", "/login", &headers, &form).await;
        refused += u32::from(answer.header("location").contains("problem=often"));
    }
    assert!(refused > 50, "{refused}");
    assert_eq!(owner.sign_in(ADMIN, PASSWORD).await.header("location"), "/admin");
    server.kill().unwrap();
    server.wait().unwrap();
}

/// D14: methods without a route are refused; hostile parameters and paths give nothing.
#[tokio::test(flavor = "multi_thread")]
async fn unsupported_methods_are_refused() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let routes =
        ["/", "/healthz", "/login", "/admin", "/admin/account/password", "/rpc/request_export", "/pkg/waybill.css"];
    for door in routes {
        for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
            let answer = admin.send(method, door, &[("sec-fetch-site", "same-origin")], "").await;
            assert!([404, 405].contains(&answer.status), "{method} {door}: {}", answer.status);
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
        }
    }
    let page = waybill.anonymous().get("/setup?token=%22%3E%3Csvg%20onload=1%3E").await;
    assert!(!page.text().contains("onload"), "{}", page.text());
    for outside in ["/pkg/..%2f..%2fetc/passwd", "/pkg/%2e%2e/%2e%2e/etc/passwd"] {
        assert_eq!(admin.get(outside).await.status, 404, "{outside}");
    }
}
