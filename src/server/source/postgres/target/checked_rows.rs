//! What a dry run finds out about the rules of a table: rows come into a temporary one that has the same rules, so that what the table
//! would refuse is refused there.

use super::super::super::target::TableLoad;
use super::super::super::{Result, double_quote_identifier};
use super::super::catalog::Relation;
use super::super::database_session::DatabaseSession;
use super::super::error::{self, STAGED_PREFIX};
use super::super::search_paths::{APPLICATION_PATH, OWN_PATH};

const PLAIN_INDEXES_QUERY: &str = "
    SELECT CAST(c.relname AS text) AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE i.indrelid = to_regclass(CAST($1 AS text)) AND NOT i.indisunique AND NOT i.indisexclusion";

/// The column with the place of the staged row: the order of the file.
const PLACE: &str = "waybill_place";

/// Where the rows are checked that a merge would write.
pub struct CheckedRows {
    changed: String,
    checked: String,
}

impl CheckedRows {
    /// Creates the tables, before the transaction is read-only.
    pub fn create(
        session: &mut DatabaseSession,
        number: usize,
        load: &TableLoad,
        relation: &Relation,
        table: &str,
    ) -> Result<Self> {
        let [changed, checked] = ["changed", "checked"].map(|what| format!("{STAGED_PREFIX}{number}_{what}"));
        let columns = quoted(load.columns.iter()).join(", ");
        session.execute(&format!(
            "CREATE TEMPORARY TABLE {changed} ON COMMIT DROP AS SELECT ctid AS {PLACE}, {columns} FROM {table} WITH NO DATA"
        ))?;
        let [changed, checked] = [changed, checked].map(|name| format!("pg_temp.{name}"));
        create_with_rules(session, &checked, load, relation, table)?;
        Ok(Self { changed, checked })
    }

    /// Writes the rows of `staged` that the end of a statement selects, `s` of the file and `t` that is there, as they would be: a record
    /// that is there keeps what the merge does not replace.
    ///
    /// # Errors
    /// `Refused` if the rules of the table refuse one.
    pub fn check(&self, session: &mut DatabaseSession, load: &TableLoad, staged: &str, rows: &str) -> Result<()> {
        let columns = quoted(load.columns.iter());
        let replaced = quoted(load.key.iter().chain(load.replaced()));
        let value = |name: &String| {
            if replaced.contains(name) {
                format!("s.{name}")
            } else {
                format!("CASE WHEN t.ctid IS NULL THEN s.{name} ELSE t.{name} END")
            }
        };
        let (values, columns) = (columns.iter().map(value).collect::<Vec<_>>().join(", "), columns.join(", "));
        let changed = &self.changed;
        session.change(&format!("INSERT INTO {changed} ({PLACE}, {columns}) SELECT s.ctid, {values} {rows}"), &[])?;
        // Functions of the table's checks find what they name by the application's search path.
        session.execute(&format!("{APPLICATION_PATH}; SAVEPOINT waybill_check"))?;
        if let Err(error) = self.write(session, &columns, None) {
            let number = self.find_refused(session, load, &columns, staged)?;
            return Err(error::refused_record(&load.table, number, error));
        }
        session.execute(OWN_PATH)
    }

    /// Writes the changed rows, or so many of them in the order of the file.
    fn write(&self, session: &mut DatabaseSession, columns: &str, first: Option<u64>) -> Result<u64> {
        let Self { changed, checked } = self;
        let first = first.map_or_else(String::new, |first| format!(" ORDER BY {PLACE} LIMIT {first}"));
        let sql =
            format!("INSERT INTO {checked} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {changed}{first}");
        session.change(&sql, &[])
    }

    /// The number in the file of the first record that is refused, where staged rows are still where they were copied to.
    fn find_refused(
        &self,
        session: &mut DatabaseSession,
        load: &TableLoad,
        columns: &str,
        staged: &str,
    ) -> Result<Option<u64>> {
        const BACK: &str = "ROLLBACK TO SAVEPOINT waybill_check";
        session.execute(BACK)?;
        let merge = &load.merge;
        if !merge.natural_keys.is_empty() || !merge.references.is_empty() || !load.emptied.is_empty() {
            return Ok(None);
        }
        let changed = &self.changed;
        let count = format!("SELECT pg_catalog.count(*) AS records FROM {changed}");
        let (mut taken, mut refused) = (0, session.fetch_count(&count, &[])?);
        while taken + 1 < refused {
            let middle = u64::midpoint(taken, refused);
            if self.write(session, columns, Some(middle)).is_ok() {
                taken = middle;
            } else {
                refused = middle;
            }
            session.execute(BACK)?;
        }
        let sql = format!(
            "SELECT pg_catalog.count(*) AS records FROM {staged} WHERE ctid OPERATOR(pg_catalog.<=) \
             (SELECT {PLACE} FROM {changed} ORDER BY {PLACE} OFFSET {taken} LIMIT 1)"
        );
        session.fetch_count(&sql, &[]).map(Some)
    }
}

/// Creates a temporary table with the rules of the table. What the database fills itself is not null there, and has no value here.
pub fn create_with_rules(
    session: &mut DatabaseSession,
    name: &str,
    load: &TableLoad,
    relation: &Relation,
    table: &str,
) -> Result<()> {
    let filled_by_database: Vec<&String> =
        relation.columns.keys().filter(|name| !load.columns.contains(name)).collect();
    let indexes = if filled_by_database.iter().any(|name| load.key.contains(name)) { "" } else { " INCLUDING INDEXES" };
    let nullable = filled_by_database.iter().filter(|_| !indexes.is_empty() || load.key.is_empty());
    let nullable = nullable
        .map(|column| format!("; ALTER TABLE {name} ALTER COLUMN {} DROP NOT NULL", double_quote_identifier(column)));
    session.execute(&format!(
        "CREATE TEMPORARY TABLE {} (LIKE {table} INCLUDING CONSTRAINTS INCLUDING GENERATED{indexes}) ON COMMIT DROP{}",
        name.trim_start_matches("pg_temp."),
        nullable.collect::<String>()
    ))?;
    drop_plain_indexes(session, name)
}

/// Indexes that refuse nothing cost time only.
fn drop_plain_indexes(session: &mut DatabaseSession, name: &str) -> Result<()> {
    for row in session.fetch(PLAIN_INDEXES_QUERY, &[name])? {
        let index = double_quote_identifier(row.text("name").map_err(error::map_error)?);
        session.execute(&format!("DROP INDEX pg_temp.{index}"))?;
    }
    Ok(())
}

fn quoted<'n>(names: impl Iterator<Item = &'n String>) -> Vec<String> {
    names.map(|name| double_quote_identifier(name)).collect()
}
