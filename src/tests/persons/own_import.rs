//! People import into their own data on the page: previewed, done as previewed, undone, and never into anybody else's.

use std::time::Duration;

use chrono::TimeDelta;
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use waybill::server::app::PageTarget;
use waybill::server::export::Application;
use waybill::server::http::HttpConfig;
use waybill::server::profile::Profile;
use waybill::server::profile::builtin::carol::SampleSpec;

use super::{Archive, Carol};
use crate::harness::{Browser, PASSWORD, Response, Waybill};

const PREVIEW: &str = "/api/import/preview";
pub const IMPORT: &str = "/api/import";
const CAROL: &str = "carol@sample.test";
const MEHMET: &str = "mehmet@sample.test";
const MAX_UPLOAD_BYTES: u64 = 400_000;

type Fields<'f> = &'f [(&'f str, &'f [u8])];

pub struct Console {
    pub waybill: Waybill,
    pub carol: Carol,
}

impl Console {
    pub async fn start() -> Self {
        Self::start_with(12, true).await
    }

    /// With data of so many people that somebody knows.
    pub async fn start_with(people: u64, has_target: bool) -> Self {
        Self::on(Carol::new(&SampleSpec { users: 4, people, seed: 1 }), has_target).await
    }

    /// With the data of this database.
    pub async fn on(carol: Carol, has_target: bool) -> Self {
        let target = PageTarget {
            target: carol.target(),
            name: "people".to_owned(),
            source: carol.source(),
            max_upload_bytes: MAX_UPLOAD_BYTES,
        };
        let application = Application { version: Some("3.1".into()), media_folder: Some(carol.media()) };
        let (profile, target) = (Profile::built_in("carol").unwrap(), has_target.then_some(target));
        let application = (application, target);
        let waybill =
            Waybill::with_application_and_target(carol.source(), profile, application, HttpConfig::default()).await;
        Self { waybill, carol }
    }

    pub async fn browser(&self, email: &str) -> Browser {
        self.waybill.signed_in_as(email).await
    }

    fn count(&self, table: &str, user: &str) -> u64 {
        self.carol.query(&format!("SELECT count(*) FROM {table} WHERE user_id = '{user}'"))[0].parse().unwrap()
    }
}

pub async fn export(browser: &Browser) -> Vec<u8> {
    let answer = browser.get("/api/export").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.body
}

async fn preview(browser: &Browser, file: &[u8]) -> Response {
    browser.send_form(PREVIEW, &[("file", file)], &[]).await
}

pub async fn import(browser: &Browser, file: &[u8], mode: &str, plan: &str) -> Response {
    let fields = [("mode", mode.as_bytes()), ("confirm", b"true"), ("plan", plan.as_bytes()), ("file", file)];
    browser.send_form(IMPORT, &fields, &[]).await
}

fn mode<'p>(preview: &'p Value, mode: &str) -> &'p Value {
    preview["modes"].as_array().unwrap().iter().find(|one| one["mode"] == mode).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_preview_says_is_what_an_import_does_and_an_undo_takes_back() {
    let console = Console::start().await;
    let (browser, user) = (console.browser(CAROL).await, console.carol.user(CAROL));
    let file = export(&browser).await;
    let (notes, people) = (console.count("notes", &user), console.count("people", &user));
    console.carol.execute(&format!("DELETE FROM notes WHERE user_id = '{user}'"));

    let answer = preview(&browser, &file).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let previewed = answer.json();
    assert_eq!(previewed["isOwn"], json!(true));
    let merge = mode(&previewed, "merge");
    assert_eq!((&merge["effect"]["created"], &merge["effect"]["updated"]), (&json!(notes), &json!(0)));
    let fields = [("mode", &b"merge"[..]), ("file", &file)];
    let plan = browser.send_form(PREVIEW, &fields, &[]).await;
    assert_eq!((plan.status, plan.header("content-type")), (200, "application/json"));
    assert_eq!(plan.json()["metadata"]["importPlan"]["hash"], merge["plan"]);
    assert_eq!(plan.text().matches("\"action\":\"create\"").count() as u64, notes);
    let copy = mode(&previewed, "copy");
    // All but the profile, which is there once.
    assert_eq!(copy["effect"]["created"], json!(previewed["records"].as_u64().unwrap() - 1));
    assert_eq!((console.count("notes", &user), console.count("people", &user)), (0, people), "nothing was written");

    let done = import(&browser, &file, "merge", merge["plan"].as_str().unwrap()).await;
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!((&done.json()["effect"], &done.json()["newIds"]), (&merge["effect"], &json!(0)));
    assert_eq!(console.count("notes", &user), notes);

    let page = browser.get("/account/your-data/import").await.text();
    assert!(page.contains("My imports that can be undone"), "{page}");
    let undo = format!("{IMPORT}/{}/undo", done.json()["undo"].as_str().unwrap());
    let other = console.browser(MEHMET).await;
    assert_eq!(other.post(&undo, "").await.status, 404, "somebody else's import is none");
    assert!(!other.get("/account/your-data/import").await.text().contains("can be undone</h2>"));
    let planned = browser.post(&format!("{undo}?dry_run=true"), "").await.json();
    assert_eq!((console.count("notes", &user), &planned["written"]), (notes, &json!(false)));
    let expected = planned["digest"].as_str().unwrap();
    let undone = browser.post(&format!("{undo}?expected={expected}"), "").await;
    assert_eq!((undone.status, console.count("notes", &user)), (200, 0), "{}", undone.text());
    assert_eq!(browser.post(&undo, "").await.status, 404);

    let trail = console.waybill.audit_trail().await.join("\n");
    for entry in ["import_started", "import_completed", "import_undo_started", "import_undone"] {
        assert!(trail.contains(entry), "{entry}: {trail}");
    }
    let entries = format!("{:?}", console.waybill.audit_entries().await);
    assert!(entries.contains(&format!("into the data of {user}")), "{entries}");
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_tell_their_new_ids_as_json_and_as_csv() {
    let console = Console::start().await;
    let browser = console.browser(CAROL).await;
    let file = export(&browser).await;
    let previewed = preview(&browser, &file).await.json();
    let answer = import(&browser, &file, "copy", mode(&previewed, "copy")["plan"].as_str().unwrap()).await;
    assert_eq!(answer.status, 200, "what was previewed is done: {}", answer.text());
    let done = answer.json();
    let ids = done["idMap"].as_array().unwrap();
    assert_eq!(done["newIds"], json!(ids.len()));
    let people: Vec<&Value> = ids.iter().filter(|row| row[0] == "people").collect();
    assert_eq!(people.len(), Archive::of(&file).yaml("people.yaml").as_object().unwrap().len());
    for row in people {
        let found =
            console.carol.query(&format!("SELECT given_name FROM people WHERE id = '{}'", row[2].as_str().unwrap()));
        let old =
            console.carol.query(&format!("SELECT given_name FROM people WHERE id = '{}'", row[1].as_str().unwrap()));
        assert_eq!(found, old);
    }
    let fields = [("mode", &b"copy"[..]), ("confirm", b"true"), ("file", &file)];
    let csv = browser.send_form(IMPORT, &fields, &[("accept", "text/csv")]).await;
    assert_eq!(csv.header("content-type"), "text/csv");
    assert!(csv.text().starts_with("table,archive_id,new_id\n"));
    assert_eq!(csv.text().lines().count(), ids.len() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_needs_its_own_word_and_a_fresh_sign_in() {
    let console = Console::start().await;
    let (browser, user) = (console.browser(CAROL).await, console.carol.user(CAROL));
    let file = export(&browser).await;
    let notes = console.count("notes", &user);
    console.carol.execute(&format!(
        "INSERT INTO notes (id, user_id, body, pinned, created_at, updated_at) VALUES ('n', '{user}', 'Only here', 0, '2026', '2026')"
    ));
    let previewed = preview(&browser, &file).await.json();
    let replace = mode(&previewed, "replace");
    assert_eq!(replace["effect"]["removed"], json!(1));
    let plan = replace["plan"].as_str().unwrap();
    let send = async |confirm: &str| {
        let fields =
            [("mode", &b"replace"[..]), ("confirm", confirm.as_bytes()), ("plan", plan.as_bytes()), ("file", &file)];
        browser.send_form(IMPORT, &fields, &[]).await
    };
    let refused = send("true").await;
    assert!(refused.status == 400 && refused.text().contains("confirm is replace"), "{}", refused.text());
    console.waybill.clock.advance(chrono::TimeDelta::minutes(11));
    let refused = send("replace").await;
    assert!(refused.status == 403 && refused.text().contains("the last ten minutes"), "{}", refused.text());
    assert_eq!(console.count("notes", &user), notes + 1);
    browser.post("/logout", "").await;
    browser.sign_in(CAROL, crate::harness::PASSWORD).await;
    let done = send("replace").await;
    assert_eq!((done.status, console.count("notes", &user)), (200, notes), "{}", done.text());
    let undo = format!("{IMPORT}/{}/undo", done.json()["undo"].as_str().unwrap());
    assert_eq!(browser.post(&undo, "").await.json()["tables"][0]["changed_since"], json!(0));
    assert_eq!(console.count("notes", &user), notes + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_signed_archive_becomes_ones_own_and_changes_nothing_of_theirs() {
    let console = Console::start().await;
    let (browser, other) = (console.browser(CAROL).await, console.browser(MEHMET).await);
    let file = export(&browser).await;
    let answer = preview(&other, &file).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let previewed = answer.json();
    assert_eq!(previewed["isOwn"], json!(false));
    let done = import(&other, &file, "merge", mode(&previewed, "merge")["plan"].as_str().unwrap()).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let documents = |file: &[u8]| {
        let is_content = |name: &str| !matches!(name, "manifest.yaml" | "waybill.json");
        Archive::of(file).entries.into_iter().filter(|(name, _)| is_content(name)).collect::<Vec<_>>()
    };
    assert_eq!(documents(&export(&browser).await), documents(&file));
    assert!(Archive::of(&export(&other).await).text().contains("of-user-0-only"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_does_not_hold_any_more_is_refused() {
    let console = Console::start().await;
    let (browser, user) = (console.browser(CAROL).await, console.carol.user(CAROL));
    let file = export(&browser).await;
    console.carol.execute(&format!("DELETE FROM notes WHERE user_id = '{user}'"));
    let plan = mode(&preview(&browser, &file).await.json(), "merge")["plan"].as_str().unwrap().to_owned();
    console.carol.execute(&format!("DELETE FROM person_notes WHERE user_id = '{user}'"));
    let refused = import(&browser, &file, "merge", &plan).await;
    assert_eq!((refused.status, console.count("notes", &user)), (409, 0), "{}", refused.text());
    assert!(refused.json()["findings"][0].as_str().unwrap().contains("plan"), "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_form_or_no_archive_is_refused_in_words_and_leaves_nothing() {
    let console = Console::start().await;
    let browser = console.browser(CAROL).await;
    let file = export(&browser).await;
    let cut = &file[..file.len() - 20];
    let mut altered = file.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    let large = vec![7; usize::try_from(MAX_UPLOAD_BYTES).unwrap() + 5_000];
    let (word, ok) = (&b"x"[..], &file[..]);
    let forms: [(Fields<'_>, &str); 13] = [
        (&[("mode", b"merge"), ("confirm", b"true")], "no file"),
        (&[("mode", b"merge"), ("confirm", b"true"), ("file", ok), ("file", ok)], "two files"),
        (&[("mode", b"merge"), ("mode", b"copy"), ("confirm", b"true"), ("file", ok)], "twice"),
        (&[("mode", b"merge"), ("confirm", b"true"), ("user_id", word), ("file", ok)], "not known"),
        (&[("mode", b"append"), ("confirm", b"true"), ("file", ok)], "merge, copy or replace"),
        (&[("mode", b"merge"), ("file", ok)], "confirm is true"),
        (&[("mode", b"merge"), ("confirm", b"true"), ("plan", word), ("file", ok)], "64 hexadecimal"),
        (&[("mode", b"merge"), ("confirm", b"true"), ("file", word)], ""),
        (&[("mode", b"merge"), ("confirm", b"true"), ("file", b"")], "empty"),
        (&[("mode", b"merge"), ("confirm", b"true"), ("file", cut)], ""),
        (&[("mode", b"merge"), ("confirm", b"true"), ("file", &altered)], ""),
        (&[("mode", b"merge"), ("confirm", b"true"), ("file", &large)], "the most that is taken"),
        (&[("mode", &[b'm'; 300]), ("confirm", b"true"), ("file", ok)], "too long"),
    ];
    for (fields, says) in forms {
        let refused = browser.send_form(IMPORT, fields, &[]).await;
        let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
        assert_eq!(refused.status, 400, "{names:?}: {}", refused.text());
        assert_eq!(refused.header("content-type"), "application/problem+json", "{names:?}");
        assert_eq!(refused.header("connection"), "close", "the rest of the body is not read");
        assert!(refused.json()["detail"].as_str().unwrap().contains(says), "{names:?}: {}", refused.text());
    }
    assert_eq!(browser.post(IMPORT, "mode=merge").await.status, 400);
    assert_eq!(browser.get(IMPORT).await.status, 405);
    let cross = browser.send_form(PREVIEW, &[("file", ok)], &[("origin", "http://evil.test")]).await;
    assert!(cross.status == 403 || cross.status == 200, "fetch metadata decides");
    let names = std::fs::read_dir(console.waybill.artifact_folder()).unwrap().count();
    assert_eq!(names, 1, "the export alone");
    assert!(!console.carol.media().join("imports").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_imports_once_at_a_time_and_nobody_where_imports_are_off() {
    let console = Console::start().await;
    let browser = console.browser(CAROL).await;
    let file = export(&browser).await;
    let answers = futures::future::join_all((0..4).map(|_| import(&browser, &file, "merge", ""))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert!(statuses[0] == 200 && statuses[3] == 429, "{statuses:?}");
    assert_eq!(import(&browser, &file, "merge", "").await.status, 200, "and the next one comes through");

    let off = Console::start_with(12, false).await;
    let browser = off.browser(CAROL).await;
    assert_eq!(import(&browser, &file, "merge", "").await.status, 409);
    assert!(browser.get("/account/your-data/import").await.text().contains("Nothing can be imported here"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_can_be_undone_though_somebody_else_has_imported_since() {
    let console = Console::start().await;
    let (browser, other) = (console.browser(CAROL).await, console.browser(MEHMET).await);
    let user = console.carol.user(CAROL);
    let (file, people) = (export(&browser).await, console.count("people", &user));
    let done = import(&browser, &file, "copy", "").await.json();
    assert_eq!(console.count("people", &user), 2 * people);
    console.waybill.clock.advance(TimeDelta::seconds(1));
    let theirs = console.count("people", &console.carol.user(MEHMET));
    assert_eq!(import(&other, &file, "copy", "").await.status, 200);

    let undone = browser.post(&format!("{IMPORT}/{}/undo", done["undo"].as_str().unwrap()), "").await;
    assert_eq!(undone.status, 200, "{}", undone.text());
    assert_eq!(console.count("people", &user), people);
    assert_eq!(console.count("people", &console.carol.user(MEHMET)), theirs + people, "theirs stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_imports_as_are_kept_for_a_day_are_done_and_the_next_one_once_one_is_undone_or_a_day_has_passed() {
    let console = Console::start_with(2, true).await;
    let browser = console.browser(CAROL).await;
    let file = export(&browser).await;
    let mut newest = String::new();
    for _ in 0..20 {
        let done = import(&browser, &file, "copy", "").await;
        assert_eq!(done.status, 200, "{}", done.text());
        newest = done.json()["undo"].as_str().unwrap().to_owned();
        console.waybill.clock.advance(TimeDelta::seconds(1));
    }
    let people = console.count("people", &console.carol.user(CAROL));
    let refused = import(&browser, &file, "copy", "").await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("20 imports of the last day can still be undone"), "{}", refused.text());
    assert_eq!(console.count("people", &console.carol.user(CAROL)), people);
    let other = console.browser(MEHMET).await;
    assert_eq!(import(&other, &file, "merge", "").await.status, 200, "others are not kept from it");

    assert_eq!(browser.post(&format!("{IMPORT}/{newest}/undo"), "").await.status, 200);
    assert_eq!(import(&browser, &file, "copy", "").await.status, 200);
    assert_eq!(import(&browser, &file, "copy", "").await.status, 409);
    console.waybill.clock.advance(TimeDelta::hours(25));
    let browser = console.browser(CAROL).await;
    assert_eq!(import(&browser, &file, "copy", "").await.status, 200);
}

/// A request that says it is longer or shorter than it is, or ends in the middle. The connection is closed then.
async fn send_raw(console: &Console, cookie: &str, body: &[u8], content_length: usize) -> Vec<u8> {
    let mut stream = TcpStream::connect(console.waybill.address).await.unwrap();
    let head = format!(
        "POST {PREVIEW} HTTP/1.1\r\nHost: {}\r\nSec-Fetch-Site: same-origin\r\nCookie: {cookie}\r\nContent-Type: \
         multipart/form-data; boundary=b\r\nContent-Length: {content_length}\r\n\r\n",
        console.waybill.address
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let _ = stream.write_all(body).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_stalls_breaks_or_lies_about_its_length_frees_its_place_and_leaves_nothing() {
    let console = Console::start().await;
    let browser = console.browser(CAROL).await;
    let file = export(&browser).await;
    let form = |file: &[u8]| {
        let part = "Content-Disposition: form-data; name=\"file\"; filename=\"x\"\r\nContent-Type: application/gzip";
        [format!("--b\r\n{part}\r\n\r\n").as_bytes(), file, b"\r\n--b--\r\n"].concat()
    };
    let whole = form(&file);
    let is_done = |answer: &[u8]| answer.starts_with(b"HTTP/1.1 200");
    let signed_in = console.waybill.anonymous().sign_in(CAROL, PASSWORD).await;
    let cookie = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    // The form itself says where it ends.
    send_raw(&console, &cookie, &whole, whole.len() + 1_000).await;
    for (body, content_length) in
        [(&whole[..], whole.len() - 100), (&whole[..whole.len() / 2], whole.len()), (&whole, usize::MAX)]
    {
        let answer = send_raw(&console, &cookie, body, content_length).await;
        assert!(!is_done(&answer), "{content_length}: {}", String::from_utf8_lossy(&answer));
    }

    let url = format!("http://{}{PREVIEW}", console.waybill.address);
    let stall = || {
        let begun = futures::stream::iter([Ok::<_, std::io::Error>(whole[..1_000].to_vec())]);
        let body = reqwest::Body::wrap_stream(begun.chain(futures::stream::pending()));
        let request = browser.client.post(&url).header("content-type", "multipart/form-data; boundary=b");
        tokio::spawn(request.header("sec-fetch-site", "same-origin").body(body).send())
    };
    let mut stalled = stall();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    let answers = async |status: u16| {
        let answer = preview(&browser, &file).await;
        assert!(tokio::time::Instant::now() < deadline, "{}", answer.text());
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer.status == status
    };
    while !answers(429).await {
        // One that has come while a preview had the place was refused itself.
        if stalled.is_finished() {
            stalled = stall();
        }
    }
    let other = console.browser(MEHMET).await;
    assert_eq!(preview(&other, &file).await.status, 200, "others have a place of their own");
    stalled.abort();
    while !answers(200).await {}
    assert_eq!(std::fs::read_dir(console.waybill.artifact_folder()).unwrap().count(), 1, "the export alone");
}
