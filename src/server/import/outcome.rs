//! What an import has done, or would do, for its report and its plan.

use super::changes::RecordedChanges;
use super::check_file::CheckedFile;
use super::choices::Choices;
use super::conflicts::merge_notes;
use super::plan_file::plan_hash;
use super::table_import::ImportPlan;
use super::target_tables::not_created;
use super::write::Importing;
use crate::model::import::{ImportMode, TableReport};
use crate::model::import_plan::{ImportPlanHead, ValueRule};
use crate::model::import_report::ImportReport;
use crate::model::import_undo::KeptImport;
use crate::model::manifest::Metadata;
use crate::model::text;
use crate::server::source::TargetRules;

impl Importing<'_> {
    /// What is known once all records are written. The plan's hash comes later.
    pub fn report(
        &self,
        (file, metadata): (&CheckedFile, &Metadata),
        choices: Choices<'_>,
        (plan, rules): (&ImportPlan, &TargetRules),
        (reports, conflicts): (Vec<TableReport>, Vec<String>),
        kept: Option<KeptImport>,
    ) -> ImportReport {
        let merge_notes =
            plan.tables.iter().zip(&reports).flat_map(|(table, report)| merge_notes(table, report.effect));
        let silent = rules.silent_triggers.iter();
        let silent =
            silent.map(|trigger| format!("the trigger {} does not run: the user may leave it out", trigger.name));
        let created = if self.request.create_tables { not_created(metadata) } else { Vec::new() };
        let notes = merge_notes.chain(plan.notes.clone()).chain(silent).chain(self.unforeseen(rules)).chain(created);
        let notes: Vec<String> = notes.collect();
        let tables = joined(reports);
        let notes = self.returning_people(&tables, &metadata.exported_at).into_iter().chain(notes).collect();
        ImportReport {
            written: !self.request.dry_run,
            records: tables.iter().map(|table| table.effect.total()).sum(),
            tables,
            triggers: rules.triggers.iter().map(|trigger| trigger.name.clone()).collect(),
            policies: choices.policies.clone(),
            conflicts,
            notes,
            undo: kept.map(|kept| kept.id),
            plan: None,
            groups: Vec::new(),
            sha256: file.sha256.clone(),
            signed_by: file.signed_by.clone(),
            exported_at: metadata.exported_at.clone(),
            is_own: false,
            duration_ms: 0,
        }
    }

    /// People who are in the file and not here, though others are: an older file brings those back who were erased since.
    fn returning_people(&self, tables: &[TableReport], exported_at: &str) -> Vec<String> {
        if !matches!(self.request.mode, ImportMode::Merge | ImportMode::Replace) {
            return Vec::new();
        }
        let accounts = self.profile.auth.as_ref().map(|auth| &auth.table);
        let people = self.profile.notice.as_ref().map(|notice| &notice.people);
        let is_of_people = |table: &&TableReport| [accounts, people].contains(&Some(&table.table));
        let returning = tables.iter().filter(is_of_people).filter(|TableReport { effect, .. }| {
            effect.created > 0 && effect.created < effect.total() + effect.removed
        });
        returning
            .map(|TableReport { table, effect, .. }| {
                let records = text::count_with_noun(effect.created, "record");
                format!("{records} of {table} not here: whoever was erased since {exported_at} would be back, too")
            })
            .collect()
    }

    /// What the dry run of an import cannot tell.
    fn unforeseen(&self, rules: &TargetRules) -> Vec<String> {
        let of_dry_run = rules.unforeseen.iter().filter(|_| self.request.dry_run);
        of_dry_run
            .map(|(table, rule)| format!("{rule} of {table} may refuse records: this dry run has not tried it"))
            .collect()
    }

    /// The head of the plan, with its hash.
    pub fn plan_head(
        &self,
        report: &ImportReport,
        choices: Choices<'_>,
        rules: Vec<ValueRule>,
        file_export_id: &str,
        changes: &RecordedChanges,
    ) -> ImportPlanHead {
        let ImportReport { tables, triggers, conflicts, notes, sha256, .. } = report;
        let head = ImportPlanHead {
            hash: String::new(),
            file_sha256: sha256.clone(),
            file_export_id: file_export_id.to_owned(),
            mode: self.request.mode,
            part: choices.part.map(|part| part.asked.clone()),
            policies: choices.policies.clone(),
            target: self.target_id.to_owned(),
            tables: tables.clone(),
            groups: changes.groups.clone(),
            rules,
            triggers: triggers.clone(),
            conflicts: conflicts.clone(),
            notes: notes.clone(),
        };
        ImportPlanHead { hash: plan_hash(&head, changes), ..head }
    }
}

/// One report for each table: of the one that was asked for, others' records may have been filled apart.
fn joined(reports: Vec<TableReport>) -> Vec<TableReport> {
    let mut joined: Vec<TableReport> = Vec::new();
    for report in reports {
        match joined.last_mut().filter(|last| last.table == report.table) {
            Some(last) => last.effect = [last.effect, report.effect].into_iter().sum(),
            None => joined.push(report),
        }
    }
    joined
}
