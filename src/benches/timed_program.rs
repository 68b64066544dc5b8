//! Programs to time, and the report of their runs.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use wait4::Wait4;

/// Measurements of one run of a program.
#[derive(Clone, Copy, Default)]
pub struct Measurement {
    pub seconds: f64,
    pub peak_bytes: u64,
    /// Size of its output.
    pub output_bytes: u64,
}

pub struct TimedProgram<'a> {
    name: &'static str,
    run: Box<dyn Fn() -> Measurement + 'a>,
}

impl<'a> TimedProgram<'a> {
    pub fn new(name: &'static str, run: impl Fn() -> Measurement + 'a) -> Self {
        Self { name, run: Box::new(run) }
    }
}

/// Runs all programs once per round, so that anything that slows the machine down affects all of them. The first
/// round warms caches and is not counted.
pub fn run_rounds(programs: &[TimedProgram<'_>], rounds: usize) -> Vec<Vec<Measurement>> {
    let mut runs = vec![Vec::new(); programs.len()];
    for round in 0..=rounds {
        for (program, runs) in programs.iter().zip(&mut runs) {
            // Flush to disk, so that no program waits for the writes of another.
            let _ = Command::new("sync").status();
            let run = (program.run)();
            if round > 0 {
                runs.push(run);
            }
        }
    }
    runs
}

/// Measures a command and removes its output file: the next program would otherwise wait for the memory that the
/// output takes in the page cache.
pub fn measure(command: &mut Command, output: &Path) -> Measurement {
    let run = measure_and_keep_output(command, output);
    let _ = std::fs::remove_file(output);
    run
}

/// Measures a command and keeps its output file, for others to read.
pub fn measure_and_keep_output(command: &mut Command, output: &Path) -> Measurement {
    let file = File::create(output).expect("an output file");
    let started = Instant::now();
    let mut child = command.stdout(Stdio::from(file)).stderr(Stdio::null()).spawn().expect("the program");
    let used = child.wait4().expect("its end");
    assert!(used.status.success(), "{command:?} ended with {}", used.status);
    let seconds = started.elapsed().as_secs_f64();
    let output_bytes = std::fs::metadata(output).map_or(0, |file| file.len());
    Measurement { seconds, peak_bytes: used.rusage.maxrss, output_bytes }
}

pub fn report(programs: &[TimedProgram<'_>], runs: &[Vec<Measurement>]) {
    println!("{:<32} {:>8} {:>8} {:>8} {:>12}", "", "median", "min", "max", "peak memory");
    for (program, runs) in programs.iter().zip(runs) {
        let seconds = sorted(runs.iter().map(|run| run.seconds));
        let peak = runs.iter().map(|run| run.peak_bytes).max().unwrap_or_default();
        let peak = if peak == 0 { String::new() } else { format!("{:.1} MiB", super::mib(peak)) };
        println!(
            "{:<32} {:>6.2} s {:>6.2} s {:>6.2} s {peak:>12}",
            program.name,
            median(runs),
            seconds[0],
            seconds[seconds.len() - 1],
        );
    }
}

pub fn median(runs: &[Measurement]) -> f64 {
    median_of_sorted(&sorted(runs.iter().map(|run| run.seconds)))
}

/// Returns the median of the ratios of each round.
pub fn ratio(of: &[Measurement], to: &[Measurement]) -> f64 {
    median_of_sorted(&sorted(of.iter().zip(to).map(|(of, to)| of.seconds / to.seconds)))
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median_of_sorted(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}
