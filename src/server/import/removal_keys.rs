//! The keys of a file's records are read before the records, so that what is not among them is removed before others come.

use super::check_file::CheckedFile;
use super::choices::Choices;
use super::record_decoding::{DecodedStep, RecordDecoding};
use super::table_import::{ImportColumn, ImportPlan, TableImport};
use super::write::{Importing, MAX_WAITING_STEPS};
use super::{Error, Result};
use crate::server::source::Load;

impl Importing<'_> {
    /// Reads the keys of the file's records, and removes the others.
    pub fn remove_others(
        &self,
        load: &mut dyn Load,
        file: &CheckedFile,
        choices: Choices<'_>,
        plan: &ImportPlan,
    ) -> Result<()> {
        let keys = ImportPlan {
            tables: plan.tables.iter().map(with_key_alone).collect(),
            notes: Vec::new(),
            rules: Vec::new(),
        };
        std::thread::scope(|scope| {
            let (sender, steps) = std::sync::mpsc::sync_channel(MAX_WAITING_STEPS);
            let tables = (0..keys.tables.len()).collect();
            let decoding = RecordDecoding::new(self.random, choices, &keys, tables, sender);
            let thread = scope.spawn(|| self.decode_records(file, decoding));
            let taken = steps.into_iter().try_for_each(|step| match step {
                DecodedStep::TableOpened(number) => Ok(load.begin_keys(number)?),
                DecodedStep::Rows(rows) => rows.push_into(load).map_err(|_| Error::from(load.take_failure())),
                DecodedStep::TableClosed => Ok(load.end_keys()?),
            });
            let decoded = thread.join().map_err(|_| Error::Panicked)?;
            taken.and(decoded)
        })?;
        Ok(load.remove_others()?)
    }
}

fn with_key_alone(table: &TableImport) -> TableImport {
    let column = |column: &ImportColumn| ImportColumn {
        is_written: column.is_written && table.key.contains(&column.name),
        ..column.clone()
    };
    // What the file has a stub of is known to be there.
    let records = table.records + table.stubs;
    let columns = table.columns.iter().map(column).collect();
    TableImport { columns, filled: Vec::new(), records, stubs: 0, ..table.clone() }
}
