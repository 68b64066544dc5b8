//! `--create-tables`: a database without any gets what the file says of them.

use super::*;

/// All records of an export, whatever its engine.
fn data(folder: &Path, file: &str) -> serde_json::Value {
    serde_json::to_value(parse_export(&fs::read(folder.join(file)).unwrap()).data).unwrap()
}

fn empty_database(server: &Postgres, name: &str) -> String {
    database(server, name, "SELECT 1")
}

#[test]
fn an_export_comes_back_into_databases_without_tables() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let sample = generate_sample(30, folder);
    export(folder, &format!("sqlite:{}", sample.display()), "first.json");
    let mut from = "first.json";
    for (to, url) in [
        ("on-sqlite.json", sqlite(folder, "one.db", "").1),
        ("on-postgres.json", empty_database(&server, "one_copy")),
        ("on-postgres-again.json", empty_database(&server, "two_copy")),
        ("back-on-sqlite.json", sqlite(folder, "two.db", "").1),
    ] {
        let options = ["--create-tables", "--profile", "supportsignal"];
        let planned = import(folder, from, &url, &[&options[..], &["--dry-run"]].concat());
        assert_eq!(planned.code, 0, "{to}: {}", planned.stderr);
        let imported = import(folder, from, &url, &options);
        assert_eq!(imported.code, 0, "{to}: {}", imported.stderr);
        // The profile knows of columns that the file has not.
        let exported = run(folder, &["export", "--source", &url, "--order", "key", "--output", to]);
        assert_eq!(exported.code, 6, "{}", exported.stderr);
        let (mut now, then) = (data(folder, to), data(folder, "first.json"));
        now["debug_logs"] = then["debug_logs"].clone();
        for (table, records) in then.as_object().unwrap() {
            assert_eq!(&now[table], records, "{to} {table}");
        }
        from = to;
    }
    let keys = "SELECT count(*) FILTER (WHERE contype = 'p') > 30 AND count(*) FILTER (WHERE contype = 'f') > 10 FROM pg_constraint";
    assert_eq!(server.sql_as("waybill_owner", "two_copy", keys), "t", "keys and references are there");
    let dangling = server.psql("waybill_owner", "two_copy").args(["-c", "DELETE FROM incidents"]).output().unwrap();
    assert!(String::from_utf8_lossy(&dangling.stderr).contains("violates foreign key constraint"), "{dangling:?}");
}

#[test]
fn types_stay_where_the_engine_does_and_lose_nothing_where_it_does_not() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let source = database(
        &server,
        "source",
        "CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('sad', 'ok');
         CREATE TABLE app.things (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code varchar(12) NOT NULL, price numeric(20,2), tags text[],
             at timestamptz, day date, clock time, doc jsonb, mood app.mood, big bigint, yes boolean);
         INSERT INTO app.things (code, price, tags, at, day, clock, doc, mood, big, yes) VALUES
             ('a', 123456789012345678.90, '{x,\"y z\"}', '2026-01-02 03:04:05.678901+02', '2026-01-02', '03:04:05', '{\"a\": 1}', 'ok',
              9223372036854775807, true)",
    );
    export(folder, &source, "things.json");
    let target = empty_database(&server, "target_copy");
    let imported = import(folder, "things.json", &target, &["--create-tables"]);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    let types = "SELECT string_agg(format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute
         WHERE attrelid = 'app.things'::regclass AND attnum > 0";
    assert_eq!(
        server.sql_as("waybill_owner", "target_copy", types),
        "integer, character varying(12), numeric(20,2), text[], timestamp with time zone, date, time without time zone, jsonb, text, \
         bigint, boolean"
    );
    let next = "INSERT INTO app.things (code) VALUES ('b') RETURNING id";
    assert_eq!(
        server.sql_as("waybill_owner", "target_copy", next).lines().next(),
        Some("2"),
        "the next number is free"
    );
    server.sql_as("waybill_owner", "target_copy", "DELETE FROM app.things WHERE id = 2");
    export(folder, &target, "again.json");
    assert_eq!(data(folder, "again.json"), data(folder, "things.json"));

    let (path, url) = sqlite(folder, "things.db", "");
    assert_eq!(import(folder, "things.json", &url, &["--create-tables"]).code, 0);
    let row = Connection::open(path).unwrap();
    let row = row.query_row("SELECT price || '|' || at || '|' || big || '|' || yes FROM \"app.things\"", [], |row| {
        row.get::<_, String>(0)
    });
    assert_eq!(row.unwrap(), "123456789012345678.90|2026-01-02T01:04:05.678901Z|9223372036854775807|1");
}

#[test]
fn what_a_file_calls_types_and_names_is_never_a_statement() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let hostile = "CREATE TABLE \"a'; DROP TABLE b; --\" (\"x\"\"y\" \"TEXT); DROP TABLE b; --\", n \"INTEGER PRIMARY KEY\", m \"int default 7\");
         CREATE TABLE b (id INTEGER PRIMARY KEY); INSERT INTO b VALUES (1);
         INSERT INTO \"a'; DROP TABLE b; --\" VALUES ('t', 1, 2), ('u', 1, NULL);";
    let (_, source) = sqlite(folder, "source.db", hostile);
    export(folder, &source, "hostile.json");
    for url in [sqlite(folder, "target.db", "").1, empty_database(&server, "target_copy")] {
        let imported = import(folder, "hostile.json", &url, &["--create-tables"]);
        assert_eq!(imported.code, 0, "{}", imported.stderr);
        export(folder, &url, "again.json");
        assert_eq!(data(folder, "again.json"), data(folder, "hostile.json"));
        fs::remove_file(folder.join("again.json")).unwrap();
    }
    // A quoted name is another one on PostgreSQL, and what undoes imports there is none of a file's business.
    let forged = ["waybill_undo_00000000000000000000000000000000.import", "a\"b"];
    for (number, name) in forged.iter().enumerate() {
        let sql = format!("CREATE TABLE \"{}\" (file TEXT)", name.replace('"', "\"\""));
        let (_, source) = sqlite(folder, &format!("forged{number}.db"), &sql);
        export(folder, &source, &format!("forged{number}.json"));
        let url = empty_database(&server, &format!("forged{number}_copy"));
        let refused = import(folder, &format!("forged{number}.json"), &url, &["--create-tables"]);
        assert_eq!(refused.code, 3, "{}", refused.text());
        assert!(refused.stderr.contains("is no name of a table here"), "{}", refused.stderr);
    }
}

#[test]
fn tables_are_created_in_a_database_without_any_only_and_a_dry_run_leaves_none() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    shop(folder);
    let (path, on_sqlite) = sqlite(folder, "target.db", "");
    let on_postgres = empty_database(&server, "target_copy");
    let tables_of = |on_file: bool| {
        if on_file {
            count(&path, "sqlite_schema").to_string()
        } else {
            let count = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
            server.sql_as("waybill_owner", "target_copy", count)
        }
    };
    for (url, is_file) in [(on_sqlite, true), (on_postgres, false)] {
        let planned = import(folder, "shop.json", &url, &["--create-tables", "--dry-run"]);
        assert_eq!(planned.code, 0, "{}", planned.stderr);
        assert_eq!(tables_of(is_file), "0");
        let refused = import(folder, "shop.json", &url, &[]);
        assert!(
            refused.stderr.contains("or let the import create it in a database without any (--create-tables)"),
            "{}",
            refused.stderr
        );
        assert_eq!(import(folder, "shop.json", &url, &["--create-tables"]).code, 0);
        let again = import(folder, "shop.json", &url, &["--create-tables", "--mode", "merge"]);
        assert_eq!(again.code, 3, "{}", again.text());
        assert!(again.stderr.contains("the database has tables already, such as customers"), "{}", again.stderr);
    }
    assert_eq!(
        import(folder, "shop.json", "sqlite:new.db", &["--create-tables"]).code,
        1,
        "a file that is not there is a typing error"
    );
}
