//! Choosing a part on the page: its address, the choices, the counts, the request, and the end of what nobody waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;
use waybill::model::export::{QueuedExport, RunState};
use waybill::model::name::TableName;
use waybill::server::profile::Profile;
use waybill::server::rows::{Catalog, CursorId, KeySetId, NewKeySet, OrderedScan, Round, RowSink, Scan, Step};
use waybill::server::source::{
    ChoiceQuery, Choices, Error, Extent, InterruptHandle, Predicate, Result, SelectRows, Snapshot, Source,
    SourceIdentity,
};

use crate::harness::{Browser, Waybill, execute_sql, parse_export};

const PAGE: &str = "/admin/developer-tools/export";

fn query(waybill: &Waybill, sql: &str) -> String {
    Connection::open(&waybill.source).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

async fn settled(browser: &Browser, part: &str) -> Value {
    loop {
        let answer = browser.post("/rpc/preview_export", &format!("refresh=false&part={}", encoded(part))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        if answer.json()["settled"] == true {
            return answer.json();
        }
    }
}

async fn filters(browser: &Browser, part: &str) -> Value {
    let answer = browser.post("/rpc/list_filters", &format!("part={}", encoded(part))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["filters"].clone()
}

/// What a page shows, without the marks that the browser's code finds its places by.
fn shown(page: &str) -> String {
    page.replace("<!>", "").replace("<!---->", "")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_counts_and_exports_the_part_that_its_address_names() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let company = query(&waybill, "SELECT company_id FROM incidents ORDER BY id LIMIT 1");
    let part = format!("company={company}&tables=incidents,sites");
    let preview = settled(&admin, &part).await;
    let total: u64 = preview["tables"].as_array().unwrap().iter().map(|table| table["records"].as_u64().unwrap()).sum();
    let whole = settled(&admin, "").await;
    assert_eq!(whole["part"], Value::Null);
    assert_eq!(preview["part"]["query"], *part);
    assert_eq!(
        preview["part"]["database_records"],
        whole["tables"].as_array().unwrap().iter().map(|table| table["records"].as_u64().unwrap()).sum::<u64>()
    );
    let page = shown(&admin.get(&format!("{PAGE}?{part}")).await.text());
    assert!(page.contains(&format!("Export {total} records")), "{page}");
    assert!(page.contains("of the database</dt>") && page.contains("Export the full database instead"), "{page}");
    assert!(page.contains("by incidents.company_id") && page.contains("came along through"), "{page}");
    let answer = admin.post("/rpc/request_export", &format!("part={}", encoded(&part))).await;
    let run: QueuedExport = serde_json::from_slice(&answer.body).unwrap();
    let RunState::Completed(done) = admin.wait_for_end(&run).await else { panic!("{}", answer.text()) };
    assert_eq!(done.records, total);
    let file = parse_export(&admin.download(&run).await.body);
    assert_eq!(file.metadata["filtersApplied"]["company"], serde_json::json!([company]));
    assert_eq!(file.metadata["selectedRecords"], preview["selected_records"]);
    let history = shown(&admin.get(&format!("{PAGE}/history")).await.text());
    assert!(
        history.contains(&format!("company: {company}")) && history.contains("tables: incidents, sites"),
        "{history}"
    );
    let trail = waybill.audit_entries().await;
    let requested = trail.iter().find(|entry| entry.event == "export_requested").unwrap();
    assert!(format!("{requested:?}").contains(&company), "{requested:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_script_leads_to_the_one_address_of_what_it_says() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    for (form, address) in [
        ("find.company=&add.company=&find.site=&add.site=&period.from=&period.to=", ""),
        ("period.from=2026-07-01&period.to=2026-10-01", "?period=2026-07-01..2026-10-01"),
        ("tables=users&add.company=A%20B&tables=sites", "?company=A%20B&tables=sites,users"),
        ("company=b&company=a&find.company=x", "?company=a&company=b&find.company=x"),
        ("problem=failed&site=b&company=a", "?company=a&site=b&problem=failed"),
    ] {
        let answer = admin.get(&format!("{PAGE}?{form}")).await;
        assert_eq!((answer.status, answer.header("location")), (303, &*format!("{PAGE}{address}")), "{form}");
        let shown = admin.send("GET", &format!("{PAGE}{address}"), &[("accept", "text/html")], "").await;
        assert!([200, 400].contains(&shown.status), "{address} leads on to {}", shown.header("location"));
    }
    let form = [("sec-fetch-site", "same-origin"), ("accept", "text/html")];
    let refreshed = admin.send("POST", "/rpc/preview_export", &form, "refresh=true&part=tables%3Dusers").await;
    assert_eq!((refreshed.status, refreshed.header("location")), (302, &*format!("{PAGE}?tables=users")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_names_nothing_is_an_error_and_never_everything() {
    let waybill = Waybill::start().await;
    execute_sql(&waybill.source, "UPDATE sites SET name = 'Twin' WHERE id IN (SELECT id FROM sites LIMIT 2)");
    let admin = waybill.signed_in_admin().await;
    let (long, many) = (format!("company={}", "x".repeat(501)), format!("tables={}", "x".repeat(16_000)));
    for (part, says) in [
        ("compny=x", "has no filter compny; did you mean `company`?"),
        ("company=Nobody", "no record has the key or the name `Nobody`"),
        ("site=Twin", "2 records have the name `Twin`; give the key"),
        ("company=", "the value is empty"),
        ("company=a&company=a", "is in the address more than once"),
        ("organization=1", "has no filter organization"),
        ("period=2026-07", "is no period"),
        ("period=2026-07-02..2026-07-02", "ends before it begins"),
        ("period=2026-01-01..&period=2026-02-01..", "takes one period"),
        ("tables=incidentz", "no table incidentz is exported; did you mean `incidents`?"),
        ("tables=debug_logs", "no table debug_logs is exported"),
        ("a.b.c=1", "is no parameter of this page"),
        ("company=%00", "none that is invisible"),
        (&long, "a value may have 500 characters"),
        (&many, "The address is too long"),
    ] {
        let page = admin.get(&format!("{PAGE}?{part}")).await;
        let text = shown(&page.text()).replace("&lt;", "<").to_lowercase();
        assert_eq!(page.status, 400, "{part}: {text}");
        assert!(text.contains(&says.to_lowercase()), "{part}: {text}");
        assert!(text.contains("choose a part") && !text.contains("button primary"), "{part}: {text}");
        for (path, more) in [("/rpc/preview_export", "&refresh=false"), ("/rpc/request_export", "")] {
            let answer = admin.post(path, &format!("part={}{more}", encoded(part))).await;
            assert_eq!(answer.status, 400, "{path} {part}: {}", answer.text());
            let message = answer.json()["invalid"].as_str().unwrap().to_lowercase();
            assert!(message.contains(&says.to_lowercase()), "{path} {part}: {message}");
        }
    }
    assert!(!waybill.audit_trail().await.contains(&"export_requested".to_owned()));
    let form = [("sec-fetch-site", "same-origin"), ("accept", "text/html")];
    let posted = admin.send("POST", "/rpc/request_export", &form, "part=company%3DNobody").await;
    assert_eq!((posted.status, posted.header("location")), (302, &*format!("{PAGE}?company=Nobody")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_without_records_says_so_and_offers_no_button() {
    let waybill = Waybill::start().await;
    let admin = waybill.signed_in_admin().await;
    let company = query(&waybill, "SELECT id FROM companies ORDER BY id LIMIT 1");
    for part in
        ["period=1990-01-01..1990-01-02".to_owned(), format!("company={company}&period=..1990-01-01&tables=incidents")]
    {
        let page = shown(&admin.get(&format!("{PAGE}?{part}")).await.text());
        assert!(page.contains("Nothing matches this choice"), "{part}: {page}");
        assert!(
            !page.contains("button primary") && page.contains("Export the full database instead"),
            "{part}: {page}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn choices_are_searched_limited_by_what_they_are_within_and_shown_safely() {
    let waybill = Waybill::start().await;
    execute_sql(
        &waybill.source,
        "INSERT INTO companies (id, _creation_time, name, slug, contact_email, status, created_at)
           WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
           SELECT 'more' || i, 1, 'Company ' || i, 'more' || i, 'x@example.org', 'active', 1 FROM n;
         UPDATE companies SET name = '<script>alert(1)</script>' WHERE id = 'more1';
         UPDATE companies SET name = char(8238) || 'evil' WHERE id = 'more2';
         UPDATE companies SET name = printf('%.*c', 300, 'L') WHERE id = 'more3';
         UPDATE companies SET name = '100%_''\"; DROP TABLE companies --' WHERE id = 'more4';
         UPDATE companies SET name = 'Same' WHERE id IN ('more5', 'more6')",
    );
    let admin = waybill.signed_in_admin().await;
    let all = filters(&admin, "").await;
    let names: Vec<&str> = all.as_array().unwrap().iter().map(|filter| filter["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["company", "site", "period"]);
    let companies: u64 = query(&waybill, "SELECT CAST(count(*) AS TEXT) FROM companies").parse().unwrap();
    let records = &all[0]["records"];
    assert_eq!((records["offered"].as_array().unwrap().len(), records["more"].as_u64().unwrap()), (20, companies - 20));
    let found = async |search: &str| {
        let found = filters(&admin, &format!("find.company={}", encoded(search))).await;
        let offered = found[0]["records"]["offered"].as_array().unwrap().clone();
        offered.iter().map(|choice| choice["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("cOMPANY 19").await.len(), 11, "in any case, anywhere in the name");
    assert_eq!(found("more7").await, ["Company 7"], "by key");
    assert_eq!(found("%_'\"; drop").await, ["100%_'\"; DROP TABLE companies --"], "literally");
    assert_eq!(found("evil").await, ["\\u202eevil"]);
    assert_eq!(found("Same").await, ["Same (more5)", "Same (more6)"], "told apart by key");
    assert_eq!(found("no such name").await, [""; 0]);
    let page = shown(&admin.get(&format!("{PAGE}?company=more1&company=more3&find.company=evil")).await.text());
    assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script>alert(1)"), "{page}");
    assert!(page.contains("\\u202eevil") && !page.contains('\u{202e}') && page.contains(&"L".repeat(300)), "{page}");
    let company = query(&waybill, "SELECT company_id FROM sites ORDER BY id LIMIT 1");
    let own: usize =
        query(&waybill, &format!("SELECT CAST(count(*) AS TEXT) FROM sites WHERE company_id = '{company}'"))
            .parse()
            .unwrap();
    let name = query(&waybill, &format!("SELECT name FROM companies WHERE id = '{company}'"));
    for value in [company, name] {
        let of_company = filters(&admin, &format!("company={}", encoded(&value))).await;
        assert_eq!(of_company[1]["records"]["offered"].as_array().unwrap().len(), own, "{value}");
        assert_eq!(of_company[1]["records"]["within"], "Company");
        assert_eq!(of_company[0]["records"]["chosen"][0]["value"], *value);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_not_exported_as_they_are_are_not_offered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.db");
    let tables = "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, pin TEXT);
                  INSERT INTO people VALUES (1, 'Ada', '4711')";
    Connection::open(&path).unwrap().execute_batch(tables).unwrap();
    let profile = |show: &str| {
        Profile::from_toml(&format!(
            "name = \"x\"\n[filters.somebody]\nlabel = \"Person\"\ntable = \"people\"\nshow = \"{show}\"\n\
             [tables.people.columns]\nid = \"plain\"\nname = \"personal\"\npin = \"secret\"\n"
        ))
        .unwrap()
    };
    for (show, offered) in [("name", 1), ("pin", 0)] {
        let source = Arc::new(waybill::server::source::sqlite::SqliteSource::new(&path));
        let waybill = Waybill::with_source(source, profile(show)).await;
        let caller = waybill::server::identity::Caller::command_line("test");
        let listed = waybill.app.exports.part_filters(&caller, "").await.unwrap();
        let shown = serde_json::to_value(&listed).unwrap();
        assert_eq!(shown["filters"][0]["records"]["offered"].as_array().unwrap().len(), offered, "{show}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_choice_ends_the_older_ones_queries_and_so_does_leaving() {
    let is_interrupted = Arc::new(AtomicBool::new(false));
    let flag = is_interrupted.clone();
    let waybill = Waybill::with_wrapped_source(50, |real| Arc::new(StuckSource { real, is_interrupted: flag })).await;
    let admin = waybill.signed_in_admin().await;
    let ask = async |part: &str, instead_of: &str| {
        let form = format!("refresh=false&part={}{instead_of}", encoded(part));
        let answer = admin.post("/rpc/preview_export", &form).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    // As long as somebody asks again and again, it goes on.
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(7) {
        assert_eq!(ask("tables=sites", "").await["settled"], false);
        assert!(!is_interrupted.load(Ordering::SeqCst));
    }
    // The page says "counting", or about how many records there are, and has the tables.
    let page = shown(&admin.get(&format!("{PAGE}?tables=sites")).await.text());
    let sites: u64 = query(&waybill, "SELECT CAST(count(*) AS TEXT) FROM sites").parse().unwrap();
    assert!(page.contains("counting") && page.contains(&format!("about {sites}")), "{page}");
    assert!(page.contains("Export about "), "{page}");
    assert!(page.contains("<noscript><meta http-equiv=\"refresh\""), "without script, it is asked for again: {page}");
    let whole = ask("", "&instead_of=tables%3Dsites").await;
    assert_eq!(whole["part"], Value::Null);
    let since = Instant::now();
    while !is_interrupted.load(Ordering::SeqCst) {
        assert!(since.elapsed() < Duration::from_secs(2), "the older choice's query goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Nobody says that they leave: after a while, nobody waits.
    is_interrupted.store(false, Ordering::SeqCst);
    ask("tables=users", "").await;
    let since = Instant::now();
    while !is_interrupted.load(Ordering::SeqCst) {
        assert!(since.elapsed() < Duration::from_secs(8), "a query goes on that nobody waits for");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(since.elapsed() > Duration::from_secs(3), "pages pause between two questions");
    // Only so many parts are counted at once.
    for table in ["users", "sites", "companies", "incidents"] {
        ask(&format!("tables={table}"), "").await;
    }
    let fifth = admin.post("/rpc/preview_export", "refresh=false&part=tables%3Dparticipants").await;
    assert_eq!(fifth.status, 429, "{}", fifth.text());
    for table in ["users", "sites", "companies", "incidents"] {
        ask("", &format!("&instead_of=tables%3D{table}")).await;
    }
}

/// Finds the records of a part only when it is interrupted.
struct StuckSource {
    real: Arc<dyn Source>,
    is_interrupted: Arc<AtomicBool>,
}

struct StuckSnapshot {
    real: Box<dyn Snapshot>,
    interrupted: std::sync::mpsc::Receiver<()>,
}

impl Source for StuckSource {
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
        let (send, interrupted) = std::sync::mpsc::channel();
        let (flag, send) = (self.is_interrupted.clone(), std::sync::Mutex::new(send));
        begun(Box::new(move || {
            flag.store(true, Ordering::SeqCst);
            let _ = send.lock().unwrap().send(());
        }));
        Ok(Box::new(StuckSnapshot { real: self.real.begin_snapshot(extent, &|_| ())?, interrupted }))
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

impl SelectRows for StuckSnapshot {
    fn create_key_sets(&mut self, new: &[NewKeySet]) -> Result<()> {
        self.real.create_key_sets(new)
    }

    fn run_step(&mut self, _: &Step, _: Round) -> Result<u64> {
        self.interrupted.recv_timeout(Duration::from_secs(30)).expect("nobody interrupts");
        Err(Error::sink_stopped())
    }

    fn clear_key_set(&mut self, set: KeySetId) -> Result<()> {
        self.real.clear_key_set(set)
    }
}

impl Snapshot for StuckSnapshot {
    fn isolation(&self) -> &'static str {
        self.real.isolation()
    }

    fn blocks_writers(&self) -> bool {
        self.real.blocks_writers()
    }

    fn catalog(&mut self) -> Result<Catalog> {
        self.real.catalog()
    }

    fn estimate_step(&mut self, _: &Step) -> Result<u64> {
        Ok(0)
    }

    fn find_first(&mut self, among: KeySetId, of: KeySetId, into: KeySetId) -> Result<Option<u32>> {
        self.real.find_first(among, of, into)
    }

    fn open_cursor(&mut self, scan: &OrderedScan) -> Result<CursorId> {
        self.real.open_cursor(scan)
    }

    fn fetch(&mut self, cursor: CursorId, rows: u32, sink: &mut dyn RowSink) -> Result<u64> {
        self.real.fetch(cursor, rows, sink)
    }

    fn count(&mut self, scan: &Scan) -> Result<u64> {
        self.real.count(scan)
    }

    fn sample(&mut self, selection: &Scan, sink: &mut dyn RowSink) -> Result<()> {
        self.real.sample(selection, sink)
    }

    fn read_table(&mut self, selection: &Scan, sink: &mut dyn RowSink) -> Result<()> {
        self.real.read_table(selection, sink)
    }
}
