//! Export previews: exact record counts and an estimated size, computed once and shared by all callers.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use uuid::Uuid;

use super::plan::{Outline, RunContext, file_name};
use super::{Error, Exports, Result};
use crate::model::drift::find_reclassified;
use crate::model::export::{Compression, DriftPolicy, ExportId, Preview, SizeEstimate, TablePreview};
use crate::model::manifest::{AuditHead, RecordOrder};
use crate::model::name::{TableName, TableOrField};
use crate::model::text;
use crate::server::identity::Caller;
use crate::server::pipeline::ProgressCounter;
use crate::server::pipeline::encode::json::JsonEncoder;
use crate::server::pipeline::redact::{PseudonymKey, Redactor};
use crate::server::profile::{PlannedTable, Profile};
use crate::server::rows::{RowSink, Scan, Stopped, Value};
use crate::server::source::{Snapshot, Source};
use crate::server::support::clock::{Clock, rfc3339};
use crate::server::support::sync::lock;

/// How long a page waits for counts. Tables not counted by then show "counting" and are updated later.
const RESPONSE_DEADLINE: Duration = Duration::from_millis(500);
/// How long a preview is reused, unless a refresh is requested.
const CACHE_TTL: Duration = Duration::from_mins(1);
/// How long a preview is reused even if a refresh is requested.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(1);
const PLACEHOLDER_KEY: PseudonymKey = PseudonymKey::new([0; 32]);
/// Assumed bytes per second while no export gives a measured rate; a conservative guess.
pub(super) const DEFAULT_BYTES_PER_SECOND: u64 = 150_000_000;

/// The preview in progress, or the last one. Only one runs at a time; concurrent callers share it.
#[derive(Default)]
pub struct PreviewCache(Mutex<Option<CachedPreview>>);

#[derive(Clone)]
struct CachedPreview {
    started: Instant,
    preview: watch::Receiver<Preview>,
}

impl PreviewCache {
    /// The file size that the newest preview estimates, once it has measured every table.
    pub(super) fn latest_size(&self) -> Option<u64> {
        let cached = lock(&self.0).clone()?;
        let size = cached.preview.borrow().total_size();
        size.map(|size| size.bytes)
    }

    fn get_or_start(
        &self,
        refresh: bool,
        start: impl FnOnce() -> watch::Receiver<Preview>,
    ) -> watch::Receiver<Preview> {
        let mut cached = lock(&self.0);
        let max_age = if refresh { MIN_REFRESH_INTERVAL } else { CACHE_TTL };
        if let Some(cached) = &*cached {
            let (settled, failed) = {
                let preview = cached.preview.borrow();
                (preview.settled, preview.failure.is_some())
            };
            let is_dead = !settled && cached.preview.has_changed().is_err();
            if !is_dead && (!settled || (!failed && cached.started.elapsed() < max_age)) {
                return cached.preview.clone();
            }
        }
        let preview = start();
        *cached = Some(CachedPreview { started: Instant::now(), preview: preview.clone() });
        preview
    }
}

impl Exports {
    /// Returns the latest preview; starts a new one if that is too old or a refresh is requested. Waits
    /// at most half a second and returns what is known by then.
    ///
    /// # Errors
    /// `Forbidden`; `State` if the state cannot be read. Errors of the source are in the preview's `failure`.
    pub async fn preview(self: &Arc<Self>, caller: &Caller, refresh: bool) -> Result<Preview> {
        self.authorise(caller, "preview an export").await?;
        let rate = self.bytes_per_second().await?;
        let mut preview = self.previews.get_or_start(refresh, || self.start_preview(rate));
        let settled = preview.wait_for(|preview| preview.settled);
        // On timeout, or if the task failed, show what is known so far.
        let _ = tokio::time::timeout(RESPONSE_DEADLINE, settled).await;
        let mut shown = preview.borrow().clone();
        shown.file_name = file_name(&self.profile, self.clock.now(), Compression::None);
        shown.reclassified =
            find_reclassified(&self.state.connect().await?.exports().last_guesses().await?, &shown.guesses);
        Ok(shown)
    }

    fn start_preview(self: &Arc<Self>, rate: u64) -> watch::Receiver<Preview> {
        let empty = Preview { taken_at: rfc3339(self.clock.now()), ..Preview::default() };
        let (sender, preview) = watch::channel(empty);
        let exports = self.clone();
        tokio::task::spawn_blocking(move || {
            let show = |preview: &Preview| {
                sender.send_replace(preview.clone());
            };
            let measured = compute_preview(&*exports.source, &exports.profile, &*exports.clock, rate, &show);
            sender.send_modify(|preview| {
                preview.failure = measured.err().map(|error| preview_failure_message(&error));
                preview.settled = true;
            });
        });
        preview
    }

    /// The rate of the last completed export, if it is among the newest 20.
    async fn bytes_per_second(&self) -> Result<u64> {
        let page = self.state.connect().await?.exports().page(0, 20).await?;
        let last = page.iter().find_map(|row| row.state.completion());
        let rate = last.and_then(|done| (done.summary.bytes * 1000).checked_div(done.summary.duration_ms));
        Ok(rate.filter(|rate| *rate > 1_000_000).unwrap_or(DEFAULT_BYTES_PER_SECOND))
    }
}

/// The message that a page shows. Errors of source and profile are shown as they are; others, which may name files,
/// are logged instead.
fn preview_failure_message(error: &Error) -> String {
    match error {
        Error::Source(_) | Error::Profile(_) => error.to_string(),
        other => {
            tracing::error!(error = %other, "a preview failed");
            "the preview failed; the server's log says why".to_owned()
        }
    }
}

/// Counts and samples every table in one snapshot, calling `on_update` after every step. Blocks.
///
/// # Errors
/// As `Outline::from_snapshot`; `Source` if a table cannot be counted or sampled.
pub(super) fn compute_preview(
    source: &dyn Source,
    profile: &Profile,
    clock: &dyn Clock,
    bytes_per_second: u64,
    on_update: &dyn Fn(&Preview),
) -> Result<Preview> {
    let mut snapshot = source.open_snapshot()?;
    let outline = Outline::from_snapshot(&mut *snapshot, profile, RecordOrder::Storage, DriftPolicy::Report)?;
    let mut preview = initial_preview(&outline, clock);
    preview.blocks_writers = snapshot.blocks_writers();
    on_update(&preview);
    let mut counts = Vec::with_capacity(preview.tables.len());
    for (index, PlannedTable { scan, .. }) in outline.selection.tables.iter().enumerate() {
        let records = snapshot.count(scan)?;
        counts.push(records);
        preview.tables[index].records = Some(records);
        preview.contains = preview.contains.take().or_else(|| contents_notice(profile, scan, records));
        on_update(&preview);
    }
    for (index, planned) in outline.selection.tables.iter().enumerate() {
        preview.tables[index].size = Some(estimate_table_size(&mut *snapshot, planned, counts[index])?);
        on_update(&preview);
    }
    preview.frame_bytes = measure_frame(outline, counts, source, snapshot.isolation(), clock)?;
    preview.expected_ms = preview.total_size().map(|size| size.bytes * 1000 / bytes_per_second);
    on_update(&preview);
    preview.settled = true;
    Ok(preview)
}

fn initial_preview(outline: &Outline, clock: &dyn Clock) -> Preview {
    let profile = &outline.profile;
    let redaction = &outline.selection.redaction;
    let unclassified = || {
        redaction.unclassified.iter().filter_map(|name| match name {
            TableOrField::Field(field) => Some(field),
            TableOrField::Table(_) => None,
        })
    };
    let left_out = |table: &TableName| {
        let fields = redaction.removed_fields.iter().chain(unclassified());
        fields.filter(|field| field.table == *table).map(|field| field.column.clone()).collect()
    };
    let tables = outline.selection.tables.iter().map(|PlannedTable { scan, .. }| TablePreview {
        name: scan.table.clone(),
        left_out: left_out(&scan.table),
        records: None,
        size: None,
    });
    Preview {
        taken_at: rfc3339(clock.now()),
        file_name: file_name(profile, clock.now(), Compression::None),
        command: format!("waybill export{} --output .", profile.command_line_option()),
        tables: tables.collect(),
        excluded: redaction.excluded_tables.clone(),
        drift: profile.drift(&outline.catalog),
        guesses: profile.guesses.clone(),
        not_included: outline.catalog.not_included.clone(),
        ..Preview::default()
    }
}

/// Whose data the file holds, once the table of people is counted: "personal data of 104 participants".
fn contents_notice(profile: &Profile, scan: &Scan, records: u64) -> Option<String> {
    let notice = profile.notice.as_ref().filter(|notice| notice.people == scan.table)?;
    let people = text::count_of_table(records, notice.people.as_str());
    Some(format!("{} of {people}", notice.contains))
}

/// The size of metadata and seal, measured by writing them to a sink.
fn measure_frame(
    outline: Outline,
    counts: Vec<u64>,
    source: &dyn Source,
    isolation: &str,
    clock: &dyn Clock,
) -> Result<u64> {
    let context = RunContext {
        id: ExportId(Uuid::nil()),
        order: RecordOrder::Storage,
        exported_by: Uuid::nil().to_string(),
        audit_head: AuditHead { entries: 1_000_000, hash: "0".repeat(64) },
        exported_at: clock.now(),
        pseudonym_key: PLACEHOLDER_KEY,
        drift: DriftPolicy::Report,
    };
    let mut metadata = outline.into_plan(counts, &context, source, isolation).metadata;
    let tables: Vec<String> = metadata.record_counts.iter().map(|(table, _)| table.clone()).collect();
    metadata.record_counts.0.iter_mut().for_each(|(_, records)| *records = 0);
    let mut frame =
        crate::seal::DocumentWriter::begin(std::io::sink(), &metadata, None).map_err(super::write::seal_error)?;
    for table in tables {
        frame.end_table(table, 0).map_err(super::write::seal_error)?;
    }
    let (_, sealed) = frame.finish().map_err(super::write::seal_error)?;
    Ok(sealed.bytes)
}

/// Estimates a table's size: the exact count times the mean size of sampled records, encoded as in an
/// export. The interval is three standard errors to each side: neighbouring records on disk are alike,
/// so one standard error would be too narrow.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "statistics")]
fn estimate_table_size(snapshot: &mut dyn Snapshot, planned: &PlannedTable, records: u64) -> Result<SizeEstimate> {
    let PlannedTable { scan, treatments } = planned;
    let mut memory = Vec::new();
    let progress = ProgressCounter::default();
    let mut sample = SizeSampler { table: JsonEncoder::begin_table(&mut memory, &progress, scan), sizes: Vec::new() };
    let header_bytes = sample.table.discard_encoded() as f64;
    // Sampled records are redacted as in an export; the size of a pseudonym does not depend on the key.
    let mut redacted = Redactor::new(&mut sample, &scan.columns, treatments, &PLACEHOLDER_KEY);
    snapshot.sample(scan, &mut redacted).map_err(Error::Source)?;
    let (n, population) = (sample.sizes.len() as f64, records as f64);
    if sample.sizes.is_empty() {
        let bytes = header_bytes as u64;
        return Ok(SizeEstimate { bytes, low_bytes: bytes, high_bytes: bytes });
    }
    let mean = sample.sizes.iter().sum::<f64>() / n;
    let variance = sample.sizes.iter().map(|size| (size - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let unsampled_fraction = (1.0 - n / population).max(0.0);
    let margin = 3.0 * (variance / n * unsampled_fraction).sqrt() * population;
    let bytes = mean * population + header_bytes;
    let rounded = |bytes: f64| bytes.max(0.0).round() as u64;
    Ok(SizeEstimate { bytes: rounded(bytes), low_bytes: rounded(bytes - margin), high_bytes: rounded(bytes + margin) })
}

/// A row sink that keeps only the encoded size of each record.
struct SizeSampler<'a> {
    table: JsonEncoder<'a, Vec<u8>>,
    sizes: Vec<f64>,
}

impl RowSink for SizeSampler<'_> {
    fn push_value(&mut self, value: Value<'_>) -> std::result::Result<(), Stopped> {
        self.table.push_value(value)
    }

    #[expect(clippy::cast_precision_loss, reason = "a record's size")]
    fn end_row(&mut self) -> std::result::Result<(), Stopped> {
        self.table.end_row()?;
        // The bytes are dropped at once: one sampled record may nearly fill the memory.
        let size = self.table.discard_encoded();
        // Every record but the first was encoded with a separator, comma and line feed, before it: add it to the first.
        let separator = if self.sizes.is_empty() { 2 } else { 0 };
        self.sizes.push((size + separator) as f64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::source::sqlite::SqliteSource;
    use crate::server::support::clock::SystemClock;

    #[test]
    fn a_left_out_column_is_shown_at_its_own_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("source.db");
        let tables = "CREATE TABLE audit (id, note); CREATE TABLE \"audit.users\" (id, password, phone)";
        rusqlite::Connection::open(&path).unwrap().execute_batch(tables).unwrap();
        let profile = Profile::from_toml(
            "name = \"x\"\n[tables.audit.columns]\nid = \"plain\"\n\
             [tables.\"audit.users\".columns]\nid = \"plain\"\npassword = \"secret\"\n",
        )
        .unwrap();
        let preview = compute_preview(&SqliteSource::new(path), &profile, &SystemClock, 1, &|_| ()).unwrap();
        let left_out: Vec<(&str, &[String])> =
            preview.tables.iter().map(|table| (table.name.as_str(), &table.left_out[..])).collect();
        let [own, others] = [&["note".to_owned()][..], &["password".to_owned(), "phone".to_owned()]];
        assert_eq!(left_out, [("audit", own), ("audit.users", others)]);
    }
}
