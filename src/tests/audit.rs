//! Every event is recorded before it takes effect, and changes to the trail are detected.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tempfile::TempDir;
use waybill::model::export::RunState;
use waybill::model::history::HistoryPage;
use waybill::server::audit;
use waybill::server::state::StateDatabase;

use crate::harness::{Fault, FaultySource, ROLES, Waybill, WaybillCommand, execute_sql, generate_sample};

#[tokio::test(flavor = "multi_thread")]
async fn request_start_completion_and_download_are_in_the_trail_in_order() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let (run, _) = admin.export_and_wait().await;
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
    let admin = waybill.signed_in_admin().await;
    let (run, _) = admin.export_and_wait().await;
    let trail = waybill.audit_entries().await;
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
    waybill.signed_in_admin().await.export_and_wait().await;
    let state = waybill.folder.path().join("waybill.db");
    let connection = rusqlite::Connection::open(&state).unwrap();
    for sql in ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit WHERE sequence = 2"] {
        let refused = connection.execute_batch(sql).unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{refused}");
    }
    // The file's owner can drop the triggers; the hash chain still detects the change.
    execute_sql(&state, "DROP TRIGGER audit_is_never_changed; UPDATE audit SET actor = 'nobody' WHERE sequence = 2");
    let file = StateDatabase::open(&state).await.unwrap();
    assert_eq!(audit::verify_chain(&file, &[]).await.unwrap().error, Some(audit::ChainError::Broken(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_and_refusals_record_the_network_and_hide_refused_names() {
    let waybill = Waybill::start().await;
    let visitor = waybill.anonymous();
    for name in ["Nobody@example.org", "nobody@example.org", "my secret password"] {
        visitor.sign_in(name, "wrong").await;
    }
    let admin = waybill.signed_in_admin().await;
    admin.post("/rpc/request_export", "").await;
    let lead = waybill.signed_in_as(ROLES[2].1).await;
    lead.get("/admin/developer-tools/export/history").await;
    let entries = waybill.audit_entries().await;
    for event in ["sign_in_refused", "signed_in", "export_requested", "refused"] {
        let entry = entries.iter().find(|entry| entry.event == event).unwrap_or_else(|| panic!("no {event}"));
        assert_eq!(entry.network.as_deref(), Some("127.0.0.1"), "{event}");
    }
    // A refused name is kept as a keyed digest: names can be told apart, but not read.
    let refused: Vec<&str> =
        entries.iter().filter(|entry| entry.event == "sign_in_refused").map(|entry| &*entry.detail).collect();
    assert_eq!(refused.len(), 2, "the same name in another case must count as a repetition: {refused:?}");
    assert!(refused.iter().all(|detail| detail.len() == "{\"name\":\"0123456789abcdef\"}".len()), "{refused:?}");
}

/// M10: otherwise five thousand refusals are five thousand rows.
#[tokio::test(flavor = "multi_thread")]
async fn repeated_refusals_are_one_row_and_a_count() {
    let waybill = Waybill::start().await;
    let lead = waybill.signed_in_as(ROLES[2].1).await;
    let before = waybill.audit_entries().await.len();
    // Fewer than the rate limit for accounts without rights.
    for _ in 0..50 {
        assert_eq!(lead.post("/rpc/list_exports", "page=1").await.status, 403);
    }
    assert_eq!(waybill.audit_entries().await.len(), before + 1);
    waybill.app.exports.shut_down().await;
    let entries = waybill.audit_entries().await;
    let last = entries.last().unwrap();
    assert!(last.event == "repeated" && last.detail.contains("\"times\":49"), "{last:?}");
}

#[test]
fn the_trail_can_be_shown_verified_and_exported_on_the_command_line() {
    let folder = TempDir::new().unwrap();
    let source = format!("--source=sqlite:{}", generate_sample(20, folder.path()).display());
    let run = |arguments: &[&str]| WaybillCommand::new(folder.path()).run(arguments);
    let ended = run(&["audit", "show"]);
    assert!(ended.code == 2 && ended.stderr.contains("nothing has been recorded yet"), "{}", ended.stderr);
    let first = run(&["export", &source, "--output", "first.json"]);
    let head = first.stderr.lines().find_map(|line| line.strip_prefix("audit     ")).unwrap().to_owned();
    run(&["export", &source, "--output", "second.json.gz"]);
    let shown = run(&["audit", "show"]).text();
    for said in ["Entry", "export_completed", "cli:", "records", "sample"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let one = run(&["audit", "show", "--event", "export_completed", "--last", "1", "--json"]).text();
    assert_eq!(one.lines().count(), 1);
    assert!(serde_json::from_str::<serde_json::Value>(&one).unwrap()["entry"].as_u64().unwrap() > 3);
    assert!(run(&["audit", "show", "--since", "2999"]).stderr.contains("no entry matches"));
    let ended = run(&["audit", "verify", "first.json", "second.json.gz", "--head", &head]);
    assert!(
        ended.code == 0 && ended.text().contains("the 3 given heads agree with it"),
        "{} {}",
        ended.text(),
        ended.stderr
    );
    // An independent program can check the chain from the exported trail.
    let exported = run(&["audit", "export"]).text();
    let script = "
import hashlib, json, sys
previous, count = '', 0
for line in sys.stdin:
    row = json.loads(line)
    fields = [previous] + [row[name] for name in ('at', 'actor', 'event', 'export_id', 'detail')]
    if row['network'] is not None: fields += [row['source_id'], row['network']]
    elif row['source_id'] is not None: fields += [row['source_id']]
    text = json.dumps(fields, separators=(',', ':'), ensure_ascii=False)
    assert row['previous_hash'] == previous and hashlib.sha256(text.encode()).hexdigest() == row['hash'], row
    previous, count = row['hash'], count + 1
print('agreed', count)
";
    std::fs::write(folder.path().join("trail.ndjson"), &exported).unwrap();
    let trail = std::fs::File::open(folder.path().join("trail.ndjson")).unwrap();
    let agreed = Command::new("python3").args(["-c", script]).stdin(trail).output().unwrap();
    let said = String::from_utf8_lossy(&agreed.stdout).into_owned();
    assert_eq!(
        said.trim(),
        format!("agreed {}", exported.lines().count()),
        "{}",
        String::from_utf8_lossy(&agreed.stderr)
    );
    // A trail that was truncated or rebuilt has an intact chain; the heads in exported files reveal it.
    let state = folder.path().join("state/waybill/waybill.db");
    execute_sql(&state, "DROP TRIGGER audit_is_never_deleted; DELETE FROM audit WHERE sequence > 4");
    let ended = run(&["audit", "verify"]);
    assert!(ended.code == 0 && ended.text().contains("a shortened trail would look the same"), "{}", ended.text());
    let ended = run(&["audit", "verify", "first.json", "second.json.gz"]);
    assert_eq!(ended.code, 4);
    assert!(ended.stderr.contains("was truncated since then, as second.json.gz shows"), "{}", ended.stderr);
    let other = TempDir::new().unwrap();
    for name in ["a.json", "b.json"] {
        WaybillCommand::new(other.path()).run(["export", &source, "--output", name]);
    }
    let foreign = other.path().join("a.json");
    let ended = run(&["audit", "verify", foreign.to_str().unwrap()]);
    assert!(
        ended.code == 4 && ended.stderr.contains("a.json proves nothing about the audit trail"),
        "{}",
        ended.stderr
    );
    // Rebuilt with as many entries, by somebody who has the key.
    let restored = folder.path().join("state/waybill");
    std::fs::remove_dir_all(restored.join("waybill.db.files")).unwrap();
    for name in ["waybill.db", "waybill.db-wal", "waybill.db-shm"] {
        let _ = std::fs::remove_file(restored.join(name));
    }
    for name in ["c.json", "d.json", "e.json"] {
        run(&["export", &source, "--output", name]);
    }
    let ended = run(&["audit", "verify", "first.json"]);
    assert!(
        ended.code == 4 && ended.stderr.contains("was rewritten since then, as first.json shows"),
        "{}",
        ended.stderr
    );
    assert_eq!(run(&["audit", "show", "--since", "yesterday"]).code, 2);
}

/// Fail closed: without an audit entry there is no export and no download.
#[tokio::test(flavor = "multi_thread")]
async fn without_an_audit_trail_nothing_is_exported_or_downloaded() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let (run, _) = admin.export_and_wait().await;
    let broken = "CREATE TRIGGER broken BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'broken'); END";
    execute_sql(&waybill.folder.path().join("waybill.db"), broken);
    let request = admin.post("/rpc/request_export", "").await;
    assert_eq!(request.status, 500);
    assert_eq!(request.json()["internal"].as_str().map(str::len), Some(9), "only a reference: {}", request.text());
    let download = admin.download(&run).await;
    assert_eq!(download.status, 500);
    assert!(download.json()["instance"].as_str().unwrap().starts_with("urn:waybill:reference:"));
    assert_eq!(waybill.artifact_names().len(), 1, "only the first export's file");
}

#[tokio::test(flavor = "multi_thread")]
async fn history_lists_what_happened_newest_first() {
    let at = Arc::new(AtomicU64::new(0));
    let waybill = Waybill::with_wrapped_source(50, FaultySource::wrap(Fault::Error, at.clone())).await;
    let admin = waybill.signed_in_admin().await;
    let empty = admin.post("/rpc/list_exports", "page=1").await.json();
    assert_eq!(empty["total"], 0);
    let (_, _) = admin.export_and_wait().await;
    at.store(100, std::sync::atomic::Ordering::SeqCst);
    waybill.clock.advance(chrono::TimeDelta::seconds(1));
    admin.export_and_wait().await;
    let page = admin.post("/rpc/list_exports", "page=1").await;
    let page: HistoryPage = serde_json::from_slice(&page.body).unwrap();
    let [failed, completed] = &page.entries[..] else { panic!("{page:?}") };
    assert!(matches!(failed.state, RunState::Failed { .. }), "{failed:?}");
    assert!(matches!(completed.state, RunState::Completed(_)), "{completed:?}");
    assert_eq!(completed.requested_by, "system.admin@sample.test");
    assert!(completed.downloadable && !failed.downloadable);
    let shown = admin.get("/admin/developer-tools/export/history").await.text();
    assert!(shown.contains("Complete") && shown.contains("the database is damaged"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_paged() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let rows: String = (0..60)
        .map(|i| {
            format!(
                "INSERT INTO exports (source_id, id, requested_at, requested_by, channel, scope, file_name, status) \
                 VALUES ((SELECT id FROM sources), '01900000-0000-7000-8000-{i:012}', '2026-01-01T00:00:{i:02}Z', 'a', 'page', 'full', 'f', 'failed');"
            )
        })
        .collect();
    execute_sql(&waybill.folder.path().join("waybill.db"), &rows);
    let last = admin.post("/rpc/list_exports", "page=99").await.json();
    assert_eq!((last["page"].as_u64(), last["pages"].as_u64(), last["total"].as_u64()), (Some(3), Some(3), Some(60)));
    assert_eq!(last["entries"].as_array().unwrap().len(), 10);
    let first = admin.post("/rpc/list_exports", "page=1").await.json();
    assert_eq!(first["entries"][0]["requested_at"], "2026-01-01T00:00:59Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_the_trail_filtered_and_paged() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let stranger = waybill.anonymous();
    stranger.sign_in("nobody@sample.test", "guess").await;
    admin.export_and_wait().await;
    let trail = "/admin/developer-tools/export/history/audit";
    let page = admin.get(trail).await.text();
    for said in ["Export completed", "Signed in", "Sign in refused", "from 127.0.0.1"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let rows = |page: &str| page.split("<tbody>").nth(1).map_or(0, |rows| rows.matches("<tr").count());
    let one = admin.get(&format!("{trail}?kind=signed_in&actor=system.admin%40sample.test")).await.text();
    assert_eq!(rows(&one), 1, "{one}");
    let none = admin.get(&format!("{trail}?kind=signed_in&actor=%3Cscript%3E")).await.text();
    assert!(none.contains("No entry matches.") && !none.contains("<script>\""), "{none}");
    for _ in 0..55 {
        admin.post("/admin/account/sessions", "").await;
    }
    let newest = admin.get(trail).await.text();
    assert_eq!(rows(&newest), 50);
    let older = newest.split("name=\"before\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let older = admin.get(&format!("{trail}?before={older}")).await.text();
    assert!(older.contains("Source added") && rows(&older) < 50, "{older}");
}

#[test]
fn an_unknown_event_kind_is_rejected() {
    let folder = TempDir::new().unwrap();
    let ended = WaybillCommand::new(folder.path()).run(["audit", "show", "--event", "sign_in"]);
    assert!(
        ended.code == 2 && ended.stderr.contains("a similar value exists: 'signed_in'")
            || ended.stderr.contains("signed_in"),
        "{}",
        ended.stderr
    );
    let rotated = WaybillCommand::new(folder.path()).run(["key", "rotate"]);
    assert_eq!(rotated.code, 0, "{}", rotated.stderr);
    let trail = WaybillCommand::new(folder.path()).run(["audit", "show", "--event", "key_rotated"]);
    assert!(trail.text().contains("cli:"), "{}", trail.text());
}
