//! Reads the file a second time and fills the target.

use std::io::BufReader;

use super::changes::{ChangeRecorder, RecordedChanges};
use super::check_created::check_created;
use super::check_file::{CheckedFile, FileReader};
use super::choices::Choices;
use super::conflicts::{find_conflicts, how_to_decide};
use super::conversion::{Conversion, IdChanges};
use super::import_file::ImportFile;
use super::part::Part;
use super::plan::plan;
use super::planned_changes::PlanFile;
use super::readings::readings;
use super::record_decoding::RecordDecoding;
use super::record_writer::{Progress, RecordWriter};
use super::removal::Removals;
use super::request::{ExpectedPlan, ImportRequest, StillAllowed};
use super::running::Running;
use super::stale_plan::{check_choices, find_moved};
use super::table_import::{ImportPlan, TableImport};
use super::target_tables::{create_tables, require_empty};
use super::verified_content::VerifiedContent;
use super::{Error, Result};
use crate::model::import::{ImportMode, TableMode, TableReport};
use crate::model::import_plan::{ImportPlanHead, ValueRule};
use crate::model::import_report::ImportReport;
use crate::model::import_undo::KeptImport;
use crate::model::manifest::Metadata;
use crate::model::name::TableName;
use crate::server::inspect::{self, DataEvent, DocumentReader};
use crate::server::pipeline::decompress::Decompressor;
use crate::server::profile::Profile;
use crate::server::rows::Catalog;
use crate::server::source::{self, Kind, Load, Purpose, TableLoad, Target, TargetRules};
use crate::server::support::clock::rfc3339;
use crate::server::support::random::{Random, time_of_uuid_v7};

/// How many steps may wait to be written: few, since one may be a very long value.
pub const MAX_WAITING_STEPS: usize = 1;

/// One import, with all that it needs.
pub struct Importing<'i> {
    pub target: &'i dyn Target,
    pub profile: &'i Profile,
    pub random: &'i dyn Random,
    pub request: &'i ImportRequest,
    /// The plan that the request expects, if it gave the file.
    pub plan_file: Option<PlanFile>,
    /// The id of this import: 32 hexadecimal digits.
    pub id: &'i str,
    /// How the engine identifies the database.
    pub target_id: &'i str,
    /// Asked once the tables are locked, and before the commit.
    pub still_allowed: &'i StillAllowed,
    /// Knows whether the server is being stopped.
    pub running: &'i Running,
    pub progress: Progress,
}

/// An import that has reached its end.
pub struct Imported {
    pub report: ImportReport,
    /// What it does to each record, if that was to be known.
    pub plan: Option<(ImportPlanHead, RecordedChanges)>,
    /// The ids that the records of an archive have got instead of their own.
    pub id_changes: Option<IdChanges>,
}

/// What has come of the file's records.
struct Written {
    /// Of each of the plan's tables.
    reports: Vec<TableReport>,
    /// Where new records refer to, besides what the file says.
    matches: Vec<ValueRule>,
    changes: Option<RecordedChanges>,
}

impl Importing<'_> {
    /// Blocks.
    pub fn run(&self, file: &ImportFile) -> Result<Imported> {
        match file {
            ImportFile::Document(file) if self.request.mode == ImportMode::Copy => self.import_copy(file),
            ImportFile::Document(file) => self.import(self.begin_load()?, file, None),
            ImportFile::Archive(archive) => self.import_archive(archive),
        }
    }

    pub fn begin_load(&self) -> Result<Box<dyn Load>> {
        let purpose = if self.request.dry_run { Purpose::DryRun } else { Purpose::Write };
        let removes = self.request.mode == ImportMode::Replace;
        Ok(self.target.begin_load(purpose, removes, &|_| ())?)
    }

    /// Imports a document, which an archive may have been converted to.
    pub fn import(
        &self,
        mut load: Box<dyn Load>,
        file: &CheckedFile,
        converted: Option<&Conversion>,
    ) -> Result<Imported> {
        let metadata = self.open(file)?.metadata;
        if self.request.create_tables {
            create_tables(&mut *load, &metadata, self.target.engine())?;
        }
        let catalog = load.catalog()?;
        let part = self.request.part.as_ref().map(|part| Part::find(file, part, &catalog)).transpose()?;
        let is_own = converted.is_some_and(|converted| converted.is_own);
        let names = metadata.schema.iter().map(|(name, _)| name);
        let policies = self.request.policies_of(names, self.profile, is_own);
        if let Some(plan) = &self.plan_file {
            check_choices(&plan.head, part.as_ref().map(|part| &part.asked), &policies)?;
        }
        let choices = Choices {
            mode: self.request.mode.of_tables(),
            part: part.as_ref(),
            policies: &policies,
            owners: converted.and_then(|converted| converted.owners.as_ref()),
            copied: converted.map(|converted| &converted.copied),
            removal: None,
            request: self.request,
        };
        let known = self.lock(&mut *load, &metadata, choices)?;
        // A migration may have changed keys before the locks.
        let catalog = load.catalog()?;
        let removals = self.removals(&mut *load, (file, &metadata), &catalog)?;
        let choices = Choices { removal: removals.as_ref(), ..choices };
        let (mut plan, rules) = self.plan(&mut *load, (&metadata, &catalog), &known, choices)?;
        if let Some(converted) = converted {
            plan.notes.splice(0..0, converted.notes.iter().cloned());
        }
        let kept = self.kept_import(file, &rules)?;
        let Written { reports, matches, changes } = self.write(&mut *load, file, choices, &plan, kept.as_ref())?;
        let conflicts = find_conflicts(&plan, &reports);
        if !conflicts.is_empty() && !self.request.dry_run {
            let hints = how_to_decide(&reports, choices.policies).into_iter().map(str::to_owned);
            return Err(Error::Refused(conflicts.into_iter().chain(hints).collect()));
        }
        load.check_references()?;
        if load.has_written() {
            check_created(&mut *load, removals.as_ref(), &metadata, &reports)?;
        } else if matches!(removals, Some(Removals::OfPart { .. })) {
            let later = "whether new records belong to what is replaced, and not to others by now, is seen when they are written";
            plan.notes.push(later.to_owned());
        }
        let report = self.report((file, &metadata), choices, (&plan, &rules), (reports, conflicts), kept);
        let planned = changes.map(|changes| {
            let rules = plan.rules.into_iter().chain(matches).collect();
            (self.plan_head(&report, choices, rules, &metadata.export_id, &changes), changes)
        });
        let planned = self.check_expected(planned)?;
        self.check_commit()?;
        commit(load)?;
        let Some((head, changes)) = planned else { return Ok(Imported { report, plan: None, id_changes: None }) };
        let report = ImportReport { plan: Some(head.hash.clone()), groups: head.groups.clone(), ..report };
        Ok(Imported { report, plan: Some((head, changes)), id_changes: None })
    }

    /// Locks the tables of the file that the database has, and returns them.
    fn lock(&self, load: &mut dyn Load, metadata: &Metadata, choices: Choices<'_>) -> Result<Vec<TableName>> {
        let catalog = load.catalog()?;
        let names = metadata.schema.iter().map(|(name, _)| name.clone());
        let known = names.filter(|name| catalog.table(name).is_some() && choices.includes(name));
        let known: Vec<TableName> = known.collect();
        load.lock(&known)?;
        (self.still_allowed)()?;
        Ok(known)
    }

    /// Plans what is written to the tables.
    fn plan(
        &self,
        load: &mut dyn Load,
        (metadata, catalog): (&Metadata, &Catalog),
        known: &[TableName],
        choices: Choices<'_>,
    ) -> Result<(ImportPlan, TargetRules)> {
        // What a part refers to is merged in any mode.
        let rules = load.rules(known, if choices.part.is_some() { TableMode::Merge } else { choices.mode })?;
        let plan = plan(choices, metadata, catalog, &rules, self.profile)?;
        require_empty(load, &plan, choices.mode)?;
        Ok((plan, rules))
    }

    /// Writes the file's records, and finds out what that changes if it must be known.
    fn write(
        &self,
        load: &mut dyn Load,
        file: &CheckedFile,
        choices: Choices<'_>,
        plan: &ImportPlan,
        kept: Option<&KeptImport>,
    ) -> Result<Written> {
        let mut changes = self.request.needs_plan().then(|| ChangeRecorder::new().map_err(Error::Plan)).transpose()?;
        let records_changes = changes.is_some();
        let is_recorded = |table: &TableImport| records_changes && table.mode == TableMode::Merge;
        let loads = plan.tables.iter().map(|table| TableLoad { is_recorded: is_recorded(table), ..table.to_load() });
        let loads: Vec<TableLoad> = loads.collect();
        load.prepare(&loads, kept)?;
        if choices.removal.is_some() {
            self.remove_others(load, file, choices, plan)?;
        }
        let writer = RecordWriter::new(&self.progress, plan, &loads, load, changes.as_mut());
        let (reports, matches) = self.write_records(file, choices, plan, writer)?;
        let changes = changes.map(|changes| changes.finish().map_err(Error::Plan)).transpose()?;
        Ok(Written { reports, matches, changes })
    }

    /// Returns what is planned now, if it is what was expected.
    fn check_expected(
        &self,
        planned: Option<(ImportPlanHead, RecordedChanges)>,
    ) -> Result<Option<(ImportPlanHead, RecordedChanges)>> {
        match (planned, &self.request.expected_plan) {
            (Some((head, mut changes)), Some(expected)) => {
                check_plan(expected, self.plan_file.as_ref(), &head, &mut changes)?;
                Ok(Some((head, changes)))
            }
            (planned, _) => Ok(planned),
        }
    }

    /// Whether what was written may be committed.
    fn check_commit(&self) -> Result<()> {
        if self.request.dry_run {
            return Ok(());
        }
        if self.running.is_stopping() {
            return Err(Error::Stopped);
        }
        // Nobody changes a role in a database that is locked as a whole, nor can it be read there.
        if self.target.blocks_readers() { Ok(()) } else { (self.still_allowed)() }
    }

    /// What the import is kept under, to be undone; nothing if it cannot or need not be.
    fn kept_import(&self, file: &CheckedFile, rules: &TargetRules) -> Result<Option<KeptImport>> {
        let ImportRequest { mode, dry_run, without_undo, .. } = *self.request;
        if dry_run || without_undo {
            return Ok(None);
        }
        if mode == ImportMode::Append && !rules.triggers.is_empty() {
            let sentence = "what triggers change could not be told from what is appended, so that it could not be undone: add \
                            --no-undo, or --mode merge";
            return Err(Error::Refused(vec![sentence.to_owned()]));
        }
        Ok(Some(KeptImport {
            id: self.id.to_owned(),
            at: time_of_uuid_v7(self.id).map(rfc3339).unwrap_or_default(),
            file_sha256: file.sha256.clone(),
            mode,
            person: self.request.person.as_ref().map(|person| person.id.clone()),
        }))
    }

    /// Fills the tables, in one reading of the file after the other. Returns what has happened to each of the plan's, and which records
    /// are there under other keys.
    fn write_records(
        &self,
        file: &CheckedFile,
        choices: Choices<'_>,
        plan: &ImportPlan,
        mut writer: RecordWriter<'_>,
    ) -> Result<(Vec<TableReport>, Vec<ValueRule>)> {
        for tables in readings(&plan.tables) {
            std::thread::scope(|scope| {
                let (sender, steps) = std::sync::mpsc::sync_channel(MAX_WAITING_STEPS);
                let decoding = RecordDecoding::new(self.random, choices, plan, tables, sender);
                let thread = scope.spawn(|| self.decode_records(file, decoding));
                // The decoder stops once nobody takes its steps any more. What it has found wrong comes after what it has handed on.
                let written = steps.into_iter().try_for_each(|step| writer.handle(step));
                let decoded = thread.join().map_err(|_| Error::Panicked)?;
                written.and(decoded)
            })?;
        }
        Ok((writer.done, writer.matches))
    }

    pub fn decode_records(&self, file: &CheckedFile, mut decoding: RecordDecoding<'_>) -> Result<()> {
        self.read_events(file, |event, line| decoding.handle(event, line))
    }

    /// Reads the file, which must be the one whose seal was checked.
    pub fn read_events(&self, file: &CheckedFile, handle: impl FnMut(DataEvent<'_>, u64) -> Result<()>) -> Result<()> {
        let rest = self.open(file)?.for_each_event(handle);
        let rest = rest.map_err(|error| match error {
            Error::Unreadable(inspect::Error::LineTooLong { .. }) => error,
            // The file was whole when its seal was checked.
            Error::Unreadable(_) => Error::Changed,
            error => error,
        })?;
        let digest = rest.into_inner().finish().ok_or(Error::Changed)?;
        if digest == file.verified.sha256 { Ok(()) } else { Err(Error::Changed) }
    }

    pub fn open(
        &self,
        file: &CheckedFile,
    ) -> Result<DocumentReader<BufReader<VerifiedContent<Decompressor<FileReader>>>>> {
        let content = BufReader::with_capacity(256 << 10, VerifiedContent::new(file.content()?));
        let document = DocumentReader::open(content)?;
        Ok(match self.request.max_record_bytes {
            Some(limit) => document.with_record_limit(limit),
            None => document,
        })
    }
}

/// The last moment before anything is written for good.
fn check_plan(
    expected: &ExpectedPlan,
    file: Option<&PlanFile>,
    now: &ImportPlanHead,
    changes: &mut RecordedChanges,
) -> Result<()> {
    let hash = match (expected, file) {
        (ExpectedPlan::Hash(hash), _) => hash,
        (ExpectedPlan::File(_), file) => &file.ok_or(Error::NoPlan)?.head.hash,
    };
    if *hash == now.hash {
        return Ok(());
    }
    match file {
        Some(plan) => Err(Error::StalePlan(find_moved(plan, now, changes)?)),
        None => Err(Error::OtherHash(now.hash.clone())),
    }
}

fn commit(load: Box<dyn Load>) -> Result<()> {
    load.commit().map_err(|error: source::Error| match error.kind {
        Kind::Uncertain => Error::Uncertain(error),
        _ => Error::Target(error),
    })
}
