//! What reviewers have found in merges, circles and undo, as tests.

use super::undo::{MERGE, undo};
use super::*;

/// Runs as an ordinary role that has nothing but what it was granted.
fn as_mallory(server: &Postgres, database: &str, sql: &str) {
    server.sql_as("mallory", database, sql);
}

/// A database with a secret and an empty table for loot, in which Mallory may create code.
fn with_mallory(server: &Postgres, name: &str, sql: &str) -> String {
    if server.sql_as("postgres", "postgres", "SELECT count(*) FROM pg_roles WHERE rolname = 'mallory'") == "0" {
        server.sql_as("postgres", "postgres", "CREATE ROLE mallory LOGIN");
    }
    let url = database(
        server,
        name,
        &format!("CREATE TABLE secrets (x text); INSERT INTO secrets VALUES ('top secret'); {sql}"),
    );
    server.sql_as(
        "postgres",
        name,
        "GRANT CREATE ON SCHEMA public TO mallory; GRANT USAGE ON SCHEMA public TO mallory;",
    );
    as_mallory(server, name, "CREATE TABLE public.loot (who text, x text); GRANT INSERT ON loot TO PUBLIC;");
    url
}

fn loot(server: &Postgres, name: &str) -> String {
    server.sql_as("postgres", name, "SELECT count(*) FROM loot")
}

fn grant_replica_role(server: &Postgres, name: &str) {
    server.sql_as("postgres", name, "GRANT SET ON PARAMETER session_replication_role TO waybill_owner");
}

fn kept(folder: &Path, url: &str) -> String {
    run(folder, &["import", "undo", "--target", url]).text().split("  ").next().unwrap().to_owned()
}

#[test]
fn a_second_pass_writes_to_no_table_with_triggers() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let tables =
        "CREATE TABLE a (id bigint PRIMARY KEY, b_id bigint); CREATE TABLE b (id bigint PRIMARY KEY, a_id bigint);";
    let source = database(
        &server,
        "source",
        &format!("{tables} INSERT INTO a VALUES (5, 7), (6, NULL); INSERT INTO b VALUES (7, 5);"),
    );
    export(folder, &source, "circle.json");
    let keys = "ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b; ALTER TABLE b ADD FOREIGN KEY (a_id) REFERENCES a;";
    let url = with_mallory(&server, "target_copy", &format!("{tables}{keys}"));
    server.sql_as("waybill_owner", "target_copy", "GRANT TRIGGER ON a TO mallory");
    as_mallory(
        &server,
        "target_copy",
        "CREATE FUNCTION steal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.loot SELECT current_user::text, x FROM public.secrets; RETURN new; END $$;
         CREATE TRIGGER z BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION steal();",
    );
    for options in [&["--dry-run"][..], &[]] {
        let refused = import(folder, "circle.json", &url, options);
        assert!(refused.code == 3 && refused.stderr.contains("a refers to b, which comes later"), "{}", refused.stderr);
    }
    assert_eq!(loot(&server, "target_copy"), "0");
}

#[test]
fn what_is_empty_in_a_second_pass_gets_no_default() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let tables = "CREATE TABLE a (id bigint PRIMARY KEY, b_id bigint DEFAULT 1); CREATE TABLE b (id bigint PRIMARY KEY, a_id bigint);";
    let source = database(&server, "source", &format!("{tables} INSERT INTO a VALUES (6, NULL);"));
    export(folder, &source, "circle.json");
    let keys = "ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b; ALTER TABLE b ADD FOREIGN KEY (a_id) REFERENCES a; INSERT INTO b VALUES (1, NULL);";
    let url = database(&server, "target_copy", &format!("{tables}{keys}"));
    assert_eq!(import(folder, "circle.json", &url, &["--mode", "append"]).code, 0);
    assert_eq!(server.sql_as("waybill_owner", "target_copy", "SELECT coalesce(b_id, 0) FROM a"), "0");
}

/// An operator for a domain would be taken for the key's own, which is one of the type below it.
#[test]
fn references_are_compared_by_the_keys_own_operator_and_nobody_elses() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let free = "CREATE TABLE a (id text PRIMARY KEY); CREATE TABLE b (id bigint PRIMARY KEY, a text);";
    let source =
        database(&server, "source", &format!("{free} INSERT INTO a VALUES ('ada'); INSERT INTO b VALUES (1, 'ada');"));
    export(folder, &source, "ab.json");
    server.sql_as("postgres", "postgres", "CREATE DATABASE target_copy OWNER waybill_owner");
    server.sql_as("postgres", "target_copy", "CREATE EXTENSION citext");
    server.sql_as("postgres", "postgres", "ALTER DATABASE target_copy RENAME TO template_citext");
    server.sql_as("postgres", "postgres", "CREATE DATABASE attacked TEMPLATE template_citext OWNER waybill_owner");
    server.sql_as("postgres", "postgres", "CREATE ROLE mallory LOGIN");
    server.sql_as(
        "waybill_owner",
        "attacked",
        "CREATE TABLE secrets (x text); INSERT INTO secrets VALUES ('top secret'); CREATE DOMAIN email AS citext;
         CREATE TABLE a (id email PRIMARY KEY); CREATE TABLE b (id bigint PRIMARY KEY, a email REFERENCES a (id));",
    );
    server.sql_as(
        "postgres",
        "attacked",
        "GRANT CREATE, USAGE ON SCHEMA public TO mallory; GRANT USAGE ON TYPE email TO mallory",
    );
    as_mallory(
        &server,
        "attacked",
        "CREATE TABLE public.loot (who text, x text); GRANT INSERT ON loot TO PUBLIC;
         CREATE FUNCTION public.equal(email, email) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.loot SELECT current_user::text, x FROM public.secrets; RETURN true; END $$;
         CREATE OPERATOR public.= (LEFTARG = email, RIGHTARG = email, FUNCTION = public.equal);",
    );
    grant_replica_role(&server, "attacked");
    let url = server.url_as("waybill_owner", "attacked");
    let imported = import(folder, "ab.json", &url, &[]);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    for options in [&["--dry-run"][..], &[]] {
        let undone = undo(folder, &url, &kept(folder, &url), options);
        assert_eq!(undone.code, 0, "{}", undone.stderr);
    }
    assert_eq!(loot(&server, "attacked"), "0");
}

#[test]
fn references_that_only_another_collation_or_type_takes_for_equal_are_judged_as_by_the_database() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let free = "CREATE TABLE a (id text PRIMARY KEY); CREATE TABLE b (id bigint PRIMARY KEY, a text);";
    for (number, (keys, key, reference, is_taken)) in [
        ("CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false); CREATE TABLE a (id text PRIMARY KEY); CREATE TABLE b (id bigint PRIMARY KEY, a text COLLATE ci REFERENCES a);", "ada", "ADA", false),
        ("CREATE TABLE a (id text COLLATE \"C\" PRIMARY KEY); CREATE TABLE b (id bigint PRIMARY KEY, a text COLLATE \"POSIX\" REFERENCES a);", "ada", "ada", true),
        ("CREATE TABLE a (id char(5) PRIMARY KEY); CREATE TABLE b (id bigint PRIMARY KEY, a text REFERENCES a);", "ada", "ada ", true),
    ]
    .into_iter()
    .enumerate()
    {
        server.sql_as("postgres", "postgres", "DROP DATABASE IF EXISTS source");
        let _ = fs::remove_file(folder.join("ab.json"));
        let source = database(&server, "source", &format!("{free} INSERT INTO a VALUES ('{key}'); INSERT INTO b VALUES (1, '{reference}');"));
        export(folder, &source, "ab.json");
        let name = format!("target_{number}");
        let url = database(&server, &name, keys);
        grant_replica_role(&server, &name);
        let imported = import(folder, "ab.json", &url, &[]);
        assert_eq!(imported.code == 0, is_taken, "{keys}: {}", imported.stderr);
    }
}

#[test]
fn an_undo_does_not_remove_what_refers_to_its_records_in_other_words() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let source = database(&server, "source", "CREATE TABLE a (id text PRIMARY KEY); INSERT INTO a VALUES ('ada');");
    export(folder, &source, "a.json");
    let url = database(
        &server,
        "target_copy",
        "CREATE TABLE a (id char(5) PRIMARY KEY); CREATE TABLE o (ref text REFERENCES a ON DELETE CASCADE, what text);",
    );
    assert_eq!(import(folder, "a.json", &url, &["--table", "a"]).code, 0);
    server.sql_as("waybill_owner", "target_copy", "INSERT INTO o VALUES ('ada  ', 'work of somebody else')");
    let refused = undo(folder, &url, &kept(folder, &url), &[]);
    assert!(refused.code == 3 && refused.stderr.contains("o (1 to a)"), "{}{}", refused.text(), refused.stderr);
    assert_eq!(server.sql_as("waybill_owner", "target_copy", "SELECT count(*) FROM o"), "1");
}

#[test]
fn a_table_with_a_rule_for_removals_can_be_undone() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let table = "CREATE TABLE a (id bigint PRIMARY KEY);";
    let source = database(&server, "source", &format!("{table} INSERT INTO a VALUES (1), (2);"));
    export(folder, &source, "a.json");
    let rule =
        "CREATE TABLE gone (id bigint); CREATE RULE r AS ON DELETE TO a DO ALSO INSERT INTO gone VALUES (old.id);";
    let url = database(&server, "target_copy", &format!("{table}{rule}"));
    assert_eq!(import(folder, "a.json", &url, &["--table", "a"]).code, 0);
    let undone = undo(folder, &url, &kept(folder, &url), &[]);
    assert_eq!(undone.code, 0, "{}", undone.stderr);
    assert_eq!(
        server.sql_as("waybill_owner", "target_copy", "SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM gone)"),
        "2"
    );
}

/// No row is as the first import has left it, since the second has changed them all.
#[test]
fn what_undoes_an_import_stays_while_a_later_one_lies_over_it() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let table = "CREATE TABLE a (id INTEGER PRIMARY KEY, n TEXT);";
    let (path, url) =
        sqlite(folder, "target.db", &format!("{table} INSERT INTO a VALUES (1, 'original'), (2, 'original');"));
    let mut ids = Vec::new();
    for (name, value) in [("first", "A"), ("second", "B"), ("third", "C")] {
        let (_, source) = sqlite(
            folder,
            &format!("{name}.db"),
            &format!("{table} INSERT INTO a VALUES (1, '{value}'), (2, '{value}');"),
        );
        export(folder, &source, &format!("{name}.json"));
        if value == "C" {
            let refused = import(folder, "third.json", &url, &[&MERGE[..], &["--plan", &"0".repeat(64)]].concat());
            assert_eq!(refused.code, 8, "{}", refused.stderr);
        } else {
            let imported = import(folder, &format!("{name}.json"), &url, &[&MERGE[..], &["--json"]].concat());
            let report: serde_json::Value = serde_json::from_slice(&imported.stdout).unwrap();
            ids.push(report["undo"].as_str().unwrap().to_owned());
        }
    }
    for (id, expected) in ids.iter().rev().zip(["A", "original"]) {
        let undone = undo(folder, &url, id, &[]);
        assert_eq!(undone.code, 0, "{}", undone.stderr);
        let n: String =
            Connection::open(&path).unwrap().query_row("SELECT n FROM a WHERE id = 1", [], |row| row.get(0)).unwrap();
        assert_eq!(n, expected);
    }
}

/// Of natural keys, in `SQLite` and PostgreSQL: a schema, the profile's rules, the file's and the database's rows.
fn merge_on_both(
    folder: &Path,
    server: &Postgres,
    (schema, rules): (&str, &str),
    (rows, here): (&str, &str),
    options: &[&str],
) -> Vec<(String, CommandOutput)> {
    fs::write(folder.join("x.toml"), rules).unwrap();
    let (_, source) = sqlite(folder, "source.db", &format!("{schema}{rows}"));
    let exported =
        run(folder, &["export", "--source", &source, "--profile", "x.toml", "--order", "key", "--output", "x.json"]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    let (lite, pg) = (format!("{schema}{here}"), format!("{schema}{here}").replace("INTEGER", "bigint"));
    let urls = [sqlite(folder, "target.db", &lite).1, database(server, "target_copy", &pg)];
    let merge = |url: String| {
        let ended = import(folder, "x.json", &url, &[&MERGE[..], &["--profile", "x.toml"], options].concat());
        (url, ended)
    };
    urls.map(merge).into()
}

const STAFF: &str = "CREATE TABLE emp (id INTEGER PRIMARY KEY, email TEXT, boss INTEGER REFERENCES emp (id));
     CREATE TABLE items (id INTEGER PRIMARY KEY, emp_id TEXT, code TEXT);";

const STAFF_PROFILE: &str = "name = \"x\"\n[[references]]\nfrom = \"items.emp_id\"\nto = \"emp.id\"\n[tables.emp.columns]\nid = \"plain\"\nemail = \"plain\"\nboss = \"plain\"\n\
     [tables.items.columns]\nid = \"plain\"\nemp_id = \"plain\"\ncode = \"plain\"\n";

#[test]
fn natural_keys_are_not_for_one_record_that_refers_to_its_own_table() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let rules = format!("{STAFF_PROFILE}[tables.emp.merge]\nnatural_keys = [[\"email\"]]\n");
    let rows = "INSERT INTO emp VALUES (1, 'new1@x', NULL), (2, 'b@x', 1);";
    let merged = merge_on_both(
        folder.path(),
        &server,
        (STAFF, &rules),
        (rows, "INSERT INTO emp VALUES (1, 'b@x', NULL);"),
        &["--table", "emp", "--key", "2"],
    );
    for (url, refused) in merged {
        assert_eq!(refused.code, 3, "{url}: {}", refused.text());
        assert!(
            refused.stderr.contains("its natural keys tell these apart in a whole file only"),
            "{}",
            refused.stderr
        );
    }
}

#[test]
fn a_natural_key_has_no_column_that_leads_to_its_own_table() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let rules = format!("{STAFF_PROFILE}[tables.emp.merge]\nnatural_keys = [[\"boss\", \"email\"]]\n");
    for (url, refused) in
        merge_on_both(folder.path(), &server, (STAFF, &rules), ("INSERT INTO emp VALUES (1, 'a', NULL);", ""), &[])
    {
        assert_eq!(refused.code, 3, "{url}: {}", refused.text());
        assert!(refused.stderr.contains("has boss, which refers to the same table"), "{}", refused.stderr);
    }
}

#[test]
fn a_reference_of_another_type_follows_too() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let rules = format!("{STAFF_PROFILE}[tables.emp.merge]\nnatural_keys = [[\"email\"]]\n");
    let rows = "INSERT INTO emp VALUES (5, 'a@x', NULL); INSERT INTO items VALUES (1, '5', 'c');";
    for (url, merged) in
        merge_on_both(folder.path(), &server, (STAFF, &rules), (rows, "INSERT INTO emp VALUES (9, 'a@x', NULL);"), &[])
    {
        assert_eq!(merged.code, 0, "{url}: {}", merged.stderr);
        let item = r#"{"id":1,"emp_id":"9","code":"c"}"#.to_owned();
        let there = records(folder.path(), &url, "now.json");
        assert!(there.contains(&item), "{url}: {there:?}");
    }
}

#[test]
fn a_record_that_stays_as_it_is_keeps_what_others_refer_to_it_by() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let profile =
        STAFF_PROFILE.replace("from = \"items.emp_id\"\nto = \"emp.id\"", "from = \"items.code\"\nto = \"emp.email\"");
    let rules = format!("{profile}[tables.emp.merge]\nnatural_keys = [[\"email\"]]\n");
    for (url, refused) in merge_on_both(
        folder.path(),
        &server,
        (STAFF, &rules),
        ("INSERT INTO emp VALUES (1, 'a', NULL);", ""),
        &["--policy", "emp=mine"],
    ) {
        assert_eq!(refused.code, 3, "{url}: {}", refused.text());
        assert!(refused.stderr.contains("would stay as they are, and others refer to email"), "{}", refused.stderr);
    }
}

#[test]
fn a_plan_is_one_of_what_its_profile_says_about_merges() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let rules = format!("{STAFF_PROFILE}[tables.emp.merge]\nnatural_keys = [[\"email\"]]\n");
    let rows = "INSERT INTO emp VALUES (5, 'a@x', NULL); INSERT INTO items VALUES (1, '5', 'c');";
    let planned = merge_on_both(
        folder.path(),
        &server,
        (STAFF, &rules),
        (rows, "INSERT INTO emp VALUES (9, 'a@x', NULL);"),
        &["--dry-run", "--json"],
    );
    let without = rules.replace("[[references]]\nfrom = \"items.emp_id\"\nto = \"emp.id\"\n", "");
    fs::write(folder.path().join("y.toml"), without).unwrap();
    for (url, planned) in planned {
        let report: serde_json::Value = serde_json::from_slice(&planned.stdout).unwrap();
        let hash = report["plan"].as_str().unwrap();
        let stale =
            import(folder.path(), "x.json", &url, &[&MERGE[..], &["--profile", "y.toml", "--plan", hash]].concat());
        assert_eq!(stale.code, 8, "{url}: {}", stale.text());
    }
}

#[test]
fn newer_needs_a_profile_that_tells_what_is_newer_and_nothing_is_no_import() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let url = shop(folder);
    for (policy, why) in [
        (
            "customers=newer",
            "customers has the policy newer, and no profile tells when its records were changed (changed_at)",
        ),
        ("newer", "the policy newer is about none of the file's tables"),
        ("skip", "nothing would be imported: every table of the file has the policy skip"),
        ("custmers=file", "the file has no table custmers, which has a policy; did you mean `customers`?"),
        ("customers=file,orders=mine", "repeat --policy for each table"),
    ] {
        let refused = import(folder, "shop.json", &url, &[&MERGE[..], &["--policy", policy]].concat());
        assert_eq!(refused.code, 3, "{policy}: {}", refused.text());
        assert!(refused.stderr.contains(why), "{policy}: {}", refused.stderr);
    }
    assert_eq!(import(folder, "shop.json", &url, &[&MERGE[..], &["--policy", "=file"]].concat()).code, 2);
}

/// Whatever is no day and no time of UTC may be later than the export.
#[test]
fn a_time_that_cannot_be_compared_counts_as_changed_since() {
    let table = "CREATE TABLE n (id INTEGER PRIMARY KEY, v TEXT, at TEXT);";
    let rules = "name = \"x\"\n[tables.n.merge]\nchanged_at = { column = \"at\", unit = \"iso\" }\n[tables.n.columns]\nid = \"plain\"\nv = \"plain\"\nat = \"plain\"\n";
    let times = [
        ("2020-01-01", false),
        ("2020-01-01 10:00:00", false),
        ("2020-01-01T10:00:00.123456Z", false),
        ("2020-01-01T10:00:00+00:00", false),
        ("2020-01-01T10:00:00-08:00", true),
        ("2020-01-01T10:00", true),
        ("2020-01-01 06:10:00 PM", true),
        ("yesterday", true),
        ("2199-01-01", true),
    ];
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let rows = |value: &str| {
        let rows: Vec<String> =
            times.iter().enumerate().map(|(id, (at, _))| format!("({id}, '{value}', '{at}')")).collect();
        format!("INSERT INTO n VALUES {};", rows.join(", "))
    };
    for (url, merged) in
        merge_on_both(folder.path(), &server, (table, rules), (&rows("file"), &rows("here")), &["--policy", "newer"])
    {
        assert_eq!(merged.code, 0, "{url}: {}", merged.stderr);
        let there = records(folder.path(), &url, "now.json");
        for ((at, is_newer), record) in times.iter().zip(there) {
            assert_eq!(record.contains("\"here\""), *is_newer, "{url} {at}: {record}");
        }
    }
}

#[test]
fn what_is_newer_stays_whatever_its_natural_key() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let table = "CREATE TABLE n (id INTEGER PRIMARY KEY, v TEXT, at TEXT);";
    let rules = "name = \"x\"\n[tables.n.merge]\nnatural_keys = [[\"v\"]]\nchanged_at = { column = \"at\", unit = \"iso\" }\n[tables.n.columns]\nid = \"plain\"\nv = \"plain\"\nat = \"plain\"\n";
    let (file, here) =
        ("INSERT INTO n VALUES (1, 'file@x', '2020-01-01');", "INSERT INTO n VALUES (1, 'mine@x', '2199-01-01');");
    for (url, merged) in merge_on_both(folder.path(), &server, (table, rules), (file, here), &["--policy", "newer"]) {
        assert_eq!(merged.code, 0, "{url}: {}", merged.stderr);
        assert!(records(folder.path(), &url, "now.json")[0].contains("mine@x"), "{url}");
    }
}

#[test]
fn references_that_share_a_column_are_written_once_in_a_second_pass() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let tables = "CREATE TABLE x (id bigint PRIMARY KEY, y bigint, k bigint); CREATE TABLE y (id bigint PRIMARY KEY, k bigint, x bigint, UNIQUE (id, k));";
    let source = database(
        &server,
        "source",
        &format!("{tables} INSERT INTO x VALUES (1, 2, 3); INSERT INTO y VALUES (2, 3, 1);"),
    );
    export(folder, &source, "xy.json");
    let keys = "ALTER TABLE x ADD FOREIGN KEY (y) REFERENCES y (id), ADD FOREIGN KEY (y, k) REFERENCES y (id, k); ALTER TABLE y ADD FOREIGN KEY (x) REFERENCES x;";
    let url = database(&server, "target_copy", &format!("{tables}{keys}"));
    assert_eq!(import(folder, "xy.json", &url, &[]).code, 0);
    assert_eq!(server.sql_as("waybill_owner", "target_copy", "SELECT y + k FROM x"), "5");
}

#[test]
fn an_undo_runs_no_rule_with_code_of_others() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let table = "CREATE TABLE o (id bigint PRIMARY KEY);";
    let source = database(&server, "source", &format!("{table} INSERT INTO o VALUES (1);"));
    export(folder, &source, "o.json");
    let url = with_mallory(&server, "target_copy", table);
    as_mallory(
        &server,
        "target_copy",
        "CREATE FUNCTION mf(bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN INSERT INTO loot VALUES (current_user, 'x'); RETURN 1; END $$;",
    );
    server.sql_as("waybill_owner", "target_copy", "CREATE RULE r AS ON DELETE TO o DO ALSO SELECT mf(old.id)");
    assert_eq!(import(folder, "o.json", &url, &["--table", "o"]).code, 0);
    let refused = undo(folder, &url, &kept(folder, &url), &[]);
    assert!(
        refused.code == 3 && refused.stderr.contains("the rule r on o would run code of mallory"),
        "{}{}",
        refused.text(),
        refused.stderr
    );
    assert_eq!(loot(&server, "target_copy"), "0");
}

/// The dry run and the import judge references alike, whatever their collations and types.
#[test]
fn a_dry_run_compares_references_as_the_database_does() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let free = "CREATE TABLE a (id text PRIMARY KEY); CREATE TABLE b (id bigint PRIMARY KEY, a text);";
    let source =
        database(&server, "source", &format!("{free} INSERT INTO a VALUES ('ada'); INSERT INTO b VALUES (1, 'ADA');"));
    export(folder, &source, "ab.json");
    let ci = "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);";
    for (number, (keys, is_taken)) in [
        ("CREATE TABLE a (id text PRIMARY KEY); CREATE TABLE b (id bigint PRIMARY KEY, a text COLLATE ci REFERENCES a);", false),
        ("CREATE TABLE a (id text COLLATE ci PRIMARY KEY); CREATE TABLE b (id bigint PRIMARY KEY, a text COLLATE \"C\" REFERENCES a);", true),
    ]
    .into_iter()
    .enumerate()
    {
        let url = database(&server, &format!("target_{number}"), &format!("{ci}{keys}"));
        for options in [&["--dry-run"][..], &[]] {
            let imported = import(folder, "ab.json", &url, options);
            assert_eq!(imported.code == 0, is_taken, "{keys} {options:?}: {}", imported.stderr);
        }
    }
}
