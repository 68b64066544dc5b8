//! Owners of organisations: what they may export, at which door, and what everybody else is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use serde_json::Value;
use waybill::seal::{FileVerifier, Verified, VerifyError};
use waybill::server::profile::Profile;
use waybill::server::profile::builtin::ocomms::SampleSpec;
use waybill::server::sample::generate_in_postgres;
use waybill::server::source::Source;
use waybill::server::source::postgres::ConnectConfig;

use crate::harness::{Browser, Fault, FaultySource, PASSWORD, Postgres, Response, RunningServer, Waybill};

const ENDPOINT: &str = "/api/admin/export";
const PAGE: &str = "/admin/organization/export";

/// A console over `OComms` with three organisations.
struct Console {
    waybill: Waybill,
    postgres: Postgres,
}

impl Console {
    async fn start() -> Self {
        Self::start_with(300, |source| source).await
    }

    async fn start_with(messages: u64, wrap: impl FnOnce(Arc<dyn Source>) -> Arc<dyn Source>) -> Self {
        let postgres = tokio::task::block_in_place(|| {
            let postgres = Postgres::start();
            let address: ConnectConfig = postgres.url().parse().unwrap();
            let sample = SampleSpec { organizations: 3, messages, seed: 1 }.sample();
            generate_in_postgres(&sample, &address, PASSWORD, false).unwrap();
            postgres
        });
        let source = wrap(Arc::new(tokio::task::block_in_place(|| postgres.source())));
        let waybill = Waybill::with_source(source, Profile::built_in("ocomms").unwrap()).await;
        Self { waybill, postgres }
    }

    fn sql(&self, sql: &str) -> String {
        tokio::task::block_in_place(|| self.postgres.sql(sql))
    }

    /// The organisations in which a user has this role.
    fn organizations(&self, user: &str, condition: &str) -> Vec<String> {
        let sql = format!(
            "SELECT m.organization_id FROM members m JOIN users u ON u.id = m.user_id \
             WHERE u.email = '{user}@sample.test' AND {condition} ORDER BY m.organization_id"
        );
        self.sql(&sql).lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    fn owned(&self, user: &str) -> Vec<String> {
        self.organizations(user, "m.role = 'owner' AND NOT m.is_guest")
    }

    async fn browser(&self, user: &str) -> Browser {
        self.waybill.signed_in_as(&format!("{user}@sample.test")).await
    }

    async fn actions_refused(&self) -> Vec<String> {
        let entries = self.waybill.audit_entries().await;
        entries
            .into_iter()
            .filter(|entry| entry.event == "refused")
            .map(|entry| entry.actor + ": " + &entry.detail)
            .collect()
    }
}

fn body(id: &str) -> String {
    serde_json::json!({"organizationId": id}).to_string()
}

fn detail(answer: &Response) -> String {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.text());
    answer.json()["detail"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_gets_everything_of_their_organisation_in_one_document() {
    let console = Console::start().await;
    let own = console.owned("owner");
    assert_eq!(own.len(), 1);
    let answer = console.browser("owner").await.post(ENDPOINT, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json");
    let disposition = answer.header("content-disposition");
    assert!(disposition.starts_with("attachment; filename=\"ocomms-export-2"), "{disposition}");
    assert!(disposition.contains("Z.json\""), "{disposition}");

    let document = answer.json();
    let keys: Vec<&String> = document.as_object().unwrap().keys().collect();
    for key in [
        "manifest",
        "organization",
        "members",
        "channels",
        "directMessages",
        "pinnedMessages",
        "notifications",
        "channelNotificationSettings",
        "readStates",
        "people",
        "waybill",
    ] {
        assert!(keys.contains(&&key.to_owned()), "{key} is missing: {keys:?}");
    }
    assert_eq!(document["organization"]["id"], own[0].as_str());
    assert_eq!(document["manifest"]["organizationId"], own[0].as_str());
    let members: u64 =
        console.sql(&format!("SELECT count(*) FROM members WHERE organization_id = '{}'", own[0])).parse().unwrap();
    assert_eq!(document["members"].as_array().unwrap().len() as u64, members);
    assert_eq!(document["manifest"]["counts"]["members"], members);
    for hash in console.sql("SELECT password FROM accounts WHERE password IS NOT NULL").lines() {
        assert!(!answer.text().contains(hash), "no credential leaves");
    }

    check_seal(&answer.body);
    while !console.waybill.artifact_names().is_empty() {
        // It was made for this answer; it is removed when the end of the download is recorded.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let excluded = &document["waybill"]["metadata"]["redaction"]["excludedTables"];
    let is_told = |table: &str| excluded.as_array().unwrap().iter().any(|excluded| excluded["table"] == table);
    assert!(is_told("file_attachments") && is_told("personal_notes"), "{excluded}");
    let trail = console.waybill.audit_trail().await;
    for event in ["export_requested", "export_started", "export_completed", "download_started"] {
        assert!(trail.contains(&event.to_owned()), "{event}: {trail:?}");
    }
    let requested = console.waybill.audit_entries().await.into_iter().find(|entry| entry.event == "export_requested");
    assert!(requested.unwrap().detail.contains(r#""channel":"endpoint""#));
    let page = console.browser("owner").await.get(PAGE).await.text();
    assert!(page.contains("from the endpoint") && !page.contains("from the page"), "{page}");
}

/// The document is whole, however it is read; cut, changed or put together anew it is not.
fn check_seal(document: &[u8]) {
    let whole = verify(document, document.len()).unwrap();
    assert_eq!(verify(document, 1).unwrap(), whole);
    assert_eq!(whole.bytes, document.len() as u64);
    let step = document.len() / 300;
    for place in (0..document.len()).step_by(step) {
        assert!(verify(&document[..place], 4096).is_err(), "cut at {place}");
        let mut changed = document.to_vec();
        changed[place] ^= 1;
        // The signature is another one then, which no key has made.
        let as_signed = verify(&changed, 4096).ok().filter(|read| read.signature == whole.signature);
        assert_eq!(as_signed, None, "changed at {place}");
        let mut longer = document.to_vec();
        longer.insert(place, b' ');
        let as_signed = verify(&longer, 4096).ok().filter(|read| read.signature == whole.signature);
        assert_eq!(as_signed, None, "a space at {place}");
    }
    let before_seal = document.len() - text_of_seal(document).len();
    for empty in [&b"waybill"[..], b"more"] {
        let member = [b"\"", empty, b"\":,\n"].concat();
        let more = [&document[..before_seal], &member, &document[before_seal..]].concat();
        assert!(verify(&more, 4096).is_err(), "a member without a value");
    }
    for end in ["x", "\n", "}"] {
        assert!(verify(&[document, end.as_bytes()].concat(), 4096).is_err(), "{end:?} after the end");
    }
    let text = std::str::from_utf8(document).unwrap();
    let mut members: Vec<&str> = text.split(",\n\"").collect();
    let place = members.iter().position(|member| member.starts_with("members\"")).unwrap();
    let taken = members.remove(place);
    assert!(verify(members.join(",\n\"").as_bytes(), 4096).is_err(), "without members");
    members.insert(place + 1, taken);
    assert!(verify(members.join(",\n\"").as_bytes(), 4096).is_err(), "in another order");
    members.insert(place + 1, taken);
    assert!(verify(members.join(",\n\"").as_bytes(), 4096).is_err(), "with members twice");
}

/// From the key of the seal on.
fn text_of_seal(document: &[u8]) -> &str {
    let text = std::str::from_utf8(document).unwrap();
    &text[text.rfind("\"waybill\":").unwrap()..]
}

fn verify(document: &[u8], piece: usize) -> Result<Verified, VerifyError> {
    let mut check = FileVerifier::default();
    document.chunks(piece).try_for_each(|piece| check.feed(piece))?;
    check.finish()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_else_is_refused_and_recorded() {
    let console = Console::start().await;
    let anonymous = console.waybill.anonymous().post(ENDPOINT, "").await;
    assert_eq!((anonymous.status, detail(&anonymous).as_str()), (401, "Sign in first."));
    for nobody in ["admin", "member", "guest", "guest.owner"] {
        let browser = console.browser(nobody).await;
        let answer = browser.post(ENDPOINT, "").await;
        assert_eq!(answer.status, 403, "{nobody}: {}", answer.text());
        assert_eq!(detail(&answer), "Only an owner of an organisation may export it.");
        assert_eq!(browser.get(PAGE).await.status, 403, "{nobody}");
        let refused = console.actions_refused().await;
        let entry = refused.iter().find(|entry| entry.starts_with(&format!("{nobody}@sample.test")));
        assert!(entry.is_some_and(|entry| entry.contains("export an organisation")), "{nobody}: {refused:?}");
    }
    let trail = console.waybill.audit_trail().await;
    assert!(!trail.iter().any(|event| event.starts_with("export_")), "{trail:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_of_several_says_which_one() {
    let console = Console::start().await;
    let own = console.owned("two.owners");
    assert_eq!(own.len(), 2);
    let browser = console.browser("two.owners").await;
    let unnamed = browser.post(ENDPOINT, "").await;
    assert_eq!(unnamed.status, 400);
    assert!(detail(&unnamed).contains("organizationId"), "{}", detail(&unnamed));
    for id in &own {
        let answer = browser.post(ENDPOINT, &body(id)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["organization"]["id"], id.as_str());
    }
}

/// What is no organisation, and what is one that the caller does not belong to, is told with the same words.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_in_the_body_only_picks_among_the_callers_own() {
    let console = Console::start().await;
    let own = console.owned("owner").remove(0);
    let browser = console.browser("owner").await;
    let of_others = console.sql(
        "SELECT id FROM organizations WHERE id NOT IN (SELECT m.organization_id FROM members m JOIN users u \
         ON u.id = m.user_id WHERE u.email = 'owner@sample.test') LIMIT 1",
    );
    let foreign = browser.post(ENDPOINT, &body(&of_others)).await;
    let unknown = browser.post(ENDPOINT, &body("no-such-organization")).await;
    assert_eq!((foreign.status, unknown.status), (404, 404));
    assert_eq!(foreign.text(), unknown.text());
    assert_eq!(detail(&foreign), "You own no organisation with this id.");
    for path in ["../..", "\u{1b}[31m", "=1+1", "' OR 1=1 --", &"x".repeat(300)] {
        assert_eq!(browser.post(ENDPOINT, &body(path)).await.status, 404, "{path:?}");
    }

    // A member of another one, and not its owner.
    console.sql(&format!(
        "INSERT INTO members SELECT (json_populate_record(m, json_build_object('id', 'm-extra', 'organization_id', \
         '{of_others}', 'role', 'member'))).* FROM members m JOIN users u ON u.id = m.user_id \
         WHERE u.email = 'owner@sample.test' LIMIT 1"
    ));
    assert_eq!(browser.post(ENDPOINT, &body(&of_others)).await.status, 403);

    for broken in [
        r#"{"organizationId": null}"#,
        r#"{"organizationId": ""}"#,
        r#"{"organizationId": ["x"]}"#,
        r#"{"organization": "x"}"#,
        "[]",
        "null",
        "organizationId=x",
        "{",
        &format!(r#"{{"organizationId": "{own}", "organizationId": "{of_others}"}}"#),
    ] {
        let answer = browser.post(ENDPOINT, broken).await;
        assert_eq!(answer.status, 400, "{broken}: {}", answer.text());
        detail(&answer);
    }
    let long = browser.post(ENDPOINT, &body(&"x".repeat(20_000))).await;
    assert_eq!(long.status, 413);
    detail(&long);
    let by_get = browser.get(ENDPOINT).await;
    assert_eq!(by_get.status, 405);
    detail(&by_get);
    let with_query = browser.post(&format!("{ENDPOINT}?organizationId={of_others}"), "").await;
    assert_eq!(with_query.status, 400);
    let fine = browser.post(ENDPOINT, "{}").await;
    assert_eq!((fine.status, fine.json()["organization"]["id"].as_str()), (200, Some(own.as_str())));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_sees_counts_exports_and_downloads_on_a_page_without_script() {
    let console = Console::start().await;
    let own = console.owned("owner").remove(0);
    let name = console.sql(&format!("SELECT name FROM organizations WHERE id = '{own}'"));
    let browser = console.browser("owner").await;
    let tools = browser.get("/admin").await.text();
    assert!(tools.contains("Organisation export") && !tools.contains("Database export"), "{tools}");
    let page = browser.get(PAGE).await;
    assert_eq!(page.status, 200);
    let text = page.text().replace("<!>", "");
    assert!(text.contains(&name), "{text}");
    let direct: u64 = console
        .sql(&format!(
            "SELECT count(*) FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE c.organization_id = '{own}'"
        ))
        .parse()
        .unwrap();
    let people: u64 = console
        .sql(&format!(
            "SELECT count(DISTINCT p.user_id) FROM conversation_participants p JOIN conversations c \
             ON c.id = p.conversation_id WHERE c.organization_id = '{own}'"
        ))
        .parse()
        .unwrap();
    let notice = format!("{direct} direct messages of {people} people");
    assert!(direct > 0 && text.contains(&notice), "{notice}: {text}");

    let form = format!("organization={own}");
    let headers = [("sec-fetch-site", "same-origin"), ("accept", "text/html")];
    let started = browser.send("POST", "/rpc/request_organization_export", &headers, &form).await;
    assert_eq!(started.status, 302, "{}", started.text());
    let run = started.header("location").strip_suffix("?download").expect("the file comes by itself").to_owned();
    assert!(run.starts_with("/admin/organization/export/runs/"), "{run}");
    let id = run.rsplit('/').next().unwrap();
    loop {
        let shown = browser.get(&run).await;
        assert_eq!(shown.status, 200);
        if shown.text().contains("Download again") {
            let verify = "href=\"/admin/organization/export/verify\"";
            assert!(shown.text().contains(verify), "{}", shown.text());
            assert!(browser.get("/admin").await.text().contains(verify));
            let crumbs = browser.get("/admin/organization/export/verify").await.text();
            assert!(crumbs.contains("href=\"/admin/organization/export\""), "{crumbs}");
            assert!(!crumbs.contains("href=\"/admin/developer-tools/export\""), "it would refuse an owner: {crumbs}");
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let file = browser.get(&format!("/api/v1/exports/{id}/file")).await;
    assert_eq!((file.status, file.json()["organization"]["id"].as_str()), (200, Some(own.as_str())));

    let completed = console.waybill.audit_entries().await.into_iter().find(|entry| entry.event == "export_completed");
    assert!(completed.unwrap().detail.contains(&notice));
    let history = browser.get(PAGE).await.text();
    assert!(history.contains("owner@sample.test") && history.contains("Complete"), "{history}");
    let (shown, _) = history.split_once("</main>").unwrap();
    for word in ["segmented", "organization: ", "channel_", "of others, which are referred to", "Tables that"] {
        assert!(!shown.contains(word), "{word} is a word of the database: {shown}");
    }
    let in_words = shown.replace("<!>", "");
    assert!(in_words.contains("from outside, which your records refer to"), "{in_words}");
    let past = browser.get(&format!("{PAGE}?organization={own}&problem=busy")).await;
    assert_eq!(past.header("location"), format!("{PAGE}?organization={own}"), "nothing is running any more");

    let digest = file.json()["waybill"]["integrity"]["sha256"].as_str().unwrap().to_owned();
    let known = browser.post("/rpc/recognise_file", &format!("sha256={digest}")).await;
    assert_eq!(known.json()["export"]["requested_by"], "owner@sample.test", "{}", known.text());
    let cancelled = browser.send("POST", &format!("/api/v1/exports/{id}/cancellation"), &headers, "").await;
    assert_eq!(cancelled.header("location"), run, "the page of an owner leads to pages of an owner");

    // Another organisation's owner sees nothing of it.
    let other = console.browser("two.owners").await;
    let known = other.post("/rpc/recognise_file", &format!("sha256={digest}")).await;
    assert_eq!(known.json()["export"], Value::Null);
    for foreign in [run.as_str(), &format!("/api/v1/exports/{id}/file"), &format!("/api/v1/exports/{id}/events")] {
        assert_eq!(other.get(foreign).await.status, 404, "{foreign}");
    }
    let first = console.owned("two.owners").remove(0);
    let page = other.get(&format!("{PAGE}?organization={first}")).await.text();
    assert!(page.contains("None yet.") && !page.contains(id), "{page}");
    let choice = other.get(PAGE).await;
    assert_eq!(choice.status, 200);
    assert!(choice.text().contains("You own several organisations"), "{}", choice.text());
    let foreign = other.get(&format!("{PAGE}?organization={own}")).await;
    assert_eq!(foreign.status, 404, "{}", foreign.text());
    let repeated = other.get(&format!("{PAGE}?organization={first}&organization={own}")).await;
    assert_eq!(repeated.status, 400, "{}", repeated.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_lost_the_organisation_loses_its_file() {
    let console = Console::start().await;
    let own = console.owned("owner").remove(0);
    let browser = console.browser("owner").await;
    let queued = browser.post("/rpc/request_organization_export", &format!("organization={own}")).await;
    assert_eq!(queued.status, 200, "{}", queued.text());
    let id = queued.json()["id"].as_str().unwrap().to_owned();
    let file = format!("/api/v1/exports/{id}/file");
    while browser.get(&file).await.status == 409 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(console.waybill.artifact_names().len(), 1);
    console.sql(&format!("UPDATE members SET role = 'member' WHERE organization_id = '{own}' AND role = 'owner'"));
    assert_eq!(browser.get(&file).await.status, 403);
    assert_eq!(console.waybill.artifact_names().len(), 0, "the file is gone");
    assert_eq!(browser.get(PAGE).await.status, 403);
}

/// Paths, forms and calls: each as an anonymous client, somebody who owns nothing, an owner, and an owner of others.
#[tokio::test(flavor = "multi_thread")]
async fn every_door_of_the_console_knows_who_owns_what() {
    let console = Console::start().await;
    let own = console.owned("owner").remove(0);
    let owner = console.browser("owner").await;
    let queued = owner.post("/rpc/request_organization_export", &format!("organization={own}")).await.json();
    let id = queued["id"].as_str().unwrap().to_owned();
    while owner.get(&format!("/api/v1/exports/{id}/file")).await.status == 409 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let visitors = [
        ("anonymous", console.waybill.anonymous()),
        ("member", console.browser("member").await),
        ("owner", owner),
        ("two.owners", console.browser("two.owners").await),
    ];
    let page = format!("{PAGE}?organization={own}");
    let form = format!("organization={own}");
    let asked = format!("asked[0]={own}");
    let body = body(&own);
    let doors: [(&str, String, &str, [u16; 4]); 17] = [
        ("GET", "/admin".into(), "", [303, 200, 200, 200]),
        ("GET", "/admin/developer-tools/export".into(), "", [303, 403, 403, 403]),
        ("GET", "/admin/developer-tools/export/history".into(), "", [303, 403, 403, 403]),
        ("GET", "/admin/developer-tools/export/history/audit".into(), "", [303, 403, 403, 403]),
        ("GET", format!("/admin/developer-tools/export/runs/{id}"), "", [303, 403, 200, 404]),
        ("GET", page, "", [303, 403, 200, 404]),
        ("GET", format!("/admin/organization/export/runs/{id}"), "", [303, 403, 200, 404]),
        ("GET", format!("/api/v1/exports/{id}/file"), "", [401, 403, 200, 404]),
        ("GET", format!("/api/v1/exports/{id}/events"), "", [401, 403, 200, 404]),
        ("POST", "/rpc/view_export".into(), "id={id}", [401, 403, 200, 404]),
        ("POST", "/rpc/open_organization_page".into(), &asked, [401, 403, 200, 404]),
        ("POST", "/rpc/request_export".into(), "", [401, 403, 403, 403]),
        ("POST", "/rpc/preview_export".into(), "refresh=false", [401, 403, 403, 403]),
        ("POST", "/rpc/list_exports".into(), "page=1", [401, 403, 403, 403]),
        ("POST", "/rpc/request_organization_export".into(), &form, [401, 403, 200, 404]),
        ("POST", format!("/api/v1/exports/{id}/cancellation"), "", [401, 403, 204, 404]),
        ("POST", ENDPOINT.into(), &body, [401, 403, 200, 404]),
    ];
    for (method, path, form, expected) in &doors {
        for ((who, browser), status) in visitors.iter().zip(expected) {
            let form = form.replace("{id}", &id);
            let send = async || match *method {
                "GET" => browser.get(path).await,
                _ => browser.post(path, &form).await,
            };
            let mut answer = send().await;
            // An export of the owner's own may still be running.
            while answer.status == 429 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                answer = send().await;
            }
            assert_eq!(answer.status, *status, "{who}: {method} {path}: {}", answer.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_profile_with_owners_has_their_doors() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    assert_eq!(admin.get(PAGE).await.status, 404);
    assert_eq!(admin.post(ENDPOINT, "").await.status, 404);
    assert_eq!(admin.post("/rpc/open_organization_page", "").await.status, 404);
    assert_eq!(admin.post("/rpc/request_organization_export", "organization=x").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_owners_at_once_get_their_own_and_a_second_request_waits() {
    let console = Console::start().await;
    let (first, second) = (console.browser("owner").await, console.browser("two.owners").await);
    let of_second = console.owned("two.owners").remove(0);
    let named = body(&of_second);
    let (of_owner, of_other) = tokio::join!(first.post(ENDPOINT, ""), second.post(ENDPOINT, &named));
    assert_eq!((of_owner.status, of_other.status), (200, 200), "{} {}", of_owner.text(), of_other.text());
    let ids: BTreeMap<&str, Value> = [("owner", of_owner.json()), ("two.owners", of_other.json())].into();
    assert_eq!(ids["owner"]["organization"]["id"], console.owned("owner")[0].as_str());
    assert_eq!(ids["two.owners"]["organization"]["id"], of_second.as_str());

    let again = [first.post(ENDPOINT, ""), first.post(ENDPOINT, "")];
    let answers = futures::future::join_all(again).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 429]);
    let busy = answers.iter().find(|answer| answer.status == 429).unwrap();
    assert_eq!(detail(busy), "You already have an export running. Try again in 10 seconds.");
    assert_ne!(busy.header("retry-after"), "");
}

/// What the endpoint answers when the database changes while a slow run reads.
async fn export_during(change: &str) -> (Console, Response, Duration) {
    let console = Console::start_with(3_000, FaultySource::wrap(Fault::Hang, Arc::new(AtomicU64::new(1)))).await;
    let own = console.owned("owner").remove(0);
    let browser = console.browser("owner").await;
    let change = async {
        while !console.waybill.audit_trail().await.contains(&"export_started".to_owned()) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // Its snapshot is taken by now.
        tokio::time::sleep(Duration::from_secs(1)).await;
        console.sql(&change.replace("$own", &own));
        Instant::now()
    };
    let (answer, changed_at) = tokio::join!(browser.post(ENDPOINT, ""), change);
    let waited = changed_at.elapsed();
    (console, answer, waited)
}

#[tokio::test(flavor = "multi_thread")]
async fn ownership_lost_in_mid_run_ends_it_within_five_seconds() {
    for change in [
        "UPDATE members SET role = 'admin' WHERE organization_id = '$own' AND role = 'owner'",
        "DELETE FROM organizations WHERE id = '$own'",
    ] {
        let (console, answer, waited) = export_during(change).await;
        assert_eq!(answer.status, 403, "{change}: {}", answer.text());
        assert!(waited.as_secs() < 5, "{waited:?}");
        assert_eq!(console.waybill.artifact_names(), Vec::<String>::new());
        assert!(console.waybill.audit_trail().await.contains(&"export_failed".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_that_is_renamed_in_mid_run_has_the_name_of_the_snapshot() {
    let change = "UPDATE organizations SET name = E'../\\x1b[31m=1+1' WHERE id = '$own'";
    let (console, answer, _) = export_during(change).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let name = answer.json()["organization"]["name"].as_str().unwrap().to_owned();
    assert!(!name.contains("=1+1"), "{name}");
    assert!(answer.header("content-disposition").starts_with("attachment; filename=\"ocomms-export-2"));
    let page = console.browser("owner").await.get(PAGE).await.text();
    assert!(
        page.contains("../") && !page.contains('\u{1b}'),
        "a name that nobody can print is shown in one line: {page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_organisation_is_told_where_to_get_it_before_anything_is_exported() {
    let console = Console::start().await;
    let folder = tempfile::TempDir::new().unwrap();
    let url = console.postgres.url();
    let arguments = ["--source", &url, "--profile", "ocomms", "--max-direct-export", "0"];
    let server = tokio::task::block_in_place(|| RunningServer::start(folder.path(), &arguments));
    assert!(server.printed[0].ends_with(PAGE), "{:?}", server.printed);
    assert_eq!(server.browser.sign_in("owner@sample.test", PASSWORD).await.status, 303);
    let answer = server.browser.post(ENDPOINT, "").await;
    assert_eq!(answer.status, 409, "{}", answer.text());
    let told = detail(&answer);
    assert!(told.contains(" kB, and what is answered at once may have 0 B") && told.contains(PAGE), "{told}");
    assert!(told.contains("`waybill export --organization`"), "{told}");
    let page = server.browser.get(PAGE).await;
    assert!(page.text().contains("None yet."), "nothing was exported: {}", page.text());
}

/// What is looked up is cut to a length: an id that is longer must not become that of somebody else.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_too_long_to_be_looked_up_is_nobodys() {
    let console = Console::start().await;
    let (long, cut) = ("Q".repeat(5000), "Q".repeat(4096));
    for id in [&long, &cut] {
        console.sql(&format!(
            "INSERT INTO organizations SELECT (json_populate_record(o, json_build_object('id', '{id}', 'slug', '{}'))).* \
             FROM organizations o LIMIT 1",
            id.len()
        ));
    }
    console.sql(&format!(
        "INSERT INTO members SELECT (json_populate_record(m, json_build_object('id', 'm-long', 'organization_id', \
         '{long}', 'role', 'owner', 'is_guest', false))).* FROM members m JOIN users u ON u.id = m.user_id \
         WHERE u.email = 'member@sample.test' LIMIT 1"
    ));
    let browser = console.browser("member").await;
    assert_eq!(browser.post(ENDPOINT, &body(&cut)).await.status, 403);
    assert_eq!(browser.post(ENDPOINT, "").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_of_nothing_in_particular_is_no_owner_and_can_sign_in() {
    let console = Console::start().await;
    console.sql("ALTER TABLE members ALTER organization_id DROP NOT NULL");
    console.sql(
        "INSERT INTO members SELECT (json_populate_record(m, '{\"id\": \"m-null\", \"organization_id\": null, \
         \"role\": \"owner\", \"is_guest\": false}')).* FROM members m JOIN users u ON u.id = m.user_id \
         WHERE u.email = 'member@sample.test' LIMIT 1",
    );
    assert_eq!(console.browser("member").await.post(ENDPOINT, "").await.status, 403);
}
