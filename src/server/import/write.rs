//! Reads the file a second time and fills the target.

use std::io::{BufReader, Read};

use super::changes::{ChangeRecorder, RecordedChanges};
use super::check_file::CheckedFile;
use super::filled_columns;
use super::part::Part;
use super::plan::{Choices, ImportPlan, TableImport, plan};
use super::plan_file::plan_hash;
use super::planned_changes::PlanFile;
use super::request::{ExpectedPlan, ImportRequest, StillAllowed};
use super::running::Running;
use super::stale_plan::{check_choices, find_moved};
use super::verified_content::VerifiedContent;
use super::{Error, Result};
use crate::model::import::{ImportMode, TableReport};
use crate::model::import_plan::{FilePart, ImportPlanHead, ValueRule};
use crate::model::import_report::ImportReport;
use crate::model::import_undo::KeptImport;
use crate::model::manifest::Metadata;
use crate::model::name::TableName;
use crate::model::text;
use crate::server::inspect::{self, DataEvent, DocumentReader};
use crate::server::pipeline::decode::{self, RecordDecoder};
use crate::server::profile::Profile;
use crate::server::source::{self, Kind, Load, NewTable, Purpose, TableLoad, Target, TargetRules};
use crate::server::support::clock::rfc3339;
use crate::server::support::random::{Random, time_of_uuid_v7};

/// Gets the number of records so far.
pub type Progress = Box<dyn Fn(u64) + Send + Sync>;

/// How many records pass between two calls of it.
const RECORDS_PER_PROGRESS: u64 = 1024;

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
}

impl Importing<'_> {
    /// Blocks.
    pub fn run(&self, file: CheckedFile) -> Result<Imported> {
        let content = BufReader::with_capacity(256 << 10, VerifiedContent::new(file.content()?));
        let document = DocumentReader::open(content)?;
        let document = match self.request.max_record_bytes {
            Some(limit) => document.with_record_limit(limit),
            None => document,
        };
        let purpose = if self.request.dry_run { Purpose::DryRun } else { Purpose::Write };
        let mut load = self.target.begin_load(purpose, &|_| ())?;
        let names: Vec<TableName> = document.metadata.schema.iter().map(|(name, _)| name.clone()).collect();
        if self.request.create_tables {
            create_tables(&mut *load, &document.metadata, self.target.engine())?;
        }
        let catalog = load.catalog()?;
        let part = self.request.part.as_ref().map(|part| Part::find(&file, part, &catalog)).transpose()?;
        if let Some(plan) = &self.plan_file {
            check_choices(&plan.head, part.as_ref().map(|part| &part.asked), &self.request.policies)?;
        }
        let mode = self.request.mode;
        let choices = Choices { mode, part: part.as_ref(), policies: &self.request.policies };
        let known = names.into_iter().filter(|name| catalog.table(name).is_some() && choices.includes(name));
        let known: Vec<TableName> = known.collect();
        load.lock(&known)?;
        (self.still_allowed)()?;
        // A migration may have changed keys before the locks.
        let catalog = load.catalog()?;
        // What a part refers to is merged in any mode.
        let rules = load.rules(&known, if part.is_some() { ImportMode::Merge } else { mode })?;
        let plan = plan(choices, &document.metadata, &catalog, &rules, self.profile)?;
        require_empty(&mut *load, &plan)?;
        let mut changes = self.request.needs_plan().then(|| ChangeRecorder::new().map_err(Error::Plan)).transpose()?;
        let records_changes = changes.is_some();
        let is_recorded = |table: &TableImport| records_changes && table.mode == ImportMode::Merge;
        let loads = plan.tables.iter().map(|table| TableLoad { is_recorded: is_recorded(table), ..table.to_load() });
        let loads: Vec<TableLoad> = loads.collect();
        let kept = self.kept_import(&file, &rules)?;
        load.prepare(&loads, kept.as_ref())?;

        let recorder = changes.as_mut();
        let tables = self.write_records(document, (choices, &plan), &loads, &mut *load, &file, recorder)?;
        refuse_changes(&plan, &tables)?;
        load.check_references()?;
        let changes = changes.map(|changes| changes.finish().map_err(Error::Plan)).transpose()?;
        let mut report = ImportReport {
            written: !self.request.dry_run,
            records: tables.iter().map(|table| table.effect.total()).sum(),
            tables,
            triggers: rules.triggers.iter().map(|trigger| trigger.name.clone()).collect(),
            notes: plan.notes.into_iter().chain(self.unforeseen(&rules)).collect(),
            undo: kept.map(|kept| kept.id),
            plan: None,
            groups: Vec::new(),
            sha256: file.verified.sha256,
            signed_by: file.signed_by,
            duration_ms: 0,
        };
        let plan = changes.map(|changes| {
            (
                self.plan_head(
                    &report,
                    part.map(|part| part.asked),
                    plan.rules,
                    &file.verified.metadata.export_id,
                    &changes,
                ),
                changes,
            )
        });
        let plan = match (plan, &self.request.expected_plan) {
            (Some((head, mut changes)), Some(expected)) => {
                check_plan(expected, self.plan_file.as_ref(), &head, &mut changes)?;
                Some((head, changes))
            }
            (plan, _) => plan,
        };
        if let Some((head, _)) = &plan {
            (report.plan, report.groups) = (Some(head.hash.clone()), head.groups.clone());
        }
        self.check_commit()?;
        commit(load)?;
        Ok(Imported { report, plan })
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

    /// What the dry run of an import cannot tell.
    fn unforeseen(&self, rules: &TargetRules) -> Vec<String> {
        let of_dry_run = rules.unforeseen.iter().filter(|_| self.request.dry_run);
        of_dry_run
            .map(|(table, rule)| format!("{rule} of {table} may refuse records: this dry run has not tried it"))
            .collect()
    }

    /// What the import is kept under, to be undone; nothing if it cannot or need not be.
    fn kept_import(&self, file: &CheckedFile, rules: &TargetRules) -> Result<Option<KeptImport>> {
        let ImportRequest { mode, dry_run, without_undo, .. } = *self.request;
        if dry_run || without_undo {
            return Ok(None);
        }
        if mode == ImportMode::Append && !rules.triggers.is_empty() && !self.target.tells_appended_rows() {
            let sentence = "what triggers change could not be told from what is appended, so that it could not be undone: add \
                            --no-undo, or --mode merge";
            return Err(Error::Refused(vec![sentence.to_owned()]));
        }
        Ok(Some(KeptImport {
            id: self.id.to_owned(),
            at: time_of_uuid_v7(self.id).map(rfc3339).unwrap_or_default(),
            file_sha256: file.verified.sha256.clone(),
            mode,
        }))
    }

    fn plan_head(
        &self,
        report: &ImportReport,
        part: Option<FilePart>,
        rules: Vec<ValueRule>,
        file_export_id: &str,
        changes: &RecordedChanges,
    ) -> ImportPlanHead {
        let ImportReport { tables, triggers, notes, sha256, .. } = report;
        let head = ImportPlanHead {
            hash: String::new(),
            file_sha256: sha256.clone(),
            file_export_id: file_export_id.to_owned(),
            mode: self.request.mode,
            part,
            policies: self.request.policies.clone(),
            target: self.target_id.to_owned(),
            tables: tables.clone(),
            groups: changes.groups.clone(),
            rules,
            triggers: triggers.clone(),
            notes: notes.clone(),
        };
        ImportPlanHead { hash: plan_hash(&head, changes), ..head }
    }

    fn write_records(
        &self,
        document: DocumentReader<BufReader<VerifiedContent<impl Read>>>,
        (choices, plan): (Choices<'_>, &ImportPlan),
        loads: &[TableLoad],
        load: &mut dyn Load,
        file: &CheckedFile,
        changes: Option<&mut ChangeRecorder>,
    ) -> Result<Vec<TableReport>> {
        let mut writer = RecordWriter {
            importing: self,
            choices,
            plan,
            loads,
            load,
            changes,
            table: None,
            records: 0,
            done: Vec::new(),
        };
        let rest = document.for_each_event(|event, line| writer.handle(event, line));
        let tables = writer.done;
        let rest = rest.map_err(|error| match error {
            Error::Unreadable(inspect::Error::LineTooLong { .. }) => error,
            // The file was whole when its seal was checked.
            Error::Unreadable(_) => Error::Changed,
            error => error,
        })?;
        let digest = rest.into_inner().finish().ok_or(Error::Changed)?;
        if digest == file.verified.sha256 { Ok(tables) } else { Err(Error::Changed) }
    }
}

/// Writes the records of a file's tables, as their events come.
struct RecordWriter<'w> {
    importing: &'w Importing<'w>,
    choices: Choices<'w>,
    plan: &'w ImportPlan,
    loads: &'w [TableLoad],
    load: &'w mut dyn Load,
    changes: Option<&'w mut ChangeRecorder>,
    /// The number of the current table, with what is known of it; nothing while one is left out.
    table: Option<(usize, &'w TableImport, RecordDecoder)>,
    records: u64,
    done: Vec<TableReport>,
}

impl RecordWriter<'_> {
    fn handle(&mut self, event: DataEvent<'_>, line: u64) -> Result<()> {
        match event {
            DataEvent::TableOpened(name) => self.open_table(name),
            DataEvent::Record(record) => self.write_record(record, line),
            DataEvent::TableClosed => self.close_table(),
        }
    }

    fn open_table(&mut self, name: &TableName) -> Result<()> {
        if !self.choices.includes(name) {
            return Ok(());
        }
        let number = self.plan.tables.iter().position(|table| table.table == *name).ok_or(Error::Changed)?;
        let table = &self.plan.tables[number];
        let columns = table.columns.iter().map(|column| (column.name.clone(), column.codec, column.is_written));
        self.table = Some((number, table, RecordDecoder::new(columns)));
        Ok(self.load.begin_table(number)?)
    }

    fn write_record(&mut self, record: &[u8], line: u64) -> Result<()> {
        let Some((_, table, decoder)) = &mut self.table else { return Ok(()) };
        if let Some(part) = self.choices.part
            && !part.contains(&table.table, record)?
        {
            return Ok(());
        }
        let load = &mut *self.load;
        let pushed = decoder.decode(record, load).and_then(|()| {
            filled_columns::push(&table.filled, self.importing.random, load)
                .and_then(|()| load.end_row())
                .map_err(|_| decode::Error::Stopped)
        });
        pushed.map_err(|error| match error {
            decode::Error::Stopped => load.take_failure().into(),
            error => Error::InvalidRecord { line, what: error.to_string() },
        })?;
        self.records += 1;
        if self.records.is_multiple_of(RECORDS_PER_PROGRESS) {
            (self.importing.progress)(self.records);
        }
        Ok(())
    }

    fn close_table(&mut self) -> Result<()> {
        let Some((number, table, _)) = self.table.take() else { return Ok(()) };
        let effect = match self.changes.as_deref_mut().filter(|_| table.mode == ImportMode::Merge) {
            Some(changes) => {
                changes.begin_table(table, &self.loads[number]);
                let ended = self.load.end_table(Some(&mut *changes));
                ended.map_err(|error| changes.take_failure().map_or_else(|| error.into(), Error::Plan))?
            }
            None => self.load.end_table(None)?,
        };
        self.done.push(TableReport { table: table.table.clone(), effect });
        if effect.total() == table.records { Ok(()) } else { Err(Error::Changed) }
    }
}

/// # Errors
/// `Refused` if a record would be changed in a table where that ends the import.
fn refuse_changes(plan: &ImportPlan, reports: &[TableReport]) -> Result<()> {
    let stopping = plan.tables.iter().filter(|table| table.stops_at_changes);
    let changed = stopping.filter_map(|table| reports.iter().find(|report| report.table == table.table));
    let changed = changed.filter(|report| report.effect.updated > 0).map(|TableReport { table, effect }| {
        format!(
            "{} of {table} differ from what is there (--policy {table}=stop)",
            text::count_with_noun(effect.updated, "record")
        )
    });
    let changed: Vec<String> = changed.collect();
    if changed.is_empty() { Ok(()) } else { Err(Error::Refused(changed)) }
}

/// # Errors
/// `Refused` if the database has tables, or does not take one.
fn create_tables(load: &mut dyn Load, metadata: &Metadata, engine: &str) -> Result<()> {
    if let Some(table) = load.catalog()?.tables.first() {
        let what =
            format!("the database has tables already, such as {}: --create-tables is for one without any", table.name);
        return Err(Error::Refused(vec![what]));
    }
    let is_same_engine = metadata.source.engine == engine;
    Ok(load.create_tables(&NewTable::of_file(&metadata.schema, is_same_engine))?)
}

fn require_empty(load: &mut dyn Load, plan: &ImportPlan) -> Result<()> {
    let mut refusals = Vec::new();
    for TableImport { table, .. } in plan.tables.iter().filter(|table| table.mode == ImportMode::RequireEmpty) {
        let records = load.count(table)?;
        if records > 0 {
            refusals.push(format!("{table} has {} already", text::count_with_noun(records, "record")));
        }
    }
    if refusals.is_empty() {
        return Ok(());
    }
    refusals.push("mode append adds to what is there, mode merge replaces what differs".to_owned());
    Err(Error::Refused(refusals))
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
