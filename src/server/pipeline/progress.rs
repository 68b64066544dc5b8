//! Progress counters of a run, readable from any thread.

use std::sync::atomic::{AtomicU64, Ordering};

/// Shared by the run and those who follow it.
#[derive(Debug, Default)]
pub struct ProgressCounter {
    records: AtomicU64,
    bytes: AtomicU64,
    /// Index of the current table, plus one; 0 before the first.
    current_table: AtomicU64,
}

impl ProgressCounter {
    pub fn set_table(&self, index: usize) {
        self.current_table.store(index as u64 + 1, Ordering::Relaxed);
    }

    pub fn add_records(&self, n: u64) {
        self.records.fetch_add(n, Ordering::Relaxed);
    }

    pub fn add_bytes(&self, n: usize) {
        self.bytes.fetch_add(n as u64, Ordering::Relaxed);
    }

    #[must_use]
    pub fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The index of the current table, or `None` before the first.
    #[must_use]
    pub fn table_index(&self) -> Option<usize> {
        usize::try_from(self.current_table.load(Ordering::Relaxed)).ok()?.checked_sub(1)
    }
}

/// Number of records between two updates of the progress.
const RECORD_INTERVAL: u64 = 256;

/// Counts a table's records, and makes the progress exact however the table ends, even by a panic: an error names the
/// exact record.
#[derive(Debug)]
pub struct RecordCounter<'p> {
    progress: &'p ProgressCounter,
    records: u64,
}

impl<'p> RecordCounter<'p> {
    #[must_use]
    pub fn new(progress: &'p ProgressCounter) -> Self {
        Self { progress, records: 0 }
    }

    /// The records of the current table.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    #[inline]
    pub fn add(&mut self) {
        self.records += 1;
        if self.records.is_multiple_of(RECORD_INTERVAL) {
            self.progress.add_records(RECORD_INTERVAL);
        }
    }

    /// Ends the table and returns its number of records.
    pub fn end_table(&mut self) -> u64 {
        self.progress.add_records(self.records % RECORD_INTERVAL);
        std::mem::take(&mut self.records)
    }
}

impl Drop for RecordCounter<'_> {
    fn drop(&mut self) {
        self.end_table();
    }
}
