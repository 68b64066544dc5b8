//! Whoever signs in has their own data, at every door, and nobody else's.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use waybill::model::export::RunState;
use waybill::model::route;
use waybill::server::export::Application;
use waybill::server::http::HttpConfig;
use waybill::server::profile::Profile;
use waybill::server::profile::builtin::carol::SampleSpec;
use waybill::server::source::Source;

use super::{Archive, Carol, verify};
use crate::harness::{Browser, Fault, FaultySource, Response, Waybill};

const ENDPOINT: &str = "/api/export";
const PAGE: &str = "/account/your-data";
const CAROL: &str = "carol@sample.test";
const MEHMET: &str = "mehmet@sample.test";

struct Console {
    waybill: Waybill,
    carol: Carol,
}

impl Console {
    async fn start() -> Self {
        Self::start_with(HttpConfig::default(), |source| source).await
    }

    async fn start_with(http: HttpConfig, wrap: impl FnOnce(Arc<dyn Source>) -> Arc<dyn Source>) -> Self {
        let carol = Carol::new(&SampleSpec { users: 4, people: 12, seed: 1 });
        let application = Application { version: Some("3.1".into()), media_folder: Some(carol.media()) };
        let profile = Profile::built_in("carol").unwrap();
        let waybill = Waybill::with_application(wrap(carol.source()), profile, application, http).await;
        Self { waybill, carol }
    }

    async fn browser(&self, email: &str) -> Browser {
        self.waybill.signed_in_as(email).await
    }
}

/// Each record takes 5 ms.
fn slowly() -> impl FnOnce(Arc<dyn Source>) -> Arc<dyn Source> {
    FaultySource::wrap(Fault::Hang, Arc::new(AtomicU64::new(1)))
}

fn archive(answer: &Response) -> Archive {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let archive = Archive::of(&answer.body);
    verify(&archive.tar).unwrap();
    archive
}

#[tokio::test(flavor = "multi_thread")]
async fn get_api_export_is_the_archive_of_whoever_asks() {
    let console = Console::start().await;
    for (email, own, others) in [
        (CAROL, "of-user-0-only", ["of-user-1-only", "of-user-3-only"]),
        (MEHMET, "of-user-1-only", ["of-user-0-only", "of-user-3-only"]),
    ] {
        let browser = console.browser(email).await;
        let answer = browser.get(ENDPOINT).await;
        assert_eq!(answer.header("content-type"), "application/gzip");
        let disposition = answer.header("content-disposition");
        assert!(disposition.starts_with("attachment; filename=\"carol-export-2026-11-20.tar.gz\""), "{disposition}");
        assert_eq!(answer.header("content-length"), answer.body.len().to_string());
        assert!(answer.header("cache-control").contains("no-store"));
        let text = archive(&answer).text();
        assert!(text.contains(own) && others.iter().all(|other| !text.contains(other)), "{email}");
    }
    let trail = console.waybill.audit_trail().await;
    assert!(trail.iter().filter(|entry| entry.contains("export_completed")).count() == 2, "{trail:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_of_another_site_and_no_guess_of_a_browser_starts_an_export() {
    let console = Console::start().await;
    let browser = console.browser(CAROL).await;
    let before = console.waybill.audit_trail().await;
    for headers in [
        [("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "same-site")],
        [("sec-purpose", "prefetch;prerender")],
        [("purpose", "prefetch")],
        [("x-moz", "prefetch")],
        [("sec-purpose", "PREFETCH")],
        [("purpose", "Preview")],
        // Over plain HTTP browsers say no more than this.
        [("referer", "http://evil.test/a")],
        [("origin", "null")],
    ] {
        let answer = browser.send("GET", ENDPOINT, &headers, "").await;
        assert_eq!(answer.status, 403, "{headers:?}");
    }
    assert_eq!(browser.send("HEAD", ENDPOINT, &[], "").await.status, 405);
    assert_eq!(browser.get(&format!("{ENDPOINT}?user=x")).await.status, 400);
    let anonymous = console.waybill.anonymous();
    assert_eq!(anonymous.get(ENDPOINT).await.status, 401);
    let typed = anonymous.send("GET", ENDPOINT, &[("accept", "text/html")], "").await;
    assert_eq!((typed.status, typed.header("location")), (303, "/login?next=/account/your-data"));
    assert_eq!(console.waybill.audit_trail().await, before);
    for site in ["same-origin", "none"] {
        assert_eq!(browser.send("GET", ENDPOINT, &[("sec-fetch-site", site)], "").await.status, 200);
    }
    let own = format!("http://{}/account/your-data", console.waybill.address);
    assert_eq!(browser.send("GET", ENDPOINT, &[("referer", &own)], "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_once_are_one_export_and_one_file_is_kept() {
    let console = Console::start().await;
    let browser = console.browser(CAROL).await;
    for _ in 0..5 {
        let answers = futures::future::join_all((0..6).map(|_| browser.get(ENDPOINT))).await;
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [200; 6]);
        assert!(console.waybill.artifact_names().len() <= 1, "{:?}", console.waybill.artifact_names());
    }
    for _ in 0..20 {
        futures::future::join_all((0..4).map(|_| browser.post("/rpc/request_own_data", ""))).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(console.waybill.artifact_names().len() <= 1, "{:?}", console.waybill.artifact_names());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_takes_long_is_answered_with_where_it_stands_and_joined_by_the_next() {
    let http = HttpConfig { own_data_wait: Duration::ZERO, ..HttpConfig::default() };
    let console = Console::start_with(http, slowly()).await;
    let browser = console.browser(CAROL).await;
    let answers = [browser.get(ENDPOINT).await, browser.get(ENDPOINT).await];
    let status = answers[0].header("location").to_owned();
    for answer in &answers {
        assert_eq!(answer.status, 202, "{}", answer.text());
        assert_eq!(answer.header("location"), status, "one run");
        assert!(status.starts_with("/account/your-data/runs/"));
    }
    let id = answers[0].json()["file"].as_str().unwrap().to_owned();
    // Whoever asks again gets the file of the same run, once it is there.
    let fetched = loop {
        let answer = browser.get(ENDPOINT).await;
        if answer.status == 200 {
            break answer;
        }
        assert_eq!((answer.status, answer.header("location")), (202, &*status));
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    archive(&fetched);
    assert_eq!(browser.get(&id).await.body, fetched.body);
    // The next request is another export, and the file of this one is gone.
    assert_eq!(browser.get(ENDPOINT).await.status, 202);
    assert_eq!(browser.get(&id).await.status, 410);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_what_is_theirs_and_starts_the_export_without_a_script() {
    let console = Console::start().await;
    let browser = console.browser(CAROL).await;
    let page = browser.get(PAGE).await;
    assert_eq!(page.status, 200);
    for shown in
        ["Your data", "Export my data", "carol-export-2026-11-20.tar.gz", "Skill sections", "Person notes", "None yet"]
    {
        assert!(page.text().contains(shown), "{shown}");
    }
    let sign_in = "private to this installation: who is signed in";
    assert!(page.text().contains(sign_in), "what is left out is told");
    let started = browser.send("POST", "/rpc/request_own_data", &[("accept", "text/html")], "").await;
    let run = started.header("location").strip_suffix("?download").expect("the file comes by itself").to_owned();
    assert!(started.status == 302 && run.starts_with("/account/your-data/runs/"), "{} {run}", started.status);
    let id = route::id_in(&run, route::OWN_DATA_RUN).unwrap();
    for _ in 0..200 {
        if !matches!(console.waybill.export_row(id).await.run_state(""), RunState::Queued | RunState::Running(_)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let finished = browser.get(&run).await;
    assert!(finished.status == 200 && finished.text().contains("Complete and sealed"), "{}", finished.text());
    archive(&browser.get(&route::with_id(route::EXPORT_FILE, id)).await);
    let listed = browser.get(PAGE).await.text();
    assert!(!listed.contains("None yet"));

    // Nobody else sees it, by whichever address.
    let other = console.browser(MEHMET).await;
    for path in [route::OWN_DATA_RUN, route::EXPORT_FILE, route::EXPORT_EVENTS] {
        assert_eq!(other.get(&route::with_id(path, id)).await.status, 404, "{path}");
    }
    assert!(other.get(PAGE).await.text().contains("None yet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_removed_during_its_export_gets_nothing() {
    let console = Console::start_with(HttpConfig::default(), slowly()).await;
    let browser = console.browser(CAROL).await;
    let user = console.carol.user(CAROL);
    let (answer, ()) = tokio::join!(browser.get(ENDPOINT), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        console.carol.execute(&format!("PRAGMA foreign_keys = OFF; UPDATE users SET id = 'gone' WHERE id = '{user}'"));
    });
    assert!([401, 403, 404].contains(&answer.status), "{}: {}", answer.status, answer.text());
    assert_eq!(console.waybill.artifact_names(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_of_people_and_of_the_database_do_not_keep_each_other_waiting() {
    let http = HttpConfig { own_data_wait: Duration::ZERO, ..HttpConfig::default() };
    let console = Console::start_with(http, slowly()).await;
    for (nth, email) in [CAROL, MEHMET, "ingrid@sample.test", "user-3@example.org"].iter().enumerate() {
        let browser = console.browser(email).await;
        assert_eq!(browser.get(ENDPOINT).await.status, 202, "{nth}");
        let again = browser.post("/rpc/request_own_data", "").await;
        assert_eq!(again.status, 429, "one for each");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_without_own_data_has_no_such_addresses() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    for path in [ENDPOINT, PAGE] {
        assert_eq!(admin.get(path).await.status, 404, "{path}");
    }
    assert!(!admin.get("/admin").await.text().contains("Your data"));
}

#[test]
fn serving_people_needs_the_folder_of_their_files() {
    let carol = Carol::new(&SampleSpec { users: 3, people: 1, seed: 1 });
    let refused = carol.run(&["serve", "--source", &carol.url(), "--profile", "carol", "--address", "127.0.0.1:0"]);
    assert!(refused.code != 0 && refused.stderr.contains("--media FOLDER"), "{}", refused.stderr);
}
