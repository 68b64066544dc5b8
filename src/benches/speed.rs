//! Benchmark of complete programs against their peers, for time and memory: run in turn, each writing to a file
//! through standard output. Prints medians, ratios and data sizes; has no pass or fail.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a bench that cannot run stops with its reason")]

#[path = "../tests/harness/postgres.rs"]
#[expect(dead_code, reason = "the bench needs less of it than the tests")]
mod postgres;
mod timed_program;
mod web_server;

use std::path::{Path, PathBuf};
use std::process::Command;

use postgres::Postgres;
use timed_program::{Measurement, TimedProgram, measure, measure_and_keep_output, report};
use web_server::WebServer;

/// The sample's tables that an export includes; the other programs read the same ones.
const TABLES: [&str; 22] = [
    "companies",
    "users",
    "accounts",
    "data_source_profiles",
    "analysis_executions",
    "impersonation_sessions",
    "password_reset_tokens",
    "prompt_groups",
    "ai_prompts",
    "analysis_results",
    "sessions",
    "sites",
    "participants",
    "incidents",
    "ai_request_logs",
    "clarification_answers",
    "clarification_questions",
    "incident_analysis",
    "incident_classifications",
    "incident_narratives",
    "user_invitations",
    "workflow_handoffs",
];
/// Counted runs after one warm-up; a single one at sizes where a run takes minutes.
const ROUNDS: usize = 5;
const ROUNDS_WHEN_LARGE: usize = 1;
const LARGE_INCIDENTS: u64 = 500_000;
const PASSWORD: &str = "bench";

/// Environment variable with the path of another build to compare with this one.
const BASELINE_VARIABLE: &str = "WAYBILL_BENCH_BASELINE";

fn main() {
    if let Some(program) = std::env::var_os(BASELINE_VARIABLE) {
        return compare_with_baseline(Path::new(&program));
    }
    let sizes = std::env::var("WAYBILL_BENCH_INCIDENTS").unwrap_or_else(|_| "100000 1000000".into());
    for incidents in sizes.split_whitespace() {
        compare_at_size(incidents.parse().expect("WAYBILL_BENCH_INCIDENTS holds numbers"));
    }
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

/// The folder, sample and database server of a benchmark.
struct BenchEnvironment {
    folder: PathBuf,
    sample: PathBuf,
    server: Postgres,
}

impl BenchEnvironment {
    fn prepare(incidents: u64) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
        std::fs::create_dir_all(&folder).expect("a folder for the bench");
        let sample = folder.join(format!("{incidents}.db"));
        let server = large_server();
        let ground = Self { folder, sample, server };
        println!("making a sample of {incidents} incidents in both engines");
        if !ground.sample.exists() {
            let made = ground.make_sample(incidents, &ground.sample.display().to_string());
            println!("SQLite: {:.0} s, peak memory {:.0} MiB", made.seconds, mib(made.peak_bytes));
        }
        let made = ground.make_sample(incidents, &ground.server.url());
        println!("PostgreSQL: {:.0} s", made.seconds);
        ground.server.sql_as("postgres", "app", "VACUUM ANALYZE");
        ground.server.sql_as("postgres", "app", "CHECKPOINT");
        ground
    }

    fn make_sample(&self, incidents: u64, output: &str) -> Measurement {
        let (incidents, participants) = (incidents.to_string(), (incidents / 50).to_string());
        let mut make = waybill();
        make.args(["sample", "--incidents", &incidents, "--participants", &participants, "--output", output]);
        make.env("WAYBILL_SAMPLE_PASSWORD", PASSWORD);
        measure(&mut make, &self.path("made.txt"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn export_command(&self, source: &str, options: &[&str]) -> Command {
        let mut export = waybill();
        export.args(["export", "--source", source, "--state"]);
        export.arg(format!("sqlite:{}", self.path("state.db").display())).args(options);
        export
    }

    /// An export to standard output, as the other programs write.
    fn export_to_stdout_command(&self, source: &str, options: &[&str]) -> Command {
        let mut export = self.export_command(source, options);
        export.args(["--output", "-"]);
        export
    }

    fn sqlite_url(&self) -> String {
        format!("sqlite:{}", self.sample.display())
    }

    /// A psql command with one statement per table.
    fn psql_command(&self, statement: impl Fn(&str) -> String) -> Command {
        let mut psql = self.server.psql("waybill_owner", "app");
        psql.arg("-c").arg(TABLES.map(statement).concat());
        psql
    }

    fn pg_dump_command(&self, pipe: &str) -> Command {
        let mut shell = Command::new("bash");
        let script = format!(
            "set -o pipefail; exec {} -h 127.0.0.1 -p {} -U waybill_owner --data-only --exclude-table=debug_logs app {pipe}",
            self.server.program("pg_dump").get_program().display(),
            self.server.port()
        );
        shell.arg("-c").arg(if pipe.is_empty() { script } else { script.replace("exec ", "") });
        shell
    }
}

/// Starts a server configured for this much data: with a buffer of 256 MB, the benchmark would measure the disk.
fn large_server() -> Postgres {
    let server = Postgres::start();
    server.sql_as("postgres", "postgres", "ALTER SYSTEM SET shared_buffers = '3GB'");
    server.sql_as("postgres", "postgres", "ALTER SYSTEM SET max_wal_size = '8GB'");
    server.restart();
    server
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

/// Measures peak memory with one value of 100 MB, in both engines.
fn measure_huge_value() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let path = folder.path().join("huge.db");
    // Created by another program: a child's peak memory starts at its parent's.
    let cell = "CREATE TABLE huge (id INTEGER PRIMARY KEY, body TEXT);
        INSERT INTO huge VALUES (1, replace(hex(zeroblob(100000000 / 12)), '00', 'ab\"é' || char(10) || 'ab\"é' || char(10)));";
    let made = Command::new("sqlite3").arg(&path).arg(cell).status().expect("sqlite3");
    assert!(made.success(), "the cell could not be made");
    let server = large_server();
    server.sql("CREATE TABLE huge (id integer PRIMARY KEY, body text); INSERT INTO huge VALUES (1, repeat(E'ab\"é\\n', 100000000 / 6))");
    for (engine, source) in [("SQLite", format!("sqlite:{}", path.display())), ("PostgreSQL", server.url())] {
        let mut export = waybill();
        export.args(["export", "--output", "-", "--source", &source, "--state"]);
        export.arg(format!("sqlite:{}", folder.path().join("state.db").display()));
        let run = measure(&mut export, &folder.path().join("out.json"));
        println!("one cell of 100 MB from {engine}: peak memory {:.0} MiB, {:.2} s", mib(run.peak_bytes), run.seconds);
    }
}

/// Exports the same tables and columns with the `sqlite3` shell.
fn sqlite_shell_command(sample: &Path) -> Command {
    let connection = rusqlite::Connection::open(sample).expect("the sample");
    let mut statements = Vec::new();
    for table in TABLES {
        let mut columns = connection.prepare("SELECT name FROM pragma_table_info(?1)").expect("columns");
        let names = columns.query_map([table], |row| row.get::<_, String>("name")).expect("names");
        let secret =
            |name: &str| name == "password" || name == "token" || name.ends_with("_token") || name == "sessionToken";
        let kept = names.map(|name| name.expect("a name")).filter(|name| !secret(name));
        let list = kept.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        statements.push(format!("SELECT {list} FROM {table};"));
    }
    let mut command = Command::new("sqlite3");
    command.args(["-readonly", "-json"]).arg(sample).arg(statements.concat());
    command
}

fn waybill() -> Command {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    let mut command = Command::new(target.join("release/waybill"));
    command.env("XDG_STATE_HOME", target.join("bench/state"));
    command
}

#[expect(clippy::cast_precision_loss, reason = "mebibytes")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[expect(clippy::cast_precision_loss, reason = "megabytes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
