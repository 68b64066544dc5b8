//! The bundled application on PostgreSQL gives the same page, roles and data as on SQLite.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;
use waybill::model::export::{QueuedExport, RunState};
use waybill::server::profile::Profile;
use waybill::server::state::exports::ExportState;

use crate::harness::{ADMIN, PASSWORD, Postgres, ROLES, Waybill, WaybillCommand, generate_sample, parse_export};

/// A PostgreSQL server with a sample of this many incidents.
fn postgres_with_sample(incidents: u64) -> Postgres {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    let mut program = WaybillCommand::new(folder.path());
    program.0.env("WAYBILL_SAMPLE_PASSWORD", PASSWORD);
    let (incidents, participants) = (incidents.to_string(), (incidents / 5).to_string());
    let arguments = ["sample", "--incidents", &incidents, "--participants", &participants, "--output", &server.url()];
    let ended = program.run(arguments);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    server
}

#[test]
fn both_engines_give_the_same_data() {
    let folder = TempDir::new().unwrap();
    let lite = format!("sqlite:{}", generate_sample(50, folder.path()).display());
    let server = postgres_with_sample(50);
    let export = |source: &str, name: &str| {
        let ended =
            WaybillCommand::new(folder.path()).run(["export", "--source", source, "--order", "key", "--output", name]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        parse_export(&std::fs::read(folder.path().join(name)).unwrap())
    };
    let (one, other) = (export(&lite, "lite.json"), export(&server.url(), "pg.json"));
    assert_eq!(one.metadata["recordCounts"], other.metadata["recordCounts"]);
    assert_eq!(one.metadata["redaction"]["removedFields"], other.metadata["redaction"]["removedFields"]);
    assert_eq!(other.metadata["source"]["engine"], "PostgreSQL");
    assert_eq!(other.metadata["source"]["profile"], "supportsignal");
    let by_id = |rows: &[Value]| -> BTreeMap<String, Value> {
        rows.iter().map(|row| (row["id"].as_str().unwrap().to_owned(), row.clone())).collect()
    };
    for (table, rows) in &one.data {
        // 1 and 1.0 are one number in JSON; the two engines store REAL and bigint alike.
        assert_eq!(by_id(rows), by_id(&other.data[table]), "{table}");
    }
    let again = WaybillCommand::new(folder.path()).run(["sample", "--output", &server.url()]);
    assert_eq!(again.code, 5, "{}", again.stderr);
    assert!(again.stderr.contains("replace them with --force"), "{}", again.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_exports_postgresql_for_the_permitted_role_only() {
    let server = tokio::task::block_in_place(|| postgres_with_sample(50));
    let source = Arc::new(tokio::task::block_in_place(|| server.source()));
    let waybill = Waybill::with_source(source, Profile::built_in("supportsignal").unwrap()).await;
    for (role, email) in ROLES {
        let browser = waybill.signed_in_as(email).await;
        let status = browser.get("/admin/developer-tools/export").await.status;
        assert_eq!(status, if role == "system_admin" { 200 } else { 403 }, "{role}");
    }
    let admin = waybill.signed_in_as(ADMIN).await;
    let page = admin.get("/admin/developer-tools/export").await.text();
    assert!(
        page.contains("PostgreSQL") && page.contains(&waybill.app.source.engine_version),
        "the page names its source"
    );
    for (compression, suffix, kind) in [
        ("none", ".json", "application/json"),
        ("gzip", ".json.gz", "application/gzip"),
        ("zstd", ".json.zst", "application/zstd"),
    ] {
        let answer = admin.post("/rpc/request_export", &format!("compression={compression}")).await;
        let requested: QueuedExport = serde_json::from_slice(&answer.body).unwrap();
        assert!(requested.file_name.ends_with(suffix), "{requested:?}");
        let RunState::Completed(done) = admin.wait_for_end(&requested).await else {
            panic!("the export did not complete")
        };
        let shown = admin.post("/rpc/view_export", &format!("id={}", requested.id)).await.json();
        assert!(compression == "none" || shown["estimated_bytes"].is_null(), "a compressed size has no estimate");
        let file = admin.download(&requested).await;
        assert_eq!((file.status, file.header("content-type")), (200, kind));
        assert_eq!(file.header("content-encoding"), "", "a compressed file has no Content-Encoding");
        assert_eq!(file.body.len() as u64, done.bytes);
        let path = waybill.folder.path().join(format!("file{suffix}"));
        std::fs::write(&path, &file.body).unwrap();
        let verify = |options: &[&str]| {
            WaybillCommand::new(waybill.folder.path()).run([&["verify", path.to_str().unwrap()], options].concat())
        };
        assert_eq!(verify(&["--sha256", &done.sha256]).code, 0, "{}", verify(&[]).stderr);
        let inspected = WaybillCommand::new(waybill.folder.path()).run([
            "inspect",
            path.to_str().unwrap(),
            "companies",
            "--first",
            "1",
        ]);
        assert_eq!(inspected.code, 0, "{}", inspected.stderr);
        // One byte missing, one extra, one changed.
        for damage in [&file.body[..file.body.len() - 1], &[&file.body[..], b"\n"].concat(), &{
            let mut bytes = file.body.clone();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            bytes
        }] {
            std::fs::write(&path, damage).unwrap();
            assert_eq!(verify(&[]).code, 4, "{compression}: {}", verify(&[]).stderr);
            let last = ["inspect", path.to_str().unwrap(), "workflow_handoffs", "--format", "json"];
            let inspected = WaybillCommand::new(waybill.folder.path()).run(last).code;
            assert!(
                compression == "none" || [0, 4].contains(&inspected),
                "damage must not be reported as unreadable: {inspected}"
            );
        }
    }
    assert!(waybill.audit_trail().await.contains(&"export_completed".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_a_role_stops_a_running_export_of_postgresql() {
    let server = tokio::task::block_in_place(|| postgres_with_sample(50));
    // 600,000 rows that are cheap to store, so that the export runs for seconds.
    server.sql("INSERT INTO companies SELECT 'x' || n, 1, repeat('y', 200), 'slug' || n, 'z', 'test', 1, NULL FROM generate_series(1, 600000) n");
    let source = Arc::new(tokio::task::block_in_place(|| server.source()));
    let waybill = Waybill::with_source(source, Profile::built_in("supportsignal").unwrap()).await;
    let admin = waybill.signed_in_as(ADMIN).await;
    let run = admin.request_export().await;
    server.sql("UPDATE users SET role = 'team_lead' WHERE email = 'system.admin@sample.test'");
    let started = std::time::Instant::now();
    while matches!(waybill.export_row(run.id).await.state, ExportState::Queued | ExportState::Running)
        || waybill.artifact_names().iter().any(|name| name.contains(".part"))
    {
        assert!(started.elapsed() < std::time::Duration::from_secs(20));
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(waybill.artifact_names(), Vec::<String>::new());
    let trail = waybill.audit_trail().await;
    assert!(!trail.contains(&"export_completed".to_owned()), "{trail:?}");
}
