//! What is computed from the progress of a run: percent, rate, time left.

use crate::model::export::Progress;
use crate::model::text;

/// The progress in percent: by bytes if a preview estimated them, otherwise by records.
pub fn percent(progress: &Progress) -> u64 {
    let (done, all) = match (progress.estimated_bytes, progress.total_records) {
        (0, records) => (progress.records, records),
        (bytes, _) => (progress.bytes, bytes),
    };
    // The estimate may be too low: only a sealed file counts as 100 %.
    (done * 100).checked_div(all).unwrap_or(0).min(99)
}

pub fn rate(progress: &Progress) -> String {
    format!("{}/s", text::bytes(bytes_per_second(progress)))
}

pub fn time_left(progress: &Progress) -> String {
    let remaining = progress.estimated_bytes.saturating_sub(progress.bytes);
    match (remaining * 1000).checked_div(bytes_per_second(progress)) {
        None => "…".into(),
        Some(0..1000) => "less than a second".into(),
        Some(ms) => text::approximate_duration(ms),
    }
}

fn bytes_per_second(progress: &Progress) -> u64 {
    (progress.bytes * 1000).checked_div(progress.elapsed_ms).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_of_the_run_so_far() {
        let progress =
            Progress { bytes: 500_000, estimated_bytes: 2_000_000, elapsed_ms: 1_000, ..Progress::default() };
        assert_eq!((percent(&progress), rate(&progress)), (25, "500 kB/s".to_owned()));
        assert_eq!(time_left(&progress), "about 3 s");
    }

    #[test]
    fn nothing_is_claimed_before_there_are_figures() {
        let queued = Progress::default();
        assert_eq!((percent(&queued), rate(&queued)), (0, "0 B/s".to_owned()));
        assert_eq!(time_left(&queued), "…");
    }

    #[test]
    fn a_low_estimate_does_not_reach_one_hundred_percent() {
        let progress = Progress { bytes: 300, estimated_bytes: 100, ..Progress::default() };
        assert_eq!(percent(&progress), 99);
    }
}
