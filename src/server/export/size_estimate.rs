//! The size of an export before it is written, measured with its own encoder and container.

use uuid::Uuid;

use super::plan::{RunContext, UncountedPlan};
use super::request::ExportRequest;
use super::write::container_error;
use super::{Error, Result};
use crate::model::export::ExportId;
use crate::model::manifest::AuditHead;
use crate::model::name::TableName;
use crate::model::output::Output;
use crate::model::preview::SizeEstimate;
use crate::model::selection::Selection;
use crate::server::pipeline::encode::{self, SizeSampler};
use crate::server::pipeline::redact::{PseudonymKey, Redactor};
use crate::server::pipeline::{ChunkWriter, ProgressCounter, container};
use crate::server::profile::PlannedTable;
use crate::server::source::{self, Snapshot, Source};
use crate::server::support::clock::Clock;

const PLACEHOLDER_KEY: PseudonymKey = PseudonymKey::new([0; 32]);

/// The size of metadata and seal, measured by writing them to a sink.
pub(super) fn measure_frame(
    uncounted: UncountedPlan,
    selection: Selection,
    counts: Vec<u64>,
    source: &dyn Source,
    isolation: &str,
    clock: &dyn Clock,
) -> Result<u64> {
    let context = RunContext {
        id: ExportId(Uuid::nil()),
        request: ExportRequest { selection, ..ExportRequest::default() },
        exported_by: Uuid::nil().to_string(),
        audit_head: AuditHead { entries: 1_000_000, hash: "0".repeat(64) },
        exported_at: clock.now(),
        pseudonym_key: PLACEHOLDER_KEY,
    };
    let mut metadata = uncounted.into_plan(counts, &context, source, isolation).metadata;
    let tables: Vec<TableName> = metadata.record_counts.iter().map(|(table, _)| table.clone()).collect();
    metadata.record_counts.0.iter_mut().for_each(|(_, records)| *records = 0);
    let mut frame = container::open(std::io::sink(), Output::default(), &metadata, None).map_err(container_error)?;
    for table in tables {
        frame.end_table(table, 0).map_err(container_error)?;
    }
    let (_, sealed) = frame.finish().map_err(container_error)?;
    Ok(sealed.bytes)
}

/// Estimates a table's size: the exact count times the mean size of sampled records, encoded as in an
/// export. The interval is three standard errors to each side: neighbouring records on disk are alike,
/// so one standard error would be too narrow.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "statistics")]
pub(super) fn estimate_table_size(
    snapshot: &mut dyn Snapshot,
    planned: &PlannedTable,
    records: u64,
    output: Output,
) -> Result<SizeEstimate> {
    let PlannedTable { scan, treatments, .. } = planned;
    let progress = ProgressCounter::default();
    let mut encoder = encode::by_format(output.format, ChunkWriter::in_memory(), &progress);
    let mut sample = SizeSampler::begin_table(&mut *encoder, scan).map_err(|_| source::Error::sink_stopped())?;
    let header_bytes = sample.header_bytes as f64;
    // Sampled records are redacted as in an export; the size of a pseudonym does not depend on the key.
    let mut redacted = Redactor::new(&mut sample, &scan.columns, treatments, &PLACEHOLDER_KEY);
    snapshot.sample(scan, &mut redacted).map_err(Error::Source)?;
    let sizes: Vec<f64> = sample.record_bytes.iter().map(|bytes| *bytes as f64).collect();
    let (n, population) = (sizes.len() as f64, records as f64);
    if sizes.is_empty() {
        let bytes = header_bytes as u64;
        return Ok(SizeEstimate { bytes, low_bytes: bytes, high_bytes: bytes });
    }
    let mean = sizes.iter().sum::<f64>() / n;
    let variance = sizes.iter().map(|size| (size - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let unsampled_fraction = (1.0 - n / population).max(0.0);
    let margin = 3.0 * (variance / n * unsampled_fraction).sqrt() * population;
    let bytes = mean * population + header_bytes;
    let rounded = |bytes: f64| bytes.max(0.0).round() as u64;
    Ok(SizeEstimate { bytes: rounded(bytes), low_bytes: rounded(bytes - margin), high_bytes: rounded(bytes + margin) })
}
