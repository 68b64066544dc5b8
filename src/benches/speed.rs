//! How fast, how much memory, and beside what: whole programs, in turn, both writing to a file through
//! standard output. Prints medians, ratios and the size of the data; judges nothing.

#![expect(clippy::expect_used, reason = "a bench that cannot run stops with its reason")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use wait4::Wait4;

/// The sample's tables and columns as an export takes them: the peer reads the same.
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
/// Counted runs: fewer at the sizes that take minutes each.
const RUNS: usize = 5;
const RUNS_WHEN_LARGE: usize = 3;

/// One run of a whole program.
#[derive(Clone, Copy)]
struct Run {
    seconds: f64,
    peak_bytes: u64,
}

fn main() {
    let sizes = std::env::var("WAYBILL_BENCH_INCIDENTS").unwrap_or_else(|_| "100000 1000000".into());
    for incidents in sizes.split_whitespace() {
        at_size(incidents);
    }
}

fn at_size(incidents: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    std::fs::create_dir_all(&folder).expect("a folder for the bench");
    let sample = folder.join(format!("{incidents}.db"));
    if !sample.exists() {
        println!("making a sample of {incidents} incidents");
        let participants = incidents.parse::<u64>().unwrap_or_default() / 50;
        let mut make = waybill();
        make.args(["sample", "--incidents", incidents, "--participants", &participants.to_string(), "--output"])
            .arg(&sample);
        let (path, run) = measured(&mut make, &folder.join("made.txt"));
        println!("made in {:.0} s, peak memory {:.0} MiB", run.seconds, mib(run.peak_bytes));
        let _ = std::fs::remove_file(path);
    }
    let (ours, theirs, check) = (folder.join("ours.json"), folder.join("theirs.json"), folder.join("check.txt"));
    let counted = if incidents.parse::<u64>().is_ok_and(|n| n > 500_000) { RUNS_WHEN_LARGE } else { RUNS };
    let mut runs: [Vec<Run>; 3] = Default::default();
    // The first round warms the disk's cache and is not counted.
    for round in 0..=counted {
        let state = folder.join("state.db");
        let mut export = waybill();
        export.args(["export", "--output", "-", "--source"]).arg(format!("sqlite:{}", sample.display()));
        export.arg("--state").arg(format!("sqlite:{}", state.display()));
        let measured_now =
            [measured(&mut export, &ours).1, measured(&mut peer(&sample), &theirs).1, verify(&ours, &check)];
        if round > 0 {
            runs.iter_mut().zip(measured_now).for_each(|(runs, run)| runs.push(run));
        }
    }
    report(incidents, &sample, &ours, &runs);
    for file in [ours, theirs, check] {
        let _ = std::fs::remove_file(file);
    }
}

fn report(incidents: &str, sample: &Path, ours: &Path, runs: &[Vec<Run>; 3]) {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    #[expect(clippy::cast_precision_loss, reason = "megabytes")]
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    println!(
        "\n{incidents} incidents: database {:.0} MB, export {:.0} MB, median of {} after one warm-up",
        megabytes(size(sample)),
        megabytes(size(ours)),
        runs[0].len()
    );
    println!("{:<22} {:>8} {:>8} {:>8} {:>9} {:>12}", "", "median", "min", "max", "MB/s", "peak memory");
    for (name, runs) in ["waybill export", "sqlite3 -json", "waybill verify"].iter().zip(runs) {
        let seconds = sorted(runs, |run| run.seconds);
        let peak = runs.iter().map(|run| run.peak_bytes).max().unwrap_or_default();
        println!(
            "{name:<22} {:>6.2} s {:>6.2} s {:>6.2} s {:>9.0} {:>8.1} MiB",
            median(&seconds),
            seconds[0],
            seconds[seconds.len() - 1],
            megabytes(size(ours)) / median(&seconds),
            mib(peak)
        );
    }
    let ratio = |a: &[Run], b: &[Run]| {
        let ratios =
            a.iter().zip(b).map(|(a, b)| Run { seconds: a.seconds / b.seconds, peak_bytes: 0 }).collect::<Vec<_>>();
        median(&sorted(&ratios, |run| run.seconds))
    };
    println!("sqlite3 -json takes {:.2} times as long as waybill export", ratio(&runs[1], &runs[0]));
    println!("waybill verify takes {:.2} times as long as waybill export", ratio(&runs[2], &runs[0]));
}

fn sorted(runs: &[Run], of: impl Fn(&Run) -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = runs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

#[expect(clippy::cast_precision_loss, reason = "mebibytes")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// The same tables and columns with the stock shell.
fn peer(sample: &Path) -> Command {
    let connection = rusqlite::Connection::open(sample).expect("the sample");
    let mut statements = Vec::new();
    for table in TABLES {
        let mut columns = connection.prepare("SELECT name FROM pragma_table_info(?1)").expect("columns");
        let names = columns.query_map([table], |row| row.get::<_, String>(0)).expect("names");
        let secret = [
            "password",
            "token",
            "access_token",
            "refresh_token",
            "id_token",
            "invitation_token",
            "session_token",
            "original_session_token",
            "sessionToken",
        ];
        let kept = names.map(|name| name.expect("a name")).filter(|name| !secret.contains(&name.as_str()));
        let list = kept.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        statements.push(format!("SELECT {list} FROM {table};"));
    }
    let mut command = Command::new("sqlite3");
    command.args(["-readonly", "-json"]).arg(sample).arg(statements.concat());
    command
}

fn verify(file: &Path, output: &Path) -> Run {
    let mut command = waybill();
    command.arg("verify").arg(file);
    measured(&mut command, output).1
}

fn waybill() -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("target/release/waybill"))
}

fn measured(command: &mut Command, output: &Path) -> (PathBuf, Run) {
    let file = File::create(output).expect("an output file");
    let started = Instant::now();
    let mut child = command.stdout(Stdio::from(file)).stderr(Stdio::null()).spawn().expect("the program");
    let used = child.wait4().expect("its end");
    assert!(used.status.success(), "{command:?} ended with {}", used.status);
    (output.to_owned(), Run { seconds: started.elapsed().as_secs_f64(), peak_bytes: used.rusage.maxrss })
}
