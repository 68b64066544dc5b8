//! Downloads in ranges. One client may read a file in thousands of requests, so the audit trail has one start of them, and
//! an end with their number each minute.

use super::download::Download;
use super::ranged_downloads::{Ranges, Reader};
use super::{Exports, Result};
use crate::server::audit::Event;

impl Exports {
    /// Records the start of a download in ranges, unless it is recorded already.
    ///
    /// # Errors
    /// `State` if it cannot be recorded.
    pub(super) async fn start_range(&self, download: &Download, first_byte: u64) -> Result<()> {
        let reader = Reader::new(download.id, download.caller());
        // Held until the entry is written: no range is sent before it.
        let mut downloads = self.ranged_downloads.lock().await;
        let known = downloads.get(&reader).copied();
        let counts = first_byte == 0 && !known.is_some_and(|ranges| ranges.is_counted);
        if known.is_none() || counts {
            let mut tx = self.state.begin().await?;
            if counts {
                tx.exports().count_download(download.id).await?;
            }
            if known.is_none() {
                self.journal.record_about(&mut *tx, reader.actor(), download.id, Event::DownloadStarted).await?;
            }
            tx.commit().await?;
        }
        let ranges = downloads.entry(reader).or_insert(Ranges::since(self.clock.now()));
        ranges.open += 1;
        ranges.is_counted |= counts;
        Ok(())
    }

    /// Counts a range that was sent, complete or not.
    ///
    /// # Errors
    /// `State` if the state cannot be written while the program is stopping.
    pub(super) async fn end_range(&self, download: &Download, bytes_sent: u64) -> Result<()> {
        let reader = Reader::new(download.id, download.caller());
        if let Some(ranges) = self.ranged_downloads.lock().await.get_mut(&reader) {
            ranges.open -= 1;
            ranges.ended += 1;
            ranges.bytes_sent += bytes_sent;
        }
        // Nobody else will record it any more.
        if self.shutdown.is_cancelled() { self.record_ranges(true).await } else { Ok(()) }
    }

    /// Records what was sent in ranges and not recorded yet, of readers whose window is over, or of all if the program is
    /// stopping.
    ///
    /// # Errors
    /// `State` if the state cannot be written; the counts are kept for the next call.
    pub async fn record_ranges(&self, stopping: bool) -> Result<()> {
        let now = self.clock.now();
        let mut downloads = self.ranged_downloads.lock().await;
        let is_due = |ranges: &Ranges| stopping || ranges.is_due(now);
        if downloads.values().any(|ranges| is_due(ranges) && ranges.ended > 0) {
            let mut tx = self.state.begin().await?;
            for (reader, ranges) in downloads.iter().filter(|(_, ranges)| is_due(ranges) && ranges.ended > 0) {
                let event = Event::RangesDownloaded { ranges: ranges.ended, bytes_sent: ranges.bytes_sent };
                self.journal.record_about(&mut *tx, reader.actor(), reader.export, event).await?;
            }
            tx.commit().await?;
        }
        // A range that is still being sent goes on without a further start.
        downloads.retain(|_, ranges| !is_due(ranges) || ranges.open > 0);
        for ranges in downloads.values_mut().filter(|ranges| is_due(ranges)) {
            *ranges = Ranges { open: ranges.open, is_counted: ranges.is_counted, ..Ranges::since(now) };
        }
        Ok(())
    }
}
