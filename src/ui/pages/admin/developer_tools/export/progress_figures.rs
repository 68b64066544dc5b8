//! What is computed from the progress of a run: percent, rate, time left.

use crate::model::export::{Progress, RunState, RunView, Stage};
use crate::model::text;

/// What a figure shows that is not known yet.
const UNKNOWN: &str = "…";

/// The progress of a run, as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    pub title: String,
    pub percent: u64,
    pub records: String,
    pub written: String,
    pub rate: String,
    pub time_left: String,
}

impl Figures {
    pub fn of_run(run: &RunView) -> Self {
        match &run.state {
            RunState::Running(Some(progress)) => Self::of_progress(progress, run.estimated_bytes),
            RunState::Running(None) => Self::unknown("Running"),
            _ => Self::unknown("Waiting to start"),
        }
    }

    fn of_progress(progress: &Progress, estimated_bytes: Option<u64>) -> Self {
        let Stage::Writing { table, records, total_records, bytes } = &progress.stage else {
            return Self::unknown("Counting records");
        };
        let rate = bytes_per_second(*bytes, progress.elapsed_ms);
        Self {
            title: format!("Exporting {table}"),
            percent: percent(progress, estimated_bytes),
            records: format!("{} of {}", text::count(*records), text::count(*total_records)),
            written: text::bytes(*bytes),
            rate: rate.map_or_else(|| UNKNOWN.to_owned(), |rate| format!("{}/s", text::bytes(rate))),
            time_left: time_left(*bytes, estimated_bytes, rate),
        }
    }

    /// Before there are figures.
    fn unknown(title: &str) -> Self {
        let unknown = || UNKNOWN.to_owned();
        Self {
            title: title.to_owned(),
            percent: 0,
            records: unknown(),
            written: unknown(),
            rate: unknown(),
            time_left: unknown(),
        }
    }
}

/// The progress in percent: by bytes if a preview estimated them, otherwise by records.
pub fn percent(progress: &Progress, estimated_bytes: Option<u64>) -> u64 {
    let Stage::Writing { records, total_records, bytes, .. } = progress.stage else { return 0 };
    let (done, all) = estimated_bytes.map_or((records, total_records), |estimated| (bytes, estimated));
    // The estimate may be too low: only a sealed file counts as 100 %.
    (done * 100).checked_div(all).unwrap_or(0).min(99)
}

fn time_left(bytes: u64, estimated_bytes: Option<u64>, rate: Option<u64>) -> String {
    let remaining = estimated_bytes.map(|estimated| estimated.saturating_sub(bytes));
    match remaining.zip(rate).and_then(|(remaining, rate)| (remaining * 1000).checked_div(rate)) {
        None => UNKNOWN.to_owned(),
        Some(0..1000) => "less than a second".to_owned(),
        Some(ms) => text::approximate_duration(ms),
    }
}

fn bytes_per_second(bytes: u64, elapsed_ms: u64) -> Option<u64> {
    (bytes * 1000).checked_div(elapsed_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writing(records: u64, bytes: u64, elapsed_ms: u64) -> Progress {
        let stage = Stage::Writing { table: "users".into(), records, total_records: 200, bytes };
        Progress { elapsed_ms, stage }
    }

    #[test]
    fn figures_are_of_the_run_so_far() {
        let figures = Figures::of_progress(&writing(10, 500_000, 1_000), Some(2_000_000));
        assert_eq!((figures.percent, figures.rate), (25, "500 kB/s".to_owned()));
        assert_eq!((figures.records, figures.time_left), ("10 of 200".to_owned(), "about 3 s".to_owned()));
    }

    #[test]
    fn nothing_is_claimed_before_there_are_figures() {
        let counting = Figures::of_progress(&Progress { elapsed_ms: 900, stage: Stage::Counting }, Some(100));
        assert_eq!((counting.title, counting.percent), ("Counting records".to_owned(), 0));
        assert_eq!([counting.records, counting.written, counting.rate, counting.time_left], ["…"; 4]);
    }

    #[test]
    fn without_an_estimate_records_count_and_no_time_is_claimed() {
        let figures = Figures::of_progress(&writing(50, 300, 10), None);
        assert_eq!((figures.percent, figures.time_left), (25, "…".to_owned()));
    }

    #[test]
    fn a_low_estimate_does_not_reach_one_hundred_percent() {
        assert_eq!(percent(&writing(1, 300, 10), Some(100)), 99);
    }
}
