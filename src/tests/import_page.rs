//! Imports over the page: who may, what is received, and what is answered.

use std::fs;
use std::time::Duration;

use futures::StreamExt;
use rusqlite::Connection;
use serde_json::Value;

use crate::harness::{
    ADMIN, Response, Waybill, WaybillCommand, execute_sql, generate_sample, parse_export, with_line_changed,
};

const PLAN: &str = "/api/v1/imports/plan?mode=merge";
const IMPORT: &str = "/api/v1/imports?mode=merge";
const LARGE_ENOUGH: u64 = 100_000_000;

/// An export of the whole sample, and then a change to two of its records.
async fn export_then_change(waybill: &Waybill) -> Vec<u8> {
    let admin = waybill.signed_in_admin().await;
    let (run, _) = admin.export_and_wait().await;
    let file = admin.download(&run).await.body;
    execute_sql(
        &waybill.source,
        "UPDATE companies SET name = 'Moved' WHERE rowid = 1; DELETE FROM incident_narratives WHERE rowid = 1",
    );
    file
}

/// The lines of an answer, and what follows a plan.
fn lines(answer: &Response) -> (Vec<Value>, Vec<u8>) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (mut lines, mut rest) = (Vec::new(), &answer.body[..]);
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line: Value = serde_json::from_slice(&rest[..end]).unwrap();
        rest = &rest[end + 1..];
        let is_plan = line.get("plan").is_some();
        lines.push(line);
        if is_plan {
            break;
        }
    }
    (lines, rest.to_vec())
}

fn name_of_first_company(waybill: &Waybill) -> String {
    let database = Connection::open(&waybill.source).unwrap();
    database.query_row("SELECT name FROM companies WHERE rowid = 1", [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_table_may_have_a_policy_of_its_own() {
    let waybill = Waybill::with_target(LARGE_ENOUGH).await;
    let file = export_then_change(&waybill).await;
    let admin = waybill.signed_in_admin().await;
    let mine = "&policies=%7B%22companies%22%3A%22mine%22%7D";
    let (told, plan) = lines(&admin.send_file(&format!("{PLAN}{mine}"), file.clone()).await);
    assert_eq!(told.last().unwrap()["plan"], plan.len());
    let hash = parse_export(&plan).metadata["importPlan"]["hash"].as_str().unwrap().to_owned();
    let (told, _) = lines(&admin.send_file(&format!("{IMPORT}{mine}&plan={hash}"), file.clone()).await);
    let report = &told.last().unwrap()["imported"];
    assert_eq!(report["policies"]["companies"], "mine");
    assert_eq!(name_of_first_company(&waybill), "Moved");
    for wrong in [
        "&policies=companies",
        "&policies=%7B%22companies%22%3A%22all%22%7D",
        "&policies=%7B%22nowhere%22%3A%22mine%22%7D",
    ] {
        let refused = admin.send_file(&format!("{PLAN}{wrong}"), file.clone()).await;
        let is_told = refused.status == 400 || refused.text().contains("nowhere");
        assert!(is_told, "{wrong}: {} {}", refused.status, refused.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_planned_and_imported_exactly_as_planned() {
    let waybill = Waybill::with_target(LARGE_ENOUGH).await;
    let file = export_then_change(&waybill).await;
    let admin = waybill.signed_in_admin().await;
    let answer = admin.send_file(PLAN, file.clone()).await;
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let (told, plan) = lines(&answer);
    assert_eq!(told.last().unwrap()["plan"], plan.len());
    let plan = parse_export(&plan);
    let head = &plan.metadata["importPlan"];
    assert_eq!((&head["mode"], plan.data["companies"].len()), (&"merge".into(), 1));
    assert_eq!(plan.data["companies"][0]["changes"]["name"]["before"], "Moved");
    assert_eq!(name_of_first_company(&waybill), "Moved", "a plan writes nothing");

    let hash = head["hash"].as_str().unwrap();
    let imported = admin.send_file(&format!("{IMPORT}&plan={hash}"), file.clone()).await;
    let (told, _) = lines(&imported);
    let report = &told.last().unwrap()["imported"];
    assert_eq!((&report["written"], &report["plan"]), (&true.into(), &hash.into()), "{report}");
    assert_ne!(name_of_first_company(&waybill), "Moved");

    // The plan was of the database as it was.
    let (told, _) = lines(&admin.send_file(&format!("{IMPORT}&plan={hash}"), file).await);
    let problem = told.last().unwrap()["problem"]["conflict"].as_str().unwrap().to_owned();
    assert!(problem == "The database is not what it was when the plan was made: plan again.", "{problem}");
    let trail = waybill.audit_trail().await;
    let imports: Vec<&String> = trail.iter().filter(|event| event.starts_with("import")).collect();
    assert_eq!(imports, ["import_planned", "import_started", "import_completed", "import_started", "import_failed"]);
    let entries = waybill.audit_entries().await;
    assert!(entries.iter().any(|entry| entry.event == "import_started" && entry.actor == ADMIN));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_import_can_send_a_file() {
    let waybill = Waybill::with_target(LARGE_ENOUGH).await;
    let lead = waybill.signed_in_as("team.lead@sample.test").await;
    for address in [PLAN, IMPORT] {
        assert_eq!(waybill.anonymous().send_file(address, "{}").await.status, 401);
        assert_eq!(lead.send_file(address, "{}").await.status, 403);
    }
    let id = "0".repeat(32);
    assert_eq!(lead.post(&format!("/api/v1/imports/{id}/undo"), "").await.status, 403);
    let page = lead.get("/admin/developer-tools/import").await;
    assert_eq!(page.status, 403, "{}", page.text());
    assert!(!lead.get("/admin").await.text().contains("Database import"));
    assert!(waybill.signed_in_admin().await.get("/admin").await.text().contains("Database import"));
    let refused = waybill.audit_entries().await;
    let refused: Vec<_> = refused.iter().filter(|entry| entry.event == "refused").collect();
    assert!(refused.iter().any(|entry| entry.detail.contains("send a file to import")), "{refused:?}");
    // A page of another site can have a browser send a file along with its cookies.
    let admin = waybill.signed_in_admin().await;
    let answer = admin.send("POST", PLAN, &[("sec-fetch-site", "cross-site")], "{}").await;
    assert_eq!(answer.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_target_imports_are_off_and_the_page_says_how_to_turn_them_on() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    assert_eq!(admin.send_file(PLAN, "{}").await.status, 404);
    let page = admin.get("/admin/developer-tools/import").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Imports are off") && page.text().contains("WAYBILL_TARGET="), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_cut_altered_unsigned_or_too_large_is_refused_and_nothing_is_kept() {
    let waybill = Waybill::with_target(2_000_000).await;
    let file = export_then_change(&waybill).await;
    assert!(file.len() < 2_000_000);
    let admin = waybill.signed_in_admin().await;
    let problem = async |file: Vec<u8>, address: &str| {
        let (told, _) = lines(&admin.send_file(address, file).await);
        told.last().unwrap()["problem"]["invalid"].as_str().unwrap_or_default().to_owned()
    };
    let altered = with_line_changed(&file, "@sample.test", |line| line.replacen("@sample.test", "@sample.tesT", 1));
    for damaged in [file[..file.len() - 40].to_vec(), altered, b"{}".to_vec(), Vec::new()] {
        for address in [PLAN, IMPORT] {
            assert!(!problem(damaged.clone(), address).await.is_empty());
        }
    }
    let elsewhere = Waybill::with_target(LARGE_ENOUGH).await;
    let foreign = export_then_change(&elsewhere).await;
    assert!(problem(foreign.clone(), PLAN).await.contains("so anyone could have made it"));
    let (told, _) = lines(&admin.send_file(&format!("{PLAN}&accept_unsigned=true"), foreign).await);
    assert!(told.last().unwrap().get("plan").is_some(), "{told:?}");

    // The server closes the connection of a body that it does not read to its end.
    let other = waybill.signed_in_admin().await;
    let pieces =
        futures::stream::iter([1_000_000, 1_000_000, 1].map(|bytes| Ok::<_, std::io::Error>(vec![b' '; bytes])));
    let large = other.send_file(PLAN, reqwest::Body::wrap_stream(pieces)).await;
    assert!(large.status == 400 && large.text().contains("more than 2.0 MB"), "{}", large.text());
    for wrong in ["?mode=replace-all", "", "?mode=merge&surprise=1"] {
        assert_eq!(admin.send_file(&format!("/api/v1/imports{wrong}"), "{}").await.status, 400, "{wrong}");
    }
    let kept: Vec<_> = fs::read_dir(waybill.folder.path().join("waybill.db.files")).unwrap().collect();
    let names: Vec<String> = kept.into_iter().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|name| name.contains(".lock") || *name == waybill.app.source_id), "{names:?}");
    assert_eq!(name_of_first_company(&waybill), "Moved");
}

/// A few kilobytes of a compressed file could otherwise take gigabytes of memory.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_too_large_for_the_page_is_named_by_its_line() {
    let waybill = Waybill::with_target(LARGE_ENOUGH).await;
    execute_sql(
        &waybill.source,
        "UPDATE incident_narratives SET post_event = printf('%.*c', 66 << 20, 'x') WHERE rowid = 1",
    );
    let admin = waybill.signed_in_admin().await;
    let (run, _) = admin.export_and_wait().await;
    let file = admin.download(&run).await.body;
    for address in [PLAN, IMPORT] {
        let (told, _) = lines(&admin.send_file(address, file.clone()).await);
        let problem = told.last().unwrap()["problem"]["invalid"].as_str().unwrap().to_owned();
        assert!(problem.ends_with("is longer than 64 MiB, the limit for a record here."), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_breaks_frees_its_place_and_more_than_two_at_once_are_told_to_wait() {
    let waybill = Waybill::with_target(LARGE_ENOUGH).await;
    let file = export_then_change(&waybill).await;
    let admin = waybill.signed_in_admin().await;
    let url = format!("http://{}{PLAN}", waybill.address);
    let stalled_upload = || {
        let first = futures::stream::iter([Ok::<_, std::io::Error>(file[..1000].to_vec())]);
        let body = reqwest::Body::wrap_stream(first.chain(futures::stream::pending()));
        tokio::spawn(admin.client.post(&url).header("sec-fetch-site", "same-origin").body(body).send())
    };
    let mut stalled = Vec::new();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    let mut answer = admin.send_file(PLAN, file.clone()).await;
    // One that comes while this one is planned is refused itself.
    while answer.status != 429 {
        assert!(tokio::time::Instant::now() < deadline, "{}", answer.text());
        stalled.push(stalled_upload());
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer = admin.send_file(PLAN, file.clone()).await;
    }
    assert!(answer.text().contains("Other files are being received or imported"), "{}", answer.text());
    stalled.iter().for_each(tokio::task::JoinHandle::abort);
    while answer.status != 200 {
        assert!(tokio::time::Instant::now() < deadline, "{}", answer.text());
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer = admin.send_file(PLAN, file.clone()).await;
    }
}

#[test]
fn a_target_that_is_another_database_is_refused_at_the_start() {
    let folder = tempfile::TempDir::new().unwrap();
    let source = generate_sample(5, folder.path());
    let other = folder.path().join("other.db");
    fs::copy(&source, &other).unwrap();
    let WaybillCommand(mut command) = WaybillCommand::new(folder.path());
    command.env("WAYBILL_TARGET", format!("sqlite:{}", other.display()));
    let url = format!("sqlite:{}", source.display());
    let refused = WaybillCommand(command).run(["serve", "--source", &url, "--address", "127.0.0.1:0"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("--target is another database than --source"), "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_lost_while_an_import_waits_ends_it() {
    let waybill = Waybill::with_target(LARGE_ENOUGH).await;
    let file = export_then_change(&waybill).await;
    let admin = waybill.signed_in_admin().await;
    let writer = Connection::open(&waybill.source).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    writer.execute("UPDATE users SET role = 'team_lead' WHERE email = ?1", [ADMIN]).unwrap();
    let sending = tokio::spawn(async move { admin.send_file(IMPORT, file).await });
    while !waybill.audit_trail().await.contains(&"import_started".to_owned()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    writer.execute_batch("COMMIT").unwrap();
    let answer = sending.await.unwrap();
    assert_eq!(lines(&answer).0.last().unwrap()["problem"], "forbidden", "{}", answer.text());
    assert_eq!(name_of_first_company(&waybill), "Moved");
    assert_eq!(waybill.audit_trail().await.last().unwrap(), "import_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_id_of_an_import_is_nothing_to_undo_and_in_no_trail() {
    let waybill = Waybill::with_target(LARGE_ENOUGH).await;
    let admin = waybill.signed_in_admin().await;
    let before = waybill.audit_trail().await.len();
    for id in ["x".repeat(5_000), "..%2f..%2fx".to_owned(), "A".repeat(32), "%00%0a".to_owned()] {
        assert_eq!(admin.post(&format!("/api/v1/imports/{id}/undo"), "").await.status, 404, "{id}");
    }
    assert_eq!(waybill.audit_trail().await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_being_stopped_commits_no_import() {
    let waybill = Waybill::with_target(LARGE_ENOUGH).await;
    let file = export_then_change(&waybill).await;
    let admin = waybill.signed_in_admin().await;
    waybill.app.import_page.imports.as_ref().unwrap().running.stop();
    let answer = admin.send_file(IMPORT, file).await;
    assert!(answer.text().contains("The server is being stopped; nothing was imported."), "{}", answer.text());
    assert_eq!(name_of_first_company(&waybill), "Moved");
    assert_eq!(waybill.audit_trail().await.last().unwrap(), "import_failed");
}
