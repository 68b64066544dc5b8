//! Export previews: exact record counts and an estimated size, computed once and shared by all callers.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::plan::{Outline, file_name};
use super::size_estimate::{estimate_table_size, measure_frame};
use super::{Error, Exports, Result};
use crate::model::drift::find_reclassified;
use crate::model::export::{DriftPolicy, Preview, TablePreview};
use crate::model::manifest::RecordOrder;
use crate::model::name::{TableName, TableOrField};
use crate::model::output::{Compression, Output};
use crate::model::text;
use crate::server::identity::Caller;
use crate::server::profile::{PlannedTable, Profile};
use crate::server::rows::Scan;
use crate::server::source::Source;
use crate::server::support::clock::{Clock, rfc3339};
use crate::server::support::sync::lock;

/// How long a page waits for counts. Tables not counted by then show "counting" and are updated later.
const RESPONSE_DEADLINE: Duration = Duration::from_millis(500);
/// How long a preview is reused, unless a refresh is requested.
const CACHE_TTL: Duration = Duration::from_mins(1);
/// How long a preview is reused even if a refresh is requested.
const MIN_REFRESH_INTERVAL: Duration = Duration::from_secs(1);
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
        let size = estimate_table_size(&mut *snapshot, planned, counts[index], Output::default())?;
        preview.tables[index].size = Some(size);
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
