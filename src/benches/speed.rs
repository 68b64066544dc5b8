//! Benchmark of complete programs against their peers, for time and memory: run in turn, each writing to a file
//! through standard output. Prints medians, ratios and data sizes; has no pass or fail.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a bench that cannot run stops with its reason")]

mod archives;
mod bench_environment;
mod imports;
mod parts;
#[path = "../tests/harness/postgres.rs"]
#[expect(dead_code, reason = "the bench needs less of it than the tests")]
mod postgres;
mod timed_program;
mod web_server;

use std::path::Path;
use std::process::Command;

use bench_environment::{BenchEnvironment, PASSWORD, large_server, mib, sqlite_shell_command, waybill};
use timed_program::{TimedProgram, measure, measure_and_keep_output, report};
use web_server::WebServer;

/// Counted runs after one warm-up; a single one at sizes where a run takes minutes.
const ROUNDS: usize = 5;
const ROUNDS_WHEN_LARGE: usize = 1;
const LARGE_INCIDENTS: u64 = 500_000;

/// Environment variable with the path of another build to compare with this one.
const BASELINE_VARIABLE: &str = "WAYBILL_BENCH_BASELINE";

/// Environment variable that asks for the rows about parts only, at the small size.
const PARTS_VARIABLE: &str = "WAYBILL_BENCH_PARTS";

/// Environment variable that asks for the rows about imports only.
const IMPORTS_VARIABLE: &str = "WAYBILL_BENCH_IMPORTS";

/// Environment variable that asks for the rows about people's archives only.
const ARCHIVES_VARIABLE: &str = "WAYBILL_BENCH_ARCHIVES";

/// People whom somebody knows, whose archive is measured.
const PEOPLE: u64 = 20_000;

fn main() {
    if std::env::var_os(IMPORTS_VARIABLE).is_some() {
        return imports::measure_imports(100_000);
    }
    if std::env::var_os(ARCHIVES_VARIABLE).is_some() {
        return archives::measure_archives(PEOPLE);
    }
    if std::env::var_os(PARTS_VARIABLE).is_some() {
        parts::measure_segments(100_000);
        parts::measure_replacement(100_000);
        return parts::measure_layout(100_000);
    }
    if let Some(program) = std::env::var_os(BASELINE_VARIABLE) {
        return compare_with_baseline(Path::new(&program));
    }
    let sizes = std::env::var("WAYBILL_BENCH_INCIDENTS").unwrap_or_else(|_| "100000 1000000".into());
    for incidents in sizes.split_whitespace() {
        compare_at_size(incidents.parse().expect("WAYBILL_BENCH_INCIDENTS holds numbers"));
    }
    for incidents in sizes.split_whitespace() {
        parts::measure_segments(incidents.parse().expect("WAYBILL_BENCH_INCIDENTS holds numbers"));
    }
    parts::measure_replacement(100_000);
    parts::measure_layout(100_000);
    imports::measure_imports(100_000);
    archives::measure_archives(PEOPLE);
    measure_huge_value();
}

/// Compares exports and verifications of two builds, in turn.
fn compare_with_baseline(program: &Path) {
    let ground = BenchEnvironment::prepare(100_000);
    let (pg, lite) = (ground.server.url(), ground.sqlite_url());
    let baseline = |source: &str, state: &str| {
        let mut export = Command::new(program);
        export.args(["export", "--output", "-", "--source", source, "--state"]);
        export.arg(format!("sqlite:{}", ground.path(state).display()));
        export
    };
    let out = |name: &str| ground.path(name);
    let programs: Vec<TimedProgram<'_>> = vec![
        TimedProgram::new("this build, PostgreSQL", || {
            measure_and_keep_output(&mut ground.export_to_stdout_command(&pg, &[]), &out("pg.json"))
        }),
        TimedProgram::new("the baseline, PostgreSQL", || {
            measure_and_keep_output(&mut baseline(&pg, "baseline.db"), &out("old.json"))
        }),
        TimedProgram::new("this build, SQLite", || {
            measure(&mut ground.export_to_stdout_command(&lite, &[]), &out("lite.json"))
        }),
        TimedProgram::new("the baseline, SQLite", || measure(&mut baseline(&lite, "baseline.db"), &out("lite.json"))),
        TimedProgram::new("this build, verify", || {
            measure(waybill().arg("verify").arg(out("pg.json")), &out("verdict.txt"))
        }),
        TimedProgram::new("the baseline, verify", || {
            measure(Command::new(program).arg("verify").arg(out("old.json")), &out("verdict.txt"))
        }),
    ];
    let runs = timed_program::run_rounds(&programs, 2 * ROUNDS + 1);
    report(&programs, &runs);
    let ratio = |of: usize, to: usize| timed_program::ratio(&runs[of], &runs[to]);
    println!(
        "\nthis build against the baseline: PostgreSQL {:.3} ×, SQLite {:.3} ×, verify {:.3} ×",
        ratio(0, 1),
        ratio(2, 3),
        ratio(4, 5)
    );
    println!("verify against export: PostgreSQL {:.3} ×, SQLite {:.3} ×", ratio(4, 0), ratio(4, 2));
    for name in ["pg.json", "old.json"] {
        let _ = std::fs::remove_file(out(name));
    }
}

fn compare_at_size(incidents: u64) {
    let ground = BenchEnvironment::prepare(incidents);
    let counted = if incidents > LARGE_INCIDENTS { ROUNDS_WHEN_LARGE } else { ROUNDS };
    let (pg, lite) = (ground.server.url(), ground.sqlite_url());
    let out = |name: &str| ground.path(name);
    let site = WebServer::start(&ground.folder, &pg, PASSWORD);
    let programs: Vec<TimedProgram<'_>> = vec![
        TimedProgram::new("waybill export (PostgreSQL)", || {
            measure_and_keep_output(&mut ground.export_to_stdout_command(&pg, &[]), &out("pg.json"))
        }),
        TimedProgram::new("psql row_to_json", || {
            let rows = |table: &str| format!("COPY (SELECT row_to_json(t) FROM {table} t) TO STDOUT;");
            measure(&mut ground.psql_command(rows), &out("psql.json"))
        }),
        TimedProgram::new("pg_dump --data-only", || measure(&mut ground.pg_dump_command(""), &out("dump.sql"))),
        TimedProgram::new("psql COPY binary (the floor)", || {
            let rows = |table: &str| format!("COPY {table} TO STDOUT (FORMAT binary);");
            measure(&mut ground.psql_command(rows), &out("copy.bin"))
        }),
        TimedProgram::new("waybill export to a new file", || {
            // Synced to disk, as an export through the web is.
            let mut export = ground.export_command(&pg, &[]);
            let run = measure(export.arg("--output").arg(out("new.json")), &out("verdict.txt"));
            let _ = std::fs::remove_file(out("new.json"));
            run
        }),
        TimedProgram::new("web export (PostgreSQL)", || site.time_export()),
        TimedProgram::new("waybill export (SQLite)", || {
            measure(&mut ground.export_to_stdout_command(&lite, &[]), &out("lite.json"))
        }),
        TimedProgram::new("sqlite3 -json", || measure(&mut sqlite_shell_command(&ground.sample), &out("shell.json"))),
        TimedProgram::new("waybill verify", || {
            measure(waybill().arg("verify").arg(out("pg.json")), &out("verdict.txt"))
        }),
        TimedProgram::new("waybill export --compress gzip", || {
            measure(&mut ground.export_to_stdout_command(&pg, &["--compress", "gzip"]), &out("pg.json.gz"))
        }),
        TimedProgram::new("pg_dump | gzip", || measure(&mut ground.pg_dump_command("| gzip"), &out("dump.sql.gz"))),
        TimedProgram::new("waybill export --compress zstd", || {
            measure_and_keep_output(
                &mut ground.export_to_stdout_command(&pg, &["--compress", "zstd"]),
                &out("pg.json.zst"),
            )
        }),
        TimedProgram::new("pg_dump | zstd", || measure(&mut ground.pg_dump_command("| zstd -q"), &out("dump.sql.zst"))),
        TimedProgram::new("waybill verify (zstd)", || {
            measure(waybill().arg("verify").arg(out("pg.json.zst")), &out("verdict.txt"))
        }),
    ];
    let runs = timed_program::run_rounds(&programs, counted);
    let output = |at: usize| megabytes(runs[at].last().map_or(0, |run| run.output_bytes));
    println!(
        "\n{incidents} incidents: SQLite file {:.0} MB, export {:.0} MB, pg_dump {:.0} MB; median of {counted} after one warm-up",
        megabytes(std::fs::metadata(&ground.sample).map_or(0, |file| file.len())),
        output(0),
        output(2)
    );
    report(&programs, &runs);
    let ratio = |of: usize, to: usize| timed_program::ratio(&runs[of], &runs[to]);
    println!("\nagainst waybill export (PostgreSQL): row_to_json {:.2} ×, pg_dump {:.2} ×", ratio(1, 0), ratio(2, 0));
    println!("waybill export (PostgreSQL) against the floor: {:.2} ×", ratio(0, 3));
    println!("waybill verify against waybill export: PostgreSQL {:.2} ×, SQLite {:.2} ×", ratio(8, 0), ratio(8, 6));
    println!("web export against waybill export: {:.2} ×", ratio(5, 0));
    println!("web export against waybill export to a new file, both synced to disk: {:.2} ×", ratio(5, 4));
    println!("against waybill export (SQLite): sqlite3 -json {:.2} ×", ratio(7, 6));
    for (name, compressed, plain) in
        [("waybill gzip", 9, 0), ("pg_dump | gzip", 10, 2), ("waybill zstd", 11, 0), ("pg_dump | zstd", 12, 2)]
    {
        let seconds = timed_program::median(&runs[compressed]);
        let (read, written) = (output(plain), output(compressed));
        println!(
            "{name:<16} {:>5.0} MB/s in, {:>4.0} MB/s out ({read:.0} MB to {written:.0} MB)",
            read / seconds,
            written / seconds
        );
    }
    drop(programs);
    for name in ["pg.json", "pg.json.zst"] {
        let _ = std::fs::remove_file(out(name));
    }
}

/// Measures peak memory with one value of 100 MB, out of both engines and into them.
fn measure_huge_value() {
    const TABLE: &str = "CREATE TABLE huge (id INTEGER PRIMARY KEY, body TEXT);";
    let folder = tempfile::TempDir::new().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    // Created by another program: a child's peak memory starts at its parent's.
    let sqlite = |name: &str, sql: &str| {
        let made = Command::new("sqlite3").arg(path(name)).arg(sql).status().expect("sqlite3");
        assert!(made.success(), "{name} could not be made");
        format!("sqlite:{}", path(name).display())
    };
    let cell = "INSERT INTO huge VALUES (1, replace(hex(zeroblob(100000000 / 12)), '00', 'ab\"é' || char(10) || 'ab\"é' || char(10)));";
    let from_sqlite = sqlite("huge.db", &format!("{TABLE}{cell}"));
    let server = large_server();
    server.sql(&format!("{TABLE} INSERT INTO huge VALUES (1, repeat(E'ab\"é\\n', 100000000 / 6))"));
    server.sql_as("postgres", "postgres", "CREATE DATABASE empty_copy OWNER waybill_owner");
    server.sql_as("waybill_owner", "empty_copy", TABLE);
    let into = [("SQLite", sqlite("empty.db", TABLE)), ("PostgreSQL", server.url_as("waybill_owner", "empty_copy"))];
    let run = |arguments: &[&str], output: &str| {
        let mut command = waybill();
        command.args(arguments).arg("--state").arg(format!("sqlite:{}", path("state.db").display()));
        measure(&mut command, &path(output))
    };
    let tell = |what: &str, run: timed_program::Measurement| {
        println!("one cell of 100 MB {what}: peak memory {:.0} MiB, {:.2} s", mib(run.peak_bytes), run.seconds);
    };
    for (engine, source) in [("SQLite", from_sqlite), ("PostgreSQL", server.url())] {
        let exported = run(&["export", "--output", "-", "--source", &source], "out.json");
        tell(&format!("from {engine}"), exported);
    }
    let file = path("out.json").display().to_string();
    for (engine, target) in into {
        tell(&format!("into {engine}"), run(&["import", &file, "--target", &target], "told.txt"));
    }
}

#[expect(clippy::cast_precision_loss, reason = "megabytes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
