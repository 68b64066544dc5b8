//! Benchmark of imports, into an empty database and into the same one again, against the tools of the databases.

use std::io::{Read, Seek, Write};
use std::path::Path;
use std::process::Command;

use super::bench_environment::{BenchEnvironment, waybill};
use super::timed_program::{self, Measurement, TimedProgram, measure, measure_and_keep_output, report};

const ROUNDS: usize = 5;
const SQLITE_SCHEMA: &str = include_str!("../../migrations/supportsignal/sqlite/0001_supportsignal.sql");
const POSTGRES_SCHEMA: &str = include_str!("../../migrations/supportsignal/postgres/0001_supportsignal.sql");
const EMPTY_TABLE: &str = "debug_logs";

/// Imports the sample of this size. The targets are made anew before each run and are not timed; their constraints and
/// indexes are there.
pub fn measure_imports(incidents: u64) {
    let ground = BenchEnvironment::prepare(incidents);
    let out = |name: &str| ground.path(name);
    let (file, dump, lite_dump, target) = (out("all.json"), out("all.sql"), out("lite.sql"), out("target.db"));
    measure_and_keep_output(&mut ground.export_to_stdout_command(&ground.server.url(), &[]), &file);
    measure_and_keep_output(&mut ground.pg_dump_command(""), &dump);
    let mut shell = Command::new("sqlite3");
    let all_but = format!("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> '{EMPTY_TABLE}'");
    let connection = rusqlite::Connection::open(&ground.sample).expect("the sample");
    let mut tables = connection.prepare(&all_but).expect("tables");
    let tables = tables.query_map([], |row| row.get::<_, String>(0)).expect("names").map(|name| name.expect("a name"));
    let tables = tables.collect::<Vec<_>>().join(" ");
    shell.arg(&ground.sample).arg(format!(".dump --data-only {tables}"));
    measure_and_keep_output(&mut shell, &lite_dump);
    in_one_transaction(&lite_dump);

    let postgres = ground.server.url_as("waybill_owner", "imported");
    let sqlite = format!("sqlite:{}", target.display());
    let import = |url: &str, options: &[&str]| {
        let mut import = waybill();
        import.arg("import").arg(&file).args(["--target", url, "--profile", "supportsignal"]).args(options);
        import.arg("--state").arg(format!("sqlite:{}", out("imports.db").display()));
        measure(&mut import, &out("told.txt"))
    };
    let new_postgres = || {
        let make = "DROP DATABASE IF EXISTS imported WITH (FORCE)";
        ground.server.sql_as("postgres", "postgres", make);
        ground.server.sql_as("postgres", "postgres", "CREATE DATABASE imported OWNER waybill_owner");
        ground.server.sql_as("waybill_owner", "imported", POSTGRES_SCHEMA);
    };
    let new_sqlite = || {
        let _ = std::fs::remove_file(&target);
        // Of a new file, the records of an earlier import are none of its business.
        let _ = std::fs::remove_file(out("imports.db"));
        rusqlite::Connection::open(&target).expect("a file").execute_batch(SQLITE_SCHEMA).expect("the schema");
    };
    let load_dump = |input: &Path, mut command: Command| {
        let input = std::fs::File::open(input).expect("the dump");
        measure(command.stdin(input), &out("told.txt"))
    };
    let programs: Vec<TimedProgram<'_>> = vec![
        TimedProgram::new("waybill import (PostgreSQL)", || {
            new_postgres();
            import(&postgres, &[])
        }),
        TimedProgram::new("the same, references checked at the end", || {
            new_postgres();
            let may = |sql: &str| ground.server.sql_as("postgres", "imported", sql);
            may("GRANT SET ON PARAMETER session_replication_role TO waybill_owner");
            let run = import(&postgres, &[]);
            may("REVOKE SET ON PARAMETER session_replication_role FROM waybill_owner");
            run
        }),
        TimedProgram::new("the same file merged again", || import(&postgres, &["--mode", "merge"])),
        TimedProgram::new("a dry run of that", || import(&postgres, &["--mode", "merge", "--dry-run"])),
        TimedProgram::new("a dry run of the first import", || {
            new_postgres();
            import(&postgres, &["--dry-run"])
        }),
        TimedProgram::new("psql -1 of pg_dump --data-only", || {
            new_postgres();
            let mut psql = ground.server.psql("waybill_owner", "imported");
            psql.arg("-1");
            load_dump(&dump, psql)
        }),
        TimedProgram::new("waybill import (SQLite)", || {
            new_sqlite();
            import(&sqlite, &[])
        }),
        TimedProgram::new("the same file merged again (SQLite)", || import(&sqlite, &["--mode", "merge"])),
        TimedProgram::new("a dry run of that (SQLite)", || import(&sqlite, &["--mode", "merge", "--dry-run"])),
        TimedProgram::new("a dry run of the first import (SQLite)", || {
            new_sqlite();
            import(&sqlite, &["--dry-run"])
        }),
        TimedProgram::new("sqlite3 of .dump --data-only", || {
            new_sqlite();
            let mut shell = Command::new("sqlite3");
            // To older shells, NULL is no valid JSON.
            shell.args(["-cmd", "PRAGMA ignore_check_constraints = ON"]).arg(&target);
            load_dump(&lite_dump, shell)
        }),
    ];
    let runs = timed_program::run_rounds(&programs, ROUNDS);
    println!("\nimports of {incidents} incidents; median of {ROUNDS} after one warm-up");
    report(&programs, &runs);
    print_ratios(&runs);
    drop(programs);
    for path in [&file, &dump, &lite_dump, &target] {
        let _ = std::fs::remove_file(path);
    }
}

/// Of the programs, in their order.
fn print_ratios(runs: &[Vec<Measurement>]) {
    let ratio = |of: usize, to: usize| timed_program::ratio(&runs[of], &runs[to]);
    let [import, replica, merge, dry_merge, dry_import, psql] = [0, 1, 2, 3, 4, 5];
    println!("psql of pg_dump against waybill import: {:.2} ×, {:.2} ×", ratio(psql, import), ratio(psql, replica));
    println!("merge against import: {:.2} ×", ratio(merge, import));
    println!(
        "dry runs: {:.2} × of the merge, {:.2} × of the import",
        ratio(dry_merge, merge),
        ratio(dry_import, import)
    );
    let [import, merge, dry_merge, dry_import, shell] = [6, 7, 8, 9, 10];
    println!("sqlite3 against waybill import: {:.2} ×; merge {:.2} ×", ratio(shell, import), ratio(merge, import));
    println!(
        "dry runs: {:.2} × of the merge, {:.2} × of the import",
        ratio(dry_merge, merge),
        ratio(dry_import, import)
    );
}

/// Without a transaction, each of the dump's statements would be one, and wait for the disk. It is copied and not read whole: a child's
/// peak memory starts at its parent's.
fn in_one_transaction(dump: &Path) {
    let mut source = std::fs::File::open(dump).expect("the dump");
    let mut start = vec![0; 1000];
    let read = source.read(&mut start).expect("the dump");
    if String::from_utf8_lossy(&start[..read]).contains("BEGIN TRANSACTION") {
        return;
    }
    source.rewind().expect("the dump");
    let whole = dump.with_extension("whole");
    let mut target = std::fs::File::create(&whole).expect("the dump");
    target.write_all(b"BEGIN;\n").expect("the dump");
    std::io::copy(&mut source, &mut target).expect("the dump");
    target.write_all(b"COMMIT;\n").expect("the dump");
    std::fs::rename(whole, dump).expect("the dump");
}
