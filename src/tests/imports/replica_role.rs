//! Users who may leave out triggers: references are checked at the end, all at once, and nothing less is refused.

use super::*;

const SCHEMA: &str = "CREATE TABLE customers (id bigint PRIMARY KEY, region text, name text, UNIQUE (region, name), boss bigint REFERENCES customers);
     CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers, region text, name text);
     CREATE TABLE seen (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text);
     CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen (what) VALUES (TG_TABLE_NAME || TG_NAME); RETURN NEW; END $$;
     CREATE TRIGGER usual AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION see();";

/// A database of this schema, which `waybill_owner` may fill without triggers.
fn target(server: &Postgres, name: &str, further: &str) -> String {
    let url = database(server, name, &format!("{SCHEMA}{further}"));
    server.sql_as("postgres", name, "GRANT SET ON PARAMETER session_replication_role TO waybill_owner");
    url
}

/// A file with these records of the shop.
fn export_rows(folder: &Path, server: &Postgres, rows: &str) {
    let free = "CREATE TABLE customers (id bigint PRIMARY KEY, region text, name text, boss bigint);
         CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, region text, name text);";
    let source = database(server, "source", &format!("{free}{rows}"));
    export(folder, &source, "shop.json");
}

const ROWS: &str = "INSERT INTO customers VALUES (1, 'eu', 'Ada', 2), (2, 'us', 'Bob', NULL);
     INSERT INTO orders VALUES (7, 1, 'eu', 'Ada'), (8, NULL, NULL, NULL), (9, 2, NULL, 'Bob');";

#[test]
fn triggers_do_not_run_where_the_user_may_leave_them_out_and_the_report_says_so() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    export_rows(folder, &server, ROWS);
    let url = target(&server, "target_copy", "");
    let expected = ["note      the trigger usual on orders (INSERT) does not run: the user may leave it out"];
    for options in [&["--dry-run"][..], &[]] {
        let imported = import(folder, "shop.json", &url, options);
        assert_eq!(imported.code, 0, "{}", imported.stderr);
        for line in expected {
            assert!(imported.text().contains(line), "{line}: {}", imported.text());
        }
        assert!(!imported.text().contains("usual on orders (INSERT) may run"), "{}", imported.text());
    }
    assert_eq!(server.sql_as("waybill_owner", "target_copy", "SELECT count(*) FROM seen"), "0");
    let orders = server.sql_as("waybill_owner", "target_copy", "SELECT count(*) FROM orders");
    assert_eq!(orders, "3");
    // A merge fires them: what is there already may be referred to by anything.
    let merged = import(folder, "shop.json", &url, &["--mode", "merge"]);
    assert!(merged.text().contains("trigger   usual on orders (INSERT) may run"), "{}", merged.text());
}

#[test]
fn what_the_triggers_would_have_refused_is_refused_at_the_end() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let by_name = |kind: &str| {
        format!(
            "ALTER TABLE orders ADD CONSTRAINT by_name FOREIGN KEY (region, name) REFERENCES customers (region, name) {kind};"
        )
    };
    for (number, (rows, further, why)) in [
        ("INSERT INTO orders VALUES (7, 3, NULL, NULL), (8, 4, NULL, NULL)", String::new(), "orders (2 to customers)"),
        ("INSERT INTO customers VALUES (1, NULL, NULL, 5)", String::new(), "customers (1 to customers)"),
        (
            "INSERT INTO customers VALUES (1, 'eu', 'Ada'); INSERT INTO orders VALUES (7, 1, 'us', 'Ada')",
            by_name(""),
            "orders (1 to customers)",
        ),
        (
            "INSERT INTO customers VALUES (1, 'eu', 'Ada'); INSERT INTO orders VALUES (7, 1, NULL, 'Ada')",
            by_name("MATCH FULL"),
            "orders (1 to customers)",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        server.sql_as("postgres", "postgres", "DROP DATABASE IF EXISTS source");
        let _ = fs::remove_file(folder.join("shop.json"));
        export_rows(folder, &server, rows);
        let name = format!("target_{number}");
        let url = target(&server, &name, &further);
        let refused = import(folder, "shop.json", &url, &[]);
        assert_eq!(refused.code, 3, "{}", refused.text());
        let why = format!("references lead to records that are not there: {why}; nothing was imported");
        assert!(refused.stderr.contains(&why), "{why}: {}", refused.stderr);
        assert_eq!(server.sql_as("waybill_owner", &name, "SELECT count(*) FROM customers"), "0");
    }
}

#[test]
fn triggers_check_what_a_query_at_the_end_could_not() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    export_rows(folder, &server, ROWS);
    for (number, further) in [
        // Others may remove what orders refer to, in a table that the import does not lock.
        "CREATE TABLE regions (code text PRIMARY KEY); INSERT INTO regions VALUES ('eu'); ALTER TABLE orders ADD FOREIGN KEY (region) REFERENCES regions;",
        // What it does to other tables nobody would check.
        "CREATE TRIGGER always AFTER INSERT ON customers FOR EACH ROW EXECUTE FUNCTION see(); ALTER TABLE customers ENABLE ALWAYS TRIGGER always;",
        "CREATE FUNCTION acc() RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen (what) VALUES ('x'); RETURN 'x'; END $$;
         ALTER TABLE customers ADD COLUMN code text DEFAULT acc();",
        // An internal trigger checks it, which does not fire in that role.
        "ALTER TABLE orders ADD CONSTRAINT once UNIQUE (region, name) DEFERRABLE;",
        "CREATE DOMAIN called AS text CHECK (VALUE <> ''); ALTER TABLE orders ALTER COLUMN name TYPE called;",
        "CREATE TRIGGER replica AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION see(); ALTER TABLE orders ENABLE REPLICA TRIGGER replica;",
    ]
    .iter()
    .enumerate()
    {
        let name = format!("target_{number}");
        let url = target(&server, &name, further);
        let imported = import(folder, "shop.json", &url, &["--dry-run"]);
        assert!(imported.text().contains("trigger   usual on orders (INSERT) may run"), "{further}: {}{}", imported.text(), imported.stderr);
    }
}

#[test]
fn partitions_and_references_of_their_own_are_checked_at_the_end() {
    let (folder, server) = (TempDir::new().unwrap(), Postgres::start());
    let folder = folder.path();
    let parts = "CREATE TABLE events (id bigint, year int, customer_id bigint REFERENCES customers, PRIMARY KEY (id, year)) PARTITION BY LIST (year);
         CREATE TABLE events_2025 PARTITION OF events FOR VALUES IN (2025); CREATE TABLE events_2026 PARTITION OF events FOR VALUES IN (2026);
         ALTER TABLE events_2026 ADD FOREIGN KEY (id) REFERENCES orders;";
    let free = "CREATE TABLE events (id bigint, year int, customer_id bigint, PRIMARY KEY (id, year));";
    for (number, (rows, why)) in [
        ("INSERT INTO events VALUES (7, 2025, 1), (7, 2026, 2)", None),
        ("INSERT INTO events VALUES (7, 2025, 4)", Some("events (1 to customers)")),
        ("INSERT INTO events VALUES (5, 2025, 1), (5, 2026, 1)", Some("events (1 to orders)")),
    ]
    .into_iter()
    .enumerate()
    {
        server.sql_as("postgres", "postgres", "DROP DATABASE IF EXISTS source");
        let _ = fs::remove_file(folder.join("shop.json"));
        export_rows(folder, &server, &format!("{ROWS}{free}{rows}"));
        let url = target(&server, &format!("target_{number}"), parts);
        let imported = import(folder, "shop.json", &url, &[]);
        match why {
            None => assert_eq!(imported.code, 0, "{}", imported.stderr),
            Some(why) => assert!(imported.code == 3 && imported.stderr.contains(why), "{}", imported.stderr),
        }
    }
}
