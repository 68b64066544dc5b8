//! Failures and interference of a real PostgreSQL server, and that they leave nothing behind.

use std::io::Write;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use waybill::server::rows::{RowSink, Scan, Stopped, Value};
use waybill::server::source::{Error, Kind, Predicate, Snapshot, Source};

use crate::harness::{CommandOutput, Postgres, WaybillCommand, parse_export};

/// A table larger than all buffers between server and client.
pub const LARGE: &str =
    "CREATE TABLE large AS SELECT n AS id, repeat(md5(n::text), 10) AS v FROM generate_series(1, 60000) n;
     CREATE TABLE small (id integer PRIMARY KEY, v text); INSERT INTO small VALUES (1, 'one');";
pub const LARGE_ROWS: u64 = 60_000;

/// Calls `at_row` once, at row 1,000.
struct CallbackSink<F: FnMut()> {
    rows: u64,
    at_row: F,
}

impl<F: FnMut()> RowSink for CallbackSink<F> {
    fn push_value(&mut self, _: Value<'_>) -> Result<(), Stopped> {
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Stopped> {
        self.rows += 1;
        if self.rows == 1000 {
            (self.at_row)();
        }
        Ok(())
    }
}

pub fn select_all(snapshot: &mut dyn Snapshot, table: &str) -> Scan {
    let catalog = snapshot.catalog().unwrap();
    let table = catalog.table(&table.into()).unwrap();
    Scan::whole(table)
}

/// Reads a table and calls `at_row` in its middle; returns the result and the number of rows read.
pub fn read_with_callback(snapshot: &mut dyn Snapshot, table: &str, at_row: impl FnMut()) -> (Result<(), Error>, u64) {
    let selection = select_all(snapshot, table);
    let mut sink = CallbackSink { rows: 0, at_row };
    let ended = snapshot.read_table(&selection, &mut sink);
    (ended, sink.rows)
}

pub fn export(server: &Postgres, folder: &TempDir, output: &str) -> CommandOutput {
    WaybillCommand::new(folder.path()).run(["export", "--source", &server.url(), "--output", output])
}

/// Starts another client's psql session and waits until `sql` has run in it.
pub fn other_session(server: &Postgres, sql: &str) -> Child {
    let mut child = server
        .psql("waybill_owner", "app")
        .env("PGAPPNAME", "night job")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.as_mut().unwrap(), "{sql}; SELECT 'ready';").unwrap();
    let mut said = [0; 6];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut said).unwrap();
    child
}

pub fn close_session(mut child: Child) {
    drop(child.stdin.take());
    child.wait().unwrap();
}

/// Asserts that no session, lock or unfinished file is left, and that the next export works.
pub fn assert_clean_and_usable(server: &Postgres, folder: &TempDir) {
    let started = Instant::now();
    while server.waybill_session_count() > 0 {
        assert!(started.elapsed() < Duration::from_secs(2), "a session is left behind");
        std::thread::yield_now();
    }
    let locks =
        "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE c.relname IN ('large', 'small')";
    assert_eq!(server.sql(locks), "0");
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains(".part")), "{names:?}");
    let again = export(server, folder, "again.json");
    assert_eq!(again.code, 0, "{}", again.stderr);
    std::fs::remove_file(folder.path().join("again.json")).unwrap();
}

const TERMINATE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'waybill'";

#[test]
fn a_terminated_backend_ends_the_read_and_the_source_recovers() {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    server.sql(LARGE);
    {
        let source = server.source();
        let mut snapshot = source.open_snapshot().unwrap();
        let (ended, rows) =
            read_with_callback(&mut *snapshot, "large", || drop(server.sql_as("postgres", "app", TERMINATE)));
        assert!(
            matches!(&ended, Err(error @ Error { kind: Kind::Connection, .. }) if error.to_string().starts_with("the database closed the connection")),
            "{ended:?}"
        );
        assert!(rows < LARGE_ROWS);
        let small = select_all(&mut *snapshot, "small");
        let counted = snapshot.count(&small);
        assert!(counted.is_err(), "the snapshot must stay unusable: {counted:?}");
        // The same source goes on working without a restart.
        drop(snapshot);
        let mut snapshot = source.open_snapshot().unwrap();
        let large = select_all(&mut *snapshot, "large");
        assert_eq!(snapshot.count(&large).unwrap(), LARGE_ROWS);
    }
    assert_clean_and_usable(&server, &folder);
}

#[test]
fn a_server_restart_ends_the_read_and_the_source_recovers() {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    server.sql(LARGE);
    {
        let source = server.source();
        let mut snapshot = source.open_snapshot().unwrap();
        let (ended, _) = read_with_callback(&mut *snapshot, "large", || server.restart());
        assert!(
            matches!(&ended, Err(error @ Error { kind: Kind::Connection, .. }) if error.to_string().starts_with("the database closed the connection")),
            "{ended:?}"
        );
        drop(snapshot);
        assert_eq!(
            source.find_unique(&"small".into(), &[Predicate::equals("id", "1")], &["v"]).unwrap(),
            Some(vec![Some("one".into())]),
            "the pooled connection was not replaced"
        );
    }
    assert_clean_and_usable(&server, &folder);
}

/// If locks were not taken before the snapshot, a table truncated or rewritten since would read as empty, without an
/// error.
#[test]
fn a_truncate_or_a_rewrite_by_others_waits_for_the_snapshot() {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    server.sql(LARGE);
    let source = server.source();
    let mut snapshot = source.open_snapshot().unwrap();
    for change in ["TRUNCATE small", "ALTER TABLE small ALTER COLUMN id TYPE bigint", "DROP TABLE small"] {
        let mut psql = server.psql("waybill_owner", "app");
        let refused =
            psql.args(["-c", "SET lock_timeout = 200", "-c", change]).stderr(Stdio::piped()).output().unwrap();
        assert!(!refused.status.success(), "{change} went through");
    }
    assert_eq!(read_with_callback(&mut *snapshot, "small", || ()).1, 1);
    drop(snapshot);
    drop(source);
    server.sql("TRUNCATE small");
    assert_clean_and_usable(&server, &folder);
}

#[test]
fn changes_between_catalogue_read_and_locks_are_noticed() {
    let server = Postgres::start();
    server.sql("CREATE TABLE small (id integer PRIMARY KEY, v text)");
    let source = server.source();
    // A table created while we wait for a lock must be in both snapshot and catalog, or in neither.
    let holder =
        other_session(&server, "BEGIN; LOCK TABLE small; CREATE TABLE fresh (x integer); INSERT INTO fresh VALUES (1)");
    let opened = std::thread::scope(|scope| {
        let opening = scope.spawn(|| source.open_snapshot());
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
        while server.sql(waiting) == "0" {
            std::thread::yield_now();
        }
        let mut holder = holder;
        writeln!(holder.stdin.as_mut().unwrap(), "COMMIT;").unwrap();
        close_session(holder);
        opening.join().unwrap()
    });
    let mut snapshot = opened.unwrap();
    assert!(snapshot.catalog().unwrap().table(&"fresh".into()).is_some());
    let fresh = select_all(&mut *snapshot, "fresh");
    assert_eq!(snapshot.count(&fresh).unwrap(), 1);
}

/// Adds up integers.
struct Sum(i64);
impl RowSink for Sum {
    fn push_value(&mut self, value: Value<'_>) -> Result<(), Stopped> {
        if let Value::Integer(n) = value {
            self.0 += n;
        }
        Ok(())
    }
    fn end_row(&mut self) -> Result<(), Stopped> {
        Ok(())
    }
}

#[test]
fn the_sum_of_all_money_is_the_same_in_two_hundred_exports_while_eight_writers_move_it() {
    let server = Postgres::start();
    server.sql("CREATE TABLE money_a (id integer PRIMARY KEY, amount bigint); CREATE TABLE money_b (LIKE money_a INCLUDING ALL);
        INSERT INTO money_a SELECT n, 1000 FROM generate_series(1, 50) n; INSERT INTO money_b SELECT n, 1000 FROM generate_series(1, 50) n");
    let script = "\\set a random(1, 50)\n\\set b random(1, 50)\nBEGIN;\nUPDATE money_a SET amount = amount - 7 WHERE id = :a;\n\
                  UPDATE money_b SET amount = amount + 7 WHERE id = :b;\nCOMMIT;\n";
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("move.sql"), script).unwrap();
    let mut writers = server.program("pgbench");
    writers.args(["-n", "-c", "8", "-j", "2", "-T", "600", "-f"]).arg(folder.path().join("move.sql"));
    writers.args(["-h", "127.0.0.1", "-U", "waybill_owner", "-p"]).arg(server.port().to_string()).arg("app");
    let mut writers = writers.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let source = server.source();
    let mut moved = false;
    for _ in 0..200 {
        let mut snapshot = source.open_snapshot().unwrap();
        let sum = |snapshot: &mut dyn Snapshot, table: &str| {
            let mut selection = select_all(snapshot, table);
            selection.columns.remove(0);
            let mut sum = Sum(0);
            snapshot.read_table(&selection, &mut sum).unwrap();
            sum.0
        };
        let (a, b) = (sum(&mut *snapshot, "money_a"), sum(&mut *snapshot, "money_b"));
        moved |= a != 50_000;
        assert_eq!(a + b, 100_000);
    }
    assert!(moved, "the writers changed nothing");
    writers.kill().unwrap();
    writers.wait().unwrap();
}

#[test]
fn row_level_security_is_refused_and_never_gives_fewer_rows() {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    server.sql(LARGE);
    server.sql("ALTER TABLE small ENABLE ROW LEVEL SECURITY; CREATE POLICY nobody ON small USING (false)");
    server.sql_as("postgres", "app", "CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader");
    let as_reader = server.url_as("reader", "app");
    let refused = WaybillCommand::new(folder.path()).run(["export", "--source", &as_reader, "--output", "out.json"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("small (row-level security hides rows from the user"), "{}", refused.stderr);
    assert!(!folder.path().join("out.json").exists());
    // The owner sees every row, unless the table has FORCE ROW LEVEL SECURITY.
    assert_eq!(export(&server, &folder, "owner.json").code, 0);
    assert_eq!(parse_export(&std::fs::read(folder.path().join("owner.json")).unwrap()).data["small"].len(), 1);
    server.sql("ALTER TABLE small FORCE ROW LEVEL SECURITY");
    assert_eq!(export(&server, &folder, "forced.json").code, 1);
}

#[test]
fn every_table_that_may_not_be_read_is_named_before_the_first_byte() {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    server.sql(LARGE);
    server.sql("CREATE SCHEMA closed; CREATE TABLE closed.t (x integer)");
    server.sql_as(
        "postgres",
        "app",
        "CREATE ROLE reader LOGIN; GRANT SELECT ON large TO reader; GRANT SELECT ON closed.t TO reader",
    );
    let as_reader = server.url_as("reader", "app");
    let mut program = WaybillCommand::new(folder.path());
    program.0.stdout(Stdio::piped());
    let refused = program.run(["export", "--source", &as_reader, "--output", "-"]);
    assert_eq!((refused.code, refused.stdout.len()), (1, 0));
    for reason in ["small (the user may not read it: GRANT SELECT)", "closed.t (the user may not use its schema"] {
        assert!(refused.stderr.contains(reason), "{}", refused.stderr);
    }
    // With a profile that leaves them out, the export works.
    let profile =
        "name = \"x\"\n[tables.large.columns]\nid = \"plain\"\nv = \"plain\"\n[tables.small]\nexclude = \"not ours\"\n";
    std::fs::write(folder.path().join("x.toml"), profile).unwrap();
    let arguments = ["export", "--source", &as_reader, "--profile", "x.toml", "--output", "out.json"];
    let done = WaybillCommand::new(folder.path()).run(arguments);
    assert_eq!(done.code, 6, "{}", done.stderr);
    assert!(done.stderr.contains("left out, unknown to the profile: closed.t"), "{}", done.stderr);
}

/// A sign-in while a migration has locked the accounts table fails soon, instead of waiting for the migration.
#[test]
fn an_account_lookup_gives_up_on_locks() {
    let (server, folder) = (Postgres::start(), TempDir::new().unwrap());
    server.sql("CREATE TABLE small (id integer PRIMARY KEY, v text); INSERT INTO small VALUES (1, 'one')");
    let holder = other_session(&server, "BEGIN; LOCK TABLE small IN ACCESS EXCLUSIVE MODE");
    {
        let source = server.source();
        let started = Instant::now();
        let ended = source.find_unique(&"small".into(), &[Predicate::equals("id", "1")], &["v"]);
        assert!(
            matches!(&ended, Err(error @ Error { kind: Kind::Connection, .. }) if error.to_string().starts_with("the database stopped responding")),
            "{ended:?}"
        );
        assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
        assert_eq!(server.sql_as("postgres", "app", waiting), "0");
    }
    close_session(holder);
    assert_clean_and_usable(&server, &folder);
}

/// `CAST(… AS character)` would truncate a key to its first letter.
#[test]
fn keys_of_any_character_type_are_found() {
    let server = Postgres::start();
    server.sql(
        "CREATE TABLE fixed (id char(4) PRIMARY KEY, role char(2)); INSERT INTO fixed VALUES ('abcd', 'AD'), ('a', 'A');
         CREATE TABLE bits (id bit(3), v varchar(5)); INSERT INTO bits VALUES (B'101', 'x')",
    );
    let source = server.source();
    let find = |table: &str, key: &str, column: &str| {
        source
            .find_unique(&table.into(), &[Predicate::equals("id", key)], &[column])
            .unwrap()
            .and_then(|row| row[0].clone())
    };
    assert_eq!(find("fixed", "abcd", "role").as_deref(), Some("AD"));
    assert_eq!(find("bits", "101", "v").as_deref(), Some("x"));
    let is_admin = |id: &str| {
        source.exists(&"fixed".into(), &[Predicate::equals("id", id), Predicate::equals("role", "AD")]).unwrap()
    };
    assert!(is_admin("abcd") && !is_admin("a"));
}

/// Behind a transaction pooler, session settings would leak to the next client.
#[test]
fn settings_are_changed_only_with_set_local() {
    let server = Postgres::start();
    server.sql("CREATE TABLE t (x integer)");
    server.sql_as("postgres", "app", "ALTER SYSTEM SET log_statement = 'all'; SELECT pg_reload_conf()");
    let source = server.source();
    drop(source.open_snapshot().unwrap());
    assert_eq!(source.find_unique(&"t".into(), &[Predicate::equals("x", "1")], &["x"]).unwrap(), None);
    drop(source);
    let log = server.log();
    assert!(log.contains("SET LOCAL row_security = off"), "{log}");
    let outside = log
        .lines()
        .filter(|line| line.contains("SET ") && !line.contains("SET LOCAL") && !line.contains("ALTER SYSTEM"));
    assert_eq!(outside.collect::<Vec<_>>(), Vec::<&str>::new());
}
