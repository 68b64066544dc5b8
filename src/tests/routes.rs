//! F01: every role on every route. A page or server function missing from the table fails a test.

use waybill::model::route::{PAGES, SERVER_FUNCTIONS};

use crate::harness::{ADMIN, ROLES, Waybill};

const UNKNOWN_ID: &str = "01900000-0000-7000-8000-000000000000";

/// Method, path, form, then the status for anonymous clients, for roles that may not export, and for the system
/// admin.
const ROUTES: [(&str, &str, &str, u16, u16, u16); 53] = [
    ("GET", "/", "", 303, 303, 303),
    ("GET", "/healthz", "", 200, 200, 200),
    ("GET", "/readyz", "", 200, 200, 200),
    ("GET", "/login", "", 200, 200, 200),
    ("GET", "/setup", "", 200, 200, 200),
    ("GET", "/login/code", "", 200, 200, 200),
    ("GET", "/admin/account", "", 303, 200, 200),
    ("POST", "/admin/account/password", "", 401, 303, 303),
    ("POST", "/admin/account/second-factor", "", 401, 303, 303),
    ("POST", "/admin/account/sessions", "", 401, 303, 303),
    ("GET", "/admin", "", 303, 200, 200),
    ("GET", "/admin/developer-tools/export", "", 303, 403, 200),
    ("GET", "/admin/developer-tools/export/guide", "", 303, 403, 200),
    ("GET", "/admin/developer-tools/export/history", "", 303, 403, 200),
    ("GET", "/admin/developer-tools/export/history/audit", "", 303, 403, 200),
    ("GET", "/admin/developer-tools/export/verify", "", 303, 200, 200),
    ("GET", "/admin/developer-tools/export/runs/{id}", "", 303, 403, 404),
    ("GET", "/api/v1/exports/{id}/events", "", 401, 403, 404),
    ("GET", "/api/v1/exports/{id}/file", "", 401, 403, 404),
    ("POST", "/api/v1/exports/{id}/cancellation", "", 401, 403, 404),
    ("GET", "/admin/developer-tools/import", "", 303, 403, 200),
    ("POST", "/rpc/open_import_page", "", 401, 403, 200),
    ("POST", "/api/v1/imports?mode=merge", "", 401, 404, 404),
    ("POST", "/api/v1/imports/plan?mode=merge", "", 401, 404, 404),
    ("POST", "/api/v1/imports/{id}/undo", "", 401, 404, 404),
    ("POST", "/rpc/open_export_page", "", 401, 403, 200),
    ("POST", "/rpc/preview_export", "refresh=false", 401, 403, 200),
    ("POST", "/rpc/list_filters", "", 401, 403, 200),
    ("POST", "/rpc/render_filters", "", 401, 403, 200),
    ("POST", "/rpc/request_export", "", 401, 403, 200),
    ("POST", "/rpc/view_export", "id={id}", 401, 403, 404),
    ("POST", "/rpc/analysis_guide", "", 401, 403, 200),
    ("POST", "/rpc/list_exports", "page=1", 401, 403, 200),
    ("POST", "/rpc/list_audit", "kind=&actor=&before=0", 401, 403, 200),
    ("POST", "/rpc/recognise_file", "sha256=00", 401, 200, 200),
    ("GET", "/admin/organization/export", "", 303, 404, 404),
    ("GET", "/admin/organization/export/runs/{id}", "", 303, 404, 404),
    ("GET", "/admin/organization/export/verify", "", 303, 404, 404),
    ("POST", "/rpc/open_organization_page", "", 401, 404, 404),
    ("POST", "/rpc/request_organization_export", "organization=x", 401, 404, 404),
    ("GET", "/account/your-data", "", 303, 404, 404),
    ("GET", "/account/your-data/runs/{id}", "", 303, 404, 404),
    ("GET", "/account/your-data/verify", "", 303, 404, 404),
    ("GET", "/account/your-data/import", "", 303, 404, 404),
    ("POST", "/rpc/open_own_data", "", 401, 404, 404),
    ("POST", "/rpc/open_own_import", "", 401, 403, 403),
    ("POST", "/api/import", "", 404, 404, 404),
    ("POST", "/api/import/preview", "", 404, 404, 404),
    ("POST", "/api/import/{id}/undo", "", 404, 404, 404),
    ("POST", "/rpc/request_own_data", "", 401, 404, 404),
    ("POST", "/rpc/find_viewer", "", 401, 200, 200),
    ("POST", "/rpc/view_account", "", 401, 200, 200),
    ("POST", "/theme", "theme=dark", 303, 303, 303),
];
/// Public routes with tests of their own.
const PUBLIC_ROUTES: [&str; 4] = ["/login", "/login/code", "/logout", "/setup"];

#[tokio::test(flavor = "multi_thread")]
async fn every_role_gets_the_listed_status_on_every_route() {
    let waybill = Waybill::start().await;
    let mut visitors = vec![("anonymous", waybill.anonymous())];
    for (role, email) in ROLES {
        visitors.push((role, waybill.signed_in_as(email).await));
    }
    for (role, browser) in &visitors {
        for (method, path, form, anonymous, other, admin) in ROUTES {
            let (path, form) = (path.replace("{id}", UNKNOWN_ID), form.replace("{id}", UNKNOWN_ID));
            let expected = match *role {
                "anonymous" => anonymous,
                "system_admin" => admin,
                _ => other,
            };
            let answer = if method == "GET" { browser.get(&path).await } else { browser.post(&path, &form).await };
            assert_eq!(answer.status, expected, "{role}: {method} {path}: {}", answer.text());
        }
    }
}

#[test]
fn every_page_and_server_function_is_in_the_table() {
    use leptos::server_fn::axum::server_fn_paths;
    let listed = |path: &str| ROUTES.iter().any(|(_, door, ..)| *door == path) || PUBLIC_ROUTES.contains(&path);
    for page in PAGES {
        assert!(listed(page.path), "the page {} is not in the table", page.path);
    }
    let functions: Vec<&str> = server_fn_paths().map(|(path, _)| path).collect();
    assert!(!functions.is_empty());
    for path in functions {
        assert!(path.starts_with(SERVER_FUNCTIONS), "{path} needs no session");
        assert!(listed(path), "the server function {path} is not in the table");
    }
}

/// G01, G02: a form on another site can do nothing, whichever route it is sent to.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_from_another_site_does_nothing() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let before = waybill.audit_trail().await;
    let foreign: [&[(&'static str, &str)]; 3] =
        [&[("sec-fetch-site", "cross-site")], &[("sec-fetch-site", "same-site")], &[("origin", "https://evil.test")]];
    for headers in foreign {
        let posts = ROUTES.iter().filter(|(method, ..)| *method == "POST").map(|(_, path, ..)| *path);
        for path in posts.chain(PUBLIC_ROUTES) {
            let answer = admin.send("POST", &path.replace("{id}", UNKNOWN_ID), headers, "").await;
            assert_eq!(answer.status, 403, "{path} {headers:?}");
        }
    }
    assert_eq!(waybill.audit_trail().await, before);
    assert_eq!(admin.get("/admin").await.status, 200, "still signed in");
}

/// G03: GET and HEAD never start work.
#[tokio::test(flavor = "multi_thread")]
async fn get_and_head_never_start_an_export() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    for method in ["GET", "HEAD"] {
        for (_, path, ..) in ROUTES {
            admin.send(method, &path.replace("{id}", UNKNOWN_ID), &[], "").await;
        }
    }
    assert!(!waybill.audit_trail().await.iter().any(|event| event.starts_with("export_")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_refusal_names_the_role_that_is_needed_and_is_recorded() {
    let waybill = Waybill::start().await;
    let lead = waybill.signed_in_as("team.lead@sample.test").await;
    let page = lead.get("/admin/developer-tools/export").await;
    assert_eq!(page.status, 403);
    let text = page.text().replace("<!>", "");
    assert!(text.contains("This page needs the role System admin. You are signed in as Team lead."), "{text}");
    assert!(!text.contains("clarification_answers"), "the refusal shows a table name");
    assert!(waybill.audit_trail().await.contains(&"refused".to_owned()));
}

/// G04, G10, G12: headers against caching, embedding and cross-origin reads.
#[tokio::test(flavor = "multi_thread")]
async fn every_response_carries_the_security_headers() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    for (method, path, form, ..) in ROUTES {
        let (path, form) = (path.replace("{id}", UNKNOWN_ID), form.replace("{id}", UNKNOWN_ID));
        let answer = if method == "GET" { admin.get(&path).await } else { admin.post(&path, &form).await };
        assert_eq!(answer.header("cache-control"), "no-store, private", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"), "{path}: {policy}");
    }
    let page = admin.get("/admin").await;
    let policy = page.header("content-security-policy").to_owned();
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
    assert!(page.text().contains(&format!("nonce=\"{nonce}\"")));
    assert!(!page.text().contains(" style=\""), "the policy allows no inline style");
}

/// G14: errors are problem details that reveal no internals.
#[tokio::test(flavor = "multi_thread")]
async fn rest_errors_are_problem_details() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    for path in ["/api/v1/exports/nonsense/file", "/api/v1/nothing", "/api/v1/exports/%2e%2e/file"] {
        let answer = admin.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (404, "application/problem+json"), "{path}");
        assert_eq!(answer.json()["status"], 404);
    }
    let anonymous = waybill.anonymous().get(&format!("/api/v1/exports/{UNKNOWN_ID}/file")).await;
    assert_eq!(anonymous.json()["detail"], "Sign in first.");
}

/// What the router answers by itself, without an endpoint's doing.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_and_a_large_body_are_problem_details() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let file = format!("/api/v1/exports/{UNKNOWN_ID}/file");
    let wrong_method = admin.post(&file, "").await;
    let same_origin = [("sec-fetch-site", "same-origin")];
    let unknown_method = admin.send("PUT", "/api/nothing", &same_origin, "").await;
    let large = admin.post(&file.replace("file", "cancellation"), &"x".repeat(100_000)).await;
    for (answer, status, title) in [
        (&wrong_method, 405, "Method Not Allowed"),
        (&unknown_method, 405, "Method Not Allowed"),
        (&large, 413, "Payload Too Large"),
    ] {
        assert_eq!((answer.status, answer.header("content-type")), (status, "application/problem+json"));
        let problem = answer.json();
        assert_eq!((&problem["title"], &problem["status"]), (&title.into(), &status.into()), "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.ends_with('.')), "{problem}");
        assert_eq!(answer.header("content-length"), answer.body.len().to_string());
    }
    assert_eq!(wrong_method.header("allow"), "GET,HEAD", "the answer says which methods there are");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_lacks_a_value_or_has_it_twice_is_a_bad_request() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    for (path, form, says) in [
        ("/rpc/request_organization_export", "", "missing field `organization`"),
        (
            "/rpc/request_organization_export",
            "organization=a&organization=b",
            "Multiple values for one key: \"organization\"",
        ),
        ("/rpc/view_export", "", "missing field `id`"),
    ] {
        let answer = admin.post(path, form).await;
        assert_eq!(answer.status, 400, "{path} {form}: {}", answer.text());
        let told = answer.json()["invalid"].as_str().unwrap().to_owned();
        assert!(told.starts_with("The request cannot be read: ") && told.contains(says), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused() {
    let waybill = Waybill::start().await;
    let answer = waybill.anonymous().post("/login", &"x".repeat(100_000)).await;
    assert!([400, 413, 303].contains(&answer.status), "{}", answer.status);
    assert_ne!(answer.header("location"), "/admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_is_not_found() {
    let waybill = Waybill::start().await;
    let long = format!("/{}", "a".repeat(256));
    let admin = waybill.signed_in_as(ADMIN).await;
    for path in ["/nothing-here", &long, "/pkg/nothing.js", "/admin/developer-tools/export/runs/abc"] {
        let answer = admin.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains("<h1>Page not found</h1>"), "{path}");
    }
    let function = waybill.anonymous().post("/rpc/nothing", "").await;
    assert_eq!(function.status, 404);
    assert!(function.text().contains("\"status\":404"), "{}", function.text());
}
