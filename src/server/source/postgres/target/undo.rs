//! Undoes an import, in one transaction: removes the rows that it has created, and gives the others their values back.
//!
//! A row that was written since is not touched. Nor is one that refers to a row which would be removed: that ends the undo.

use super::super::super::target::{Purpose, UndoRequest};
use super::super::super::{Error, Kind, Result, undo_rules};
use super::super::catalog::{self, Schema};
use super::super::database_session::DatabaseSession;
use super::super::key_sets::refuse_foreign_event_triggers;
use super::super::search_paths::{APPLICATION_PATH, OWN_PATH};
use super::super::untrusted_code::UntrustedCode;
use super::super::{LOCK_TIMEOUT, double_quote_identifier, error};
use super::kept_import::{KeptColumns, UndoSchema, column_numbers, database_id};
use super::put_back::{self, ChangedTable};
use super::references_to::{self, ReferenceTo};
use super::returned;
use super::rules;
use super::staging::differs_sql;
use crate::model::import_undo::{KeptImport, UndoReport, UndoneTable};
use crate::model::name::TableName;
use crate::server::support::clock::rfc3339;
use crate::server::support::random::time_of_uuid_v7;

/// Transaction numbers are compared within half of their circle (PostgreSQL manual, 25.1.5).
const HALF_CIRCLE: u64 = 1 << 31;

struct Undo<'u> {
    session: &'u mut DatabaseSession,
    schema: Schema,
    kept: UndoSchema,
    /// `xmin` of the rows that the import has written.
    xmin: u64,
    tables: Vec<ImportedTable>,
    /// The references to each of the tables.
    references: Vec<Vec<ReferenceTo>>,
}

struct ImportedTable {
    number: usize,
    name: TableName,
    /// Its OID.
    relation: i64,
    created: u64,
    removed: u64,
    /// Of a merge.
    columns: Option<KeptColumns>,
}

/// The imports of this user that can be undone, the oldest first.
pub fn list(session: &mut DatabaseSession) -> Result<Vec<KeptImport>> {
    let ids = UndoSchema::list(session)?;
    let heads = ids.into_iter().map(|id| read_head(session, &id));
    // What nobody can read is nobody's import.
    Ok(heads.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// # Errors
/// `NotFound` if no such import is kept; `Refused` if rows were changed since, unless they are to be kept as they are.
pub fn undo(session: &mut DatabaseSession, request: &UndoRequest) -> Result<UndoReport> {
    session.begin_load(LOCK_TIMEOUT)?;
    rules::check_role(session)?;
    refuse_foreign_event_triggers(session)?;
    if !UndoSchema::list(session)?.contains(&request.import) {
        return Err(undo_rules::no_such_import());
    }
    let kept = UndoSchema::of(&request.import);
    kept.check_private(session)?;
    let transaction = read_transaction(session, &kept)?;
    let tables = read_tables(session, &kept)?;
    if request.purpose == Purpose::Write {
        lock(session, &tables)?;
    }
    // What is read from here on stays as it is.
    let schema = catalog::read(session)?;
    let mut undo = Undo { session, schema, kept, xmin: transaction % (1 << 32), tables, references: Vec::new() };
    undo.check_tables()?;
    let report = undo.find_rows(request)?;
    let changed: u64 = report.tables.iter().map(|table| table.changed_since).sum();
    if request.purpose == Purpose::DryRun {
        undo.check_references()?;
        undo.session.rollback()?;
        return Ok(report);
    }
    if request.expected.as_ref().is_some_and(|expected| *expected != report.digest) {
        return Err(undo_rules::moved_since_look());
    }
    if changed > 0 && !request.keeps_changed {
        return Err(undo_rules::changed_since(&report));
    }
    if changed > 0 && report.tables.iter().all(|table| table.total() == 0) {
        return Err(undo_rules::nothing_left());
    }
    undo.check_references()?;
    undo.put_back(&report)?;
    Ok(report)
}

fn read_head(session: &mut DatabaseSession, import: &str) -> Result<Option<KeptImport>> {
    let rows = session.fetch(&format!("SELECT file, mode, person FROM {}.import", UndoSchema::of(import).name), &[])?;
    let head = |row: &super::super::client::Row| {
        let (file, mode) = (row.text("file").ok()?, serde_json::from_str(row.text("mode").ok()?).ok()?);
        let is_digest = file.len() == 64 && file.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (id, at) = (import.to_owned(), time_of_uuid_v7(import).map(rfc3339).unwrap_or_default());
        let person = row.parse_optional("person").ok()?;
        is_digest.then(|| KeptImport { id, at, file_sha256: file.to_owned(), mode, person })
    };
    Ok(rows.first().and_then(head))
}

/// The number of the transaction that has imported.
///
/// # Errors
/// `Refused` if it does not tell which rows that was: in another database, or after too many others.
fn read_transaction(session: &mut DatabaseSession, kept: &UndoSchema) -> Result<u64> {
    let rows = session.fetch(&format!("SELECT transaction, database FROM {}.import", kept.name), &[])?;
    let row = rows.first().ok_or_else(error::invalid_message)?;
    let transaction: u64 = row.parse("transaction").map_err(error::map_error)?;
    let refused = |what| Err(Error::new(Kind::Refused, what));
    if row.text("database").map_err(error::map_error)? != database_id(session)? {
        return refused(
            "the import was into another database, of which this one is a copy: here, nothing tells which rows it has written",
        );
    }
    let now = session.fetch_count("SELECT txid_current() AS records", &[])?;
    if transaction > now || now - transaction >= HALF_CIRCLE {
        return refused("too much has happened since the import to tell which rows it has written");
    }
    Ok(transaction)
}

/// Nobody else writes to these tables from here on, nor to others a reference to their records; who does so already is waited for.
/// A reference is checked with a `ROW SHARE` lock, which this mode keeps out.
fn lock(session: &mut DatabaseSession, tables: &[ImportedTable]) -> Result<()> {
    let schema = catalog::read(session)?;
    for table in tables {
        let sql = format!("LOCK TABLE {} IN EXCLUSIVE MODE", schema.relation(&table.name)?.from_item);
        session.execute(&sql).map_err(|error| match error.kind {
            Kind::Locked => error::table_locked(None, LOCK_TIMEOUT.as_secs()),
            _ => error,
        })?;
    }
    Ok(())
}

fn read_tables(session: &mut DatabaseSession, kept: &UndoSchema) -> Result<Vec<ImportedTable>> {
    let sql = format!(
        "SELECT CAST(number AS text) AS number, name, CAST(relation AS text) AS relation, CAST(created AS text) AS created, CAST(removed AS text) AS removed, columns FROM {}.tables ORDER BY number",
        kept.name
    );
    let table = |row: &super::super::client::Row| {
        let columns = row.text("columns").map_err(error::map_error)?;
        let columns = (!columns.is_empty()).then(|| serde_json::from_str(columns)).transpose();
        Ok(ImportedTable {
            number: row.parse("number").map_err(error::map_error)?,
            name: row.text("name").map_err(error::map_error)?.into(),
            relation: row.parse("relation").map_err(error::map_error)?,
            created: row.parse("created").map_err(error::map_error)?,
            removed: row.parse("removed").map_err(error::map_error)?,
            columns: columns.map_err(|_| error::invalid_message())?,
        })
    };
    session.fetch(&sql, &[])?.iter().map(table).collect()
}

impl Undo<'_> {
    /// A migration may have come since; and looking at the tables, or at those that refer to them, must run nobody else's code.
    fn check_tables(&mut self) -> Result<()> {
        let code = UntrustedCode::read(self.session)?;
        for table in &self.tables {
            let relation = self.schema.relation(&table.name)?;
            let moved = |what: &str| {
                Err(Error::new(Kind::Refused, format!("{} is another {what} than at the import", table.name)))
            };
            if relation.oid != table.relation {
                return moved("table");
            }
            references_to::check_readable(&code, relation.oid, &table.name)?;
            if let Some(KeptColumns { key, replaced, numbers, all, all_numbers }) = &table.columns {
                for name in key.iter().chain(replaced).chain(all) {
                    super::super::row_key::column(relation, &table.name, name)?;
                }
                let is_same = *numbers == column_numbers(self.session, relation.oid, key, replaced)?
                    && (all.is_empty() || *all_numbers == column_numbers(self.session, relation.oid, all, &[])?);
                if !is_same {
                    return moved("table, with other columns,");
                }
            }
            let references = ReferenceTo::read(self.session, relation.oid)?;
            for reference in &references {
                reference.check_readable(&code)?;
                let restored = table.columns.iter().flat_map(|columns| &columns.replaced);
                let carried_on =
                    restored.filter(|_| reference.is_carried_on).find(|name| reference.target_columns.contains(name));
                if let Some(column) = carried_on {
                    let what = format!(
                        "{} is referred to by {} ({}), which the database would change, too (ON UPDATE)",
                        table.name.field(column),
                        reference.referring,
                        reference.constraint
                    );
                    return Err(Error::new(Kind::Refused, what));
                }
            }
            self.references.push(references);
        }
        let names: Vec<TableName> = self.tables.iter().map(|table| table.name.clone()).collect();
        rules::check_triggers(self.session, &self.schema, &names)
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
                let joined = |join| self.kept.with_own_rows(number, relation, &table.name, &columns.key, join);
                let kept: Vec<String> = (0..columns.key.len()).map(|at| format!("u.k{at}")).collect();
                let all = joined("LEFT JOIN")?;
                let joined = joined("JOIN")?;
                removed = format!("{place} FROM {joined} WHERE u.was_absent AND {is_same}");
                let values: Vec<String> = (0..columns.replaced.len()).map(|at| format!(", u.c{at}")).collect();
                let values = values.concat();
                restored = format!("{place}{values} FROM {joined} WHERE NOT u.was_absent AND {is_same}");
                // What was created and is gone is what an undo wants.
                let changed =
                    format!("FROM {all} WHERE t.ctid IS NULL AND NOT u.was_absent OR CAST(t.xmin AS text) <> '{xmin}'");
                found.changed_since =
                    self.session.fetch_count(&format!("SELECT count(*) AS records {changed}"), &[])?;
                let key: Vec<String> = kept.iter().map(|column| format!("CAST({column} AS text)")).collect();
                let examples = format!(
                    "SELECT concat_ws(', ', {}) AS key {changed} ORDER BY {} LIMIT {}",
                    key.join(", "),
                    kept.join(", "),
                    undo_rules::MAX_EXAMPLES
                );
                for row in self.session.fetch(&examples, &[])? {
                    found.examples.push(row.text("key").map_err(error::map_error)?.to_owned());
                }
            }
            self.session
                .execute(&format!("CREATE TEMPORARY TABLE waybill_removed_{number} ON COMMIT DROP AS {removed}"))?;
            found.removed = count(self.session, &format!("pg_temp.waybill_removed_{number}"))?;
            if restored.is_empty() {
                found.changed_since = table.created.checked_sub(found.removed).ok_or_else(|| {
                    Error::new(
                        Kind::Refused,
                        format!("the rows that the import has written to {} cannot be told from others", table.name),
                    )
                })?;
            } else {
                let sql = format!("CREATE TEMPORARY TABLE waybill_restored_{number} ON COMMIT DROP AS {restored}");
                self.session.execute(&sql)?;
                found.restored = count(self.session, &format!("pg_temp.waybill_restored_{number}"))?;
            }
            if let Some(columns) = table.columns.as_ref().filter(|_| table.removed > 0) {
                let removed = (table.number, &table.name, table.removed);
                returned::find(self.session, &self.kept, removed, (relation, &columns.key), &mut found)?;
            }
            tables.push(found);
        }
        Ok(UndoReport::new(request.import.clone(), request.purpose == Purpose::Write, tables))
    }

    /// Rows that refer to one that is removed, and are neither removed nor restored themselves, would be removed or changed with it.
    fn check_references(&mut self) -> Result<()> {
        // Places tell rows of all tables apart, with their table or partition.
        let touched = self.tables.iter().flat_map(|table| {
            let removed = format!("pg_temp.waybill_removed_{}", table.number);
            let restored = table.columns.as_ref().map(|_| format!("pg_temp.waybill_restored_{}", table.number));
            std::iter::once(removed).chain(restored)
        });
        let touched: Vec<String> = touched.map(|rows| format!("SELECT part, place FROM {rows}")).collect();
        let touched = touched.join(" UNION ALL ");
        let mut referring = Vec::new();
        for (table, references) in self.tables.iter().zip(&self.references) {
            let from = &self.schema.relation(&table.name)?.from_item;
            for ReferenceTo { referring: name, from_item, is_same, .. } in references {
                let sql = format!(
                    "SELECT count(*) AS records FROM (SELECT r.tableoid AS part, r.ctid AS place FROM pg_temp.waybill_removed_{} AS d \
                     JOIN {from} AS t ON t.ctid = d.place AND t.tableoid = d.part JOIN {from_item} AS r ON {is_same} \
                     EXCEPT ({touched})) AS others",
                    table.number
                );
                let records = self.session.fetch_count(&sql, &[])?;
                if records > 0 {
                    referring.push(format!("{name} ({records} to {})", table.name));
                }
            }
        }
        if referring.is_empty() {
            return Ok(());
        }
        let what = format!(
            "records that are not the import's, or were changed since, refer to records that it has created and that would be removed: \
             {}; remove them or their references first",
            referring.join(", ")
        );
        Err(Error::new(Kind::Refused, what))
    }

    fn put_back(&mut self, report: &UndoReport) -> Result<()> {
        self.session.execute(APPLICATION_PATH)?;
        self.session.execute("SET CONSTRAINTS ALL DEFERRED")?;
        let tables = std::mem::take(&mut self.tables);
        let found = tables.iter().zip(&report.tables).filter(|(_, found)| found.removed + found.restored > 0);
        let found =
            found.map(|(table, found)| changed_table(&self.schema, table, found)).collect::<Result<Vec<_>>>()?;
        put_back::put_back(self.session, &found)?;
        for (table, found) in tables.iter().zip(&report.tables).filter(|(_, found)| found.returned > 0) {
            let (relation, known) = (self.schema.relation(&table.name)?, self.schema.catalog.table(&table.name));
            let columns = known.into_iter().flat_map(|table| &table.columns).filter(|column| !column.generated);
            let columns = columns.map(|column| &column.name).collect();
            returned::put_back(self.session, (table.number, &table.name), relation, columns, found.returned)?;
        }
        let checked = self.session.execute("SET CONSTRAINTS ALL IMMEDIATE");
        checked.map_err(|error| error::refused_row(&"the import".into(), error))?;
        self.session.execute(OWN_PATH)?;
        // Triggers of one table may have changed another.
        for (table, found) in tables.iter().zip(&report.tables) {
            self.check_put_back(table, found)?;
        }
        self.session.execute(&format!("DROP SCHEMA {} CASCADE", self.kept.name))?;
        self.session.commit().map_err(Error::during_commit)
    }
}

impl Undo<'_> {
    /// Whether the rows of a merge are as they were before it, but for those that were changed since.
    fn check_put_back(&mut self, table: &ImportedTable, found: &UndoneTable) -> Result<()> {
        let Some(KeptColumns { key, replaced, .. }) = &table.columns else { return Ok(()) };
        let relation = self.schema.relation(&table.name)?;
        let joined = self.kept.with_own_rows(table.number, relation, &table.name, key, "JOIN")?;
        let left = format!("SELECT count(*) AS records FROM {joined} WHERE u.was_absent");
        let left = self.session.fetch_count(&left, &[])?.saturating_sub(found.changed_since);
        undo_rules::check_done(&table.name, found.removed, found.removed.saturating_sub(left))?;
        let Some(differs) = differs_sql(replaced, relation, &table.name, "b")? else { return Ok(()) };
        let values = replaced.iter().zip(0..).map(|(name, at)| format!("u.c{at} AS {}", double_quote_identifier(name)));
        let different = format!(
            "SELECT count(*) AS records FROM {joined} CROSS JOIN LATERAL (SELECT {}) AS b WHERE NOT u.was_absent AND ({differs})",
            values.collect::<Vec<_>>().join(", ")
        );
        match self.session.fetch_count(&different, &[])?.saturating_sub(found.changed_since) {
            0 => Ok(()),
            different => Err(undo_rules::restored_differently(&table.name, different, found.restored)),
        }
    }
}

fn changed_table<'t>(schema: &'t Schema, table: &'t ImportedTable, found: &UndoneTable) -> Result<ChangedTable<'t>> {
    let relation = schema.relation(&table.name)?;
    let replaced = table.columns.as_ref().map_or(&[][..], |columns| &columns.replaced);
    let differs = differs_sql(replaced, relation, &table.name, "b")?.unwrap_or_else(|| "false".to_owned());
    Ok(ChangedTable {
        number: table.number,
        table: &table.name,
        oid: relation.oid,
        from_item: &relation.from_item,
        removed: found.removed,
        restored: found.restored,
        columns: replaced.iter().map(|name| double_quote_identifier(name)).collect(),
        differs,
    })
}

fn count(session: &mut DatabaseSession, rows: &str) -> Result<u64> {
    session.execute(&format!("ANALYZE {rows}"))?;
    session.fetch_count(&format!("SELECT count(*) AS records FROM {rows}"), &[])
}
