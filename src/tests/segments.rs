//! Parts of a database: a company, a site, a period, some tables, with everything that they refer to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{
    CommandOutput, PASSWORD, ParsedExport, Postgres, Waybill, WaybillCommand, execute_sql, generate_sample,
    parse_export,
};

/// The same sample application in both engines, and a folder for files.
struct Samples {
    folder: TempDir,
    sqlite: String,
    postgres: Postgres,
}

impl Samples {
    fn new(incidents: u64) -> Self {
        let (folder, postgres) = (TempDir::new().unwrap(), Postgres::start());
        let sqlite = format!("sqlite:{}", generate_sample(incidents, folder.path()).display());
        let mut program = WaybillCommand::new(folder.path());
        program.0.env("WAYBILL_SAMPLE_PASSWORD", PASSWORD);
        let (incidents, participants) = (incidents.to_string(), (incidents / 5).to_string());
        let filled = program.run([
            "sample",
            "--incidents",
            &incidents,
            "--participants",
            &participants,
            "--output",
            &postgres.url(),
        ]);
        assert_eq!(filled.code, 0, "{}", filled.stderr);
        Self { folder, sqlite, postgres }
    }

    fn change(&self, sql: &str) {
        execute_sql(self.sqlite.strip_prefix("sqlite:").unwrap().as_ref(), sql);
        self.postgres.sql(sql);
    }

    fn run(&self, arguments: &[&str]) -> CommandOutput {
        WaybillCommand::new(self.folder.path()).run(arguments)
    }

    /// The part that both engines give: records by table and key, and the metadata of SQLite's file.
    fn part(&self, selection: &[&str]) -> (BTreeMap<String, BTreeMap<String, Value>>, Value) {
        let export = |source: &str, name: &str| {
            let fixed = ["export", "--source", source, "--force", "--output", name];
            let ended = self.run(&[&fixed, selection].concat());
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            assert_eq!(self.run(&["verify", name]).code, 0, "the part is sealed as a whole file is");
            parse_export(&std::fs::read(self.folder.path().join(name)).unwrap())
        };
        let (one, other) = (export(&self.sqlite, "lite.json"), export(&self.postgres.url(), "pg.json"));
        for field in ["recordCounts", "selectedRecords", "filtersApplied", "exportType"] {
            assert_eq!(one.metadata[field], other.metadata[field], "{field}");
        }
        let (by_id, of_other) = (by_id(&one), by_id(&other));
        assert_eq!(by_id, of_other);
        (by_id, one.metadata)
    }
}

fn by_id(export: &ParsedExport) -> BTreeMap<String, BTreeMap<String, Value>> {
    let id = |row: &Value| row["id"].as_str().unwrap().to_owned();
    export
        .data
        .iter()
        .map(|(table, rows)| (table.clone(), rows.iter().map(|row| (id(row), row.clone())).collect()))
        .collect()
}

/// Every reference that the file's schema declares leads to a record in the file.
fn assert_nothing_dangles(part: &BTreeMap<String, BTreeMap<String, Value>>, metadata: &Value) {
    for (table, rows) in part {
        for column in metadata["schema"][table]["columns"].as_array().unwrap() {
            let Some((target, "id")) = column["references"].as_str().and_then(|to| to.rsplit_once('.')) else {
                continue;
            };
            let name = column["name"].as_str().unwrap();
            for row in rows.values().filter(|row| !row[name].is_null()) {
                let id = row[name].as_str().unwrap();
                assert!(part.get(target).is_some_and(|rows| rows.contains_key(id)), "{table}.{name} {id} dangles");
            }
        }
    }
}

/// A company, by its key and its name.
fn a_company(samples: &Samples) -> (String, String) {
    let (all, _) = samples.part(&[]);
    let (id, company) = all["companies"].iter().next().unwrap();
    (id.clone(), company["name"].as_str().unwrap().to_owned())
}

#[test]
fn a_company_is_exported_with_everything_that_is_its_own_and_what_that_refers_to() {
    let samples = Samples::new(60);
    let (all, whole) = samples.part(&[]);
    assert_eq!((&whole["exportType"], &whole["filtersApplied"]), (&"full".into(), &serde_json::json!({})));
    assert!(whole["selectedRecords"].is_null(), "nothing was selected");
    let (id, name) = a_company(&samples);
    let (part, metadata) = samples.part(&["--filter", &format!("company={name}")]);
    assert_eq!(metadata["exportType"], "segmented");
    assert_eq!(metadata["filtersApplied"], serde_json::json!({ "company": [name] }));
    assert_nothing_dangles(&part, &metadata);
    for table in ["incidents", "sites", "participants", "users"] {
        let own: BTreeSet<&String> =
            all[table].iter().filter(|(_, row)| row["company_id"] == id.as_str()).map(|(id, _)| id).collect();
        assert!(!own.is_empty() && own.len() < all[table].len(), "the sample decides something: {table}");
        assert!(own.iter().all(|id| part[table].contains_key(*id)), "{table}");
        let counted = &metadata["selectedRecords"][table];
        assert_eq!(counted["askedFor"], own.len(), "{table}");
        let number = |name: &str| counted[name].as_u64().unwrap_or(0);
        let nobodys = all[table].values().filter(|row| row["company_id"].is_null()).count();
        assert_eq!(number("nobodys"), nobodys as u64, "{table}");
        let sum = number("askedFor") + number("cameAlong") + number("stubs");
        let by_rule = counted["byRule"].as_object().unwrap().values().map(|number| number.as_u64().unwrap());
        assert_eq!(by_rule.sum::<u64>(), sum, "{table}");
        assert_eq!(
            (sum, metadata["recordCounts"][table].as_u64().unwrap()),
            (part[table].len() as u64, sum),
            "{table}"
        );
    }
    let narratives = all["incident_narratives"]
        .values()
        .filter(|row| all["incidents"][row["incident_id"].as_str().unwrap()]["company_id"] == id.as_str());
    assert_eq!(metadata["selectedRecords"]["incident_narratives"]["askedFor"], narratives.count());
    assert_eq!(samples.part(&["--filter", &format!("company={id}")]).0, part, "by key as by name");
}

#[test]
fn a_period_is_half_open_and_filters_are_combined() {
    let samples = Samples::new(60);
    samples.change("UPDATE incidents SET created_at = 1735689600000 + 86400000 * (length(participant_name) % 5)");
    let (all, _) = samples.part(&[]);
    let day = |row: &Value| row["created_at"].as_i64().unwrap() / 86_400_000;
    let days: BTreeSet<i64> = all["incidents"].values().map(day).collect();
    let (first, last) = (*days.first().unwrap(), *days.last().unwrap());
    assert!(last - first > 1, "the sample decides something: {days:?}");
    let date = |day: i64| chrono::DateTime::from_timestamp(day * 86_400, 0).unwrap().format("%Y-%m-%d").to_string();
    let in_period = |row: &Value| (first..last).contains(&day(row));
    let expected = all["incidents"].values().filter(|row| in_period(row)).count();
    let period = format!("period={}..{}", date(first), date(last));
    let (part, metadata) = samples.part(&["--filter", &period]);
    assert_nothing_dangles(&part, &metadata);
    assert_eq!(metadata["selectedRecords"]["incidents"]["askedFor"], expected);
    assert_eq!(part["users"], all["users"], "no filter reaches them");
    let (id, _) = a_company(&samples);
    let (both, metadata) = samples.part(&["--filter", &period, "--filter", &format!("company={id}")]);
    assert_nothing_dangles(&both, &metadata);
    let expected = all["incidents"].values().filter(|row| in_period(row) && row["company_id"] == id.as_str()).count();
    assert_eq!(metadata["selectedRecords"]["incidents"]["askedFor"], expected);
}

#[test]
fn chosen_tables_come_with_what_they_refer_to_and_no_others() {
    let samples = Samples::new(30);
    let (part, metadata) = samples.part(&["--tables", "sites"]);
    assert_nothing_dangles(&part, &metadata);
    assert_eq!(part.keys().collect::<Vec<_>>(), ["companies", "sites", "users"]);
    let told = samples.run(&["export", "--source", &samples.sqlite, "--tables", "sites", "--output", "told.json"]);
    let along = format!("came along, since they are referred to: companies {}", part["companies"].len());
    assert!(told.stderr.contains(&along) || told.text().contains(&along), "{} {}", told.stderr, told.text());
    assert_eq!(metadata["filtersApplied"], serde_json::json!({ "tables": ["sites"] }));
    assert_eq!(metadata["selectedRecords"]["companies"]["askedFor"], 0);
    assert!(metadata["schema"].get("incidents").is_none(), "the schema is of the tables in the file");
}

#[test]
fn a_selection_that_names_nothing_is_refused_and_writes_nothing() {
    let samples = Samples::new(10);
    for (selection, says) in [
        (&["--filter", "compny=x"][..], "has no filter compny; did you mean `company`? (it has company, period, site)"),
        (&["--filter", "company=Nobody"], "Company: no record has the key or the name `Nobody`"),
        (&["--filter", "company"], "write NAME=VALUE"),
        (&["--filter", "company="], "write NAME=VALUE"),
        (&["--filter", "period=2026-07"], "is no period; write FROM..TO"),
        (&["--filter", "period=2026-07-02..2026-07-02"], "ends before it begins"),
        (&["--filter", "period=2026-01-01..", "--filter", "period=2026-02-01.."], "takes one period"),
        (&["--tables", "incidentz"], "no table incidentz is exported; did you mean `incidents`?"),
        (&["--tables", "debug_logs"], "no table debug_logs is exported"),
    ] {
        for source in [&samples.sqlite, &samples.postgres.url()] {
            for command in [&["export", "--output", "out.json"][..], &["preview"]] {
                let ended = samples.run(&[command, &["--source", source], selection].concat());
                assert_eq!(ended.code, 2, "{selection:?}: {}", ended.stderr);
                assert!(ended.stderr.contains(says), "{selection:?}: {}", ended.stderr);
                assert!(!samples.folder.path().join("out.json").exists());
            }
        }
    }
    let names = "UPDATE companies SET name = 'Twin' WHERE id IN (SELECT id FROM companies ORDER BY id LIMIT 2)";
    samples.postgres.sql(names);
    let url = samples.postgres.url();
    let ended = samples.run(&["export", "--source", &url, "--filter", "company=Twin", "--output", "out.json"]);
    assert!(
        ended.code == 2 && ended.stderr.contains("2 records have the name `Twin`; give the key"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_preview_of_a_part_counts_what_its_export_holds() {
    let samples = Samples::new(60);
    let (_, name) = a_company(&samples);
    let filter = format!("company={name}");
    let (_, metadata) = samples.part(&["--filter", &filter, "--tables", "incidents,users"]);
    for source in [&samples.sqlite, &samples.postgres.url()] {
        let ended =
            samples.run(&["preview", "--json", "--source", source, "--filter", &filter, "--tables", "incidents,users"]);
        let preview: Value = serde_json::from_slice(&ended.stdout).unwrap();
        let counts = preview["tables"].as_array().unwrap().iter();
        let counts: BTreeMap<&str, &Value> =
            counts.map(|table| (table["name"].as_str().unwrap(), &table["records"])).collect();
        let expected = metadata["recordCounts"].as_object().unwrap();
        assert_eq!(counts, expected.iter().map(|(table, count)| (table.as_str(), count)).collect());
        let command = preview["command"].as_str().unwrap();
        assert!(command.contains("--filter 'company=") && command.contains("--tables 'incidents,users'"), "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn history_and_audit_trail_say_which_part_was_exported() {
    let waybill = Waybill::start().await;
    let folder = waybill.folder.path();
    let (state, source) =
        (format!("sqlite:{}", folder.join("waybill.db").display()), format!("sqlite:{}", waybill.source.display()));
    let arguments = [
        "export",
        "--source",
        &source,
        "--state",
        &state,
        "--source-name",
        "test",
        "--tables",
        "sites",
        "--output",
        "part.json",
    ];
    let ended = tokio::task::block_in_place(|| WaybillCommand::new(folder).run(arguments));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let admin = waybill.signed_in_admin().await;
    let shown = admin.get("/admin/developer-tools/export/history").await.text();
    assert!(shown.contains("segmented") && shown.contains("tables: sites"), "{shown}");
    let trail = admin.get("/admin/developer-tools/export/history/audit").await.text();
    assert!(trail.contains("tables: sites"), "{trail}");
}

#[test]
fn an_owner_that_no_reference_leads_to_is_told_and_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("shop.db");
    let tables = "CREATE TABLE shops (id INTEGER PRIMARY KEY, name TEXT);
                  CREATE TABLE sales (id INTEGER PRIMARY KEY, shop INTEGER);
                  INSERT INTO shops VALUES (1, 'North'), (2, 'South'); INSERT INTO sales VALUES (1, 1), (2, 2), (3, NULL)";
    rusqlite::Connection::open(&path).unwrap().execute_batch(tables).unwrap();
    let profile = "name = \"shop\"\n[filters.shop]\nlabel = \"Shop\"\ntable = \"shops\"\nshow = \"name\"\n\
                   [tables.shops.columns]\nid = \"plain\"\nname = \"plain\"\n\
                   [tables.sales]\nowned_by = [\"shop\"]\n[tables.sales.columns]\nid = \"plain\"\nshop = \"plain\"\n";
    let run = |text: &str, arguments: &[&str]| {
        std::fs::write(folder.path().join("shop.toml"), text).unwrap();
        let source = format!("sqlite:{}", path.display());
        WaybillCommand::new(folder.path()).run([arguments, &["--source", &source, "--profile", "shop.toml"]].concat())
    };
    let told = run(profile, &["profile", "check"]);
    assert!(told.stderr.contains("sales.shop is in owned_by and refers to nothing"), "{}", told.stderr);
    let declared = format!("{profile}[[references]]\nfrom = \"sales.shop\"\nto = \"shops.id\"\n");
    assert!(!run(&declared, &["profile", "check"]).stderr.contains("owned_by"));
    // Otherwise the part of one shop would hold the sales of all.
    let refused = run(profile, &["export", "--filter", "shop=North", "--output", "out.json"]);
    assert!(refused.code == 2 && refused.stderr.contains("sales.shop is in owned_by"), "{}", refused.stderr);
    assert!(!folder.path().join("out.json").exists());
    let ended = run(&declared, &["export", "--filter", "shop=North", "--output", "out.json"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let part = parse_export(&std::fs::read(folder.path().join("out.json")).unwrap());
    assert_eq!((part.data["shops"].len(), part.data["sales"].len()), (1, 2), "one sale is nobody's");
}

/// A database of two shops, and a profile for it.
struct Shops {
    folder: TempDir,
}

const SHOPS: &str = "name = \"shops\"\n[filters.shop]\nlabel = \"Shop\"\ntable = \"shops\"\nshow = \"name\"\n\
                     [tables.shops.columns]\nid = \"plain\"\nname = \"plain\"\n";

impl Shops {
    fn new(sql: &str, more_profile: &str) -> Self {
        let folder = TempDir::new().unwrap();
        rusqlite::Connection::open(folder.path().join("shops.db")).unwrap().execute_batch(sql).unwrap();
        std::fs::write(folder.path().join("shops.toml"), format!("{SHOPS}{more_profile}")).unwrap();
        Self { folder }
    }

    fn export(&self, selection: &[&str]) -> CommandOutput {
        let source = format!("sqlite:{}", self.folder.path().join("shops.db").display());
        let fixed = ["export", "--source", &source, "--profile", "shops.toml", "--force", "--output", "out.json"];
        WaybillCommand::new(self.folder.path()).run([&fixed, selection].concat())
    }

    /// The ids of a table's records in the part.
    fn ids(&self, selection: &[&str], table: &str) -> Vec<i64> {
        let ended = self.export(selection);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let part = parse_export(&std::fs::read(self.folder.path().join("out.json")).unwrap());
        part.data[table].iter().map(|row| row["id"].as_i64().unwrap()).collect()
    }
}

const NORTH: [&str; 2] = ["--filter", "shop=North"];

/// Otherwise the part of one shop would hold the notes of all.
#[test]
fn a_part_is_refused_while_the_owner_of_a_table_is_not_exported() {
    let sql = "CREATE TABLE shops (id INTEGER PRIMARY KEY, name TEXT);
               CREATE TABLE tills (id INTEGER PRIMARY KEY, shop INTEGER REFERENCES shops (id));
               CREATE TABLE notes (id INTEGER PRIMARY KEY, till INTEGER REFERENCES tills (id));
               INSERT INTO shops VALUES (1, 'North'), (2, 'South'); INSERT INTO tills VALUES (1, 1), (2, 2);
               INSERT INTO notes VALUES (1, 1), (2, 2);";
    let notes = "[tables.notes]\nowned_by = [\"till\"]\n[tables.notes.columns]\nid = \"plain\"\ntill = \"plain\"\n";
    for tills in ["", "[tables.tills]\nexclude = \"why not\"\n"] {
        let refused = Shops::new(sql, &format!("{notes}{tills}")).export(&NORTH);
        assert_eq!(refused.code, 2, "{}", refused.stderr);
        assert!(refused.stderr.contains("notes.till is in owned_by and refers to tills"), "{}", refused.stderr);
    }
}

#[test]
fn a_record_that_names_an_owner_in_part_is_not_nobodys() {
    let sql = "CREATE TABLE shops (id INTEGER PRIMARY KEY, name TEXT);
               CREATE TABLE staff (shop INTEGER REFERENCES shops (id), n INTEGER, PRIMARY KEY (shop, n));
               CREATE TABLE notes (id INTEGER PRIMARY KEY, shop INTEGER, n INTEGER, FOREIGN KEY (shop, n) REFERENCES staff);
               INSERT INTO shops VALUES (1, 'North'), (2, 'South'); INSERT INTO staff VALUES (1, 1), (2, 1);
               INSERT INTO notes VALUES (1, 1, 1), (2, 2, 1), (3, 2, NULL), (4, NULL, NULL);";
    let shops = Shops::new(
        sql,
        "[tables.staff]\nowned_by = [\"shop\"]\n[tables.staff.columns]\nshop = \"plain\"\nn = \"plain\"\n\
         [tables.notes]\nowned_by = [\"shop\"]\n[tables.notes.columns]\nid = \"plain\"\nshop = \"plain\"\nn = \"plain\"\n",
    );
    assert_eq!(shops.ids(&NORTH, "notes"), [1, 4]);
}

/// As SQLite enforces foreign keys: with the collation and the affinity of the column that is referred to.
#[test]
fn sqlite_finds_references_that_differ_in_case_and_type() {
    let sql =
        "CREATE TABLE shops (id INTEGER PRIMARY KEY, name TEXT, code TEXT UNIQUE COLLATE NOCASE, number TEXT UNIQUE);
               CREATE TABLE sales (id INTEGER PRIMARY KEY, shop TEXT REFERENCES shops (code));
               CREATE TABLE gifts (id INTEGER PRIMARY KEY, shop REFERENCES shops (number));
               INSERT INTO shops VALUES (1, 'North', 'NORTH', '7'), (2, 'South', 'SOUTH', '8');
               INSERT INTO sales VALUES (1, 'north'), (2, 'South'); INSERT INTO gifts VALUES (1, 7), (2, 8);";
    let columns = |table: &str| {
        format!("[tables.{table}]\nowned_by = [\"shop\"]\n[tables.{table}.columns]\nid = \"plain\"\nshop = \"plain\"\n")
    };
    let shops =
        Shops::new(sql, &format!("code = \"plain\"\nnumber = \"plain\"\n{}{}", columns("sales"), columns("gifts")));
    assert_eq!((shops.ids(&NORTH, "sales"), shops.ids(&NORTH, "gifts")), (vec![1], vec![1]));
    for table in ["sales", "gifts"] {
        assert_eq!(shops.ids(&["--tables", table], "shops"), [1, 2], "{table}");
    }
}

#[test]
fn a_period_of_a_column_in_another_unit_is_refused() {
    let sql = "CREATE TABLE shops (id INTEGER PRIMARY KEY, name TEXT, opened TEXT, closed INTEGER)";
    for (column, unit) in [("opened", "epoch_ms"), ("closed", "iso")] {
        let filter =
            format!("[filters.day]\nlabel = \"Day\"\ncolumns = {{ shops = \"{column}\" }}\nunit = \"{unit}\"\n");
        let shops = Shops::new(sql, &format!("opened = \"plain\"\nclosed = \"plain\"\n{filter}"));
        let refused = shops.export(&["--filter", "day=2026-01-01.."]);
        let says = format!("filter day: shops.{column} does not store a time in the unit that the profile says");
        assert!(refused.code == 2 && refused.stderr.contains(&says), "{}", refused.stderr);
    }
}

/// Whose records a result is about is written in its execution.
#[test]
fn results_of_other_companies_analyses_stay_out() {
    let samples = Samples::new(60);
    let (_, name) = a_company(&samples);
    let (part, _) = samples.part(&["--filter", &format!("company={name}")]);
    assert!(!part["analysis_results"].is_empty());
    let about =
        |result: &Value| part["analysis_executions"][result["execution_id"].as_str().unwrap()]["entity_id"].clone();
    for result in part["analysis_results"].values() {
        let about = about(result);
        let about = about.as_str().unwrap();
        let is_in = ["incidents", "incident_narratives"].iter().any(|table| part[*table].contains_key(about));
        assert!(is_in, "{about}");
    }
}

#[test]
fn values_of_one_filter_are_alternatives_by_key_and_by_name() {
    let sql = "CREATE TABLE shops (id INTEGER PRIMARY KEY, name TEXT);
               CREATE TABLE sales (id INTEGER PRIMARY KEY, shop INTEGER REFERENCES shops (id));
               INSERT INTO shops VALUES (1, 'North'), (2, 'South'), (3, 'East'), (4, 'West');
               INSERT INTO sales VALUES (1, 1), (2, 2), (3, 3), (4, 4);";
    let shops = Shops::new(
        sql,
        "[tables.sales]\nowned_by = [\"shop\"]\n[tables.sales.columns]\nid = \"plain\"\nshop = \"plain\"\n",
    );
    let three = ["--filter", "shop=2", "--filter", "shop=North", "--filter", "shop=West", "--filter", "shop=2"];
    assert_eq!(shops.ids(&three, "sales"), [1, 2, 4]);
    let refused = shops.export(&[&three[..], &["--filter", "shop=Centre"]].concat());
    assert!(refused.code == 2 && refused.stderr.contains("the key or the name `Centre`"), "{}", refused.stderr);
}
