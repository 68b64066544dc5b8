//! Everything is recorded, before it happens, and nobody can quietly change it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use waybill::server::audit;

use crate::harness::{Fault, FaultySource, Waybill, change_source};

#[tokio::test(flavor = "multi_thread")]
async fn request_start_completion_and_download_are_in_the_trail_in_order() {
    let waybill = Waybill::start().await;
    let admin = waybill.admin().await;
    let (run, _) = admin.export().await;
    admin.download(&run).await;
    let mut trail = waybill.audit_trail().await;
    for _ in 0..50 {
        if trail.contains(&"downloaded".to_owned()) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        trail = waybill.audit_trail().await;
    }
    let expected = [
        "source_added",
        "signed_in",
        "export_requested",
        "export_started",
        "export_completed",
        "download_started",
        "downloaded",
    ];
    assert_eq!(trail, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_holds_counts_and_digest_and_no_data() {
    let waybill = Waybill::start().await;
    let admin = waybill.admin().await;
    let (run, _) = admin.export().await;
    let (trail, _) = audit::read(&waybill.app.exports.state).await.unwrap();
    let completed = trail.iter().find(|entry| entry.event == "export_completed").unwrap();
    assert_eq!(completed.export_id, Some(run.id.to_string()));
    assert_eq!(completed.actor, "system.admin@sample.test");
    let detail: serde_json::Value = serde_json::from_str(&completed.detail).unwrap();
    assert_eq!(detail["summary"]["sha256"].as_str().unwrap().len(), 64);
    assert!(detail["summary"]["records"].as_u64().unwrap() > 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_or_removed_entry_is_refused_and_would_break_the_chain() {
    let waybill = Waybill::start().await;
    waybill.admin().await.export().await;
    let state = waybill.folder.path().join("waybill.db");
    let connection = rusqlite::Connection::open(&state).unwrap();
    for sql in ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit WHERE sequence = 2"] {
        let refused = connection.execute_batch(sql).unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{refused}");
    }
    // Whoever owns the file can drop the triggers; the chain still tells.
    change_source(&state, "DROP TRIGGER audit_is_never_changed; UPDATE audit SET actor = 'nobody' WHERE sequence = 2");
    let (_, unbroken) = audit::read(&waybill.app.exports.state).await.unwrap();
    assert!(!unbroken);
}

/// Fail closed: no audit, no export.
#[tokio::test(flavor = "multi_thread")]
async fn without_an_audit_trail_nothing_is_exported_or_downloaded() {
    let waybill = Waybill::start().await;
    let admin = waybill.admin().await;
    let (run, _) = admin.export().await;
    let broken = "CREATE TRIGGER broken BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'broken'); END";
    change_source(&waybill.folder.path().join("waybill.db"), broken);
    let request = admin.post("/rpc/request_export", "").await;
    assert_eq!(request.status, 500);
    assert_eq!(request.json()["internal"].as_str().map(str::len), Some(9), "only a reference: {}", request.text());
    let download = admin.download(&run).await;
    assert_eq!(download.status, 500);
    assert!(download.json()["instance"].as_str().unwrap().starts_with("urn:waybill:reference:"));
    assert_eq!(waybill.artifacts().len(), 1, "only the first export's file");
}

#[tokio::test(flavor = "multi_thread")]
async fn history_lists_what_happened_newest_first() {
    let at = Arc::new(AtomicU64::new(0));
    let waybill = Waybill::with(50, FaultySource::wrap(Fault::Error, at.clone())).await;
    let admin = waybill.admin().await;
    let empty = admin.post("/rpc/list_exports", "page=1").await.json();
    assert_eq!(empty["total"], 0);
    let (_, _) = admin.export().await;
    at.store(100, std::sync::atomic::Ordering::SeqCst);
    waybill.clock.advance(chrono::TimeDelta::seconds(1));
    admin.export().await;
    let page = admin.post("/rpc/list_exports", "page=1").await.json();
    let entries = page["entries"].as_array().unwrap();
    assert_eq!(entries[0]["outcome"], "failed");
    assert_eq!(entries[1]["outcome"], "completed");
    assert_eq!(entries[1]["requested_by"], "system.admin@sample.test");
    assert_eq!(entries[1]["downloadable"], true);
    let shown = admin.get("/admin/developer-tools/export/history").await.text();
    assert!(shown.contains("Complete") && shown.contains("the database is damaged"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_paged() {
    let waybill = Waybill::start().await;
    let admin = waybill.admin().await;
    let rows: String = (0..60)
        .map(|i| {
            format!(
                "INSERT INTO exports (source_id, id, requested_at, requested_by, door, scope, file_name, outcome) \
                 VALUES ((SELECT id FROM sources), '01900000-0000-7000-8000-{i:012}', '2026-01-01T00:00:{i:02}Z', 'a', 'page', 'full', 'f', 'failed');"
            )
        })
        .collect();
    change_source(&waybill.folder.path().join("waybill.db"), &rows);
    let last = admin.post("/rpc/list_exports", "page=99").await.json();
    assert_eq!((last["page"].as_u64(), last["pages"].as_u64(), last["total"].as_u64()), (Some(3), Some(3), Some(60)));
    assert_eq!(last["entries"].as_array().unwrap().len(), 10);
    let first = admin.post("/rpc/list_exports", "page=1").await.json();
    assert_eq!(first["entries"][0]["requested_at"], "2026-01-01T00:00:59Z");
}
