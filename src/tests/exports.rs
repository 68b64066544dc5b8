//! The main scenario: request an export, follow it, download the file, check it.

use rusqlite::Connection;
use waybill::model::export::RunState;
use waybill::seal::Verifier;

use crate::harness::{ADMIN, Waybill, execute_sql, parse_export};

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_exports_the_whole_database_into_a_sealed_file() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let (run, state) = admin.export_and_wait().await;
    assert_eq!(run.file_name, "supportsignal-db-export-2026-11-20-1402.json");
    let RunState::Completed(done) = state else { panic!("{state:?}") };
    let file = admin.download(&run).await;
    assert_eq!(file.status, 200);
    assert_eq!(file.body.len() as u64, done.bytes);
    let mut verifier = Verifier::default();
    verifier.feed(&file.body).unwrap();
    let verified = verifier.finish().unwrap();
    assert_eq!((verified.records, &verified.sha256), (done.records, &done.sha256));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_of_every_table_is_in_the_file_as_the_database_has_it() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let (run, _) = admin.export_and_wait().await;
    let export = parse_export(&admin.download(&run).await.body);
    let database = Connection::open(&waybill.source).unwrap();
    assert_eq!(export.data.len(), 22);
    for (table, records) in &export.data {
        let columns: Vec<&String> = records[0].as_object().unwrap().keys().collect();
        let list = columns.iter().map(|c| format!("\"{c}\"")).collect::<Vec<_>>().join(", ");
        let mut statement = database.prepare(&format!("SELECT {list} FROM \"{table}\" ORDER BY rowid")).unwrap();
        let mut rows = statement.query([]).unwrap();
        let mut read = 0;
        while let Some(row) = rows.next().unwrap() {
            for (i, column) in columns.iter().enumerate() {
                let shown = &records[read][column.as_str()];
                let same = match row.get_ref(i).unwrap() {
                    rusqlite::types::ValueRef::Null => shown.is_null(),
                    rusqlite::types::ValueRef::Integer(n) => {
                        shown.as_i64() == Some(n) || shown.as_bool() == Some(n == 1)
                    }
                    rusqlite::types::ValueRef::Real(n) => shown.as_f64().map(f64::to_bits) == Some(n.to_bits()),
                    rusqlite::types::ValueRef::Text(text) => {
                        let text = std::str::from_utf8(text).unwrap();
                        shown.as_str() == Some(text) || serde_json::from_str(text).ok().as_ref() == Some(shown)
                    }
                    rusqlite::types::ValueRef::Blob(_) => panic!("the sample has no blobs"),
                };
                assert!(same, "{table}[{read}].{column}: {shown}");
            }
            read += 1;
        }
        assert_eq!(read, records.len(), "{table}");
    }
}

/// Canaries: no token or password hash of the sample is anywhere in the file.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_exported_and_omissions_are_listed() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let (run, _) = admin.export_and_wait().await;
    let file = admin.download(&run).await;
    let text = file.text();
    assert!(!text.contains("secret-"), "a token of the sample is in the file");
    assert!(!text.contains("$argon2"), "a password hash is in the file");
    let redaction = &parse_export(&file.body).metadata["redaction"];
    assert!(redaction["removedFields"].as_array().unwrap().contains(&"users.password".into()));
    assert_eq!(redaction["excludedTables"][0]["table"], "debug_logs");
    assert_eq!(redaction["unclassified"].as_array().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metadata_says_who_when_from_what_and_how_much() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let (run, _) = admin.export_and_wait().await;
    let file = admin.download(&run).await;
    let export = parse_export(&file.body);
    let metadata = &export.metadata;
    assert_eq!(metadata["exportedAt"], "2026-11-20T14:02:11Z");
    // The file has the account's id; its name is in history and audit.
    let source = Connection::open(&waybill.source).unwrap();
    let id: String = source.query_row("SELECT id FROM users WHERE email = ?1", [ADMIN], |row| row.get(0)).unwrap();
    assert_eq!(metadata["exportedBy"], id);
    let trail = waybill.audit_entries().await;
    let started = trail.iter().position(|entry| entry.event == "export_started").unwrap();
    assert_eq!(metadata["audit"]["entries"], started + 1);
    assert_eq!(metadata["audit"]["hash"].as_str().unwrap().len(), 64);
    assert_eq!((metadata["exportType"].as_str(), metadata["version"].as_str()), (Some("full"), Some("1.0")));
    assert_eq!(metadata["exportId"], run.id.to_string());
    assert_eq!(metadata["source"]["engine"], "SQLite");
    let counted: u64 = export.data.values().map(|records| records.len() as u64).sum();
    assert_eq!(metadata["totalRecords"], counted);
    assert_eq!(export.integrity["complete"], true);
    assert_eq!(export.integrity["totalRecords"], counted);
    let names = ["exportedAt", "exportType", "version", "filtersApplied", "recordCounts", "totalRecords", "exportedBy"];
    let positions = names.map(|name| file.text().find(&format!("  \"{name}\"")).unwrap());
    assert!(positions.is_sorted(), "the required metadata keys come first, in order");
    let columns = metadata["schema"]["incidents"]["columns"].as_array().unwrap();
    let site = columns.iter().find(|column| column["name"] == "site_id").unwrap();
    assert_eq!(site["references"], "sites.id");
    let checklist = columns.iter().find(|column| column["name"] == "completion_checklist").unwrap();
    assert_eq!(checklist["codec"], "json");
}

/// A02: one consistent snapshot while others write.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writes_never_tear_an_export() {
    let waybill = Waybill::with_incidents(400).await;
    let admin = waybill.signed_in_admin().await;
    let source = waybill.source.clone();
    execute_sql(&source, "CREATE TABLE balance (n INTEGER); INSERT INTO balance VALUES (0)");
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = stop.clone();
    let writer = std::thread::spawn(move || {
        // Every transaction moves 10 from one answer to another: the sum never changes.
        let connection = Connection::open(&source).unwrap();
        connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        let mut moves = 0;
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            let sql = "BEGIN IMMEDIATE;
                UPDATE clarification_answers SET character_count = character_count - 10 WHERE rowid = 1 + abs(random()) % 700;
                UPDATE clarification_answers SET character_count = character_count + 10 WHERE rowid = 701 + abs(random()) % 700;
                COMMIT";
            connection.execute_batch(sql).unwrap();
            moves += 1;
        }
        moves
    });
    let mut sums = Vec::new();
    for _ in 0..20 {
        let (run, _) = admin.export_and_wait().await;
        let export = parse_export(&admin.download(&run).await.body);
        let answers = &export.data["clarification_answers"];
        sums.push(answers.iter().map(|answer| answer["character_count"].as_i64().unwrap()).sum::<i64>());
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(writer.join().unwrap() > 20, "nothing was written during the exports");
    assert!(sums.windows(2).all(|pair| pair[0] == pair[1]), "{sums:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_gives_a_valid_sealed_file_with_zero_counts() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let (run, _) = admin.export_and_wait().await;
    let export = parse_export(&admin.download(&run).await.body);
    let delete: String =
        export.data.keys().filter(|table| *table != "users").map(|t| format!("DELETE FROM {t};")).collect();
    execute_sql(&waybill.source, &format!("PRAGMA foreign_keys = OFF; {delete}"));
    let (run, state) = admin.export_and_wait().await;
    assert!(matches!(state, RunState::Completed(_)), "{state:?}");
    let export = parse_export(&admin.download(&run).await.body);
    assert!(export.data.iter().all(|(table, records)| table == "users" || records.is_empty()));
    assert_eq!(export.integrity["tables"]["incidents"]["records"], 0);
}

/// Double clicks: each account has one export at a time.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_request_while_one_runs_is_refused_with_retry_after() {
    let at = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(1));
    let fault = crate::harness::FaultySource::wrap(crate::harness::Fault::Hang, at.clone());
    let waybill = Waybill::with_wrapped_source(50, fault).await;
    let admin = waybill.signed_in_admin().await;
    let run = admin.request_export().await;
    let second = admin.post("/rpc/request_export", "").await;
    assert_eq!((second.status, second.header("retry-after")), (429, "10"));
    assert!(second.text().contains("You already have an export running."));
    assert_eq!(admin.download(&run).await.status, 409);
    admin.post(&format!("/api/v1/exports/{}/cancellation", run.id), "").await;
    assert!(matches!(admin.wait_for_end(&run).await, RunState::Cancelled { .. }));
}

/// D07: fifty requests at once start one export.
#[tokio::test(flavor = "multi_thread")]
async fn many_clicks_at_the_same_moment_start_one_export() {
    let at = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(1));
    let waybill =
        Waybill::with_wrapped_source(50, crate::harness::FaultySource::wrap(crate::harness::Fault::Hang, at)).await;
    let admin = waybill.signed_in_admin().await;
    let clicks = futures::future::join_all((0..50).map(|_| admin.post("/rpc/request_export", ""))).await;
    assert_eq!(clicks.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(clicks.iter().filter(|answer| answer.status == 429).count(), 49);
    // The first refusal is recorded at once, the others as one row with their count.
    let count = |trail: &[String], kind: &str| trail.iter().filter(|event| *event == kind).count();
    assert_eq!(count(&waybill.audit_trail().await, "refused"), 1);
    waybill.app.journal.record_repetitions(false).await.unwrap();
    assert_eq!(count(&waybill.audit_trail().await, "repeated"), 0, "the minute is not over");
    waybill.clock.advance(chrono::TimeDelta::seconds(61));
    waybill.app.journal.record_repetitions(false).await.unwrap();
    let entries = waybill.audit_entries().await;
    let repeated = entries.iter().find(|entry| entry.event == "repeated").unwrap();
    let detail: serde_json::Value = serde_json::from_str(&repeated.detail).unwrap();
    assert_eq!((&detail["times"], &detail["what"]["event"]), (&48.into(), &"refused".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_javascript_the_form_leads_to_a_page_that_ends_in_the_download() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let headers = [("sec-fetch-site", "same-origin"), ("accept", "text/html")];
    let answer = admin.send("POST", "/rpc/request_export", &headers, "").await;
    assert_eq!(answer.status, 302);
    let page = answer.header("location").strip_suffix("?download").expect("the file comes by itself").to_owned();
    assert!(page.starts_with("/admin/developer-tools/export/runs/"), "{page}");
    let mut text = String::new();
    for _ in 0..50 {
        text = admin.get(&page).await.text();
        if text.contains("Complete and sealed") {
            break;
        }
        assert!(text.contains("http-equiv=\"refresh\" content=\"1\""), "{text}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let target = text
        .split("content=\"0;url=")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("no download link on the page");
    let file = admin.get(target).await;
    assert_eq!(file.status, 200);
    parse_export(&file.body);
}
