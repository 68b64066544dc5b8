//! The export plan: what a run writes, decided in the run's own snapshot before the first byte.

use chrono::{DateTime, Utc};

use super::{Error, Result};
use crate::model::catalog::TableSchema;
use crate::model::drift::Deviations;
use crate::model::export::{Compression, DriftPolicy, ExportId};
use crate::model::manifest::{
    AuditHead, ExportType, FORMAT_VERSION, Generator, Metadata, RecordOrder, SnapshotDescription, SourceDescription,
};
use crate::model::ordered::Ordered;
use crate::server::classification;
use crate::server::pipeline::Meter;
use crate::server::pipeline::redact::Key;
use crate::server::profile::{Division, Profile};
use crate::server::rows::{Catalog, Selection, Unreadable};
use crate::server::source::{Snapshot, Source};
use crate::server::support::clock::rfc3339;

/// The parameters of one run.
#[derive(Clone, Debug)]
pub struct ExportRequest {
    pub id: ExportId,
    pub order: RecordOrder,
    /// The account's id, or `cli:<user>`.
    pub exported_by: String,
    /// The head of the audit trail when the run started.
    pub audit: AuditHead,
    pub at: DateTime<Utc>,
    /// Random, for this export only.
    pub key: Key,
    pub drift: DriftPolicy,
}

/// What a run writes: the file's metadata, and what to read of each table.
pub struct ExportPlan {
    pub metadata: Metadata,
    pub selections: Vec<Selection>,
    /// For masks and pseudonyms; stored nowhere.
    pub key: Key,
    pub deviations: Deviations,
}

/// The tables and columns to export and to leave out, before records are counted.
pub struct Draft {
    pub catalog: Catalog,
    /// As it applies to this snapshot: a guessed profile is guessed anew each time.
    pub profile: Profile,
    pub division: Division,
}

impl Draft {
    /// Reads the schema and applies the profile to it.
    ///
    /// # Errors
    /// `Source` if the database cannot be read; `Profile` if the profile does not fit it; `Unreadable`
    /// with every table that should be exported and cannot be read completely.
    pub fn make(
        snapshot: &mut dyn Snapshot,
        profile: &Profile,
        order: RecordOrder,
        drift: DriftPolicy,
    ) -> Result<Self> {
        let catalog = snapshot.catalog()?;
        let profile = classification::current(profile, snapshot, &catalog)?;
        let division = profile.divide(&catalog, order, drift)?;
        let wanted = |table: &&Unreadable| division.selections.iter().any(|selection| selection.table == table.table);
        let unreadable: Vec<Unreadable> = catalog.unreadable.iter().filter(wanted).cloned().collect();
        if !unreadable.is_empty() {
            return Err(Error::Unreadable(unreadable));
        }
        Ok(Self { catalog, profile, division })
    }

    /// Completes the plan with exact record counts, one per selected table.
    pub fn promise(
        self,
        counts: Vec<u64>,
        request: &ExportRequest,
        source: &dyn Source,
        isolation: &str,
    ) -> ExportPlan {
        let Self { catalog, profile, division } = self;
        let deviations = profile.drift(&catalog).summary();
        let tables = division.selections.iter().map(|selection| selection.table.clone());
        let metadata = Metadata {
            exported_at: rfc3339(request.at),
            export_type: ExportType::Full,
            version: "1.0".into(),
            filters_applied: Ordered::default(),
            total_records: counts.iter().sum(),
            record_counts: tables.zip(counts).collect(),
            exported_by: request.exported_by.clone(),
            format_version: FORMAT_VERSION,
            export_id: request.id.to_string(),
            order: request.order,
            generator: Generator { name: "waybill".into(), version: env!("CARGO_PKG_VERSION").into() },
            source: SourceDescription {
                name: profile.name.clone(),
                engine: source.engine().into(),
                engine_version: source.engine_version(),
                profile: profile.name,
                snapshot: SnapshotDescription { taken_at: rfc3339(request.at), isolation: isolation.into() },
            },
            schema: schema(&catalog, &division.selections),
            redaction: division.redaction,
            not_included: catalog.not_included,
            audit: request.audit.clone(),
        };
        ExportPlan { metadata, selections: division.selections, key: request.key.clone(), deviations }
    }
}

/// Makes the plan: reads the schema, applies the profile and counts the records of every selected table.
///
/// # Errors
/// As `Draft::make`; `Source` if a table cannot be counted; `Drifted` where the request refuses drift; `Stopped`
/// if `meter` is stopped.
pub fn plan(
    request: &ExportRequest,
    source: &dyn Source,
    snapshot: &mut dyn Snapshot,
    profile: &Profile,
    meter: &Meter,
) -> Result<ExportPlan> {
    let draft = Draft::make(snapshot, profile, request.order, request.drift)?;
    let deviations = draft.profile.drift(&draft.catalog).summary();
    if request.drift == DriftPolicy::Refuse && deviations.has_drifted() {
        return Err(Error::Drifted(Box::new(deviations)));
    }
    let mut counts = Vec::with_capacity(draft.division.selections.len());
    for selection in &draft.division.selections {
        if meter.is_stopped() {
            return Err(Error::Stopped);
        }
        counts.push(snapshot.count(&selection.table)?);
    }
    Ok(draft.promise(counts, request, source, snapshot.isolation()))
}

fn schema(catalog: &Catalog, selections: &[Selection]) -> Ordered<TableSchema> {
    let describe = |selection: &Selection| {
        let primary_key = catalog.table(&selection.table).map(|table| table.primary_key.clone()).unwrap_or_default();
        (selection.table.clone(), TableSchema { primary_key, columns: selection.columns.clone() })
    };
    selections.iter().map(describe).collect()
}

/// The profile's file name with its date and time filled in, both UTC.
#[must_use]
pub fn file_name(profile: &Profile, at: DateTime<Utc>, compression: Compression) -> String {
    let date = at.format("%Y-%m-%d").to_string();
    let name = profile.file_name.replace("{date}", &date).replace("{time}", &at.format("%H%M").to_string());
    format!("{name}{}", compression.suffix())
}
