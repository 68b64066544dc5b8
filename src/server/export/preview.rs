//! Export previews: exact record counts and an estimated size, computed once and shared by all callers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use uuid::Uuid;

use super::plan::{Draft, ExportRequest, file_name};
use super::{Error, Exports, Result};
use crate::model::drift::reclassified;
use crate::model::export::{Compression, DriftPolicy, ExportId, Preview, SizeEstimate, TablePreview};
use crate::model::history::Outcome;
use crate::model::manifest::{AuditHead, RecordOrder};
use crate::model::text;
use crate::server::identity::Caller;
use crate::server::pipeline::Meter;
use crate::server::pipeline::encode::json::JsonTable;
use crate::server::pipeline::redact::{Key, Redactor};
use crate::server::profile::Profile;
use crate::server::rows::{RowSink, Selection, Stopped, Value};
use crate::server::source::{Snapshot, Source};
use crate::server::support::clock::{Clock, rfc3339};

/// How long a page waits for counts. Tables not counted by then show "counting" and are updated later.
const WAIT: Duration = Duration::from_millis(500);
/// How long a preview is reused, unless a refresh is requested.
const FRESH: Duration = Duration::from_mins(1);
/// How long a preview is reused even if a refresh is requested.
const NEWEST: Duration = Duration::from_secs(1);
const NO_KEY: Key = Key::new([0; 32]);
/// Assumed bytes per second while no export gives a measured rate; a conservative guess.
const FIRST_GUESS: u64 = 150_000_000;

/// The preview in progress, or the last one. Only one runs at a time; concurrent callers share it.
#[derive(Default)]
pub struct Previews(Mutex<Option<Job>>);

#[derive(Clone)]
struct Job {
    started: Instant,
    preview: watch::Receiver<Preview>,
}

impl Previews {
    /// The file size that the newest preview estimates, once it has measured every table.
    pub(super) fn latest_size(&self) -> Option<u64> {
        let job = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let size = job.preview.borrow().total_size();
        size.map(|size| size.bytes)
    }

    fn join_or(&self, refresh: bool, start: impl FnOnce() -> watch::Receiver<Preview>) -> watch::Receiver<Preview> {
        let mut job = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let good_for = if refresh { NEWEST } else { FRESH };
        if let Some(job) = &*job {
            let (settled, failed) = {
                let preview = job.preview.borrow();
                (preview.settled, preview.failure.is_some())
            };
            let lost = !settled && job.preview.has_changed().is_err();
            if !lost && (!settled || (!failed && job.started.elapsed() < good_for)) {
                return job.preview.clone();
            }
        }
        let preview = start();
        *job = Some(Job { started: Instant::now(), preview: preview.clone() });
        preview
    }
}

impl Exports {
    /// Returns the latest preview; starts a new one if that is too old or a refresh is requested. Waits
    /// at most half a second and returns what is known by then.
    ///
    /// # Errors
    /// `Refused`; `State` if the state cannot be read. Errors of the source are in the preview's `failure`.
    pub async fn preview(self: &Arc<Self>, caller: &Caller, refresh: bool) -> Result<Preview> {
        self.authorise(caller, "preview an export").await?;
        let rate = self.bytes_per_second().await?;
        let mut preview = self.previews.join_or(refresh, || self.start_preview(rate));
        let settled = preview.wait_for(|preview| preview.settled);
        // On timeout, or if the task failed, show what is known so far.
        let _ = tokio::time::timeout(WAIT, settled).await;
        let mut shown = preview.borrow().clone();
        shown.file_name = file_name(&self.profile, self.clock.now(), Compression::None);
        shown.reclassified = reclassified(&self.state.last_guesses().await?, &shown.guesses);
        Ok(shown)
    }

    fn start_preview(self: &Arc<Self>, rate: u64) -> watch::Receiver<Preview> {
        let empty = Preview { taken_at: rfc3339(self.clock.now()), ..Preview::default() };
        let (report, preview) = watch::channel(empty);
        let exports = self.clone();
        tokio::task::spawn_blocking(move || {
            let show = |preview: &Preview| {
                report.send_replace(preview.clone());
            };
            let measured = measure(&*exports.source, &exports.profile, &*exports.clock, rate, &show);
            report.send_modify(|preview| {
                preview.failure = measured.err().map(|error| told(&error));
                preview.settled = true;
            });
        });
        preview
    }

    /// The rate of the last completed export, if it is among the newest 20.
    async fn bytes_per_second(&self) -> Result<u64> {
        let page = self.state.exports_page(0, 20).await?;
        let last = page.into_iter().find(|row| row.outcome == Outcome::Completed);
        let rate = last.and_then(|row| (row.bytes? * 1000).checked_div(row.duration_ms?));
        Ok(rate.filter(|rate| *rate > 1_000_000).unwrap_or(FIRST_GUESS))
    }
}

/// The message that a page shows. Errors of source and profile are shown as they are; others, which may name files,
/// are logged instead.
fn told(error: &Error) -> String {
    match error {
        Error::Source(_) | Error::Profile(_) => error.to_string(),
        other => {
            tracing::error!(error = %other, "a preview failed");
            "the preview failed; the server's log says why".to_owned()
        }
    }
}

/// Counts and samples every table in one snapshot, calling `show` after every step. Blocks.
///
/// # Errors
/// As `Draft::make`; `Source` if a table cannot be counted or sampled.
pub fn measure(
    source: &dyn Source,
    profile: &Profile,
    clock: &dyn Clock,
    bytes_per_second: u64,
    show: &dyn Fn(&Preview),
) -> Result<Preview> {
    let mut snapshot = source.open_snapshot()?;
    let draft = Draft::make(&mut *snapshot, profile, RecordOrder::Storage, DriftPolicy::Report)?;
    let mut preview = outline(&draft, clock);
    preview.blocks_writers = snapshot.blocks_writers();
    show(&preview);
    let mut counts = Vec::with_capacity(preview.tables.len());
    for (index, selection) in draft.division.selections.iter().enumerate() {
        let records = snapshot.count(&selection.table)?;
        counts.push(records);
        preview.tables[index].records = Some(records);
        preview.contains = preview.contains.take().or_else(|| contents(profile, selection, records));
        show(&preview);
    }
    for (index, selection) in draft.division.selections.iter().enumerate() {
        preview.tables[index].size = Some(estimate(&mut *snapshot, selection, counts[index])?);
        show(&preview);
    }
    preview.frame_bytes = frame_bytes(draft, counts, source, snapshot.isolation(), clock)?;
    preview.expected_ms = preview.total_size().map(|size| size.bytes * 1000 / bytes_per_second);
    show(&preview);
    preview.settled = true;
    Ok(preview)
}

fn outline(draft: &Draft, clock: &dyn Clock) -> Preview {
    let profile = &draft.profile;
    let redaction = &draft.division.redaction;
    let left_out = |table: &str| {
        let fields = redaction.removed_fields.iter().chain(&redaction.unclassified);
        fields.filter_map(|field| field.strip_prefix(table)?.strip_prefix('.')).map(str::to_owned).collect()
    };
    let tables = draft.division.selections.iter().map(|selection| TablePreview {
        name: selection.table.clone(),
        left_out: left_out(&selection.table),
        records: None,
        size: None,
    });
    Preview {
        taken_at: rfc3339(clock.now()),
        file_name: file_name(profile, clock.now(), Compression::None),
        command: format!("waybill export{} --output .", profile.option()),
        tables: tables.collect(),
        excluded: redaction.excluded_tables.clone(),
        drift: profile.drift(&draft.catalog),
        guesses: profile.guesses.clone(),
        not_included: draft.catalog.not_included.clone(),
        ..Preview::default()
    }
}

/// Whose data the file holds, once the table of people is counted: "personal data of 104 participants".
fn contents(profile: &Profile, selection: &Selection, records: u64) -> Option<String> {
    let notice = profile.notice.as_ref().filter(|notice| notice.people == selection.table)?;
    let people = text::counted(records, notice.people.trim_end_matches('s'));
    Some(format!("{} of {people}", notice.contains))
}

/// The size of metadata and seal, measured by writing them to a sink.
fn frame_bytes(draft: Draft, counts: Vec<u64>, source: &dyn Source, isolation: &str, clock: &dyn Clock) -> Result<u64> {
    let request = ExportRequest {
        id: ExportId(Uuid::nil()),
        order: RecordOrder::Storage,
        exported_by: Uuid::nil().to_string(),
        audit: AuditHead { entries: 1_000_000, hash: "0".repeat(64) },
        at: clock.now(),
        key: NO_KEY,
        drift: DriftPolicy::Report,
    };
    let mut metadata = draft.promise(counts, &request, source, isolation).metadata;
    let tables: Vec<String> = metadata.record_counts.iter().map(|(table, _)| table.clone()).collect();
    metadata.record_counts.0.iter_mut().for_each(|(_, records)| *records = 0);
    let mut frame = crate::seal::Sealer::begin(std::io::sink(), &metadata, None).map_err(super::write::output)?;
    for table in tables {
        frame.close_table(table, 0).map_err(super::write::output)?;
    }
    let (_, sealed) = frame.finish().map_err(super::write::output)?;
    Ok(sealed.bytes)
}

/// Estimates a table's size: the exact count times the mean size of sampled records, encoded as in an
/// export. The interval is three standard errors to each side: neighbouring records on disk are alike,
/// so one standard error would be too narrow.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "statistics")]
fn estimate(snapshot: &mut dyn Snapshot, selection: &Selection, records: u64) -> Result<SizeEstimate> {
    let mut memory = Vec::new();
    let meter = Meter::default();
    let mut sample = Sample { table: JsonTable::begin(&mut memory, &meter, selection), sizes: Vec::new() };
    let opening = sample.table.take_encoded_bytes() as f64;
    // Sampled records are redacted as in an export; the size of a pseudonym does not depend on the key.
    let mut redacted = Redactor::new(&mut sample, selection, &NO_KEY);
    snapshot.sample(selection, &mut redacted).map_err(Error::Source)?;
    let (n, population) = (sample.sizes.len() as f64, records as f64);
    if sample.sizes.is_empty() {
        let bytes = opening as u64;
        return Ok(SizeEstimate { bytes, low_bytes: bytes, high_bytes: bytes });
    }
    let mean = sample.sizes.iter().sum::<f64>() / n;
    let variance = sample.sizes.iter().map(|size| (size - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let unseen = (1.0 - n / population).max(0.0);
    let spread = 3.0 * (variance / n * unseen).sqrt() * population;
    let bytes = mean * population + opening;
    let rounded = |bytes: f64| bytes.max(0.0).round() as u64;
    Ok(SizeEstimate { bytes: rounded(bytes), low_bytes: rounded(bytes - spread), high_bytes: rounded(bytes + spread) })
}

/// A row sink that keeps only the encoded size of each record.
struct Sample<'a> {
    table: JsonTable<'a, Vec<u8>>,
    sizes: Vec<f64>,
}

impl RowSink for Sample<'_> {
    fn value(&mut self, value: Value<'_>) -> std::result::Result<(), Stopped> {
        self.table.value(value)
    }

    #[expect(clippy::cast_precision_loss, reason = "a record's size")]
    fn end_row(&mut self) -> std::result::Result<(), Stopped> {
        self.table.end_row()?;
        // The bytes are dropped at once: one sampled record may nearly fill the memory.
        let size = self.table.take_encoded_bytes();
        // Every record but the first was encoded with a separator, comma and line feed, before it: add it to the first.
        let separator = if self.sizes.is_empty() { 2 } else { 0 };
        self.sizes.push((size + separator) as f64);
        Ok(())
    }
}
