//! Undoes an import, in one transaction: removes the rows that it has created, and gives the others their values back.
//!
//! A row that was written since is not touched. Nor is one that refers to a row which would be removed: that ends the undo.

use super::super::target::{Purpose, UndoRequest};
use super::super::{Error, Kind, Result};
use super::catalog::{self, Schema};
use super::database_session::DatabaseSession;
use super::kept_import::{KeptColumns, UndoSchema};
use super::key_sets::refuse_foreign_event_triggers;
use super::row_key::{equal, expressions};
use super::search_paths::{APPLICATION_PATH, OWN_PATH};
use super::target_rules::{self, UNDO_EVENTS};
use super::{LOCK_TIMEOUT, double_quote_identifier, error};
use crate::model::import_undo::{KeptImport, UndoReport, UndoneTable};
use crate::model::name::TableName;
use crate::model::text;

/// Transaction numbers are compared within half of their circle (PostgreSQL manual, 25.1.5).
const HALF_CIRCLE: u64 = 1 << 31;
/// More keys of rows that were changed since are not named.
const MAX_EXAMPLES: u32 = 5;

struct Undo<'u> {
    session: &'u mut DatabaseSession,
    schema: Schema,
    kept: UndoSchema,
    /// `xmin` of the rows that the import has written.
    xmin: u64,
    tables: Vec<ImportedTable>,
}

struct ImportedTable {
    number: usize,
    name: TableName,
    created: u64,
    /// Of a merge.
    columns: Option<KeptColumns>,
}

/// The imports of this user that can be undone, the oldest first.
pub fn list(session: &mut DatabaseSession) -> Result<Vec<KeptImport>> {
    let ids = UndoSchema::list(session)?;
    ids.into_iter().map(|id| Ok(read_head(session, &id)?.0)).collect()
}

/// # Errors
/// `NotFound` if no such import is kept; `Refused` if rows were changed since, unless they are to be kept as they are.
pub fn undo(session: &mut DatabaseSession, request: &UndoRequest) -> Result<UndoReport> {
    session.begin_load(LOCK_TIMEOUT)?;
    target_rules::check_role(session)?;
    refuse_foreign_event_triggers(session)?;
    let schema = catalog::read(session)?;
    if !UndoSchema::list(session)?.contains(&request.import) {
        return Err(Error::new(
            Kind::NotFound,
            "this user has made no import of this id here that can be undone: see `waybill import undo --target …` for those that \
             can; they are kept for a day",
        ));
    }
    let (_, transaction) = read_head(session, &request.import)?;
    let now = session.fetch_count("SELECT txid_current() AS records", &[])?;
    if now.saturating_sub(transaction) >= HALF_CIRCLE {
        return Err(Error::new(
            Kind::Refused,
            "too much has happened since the import to tell which rows it has written",
        ));
    }
    let kept = UndoSchema::of(&request.import);
    let tables = read_tables(session, &kept)?;
    let mut undo = Undo { session, schema, kept, xmin: transaction % (1 << 32), tables };
    undo.check_tables()?;
    if request.purpose == Purpose::Write {
        undo.lock()?;
    }
    let report = undo.find_rows(request)?;
    let changed: u64 = report.tables.iter().map(|table| table.changed_since).sum();
    if request.purpose == Purpose::DryRun {
        undo.check_references()?;
        undo.session.rollback()?;
        return Ok(report);
    }
    if changed > 0 && !request.keeps_changed {
        return Err(changed_since(&report));
    }
    undo.check_references()?;
    undo.put_back(&report)?;
    Ok(report)
}

fn read_head(session: &mut DatabaseSession, import: &str) -> Result<(KeptImport, u64)> {
    let rows =
        session.fetch(&format!("SELECT file, mode, transaction FROM {}.import", UndoSchema::of(import).name), &[])?;
    let row = rows.first().ok_or_else(error::invalid_message)?;
    let mode =
        serde_json::from_str(row.text("mode").map_err(error::map_error)?).map_err(|_| error::invalid_message())?;
    let file_sha256 = row.text("file").map_err(error::map_error)?.to_owned();
    let transaction = row.parse("transaction").map_err(error::map_error)?;
    Ok((KeptImport { id: import.to_owned(), file_sha256, mode }, transaction))
}

fn read_tables(session: &mut DatabaseSession, kept: &UndoSchema) -> Result<Vec<ImportedTable>> {
    let sql = format!(
        "SELECT CAST(number AS text) AS number, name, CAST(created AS text) AS created, columns FROM {}.tables ORDER BY number",
        kept.name
    );
    let table = |row: &super::client::Row| {
        let columns = row.text("columns").map_err(error::map_error)?;
        let columns = (!columns.is_empty()).then(|| serde_json::from_str(columns)).transpose();
        Ok(ImportedTable {
            number: row.parse("number").map_err(error::map_error)?,
            name: row.text("name").map_err(error::map_error)?.into(),
            created: row.parse("created").map_err(error::map_error)?,
            columns: columns.map_err(|_| error::invalid_message())?,
        })
    };
    session.fetch(&sql, &[])?.iter().map(table).collect()
}

fn changed_since(report: &UndoReport) -> Error {
    let changed = report.tables.iter().filter(|table| table.changed_since > 0).map(|table| {
        let keys =
            if table.examples.is_empty() { String::new() } else { format!(", such as {}", table.examples.join(", ")) };
        format!("{} ({} changed or removed{keys})", table.table, text::count_with_noun(table.changed_since, "record"))
    });
    let what = format!(
        "records are no longer what the import has made of them: {}; add --keep-changed to leave these as they are and undo the rest",
        changed.collect::<Vec<_>>().join(", ")
    );
    Error::new(Kind::Refused, what)
}

impl Undo<'_> {
    /// A migration may have come since.
    fn check_tables(&mut self) -> Result<()> {
        for table in &self.tables {
            let relation = self.schema.relation(&table.name)?;
            for name in table.columns.iter().flat_map(|columns| columns.key.iter().chain(&columns.replaced)) {
                super::row_key::column(relation, &table.name, name)?;
            }
        }
        let names: Vec<TableName> = self.tables.iter().map(|table| table.name.clone()).collect();
        target_rules::check_triggers(self.session, &self.schema, &names, UNDO_EVENTS)
    }

    fn lock(&mut self) -> Result<()> {
        for table in &self.tables {
            let sql =
                format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", self.schema.relation(&table.name)?.from_item);
            self.session.execute(&sql).map_err(|error| match error.kind {
                Kind::Locked => error::table_locked(None, LOCK_TIMEOUT.as_secs()),
                _ => error,
            })?;
        }
        Ok(())
    }

    /// Puts the places of the rows that are removed and restored into temporary tables.
    fn find_rows(&mut self, request: &UndoRequest) -> Result<UndoReport> {
        let mut tables = Vec::new();
        for table in &self.tables {
            let relation = self.schema.relation(&table.name)?;
            let (from, number, xmin) = (&relation.from_item, table.number, self.xmin);
            let is_same = format!("CAST(t.xmin AS text) = '{xmin}'");
            let place = "SELECT t.tableoid AS part, t.ctid AS place";
            let mut found = UndoneTable { table: table.name.clone(), ..UndoneTable::default() };
            let (mut removed, mut restored) = (format!("{place} FROM {from} AS t WHERE {is_same}"), String::new());
            if let Some(columns) = &table.columns {
                let kept: Vec<String> = (0..columns.key.len()).map(|at| format!("u.k{at}")).collect();
                // Under their own names, keys are compared as everywhere else.
                let named = kept
                    .iter()
                    .zip(&columns.key)
                    .map(|(kept, name)| format!("{kept} AS {}", double_quote_identifier(name)));
                let named: Vec<String> = named.collect();
                let before =
                    format!("{} AS u CROSS JOIN LATERAL (SELECT {}) AS k", self.kept.before(number), named.join(", "));
                let [known, own] = ["k", "t"].map(|alias| expressions(relation, &table.name, alias, &columns.key));
                let is_same_key = equal(&known?, &own?);
                let joined = format!("{before} JOIN {from} AS t ON {is_same_key}");
                removed = format!("{place} FROM {joined} WHERE u.was_absent AND {is_same}");
                let values: Vec<String> = (0..columns.replaced.len()).map(|at| format!(", u.c{at}")).collect();
                let values = values.concat();
                restored = format!("{place}{values} FROM {joined} WHERE NOT u.was_absent AND {is_same}");
                // What was created and is gone is what an undo wants.
                let changed = format!(
                    "FROM {before} LEFT JOIN {from} AS t ON {is_same_key} \
                     WHERE t.ctid IS NULL AND NOT u.was_absent OR CAST(t.xmin AS text) <> '{xmin}'"
                );
                found.changed_since =
                    self.session.fetch_count(&format!("SELECT count(*) AS records {changed}"), &[])?;
                let key: Vec<String> = kept.iter().map(|column| format!("CAST({column} AS text)")).collect();
                let examples = format!(
                    "SELECT concat_ws(', ', {}) AS key {changed} ORDER BY {} LIMIT {MAX_EXAMPLES}",
                    key.join(", "),
                    kept.join(", ")
                );
                for row in self.session.fetch(&examples, &[])? {
                    found.examples.push(row.text("key").map_err(error::map_error)?.to_owned());
                }
            }
            self.session
                .execute(&format!("CREATE TEMPORARY TABLE waybill_removed_{number} ON COMMIT DROP AS {removed}"))?;
            found.removed = count(self.session, &format!("pg_temp.waybill_removed_{number}"))?;
            if restored.is_empty() {
                found.changed_since = table.created.saturating_sub(found.removed);
            } else {
                let sql = format!("CREATE TEMPORARY TABLE waybill_restored_{number} ON COMMIT DROP AS {restored}");
                self.session.execute(&sql)?;
                found.restored = count(self.session, &format!("pg_temp.waybill_restored_{number}"))?;
            }
            tables.push(found);
        }
        Ok(UndoReport { import: request.import.clone(), written: request.purpose == Purpose::Write, tables })
    }

    /// Rows that refer to one that is removed, and are neither removed nor restored themselves, would be removed or changed with it.
    fn check_references(&mut self) -> Result<()> {
        let mut referring = Vec::new();
        for table in &self.schema.catalog.tables {
            let own = self.tables.iter().find(|other| other.name == table.name);
            let touched = own.map_or_else(Vec::new, |own| {
                let removed = format!("pg_temp.waybill_removed_{}", own.number);
                let restored = own.columns.as_ref().map(|_| format!("pg_temp.waybill_restored_{}", own.number));
                std::iter::once(removed).chain(restored).collect()
            });
            let is_other = touched.iter().map(|rows| {
                format!(" AND NOT EXISTS (SELECT 1 FROM {rows} AS o WHERE o.place = r.ctid AND o.part = r.tableoid)")
            });
            let is_other: String = is_other.collect();
            for key in &table.foreign_keys {
                let Some(target) = self.tables.iter().find(|other| other.name == key.target) else { continue };
                let (from, to) = (self.schema.relation(&table.name)?, self.schema.relation(&key.target)?);
                let refers = equal(
                    &expressions(from, &table.name, "r", &key.columns)?,
                    &expressions(to, &key.target, "t", &key.target_columns)?,
                );
                let sql = format!(
                    "SELECT count(*) AS records FROM pg_temp.waybill_removed_{} AS d JOIN {} AS t ON t.ctid = d.place AND \
                     t.tableoid = d.part JOIN {} AS r ON {refers} WHERE true{is_other}",
                    target.number, to.from_item, from.from_item
                );
                let records = self.session.fetch_count(&sql, &[])?;
                if records > 0 {
                    referring.push(format!("{} ({records} to {})", table.name, key.target));
                }
            }
        }
        if referring.is_empty() {
            return Ok(());
        }
        let what = format!(
            "records that are not the import's refer to records that it has created: {}; remove them or their references first",
            referring.join(", ")
        );
        Err(Error::new(Kind::Refused, what))
    }

    /// Values first, so that nothing refers to what is removed then; children are removed before their parents.
    fn put_back(&mut self, report: &UndoReport) -> Result<()> {
        let is_place = |rows: &str| {
            format!("t.ctid OPERATOR(pg_catalog.=) {rows}.place AND t.tableoid OPERATOR(pg_catalog.=) {rows}.part")
        };
        self.session.execute(APPLICATION_PATH)?;
        self.session.execute("SET CONSTRAINTS ALL DEFERRED")?;
        for (table, found) in self.tables.iter().zip(&report.tables) {
            let Some(columns) = table.columns.as_ref().filter(|_| found.restored > 0) else { continue };
            let set = columns
                .replaced
                .iter()
                .zip(0..)
                .map(|(name, at)| format!("{} = b.c{at}", double_quote_identifier(name)));
            let sql = format!(
                "UPDATE {} AS t SET {} FROM pg_temp.waybill_restored_{} AS b WHERE {}",
                self.schema.relation(&table.name)?.from_item,
                set.collect::<Vec<_>>().join(", "),
                table.number,
                is_place("b")
            );
            let changed = self.session.change(&sql, &[]).map_err(|error| error::refused_row(&table.name, error))?;
            check_done(&table.name, found.restored, changed)?;
        }
        for (table, found) in self.tables.iter().zip(&report.tables).rev().filter(|(_, found)| found.removed > 0) {
            let sql = format!(
                "DELETE FROM {} AS t USING pg_temp.waybill_removed_{} AS d WHERE {}",
                self.schema.relation(&table.name)?.from_item,
                table.number,
                is_place("d")
            );
            let removed = self.session.change(&sql, &[]).map_err(|error| error::refused_row(&table.name, error))?;
            check_done(&table.name, found.removed, removed)?;
        }
        let checked = self.session.execute("SET CONSTRAINTS ALL IMMEDIATE");
        checked.map_err(|error| error::refused_row(&"the import".into(), error))?;
        self.session.execute(OWN_PATH)?;
        self.session.execute(&format!("DROP SCHEMA {} CASCADE", self.kept.name))?;
        self.session.commit().map_err(Error::during_commit)
    }
}

fn count(session: &mut DatabaseSession, rows: &str) -> Result<u64> {
    session.execute(&format!("ANALYZE {rows}"))?;
    session.fetch_count(&format!("SELECT count(*) AS records FROM {rows}"), &[])
}

/// A trigger that returns nothing keeps a row as it is.
fn check_done(table: &TableName, expected: u64, done: u64) -> Result<()> {
    if done == expected {
        return Ok(());
    }
    let what = format!(
        "the database has changed {done} of {expected} records of {table}: a trigger or a rule keeps the others"
    );
    Err(Error::new(Kind::Refused, what))
}
