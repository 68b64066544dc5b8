//! Downloading a finished export.

use chrono::TimeDelta;

use crate::harness::{ADMIN, Browser, Waybill, execute_sql};

#[tokio::test(flavor = "multi_thread")]
async fn a_download_is_an_attachment_with_length_etag_and_sandbox_policy() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let (run, _) = admin.export_and_wait().await;
    let file = admin.download(&run).await;
    assert_eq!(file.header("content-length"), file.body.len().to_string());
    assert_eq!(file.header("content-type"), "application/json");
    let disposition = "attachment; filename=\"supportsignal-db-export-2026-11-20-1402.json\"; \
                       filename*=UTF-8''supportsignal-db-export-2026-11-20-1402.json";
    assert_eq!(file.header("content-disposition"), disposition);
    assert!(file.header("content-security-policy").starts_with("sandbox"));
    assert_eq!(file.header("cache-control"), "no-store, private");
    assert_eq!(file.header("etag").len(), 66);
}

/// B14: a resumed download gives the same bytes.
#[tokio::test(flavor = "multi_thread")]
async fn a_download_can_be_resumed_and_repeated() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let (run, _) = admin.export_and_wait().await;
    let path = format!("/api/v1/exports/{}/file", run.id);
    let whole = admin.get(&path).await;
    let first = admin.send("GET", &path, &[("range", "bytes=0-999")], "").await;
    assert_eq!((first.status, first.body.len()), (206, 1000));
    assert_eq!(first.header("content-range"), format!("bytes 0-999/{}", whole.body.len()));
    let etag = whole.header("etag").to_owned();
    let rest = admin.send("GET", &path, &[("range", "bytes=1000-"), ("if-range", &etag)], "").await;
    assert_eq!([first.body, rest.body].concat(), whole.body);
    let changed = admin.send("GET", &path, &[("range", "bytes=1000-"), ("if-range", "\"other\"")], "").await;
    assert_eq!((changed.status, changed.body.len()), (200, whole.body.len()));
    let past = admin.send("GET", &path, &[("range", "bytes=99999999-")], "").await;
    assert_eq!(past.status, 416);
    let known = admin.send("GET", &path, &[("if-none-match", &etag)], "").await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    let started = waybill.audit_trail().await.into_iter().filter(|event| event == "download_started").count();
    assert_eq!(started, 3, "a response without data is not a download, and a further range is no other one");
    let history = admin.post("/rpc/list_exports", "page=1").await.json();
    assert_eq!(history["entries"][0]["downloads"], 3, "a resumed download counts once");
}

/// Every download is recorded, and one client cannot flood the trail with the pieces of one.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_read_in_pieces_has_one_start_and_one_end_a_minute() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let (run, _) = admin.export_and_wait().await;
    let path = format!("/api/v1/exports/{}/file", run.id);
    let read = async |browser: &Browser, pieces: u64| {
        for byte in 0..pieces {
            let piece = browser.send("GET", &path, &[("range", &format!("bytes={byte}-{byte}"))], "").await;
            assert_eq!((piece.status, piece.body.len()), (206, 1));
        }
    };
    let entries = async |event: &str| {
        let entries = waybill.audit_entries().await.into_iter().filter(|entry| entry.event == event);
        entries.map(|entry| serde_json::from_str::<serde_json::Value>(&entry.detail).unwrap()).collect::<Vec<_>>()
    };
    // The end of a response is counted a moment after its last byte.
    let ended = async |count: usize| {
        for _ in 0..100 {
            waybill.clock.advance(TimeDelta::minutes(1));
            waybill.app.exports.record_ranges(false).await.unwrap();
            let recorded = entries("ranges_downloaded").await;
            let ranges: u64 = recorded.iter().map(|detail| detail["ranges"].as_u64().unwrap()).sum();
            if ranges == count as u64 {
                let bytes: u64 = recorded.iter().map(|detail| detail["bytes_sent"].as_u64().unwrap()).sum();
                assert_eq!(bytes, ranges);
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("not every piece was recorded: {:?}", entries("ranges_downloaded").await);
    };
    read(&admin, 40).await;
    assert_eq!(entries("download_started").await.len(), 1);
    assert_eq!(entries("downloaded").await.len(), 0);
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    ended(40).await;
    assert_eq!(entries("ranges_downloaded").await.len(), 1);

    let elsewhere = waybill.signed_in_admin().await;
    read(&admin, 2).await;
    read(&elsewhere, 2).await;
    assert_eq!(entries("download_started").await.len(), 3, "a further minute, and another session");
    ended(44).await;
    let history = admin.post("/rpc/list_exports", "page=1").await.json();
    assert_eq!(history["entries"][0]["downloads"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_expires_after_fifteen_minutes_and_its_bytes_are_gone() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let (run, _) = admin.export_and_wait().await;
    waybill.clock.advance(TimeDelta::minutes(14));
    assert_eq!(admin.download(&run).await.status, 200);
    waybill.clock.advance(TimeDelta::minutes(1));
    assert_eq!(admin.download(&run).await.status, 410);
    waybill.app.exports.remove_expired_artifacts().await.unwrap();
    assert_eq!(waybill.artifact_names(), Vec::<String>::new());
    assert_eq!(admin.download(&run).await.status, 410);
}

/// F02: another account's export gives the same 404 as one that does not exist.
#[tokio::test(flavor = "multi_thread")]
async fn only_the_requester_gets_the_file() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let (run, _) = admin.export_and_wait().await;
    execute_sql(&waybill.source, "UPDATE users SET role = 'system_admin' WHERE email = 'team.lead@sample.test'");
    let other = waybill.signed_in_as("team.lead@sample.test").await;
    assert_eq!(other.download(&run).await.status, 404);
    assert_eq!(other.get(&format!("/api/v1/exports/{}/events", run.id)).await.status, 404);
    assert_eq!(other.post(&format!("/api/v1/exports/{}/cancellation", run.id), "").await.status, 404);
    assert_eq!(waybill.anonymous().download(&run).await.status, 401);
    assert_eq!(admin.download(&run).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demoted_admin_gets_no_file_and_it_is_removed() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let (run, _) = admin.export_and_wait().await;
    execute_sql(&waybill.source, &format!("UPDATE users SET role = 'team_lead' WHERE email = '{ADMIN}'"));
    assert_eq!(admin.download(&run).await.status, 403);
    assert_eq!(waybill.artifact_names(), Vec::<String>::new());
}

/// F13: the folder is private, and no URL path reaches a file in it.
#[tokio::test(flavor = "multi_thread")]
async fn artefacts_are_private_files_with_unguessable_names() {
    use std::os::unix::fs::PermissionsExt;
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    admin.export_and_wait().await;
    let folder = waybill.artifact_folder();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let [name] = &waybill.artifact_names()[..] else { panic!("expected one artefact") };
    assert_eq!((mode(&folder), mode(&folder.join(name))), (0o700, 0o600));
    assert_eq!(name.len(), 64);
    for path in [format!("/{name}"), format!("/waybill.files/{name}"), format!("/pkg/{name}")] {
        assert_eq!(admin.get(&path).await.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_request_is_no_download() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let (run, _) = admin.export_and_wait().await;
    let answer = admin.send("HEAD", &format!("/api/v1/exports/{}/file", run.id), &[], "").await;
    assert_eq!(answer.status, 405);
    assert!(!waybill.audit_trail().await.contains(&"download_started".to_owned()));
}
