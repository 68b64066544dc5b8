//! What the compared programs read, and how each is called.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::postgres::Postgres;
use super::timed_program::{Measurement, measure};

/// The sample's tables that an export includes; the other programs read the same ones.
pub const TABLES: [&str; 22] = [
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
pub const PASSWORD: &str = "bench";

/// The folder, sample and database server of a benchmark.
pub struct BenchEnvironment {
    pub folder: PathBuf,
    pub sample: PathBuf,
    pub server: Postgres,
}

impl BenchEnvironment {
    pub fn prepare(incidents: u64) -> Self {
        Self::prepare_sample(incidents, "", &[])
    }

    /// With a thousand companies or more, of which one has a tenth of the incidents.
    pub fn prepare_with_largest_company(incidents: u64) -> Self {
        let companies = (incidents / 100).to_string();
        Self::prepare_sample(incidents, "-largest", &["--companies", &companies, "--largest-share", "10"])
    }

    fn prepare_sample(incidents: u64, name: &str, options: &[&str]) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
        std::fs::create_dir_all(&folder).expect("a folder for the bench");
        let sample = folder.join(format!("{incidents}{name}.db"));
        let server = large_server();
        let ground = Self { folder, sample, server };
        println!("making a sample of {incidents} incidents in both engines");
        if !ground.sample.exists() {
            let made = ground.make_sample(incidents, options, &ground.sample.display().to_string());
            println!("SQLite: {:.0} s, peak memory {:.0} MiB", made.seconds, mib(made.peak_bytes));
        }
        let made = ground.make_sample(incidents, options, &ground.server.url());
        println!("PostgreSQL: {:.0} s", made.seconds);
        ground.server.sql_as("postgres", "app", "VACUUM ANALYZE");
        ground.server.sql_as("postgres", "app", "CHECKPOINT");
        ground
    }

    fn make_sample(&self, incidents: u64, options: &[&str], output: &str) -> Measurement {
        let (incidents, participants) = (incidents.to_string(), (incidents / 50).to_string());
        let mut make = waybill();
        make.args(["sample", "--incidents", &incidents, "--participants", &participants, "--output", output]);
        make.args(options).env("WAYBILL_SAMPLE_PASSWORD", PASSWORD);
        measure(&mut make, &self.path("made.txt"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn export_command(&self, source: &str, options: &[&str]) -> Command {
        let mut export = waybill();
        export.args(["export", "--source", source, "--state"]);
        export.arg(format!("sqlite:{}", self.path("state.db").display())).args(options);
        export
    }

    /// An export to standard output, as the other programs write.
    pub fn export_to_stdout_command(&self, source: &str, options: &[&str]) -> Command {
        let mut export = self.export_command(source, options);
        export.args(["--output", "-"]);
        export
    }

    pub fn sqlite_url(&self) -> String {
        format!("sqlite:{}", self.sample.display())
    }

    /// A psql command with one statement per table.
    pub fn psql_command(&self, statement: impl Fn(&str) -> String) -> Command {
        let mut psql = self.server.psql("waybill_owner", "app");
        psql.arg("-c").arg(TABLES.map(statement).concat());
        psql
    }

    pub fn pg_dump_command(&self, pipe: &str) -> Command {
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
pub fn large_server() -> Postgres {
    let server = Postgres::start();
    server.sql_as("postgres", "postgres", "ALTER SYSTEM SET shared_buffers = '3GB'");
    server.sql_as("postgres", "postgres", "ALTER SYSTEM SET max_wal_size = '8GB'");
    server.restart();
    server
}

/// Exports the same tables and columns with the `sqlite3` shell.
pub fn sqlite_shell_command(sample: &Path) -> Command {
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

pub fn waybill() -> Command {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    let mut command = Command::new(target.join("release/waybill"));
    command.env("XDG_STATE_HOME", target.join("bench/state"));
    command
}

#[expect(clippy::cast_precision_loss, reason = "mebibytes")]
pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
