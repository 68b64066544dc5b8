//! What a dry run finds out about the rules of a table: rows come into a temporary one that has the same rules, so that what the table
//! would refuse is refused there.

use super::super::super::target::TableLoad;
use super::super::super::{Result, double_quote_identifier};
use super::super::catalog::Relation;
use super::super::client::Row;
use super::super::database_session::DatabaseSession;
use super::super::error::{self, STAGED_PREFIX};
use super::super::row_key::quoted;
use super::super::search_paths::{APPLICATION_PATH, OWN_PATH};
use super::changed_rows::{IS_STAGED, IS_THERE};

const PLAIN_INDEXES_QUERY: &str = "
    SELECT CAST(c.relname AS text) AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE i.indrelid = to_regclass(CAST($1 AS text)) AND NOT i.indisunique AND NOT i.indisexclusion";

/// Defaults that a dry run must not evaluate: functions of others, and sequences, which it would move.
const UNFIT_DEFAULTS_QUERY: &str = "
    SELECT CAST(a.attname AS text) AS name FROM pg_attrdef d
      JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum AND a.attgenerated = ''
     WHERE CAST(d.adrelid AS bigint) = CAST($1 AS bigint)
       AND (strpos(pg_get_expr(d.adbin, d.adrelid), 'nextval') > 0
            OR EXISTS (SELECT 1 FROM pg_depend p
                        WHERE p.classid = CAST('pg_attrdef' AS regclass) AND p.objid = d.oid AND p.refobjid <> d.adrelid))";

/// Where the rows are checked that a merge would write.
pub struct CheckedRows(String);

/// The rows that are checked: of the file, and in the table.
pub struct WrittenRows<'r> {
    pub staged: &'r str,
    pub changed: &'r str,
    /// What the table is named in a statement.
    pub table: &'r str,
    /// All columns of the table but for computed ones.
    pub stored: Vec<String>,
}

impl CheckedRows {
    /// Creates the table, before the transaction is read-only.
    pub fn create(
        session: &mut DatabaseSession,
        number: usize,
        load: &TableLoad,
        relation: &Relation,
        table: &str,
    ) -> Result<Self> {
        let checked = Self(format!("pg_temp.{STAGED_PREFIX}{number}_checked"));
        create_with_rules(session, &checked.0, load, relation, table)?;
        Ok(checked)
    }

    /// The rows as they would be.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Writes the rows as they would be: a record that is there keeps what the merge does not replace.
    ///
    /// # Errors
    /// `Refused` if the rules of the table refuse one.
    pub fn check(&self, session: &mut DatabaseSession, load: &TableLoad, rows: &WrittenRows<'_>) -> Result<()> {
        // Functions of the table's checks find what they name by the application's search path.
        session.execute(&format!("{APPLICATION_PATH}; SAVEPOINT waybill_check"))?;
        if let Err(error) = self.write(session, load, rows, None) {
            let number = self.find_refused(session, load, rows)?;
            return Err(error::refused_record(&load.table, number, error));
        }
        session.execute(OWN_PATH)
    }

    /// Writes the rows, or so many of them in the order of the file.
    fn write(
        &self,
        session: &mut DatabaseSession,
        load: &TableLoad,
        rows: &WrittenRows<'_>,
        first: Option<u64>,
    ) -> Result<()> {
        let (Self(checked), WrittenRows { staged, changed, table, stored }) = (self, rows);
        let first = first.map_or_else(String::new, |first| format!(" ORDER BY place LIMIT {first}"));
        let from = format!("FROM (SELECT * FROM {changed}{first}) AS c JOIN {staged} AS s ON {IS_STAGED}");
        let (pushed, replaced) = (quoted(&load.columns), quoted(load.replaced()));
        let stored = quoted(stored);
        let now: Vec<String> = stored
            .iter()
            .map(|name| if replaced.contains(name) { format!("s.{name}") } else { format!("t.{name}") })
            .collect();
        let new: Vec<String> = pushed.iter().map(|name| format!("s.{name}")).collect();
        let (stored, now, pushed, new) = (stored.join(", "), now.join(", "), pushed.join(", "), new.join(", "));
        for (columns, values, from) in [
            (stored, now, format!("{from} JOIN {table} AS t ON {IS_THERE}")),
            (pushed, new, format!("{from} WHERE c.own IS NULL")),
        ] {
            let sql = format!("INSERT INTO {checked} ({columns}) OVERRIDING SYSTEM VALUE SELECT {values} {from}");
            session.change(&sql, &[])?;
        }
        Ok(())
    }

    /// The number in the file of the first record that is refused, where staged rows are still where they were copied to.
    fn find_refused(
        &self,
        session: &mut DatabaseSession,
        load: &TableLoad,
        rows: &WrittenRows<'_>,
    ) -> Result<Option<u64>> {
        const BACK: &str = "ROLLBACK TO SAVEPOINT waybill_check";
        session.execute(BACK)?;
        let merge = &load.merge;
        if !merge.natural_keys.is_empty() || !merge.references.is_empty() || !load.emptied.is_empty() {
            return Ok(None);
        }
        let WrittenRows { staged, changed, .. } = rows;
        let count = format!("SELECT pg_catalog.count(*) AS records FROM {changed}");
        let (mut taken, mut refused) = (0, session.fetch_count(&count, &[])?);
        while taken + 1 < refused {
            let middle = u64::midpoint(taken, refused);
            if self.write(session, load, rows, Some(middle)).is_ok() {
                taken = middle;
            } else {
                refused = middle;
            }
            session.execute(BACK)?;
        }
        let sql = format!(
            "SELECT pg_catalog.count(*) AS records FROM {staged} WHERE ctid OPERATOR(pg_catalog.<=) \
             (SELECT place FROM {changed} ORDER BY place OFFSET {taken} LIMIT 1)"
        );
        session.fetch_count(&sql, &[]).map(Some)
    }
}

/// Creates a temporary table with the rules of the table. What the database fills itself may be null there: it has the default, unless
/// that is code of others, or counts on.
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
    let unfit = if filled_by_database.is_empty() {
        Vec::new()
    } else {
        session.fetch(UNFIT_DEFAULTS_QUERY, &[&relation.oid.to_string()])?
    };
    let without_default = unfit.iter().map(|row| {
        let column = double_quote_identifier(row.text("name").map_err(error::map_error)?);
        Ok(format!("; ALTER TABLE {name} ALTER COLUMN {column} DROP DEFAULT"))
    });
    let without_default = without_default.collect::<Result<String>>()?;
    session.execute(&format!(
        "CREATE TEMPORARY TABLE {} (LIKE {table} INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING DEFAULTS{indexes}) ON COMMIT DROP{}{without_default}",
        name.trim_start_matches("pg_temp."),
        nullable.collect::<String>()
    ))?;
    drop_plain_indexes(session, name)
}

/// Indexes that refuse nothing cost time only.
fn drop_plain_indexes(session: &mut DatabaseSession, name: &str) -> Result<()> {
    let rows = session.fetch(PLAIN_INDEXES_QUERY, &[name])?;
    let index = |row: &Row| {
        let name = row.text("name").map_err(error::map_error)?;
        Ok(format!("pg_temp.{}", double_quote_identifier(name)))
    };
    let indexes = rows.iter().map(index).collect::<Result<Vec<_>>>()?;
    if indexes.is_empty() { Ok(()) } else { session.execute(&format!("DROP INDEX {}", indexes.join(", "))) }
}
