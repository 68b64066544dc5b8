//! The export plan: what a run writes, decided in the run's own snapshot before the first byte.

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::part_estimate::OnEstimate;
use super::request::ExportRequest;
use super::subset::{PartCounts, restrict};
use super::{Error, Result};
use crate::model::catalog::TableSchema;
use crate::model::drift::Deviations;
use crate::model::export::{DriftPolicy, ExportId};
use crate::model::manifest::{AuditHead, FORMAT_VERSION, Generator, Metadata, SnapshotDescription, SourceDescription};
use crate::model::name::TableName;
use crate::model::ordered_map::OrderedMap;
use crate::model::selection::Selection;
use crate::server::pipeline::redact::PseudonymKey;
use crate::server::profile::{PlannedTable, PlannedTables, Profile};
use crate::server::profiles;
use crate::server::rows::{Catalog, Scan, UnreadableTable};
use crate::server::selection::InvalidSelection;
use crate::server::source::{Snapshot, Source};
use crate::server::support::clock::rfc3339;

/// The parameters of one run.
#[derive(Clone, Debug)]
pub struct RunContext {
    pub id: ExportId,
    pub request: ExportRequest,
    /// The account's id, or `cli:<user>`.
    pub exported_by: String,
    /// The head of the audit trail when the run started.
    pub audit_head: AuditHead,
    pub exported_at: DateTime<Utc>,
    /// Random, for this export only.
    pub pseudonym_key: PseudonymKey,
}

/// What a run writes: the file's metadata, and what to read of each table.
pub struct ExportPlan {
    pub metadata: Metadata,
    pub tables: Vec<PlannedTable>,
    /// For masks and pseudonyms; stored nowhere.
    pub pseudonym_key: PseudonymKey,
    pub deviations: Deviations,
    /// What an organisation's export holds besides what everybody there could read, for the audit trail.
    pub contains: Option<String>,
}

/// A plan before the records are counted: the tables and columns to export, and those to leave out.
pub struct UncountedPlan {
    pub catalog: Catalog,
    /// As it applies to this snapshot: a guessed profile is guessed anew each time.
    pub profile: Profile,
    pub planned: PlannedTables,
    /// How many records are in the part; empty for the whole database.
    pub part: PartCounts,
}

impl UncountedPlan {
    /// Reads the schema, applies the profile to it, and finds the records that the selection names.
    ///
    /// # Errors
    /// `Source` if the database cannot be read; `Profile` if the profile does not fit it; `Selection` if
    /// the selection names what does not exist; `Unreadable` with every table that should be exported and cannot be read completely.
    pub fn from_snapshot(snapshot: &mut dyn Snapshot, profile: &Profile, request: &ExportRequest) -> Result<Self> {
        let mut whole = Self::of_whole_tables(snapshot, profile, request)?;
        whole.restrict(snapshot, &request.selection, None)?;
        Ok(whole)
    }

    /// The plan of the whole database: all but the selection is applied.
    ///
    /// # Errors
    /// As `from_snapshot`.
    pub fn of_whole_tables(snapshot: &mut dyn Snapshot, profile: &Profile, request: &ExportRequest) -> Result<Self> {
        let catalog = snapshot.catalog()?;
        let profile = profiles::for_snapshot(profile, snapshot, &catalog)?;
        let planned = Self::plan_tables(&catalog, &profile, request)?;
        Ok(Self { catalog, profile, planned, part: PartCounts::default() })
    }

    /// Finds the records that the selection names.
    ///
    /// # Errors
    /// As `from_snapshot`; the error of `on_estimate`.
    pub fn restrict(
        &mut self,
        snapshot: &mut dyn Snapshot,
        selection: &Selection,
        on_estimate: Option<&mut OnEstimate<'_>>,
    ) -> Result<()> {
        self.part = restrict(&mut self.planned, &self.catalog, &self.profile, snapshot, selection, on_estimate)?;
        Ok(())
    }

    /// What the profile exports of the database.
    ///
    /// # Errors
    /// `Profile` if the profile does not fit the database; `Unreadable` with every table that cannot be read completely.
    pub fn plan_tables(catalog: &Catalog, profile: &Profile, request: &ExportRequest) -> Result<PlannedTables> {
        let planned = profile.plan_tables(catalog, request.order, request.drift)?;
        let is_selected =
            |table: &&UnreadableTable| planned.tables.iter().any(|planned| planned.scan.table == table.table);
        let unreadable: Vec<UnreadableTable> = catalog.unreadable.iter().filter(is_selected).cloned().collect();
        if unreadable.is_empty() { Ok(planned) } else { Err(Error::Unreadable(unreadable)) }
    }

    /// The exact number of records that a scan of the plan reads. Those of a part were counted when it was found.
    pub fn count(&self, snapshot: &mut dyn Snapshot, scan: &Scan) -> Result<u64> {
        match self.part.selected.get(&scan.table) {
            Some(records) => Ok(records.total()),
            None => Ok(snapshot.count(scan)?),
        }
    }

    /// Completes the plan with exact record counts, one per selected table.
    pub fn into_plan(self, counts: Vec<u64>, context: &RunContext, source: &dyn Source, isolation: &str) -> ExportPlan {
        let Self { catalog, profile, planned, part } = self;
        let deviations = profile.drift(&catalog).to_deviations();
        let tables = planned.tables.iter().map(|table| table.scan.table.clone());
        let metadata = Metadata {
            exported_at: rfc3339(context.exported_at),
            export_type: context.request.selection.export_type(),
            version: "1.0".into(),
            filters_applied: context.request.selection.applied(),
            selected_records: part.selected,
            total_records: counts.iter().sum(),
            record_counts: tables.zip(counts).collect(),
            exported_by: context.exported_by.clone(),
            format_version: FORMAT_VERSION,
            export_id: context.id.to_string(),
            order: context.request.order,
            generator: Generator { name: "waybill".into(), version: env!("CARGO_PKG_VERSION").into() },
            source: SourceDescription {
                name: profile.name.clone(),
                engine: source.engine().into(),
                engine_version: source.engine_version(),
                profile: profile.name,
                snapshot: SnapshotDescription { taken_at: rfc3339(context.exported_at), isolation: isolation.into() },
            },
            schema: schema(&catalog, &planned.tables),
            contents: None,
            import_plan: None,
            redaction: planned.redaction,
            not_included: catalog.not_included,
            missing_media: None,
            audit: context.audit_head.clone(),
        };
        let pseudonym_key = context.pseudonym_key.clone();
        ExportPlan { metadata, tables: planned.tables, pseudonym_key, deviations, contains: part.contains }
    }
}

/// Makes the plan: reads the schema, applies the profile and counts the records of every selected table.
///
/// # Errors
/// As `UncountedPlan::from_snapshot`; `Source` if a table cannot be counted; `Drifted` where the request refuses drift; `Stopped`
/// after a cancellation.
pub fn plan(
    context: &RunContext,
    source: &dyn Source,
    snapshot: &mut dyn Snapshot,
    profile: &Profile,
    cancellation: &CancellationToken,
) -> Result<ExportPlan> {
    let uncounted = UncountedPlan::from_snapshot(snapshot, profile, &context.request)?;
    let deviations = uncounted.profile.drift(&uncounted.catalog).to_deviations();
    if context.request.drift == DriftPolicy::Refuse && deviations.has_drifted() {
        return Err(Error::Drifted(Box::new(deviations)));
    }
    let mut counts = Vec::with_capacity(uncounted.planned.tables.len());
    for table in &uncounted.planned.tables {
        if cancellation.is_cancelled() {
            return Err(Error::Stopped);
        }
        counts.push(uncounted.count(snapshot, &table.scan)?);
    }
    if let Some(most) = context.request.max_records {
        let found = counts.iter().sum();
        if found > most {
            return Err(Error::Selection(InvalidSelection::too_many_records(found, most)));
        }
    }
    Ok(uncounted.into_plan(counts, context, source, snapshot.isolation()))
}

fn schema(catalog: &Catalog, tables: &[PlannedTable]) -> OrderedMap<TableName, TableSchema> {
    let describe = |PlannedTable { scan, .. }: &PlannedTable| {
        let primary_key = catalog.table(&scan.table).map_or_else(Vec::new, |table| table.primary_key.clone());
        (scan.table.clone(), TableSchema { primary_key, columns: scan.columns.clone() })
    };
    tables.iter().map(describe).collect()
}
