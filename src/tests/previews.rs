//! The preview: exact counts, a size range that contains the real size, and one query at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use waybill::model::export::RunState;
use waybill::model::name::{TableName, TableOrField};
use waybill::model::preview::Preview;
use waybill::server::rows::{Catalog, CursorId, KeySetId, NewKeySet, OrderedScan, Round, RowSink, Scan, Step};
use waybill::server::source::{
    ChoiceQuery, Choices, Extent, InterruptHandle, Predicate, Result, SelectRows, Snapshot, Source, SourceIdentity,
};

use crate::harness::{Browser, Waybill, execute_sql, parse_export};

async fn preview(browser: &Browser, refresh: bool) -> Preview {
    let answer = browser.post("/rpc/preview_export", &format!("refresh={refresh}")).await;
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preview_counts_exactly_what_the_export_holds_and_its_band_contains_the_size() {
    for incidents in [50, 1500] {
        let waybill = Waybill::with_incidents(incidents).await;
        let admin = waybill.signed_in_admin().await;
        let mut shown = preview(&admin, false).await;
        while !shown.settled {
            shown = preview(&admin, false).await;
        }
        let (run, state) = admin.export_and_wait().await;
        let RunState::Completed(done) = state else { panic!("{state:?}") };
        assert_eq!(shown.total_records(), Some(done.records));
        let export = parse_export(&admin.download(&run).await.body);
        for table in &shown.tables {
            assert_eq!(table.records, Some(export.data[table.name.as_str()].len() as u64), "{}", table.name);
        }
        let size = shown.total_size().unwrap();
        // The document frame holds a name and a time unknown to the preview: a few bytes.
        let slack = 100;
        assert!(
            size.low_bytes <= done.bytes + slack && done.bytes <= size.high_bytes + slack,
            "{size:?} {}",
            done.bytes
        );
        assert!(size.bytes.abs_diff(done.bytes) * 100 <= done.bytes * 3, "{size:?} {}", done.bytes);
    }
}

/// The preview estimates the size of an uncompressed file, so only such exports say how long one takes.
#[tokio::test(flavor = "multi_thread")]
async fn the_expected_time_is_that_of_uncompressed_exports() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let state = waybill.folder.path().join("waybill.db");
    let at_first = preview(&admin, false).await.expected_ms.unwrap();
    let slow = "INSERT INTO exports (source_id, id, requested_at, requested_by, channel, scope, file_name, status, records, \
                tables, bytes, sha256, duration_ms, deviations, compression) \
                VALUES ((SELECT id FROM sources), '01900000-0000-7000-8000-000000000001', '2026-01-01T00:00:00Z', 'a', \
                'page', 'full', 'f', 'completed', 1, 1, 20000000, 'ab', 10000, '{}', 'gzip')";
    execute_sql(&state, slow);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(preview(&admin, true).await.expected_ms.unwrap(), at_first);
    execute_sql(&state, "UPDATE exports SET compression = 'none'");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert!(preview(&admin, true).await.expected_ms.unwrap() > 10 * at_first.max(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preview_says_what_is_left_out_and_why() {
    let waybill = Waybill::start().await;
    let shown = preview(&waybill.signed_in_admin().await, false).await;
    let users = shown.tables.iter().find(|table| table.name == "users").unwrap();
    assert_eq!(users.left_out, ["password"]);
    assert_eq!(shown.excluded[0].table, "debug_logs");
    assert_eq!(shown.contains.as_deref(), Some("personal and health data of 10 participants"));
    assert_eq!(shown.file_name, "supportsignal-db-export-2026-11-20-1402.json");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_html_carries_the_numbers() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let shown = preview(&admin, false).await;
    let page = admin.get("/admin/developer-tools/export").await.text();
    let total = waybill::model::text::count(shown.total_records().unwrap());
    assert!(page.contains(&format!("data-testid=\"records\">{total}")), "{page}");
    assert!(page.contains("Export Full Database"));
    assert!(page.contains("personal and health data of 10 participants"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_table_is_reported_on_refresh_and_left_out() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    preview(&admin, false).await;
    execute_sql(&waybill.source, "CREATE TABLE notes (id TEXT)");
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let drift = preview(&admin, true).await.drift;
    assert_eq!(drift.unclassified[0].field, TableOrField::Table("notes".into()));
    assert_eq!(drift.unclassified[0].line, "[tables.notes.columns]\nid = { class = \"plain\", type = \"TEXT\" }");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_table_is_reported_in_the_preview_until_it_returns() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    execute_sql(&waybill.source, "ALTER TABLE incidents RENAME TO gone");
    let shown = preview(&admin, true).await;
    assert_eq!(
        shown.failure.as_deref(),
        Some(
            "the database does not fit the profile supportsignal: a table is missing: incidents; correct the profile \
             (`waybill profile check` compares the two), or leave out what is missing with `waybill export --drift=allow`"
        )
    );
    let page = admin.get("/admin/developer-tools/export").await.text();
    assert!(page.contains("The database cannot be read"), "{page}");
    execute_sql(&waybill.source, "ALTER TABLE gone RENAME TO incidents");
    assert_eq!(preview(&admin, true).await.failure, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_whether_an_export_blocks_writers() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let page = admin.get("/admin/developer-tools/export").await.text();
    assert!(page.contains("Exporting does not block users."));
    execute_sql(&waybill.source, "PRAGMA journal_mode = DELETE");
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    // L9: a GET with `refresh=1`, as from a link on another site, must not recount the database.
    let page = admin.get("/admin/developer-tools/export?refresh=1").await.text();
    assert!(page.contains("Exporting does not block users."), "a GET recounted the database");
    // Without JavaScript the button submits a form.
    let form = [("sec-fetch-site", "same-origin"), ("accept", "text/html")];
    let refreshed = admin.send("POST", "/rpc/preview_export", &form, "refresh=true").await;
    assert_eq!((refreshed.status, refreshed.header("location")), (302, "/admin/developer-tools/export"));
    let page = admin.get("/admin/developer-tools/export").await.text();
    assert!(page.contains("While an export runs, this database accepts no changes."));
}

/// Single flight: a hundred concurrent previews run one query.
#[tokio::test(flavor = "multi_thread")]
async fn refreshing_does_not_pile_up_queries_and_slow_counts_do_not_hold_the_page() {
    let snapshots = Arc::new(AtomicU64::new(0));
    let counted = snapshots.clone();
    let waybill = Waybill::with_wrapped_source(50, |real| Arc::new(SlowSource { real, snapshots: counted })).await;
    let admin = waybill.signed_in_admin().await;
    let asked = std::time::Instant::now();
    let shown = futures::future::join_all((0..100).map(|_| preview(&admin, true))).await;
    assert!(asked.elapsed().as_secs() < 5, "{:?}", asked.elapsed());
    assert!(shown.iter().all(|preview| !preview.settled && preview.tables.len() == 22));
    assert_eq!(snapshots.load(Ordering::SeqCst), 1);
    let page = admin.get("/admin/developer-tools/export").await.text();
    assert!(page.contains("counting"));
    let mut last = preview(&admin, false).await;
    while !last.settled {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        last = preview(&admin, false).await;
    }
    assert!(last.total_records().is_some());
}

/// Counts as slowly as a table of a billion rows.
struct SlowSource {
    real: Arc<dyn Source>,
    snapshots: Arc<AtomicU64>,
}

struct SlowSnapshot(Box<dyn Snapshot>);

impl Source for SlowSource {
    fn engine(&self) -> &'static str {
        self.real.engine()
    }

    fn engine_version(&self) -> String {
        self.real.engine_version()
    }

    fn identity(&self) -> Result<SourceIdentity> {
        self.real.identity()
    }

    fn begin_snapshot(&self, extent: Extent, begun: &dyn Fn(InterruptHandle)) -> Result<Box<dyn Snapshot>> {
        self.snapshots.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(SlowSnapshot(self.real.begin_snapshot(extent, begun)?)))
    }

    fn find_unique(
        &self,
        table: &TableName,
        conditions: &[Predicate<'_>],
        columns: &[&str],
    ) -> Result<Option<Vec<Option<String>>>> {
        self.real.find_unique(table, conditions, columns)
    }

    fn exists(&self, table: &TableName, conditions: &[Predicate<'_>]) -> Result<bool> {
        self.real.exists(table, conditions)
    }

    fn list_choices(&self, query: &ChoiceQuery<'_>) -> Result<Choices> {
        self.real.list_choices(query)
    }
}

impl SelectRows for SlowSnapshot {
    fn create_key_sets(&mut self, new: &[NewKeySet]) -> Result<()> {
        self.0.create_key_sets(new)
    }

    fn run_step(&mut self, step: &Step, round: Round) -> Result<u64> {
        self.0.run_step(step, round)
    }

    fn clear_key_set(&mut self, set: KeySetId) -> Result<()> {
        self.0.clear_key_set(set)
    }
}

impl Snapshot for SlowSnapshot {
    fn isolation(&self) -> &'static str {
        self.0.isolation()
    }

    fn blocks_writers(&self) -> bool {
        self.0.blocks_writers()
    }

    fn catalog(&mut self) -> Result<Catalog> {
        self.0.catalog()
    }

    fn estimate_step(&mut self, step: &Step) -> Result<u64> {
        self.0.estimate_step(step)
    }

    fn find_first(&mut self, among: KeySetId, of: KeySetId, into: KeySetId) -> Result<Option<u32>> {
        self.0.find_first(among, of, into)
    }

    fn open_cursor(&mut self, scan: &OrderedScan) -> Result<CursorId> {
        self.0.open_cursor(scan)
    }

    fn fetch(&mut self, cursor: CursorId, rows: u32, sink: &mut dyn RowSink) -> Result<u64> {
        self.0.fetch(cursor, rows, sink)
    }

    fn count(&mut self, scan: &Scan) -> Result<u64> {
        #[expect(clippy::disallowed_methods, reason = "plays a slow disk")]
        std::thread::sleep(std::time::Duration::from_millis(150));
        self.0.count(scan)
    }

    fn sample(&mut self, selection: &Scan, sink: &mut dyn RowSink) -> Result<()> {
        self.0.sample(selection, sink)
    }

    fn read_table(&mut self, selection: &Scan, sink: &mut dyn RowSink) -> Result<()> {
        self.0.read_table(selection, sink)
    }
}
