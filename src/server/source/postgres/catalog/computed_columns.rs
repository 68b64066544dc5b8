//! Columns that are computed from others: a masked value would leave through them otherwise.

use super::super::super::Result;
use super::super::database_session::{DatabaseSession, parse_rows};
use super::columns::CatalogColumn;

/// Source columns of computed columns: those in a generated column's expression, and those in the arguments of
/// built-in triggers that maintain search vectors (column, configuration, columns).
const COMPUTED_COLUMNS_QUERY: &str = "
    SELECT CAST(d.adrelid AS bigint) AS relation, CAST(a.attname AS text) AS name, CAST(r.attname AS text) AS source
      FROM pg_attrdef d
      JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum AND CAST(a.attgenerated AS text) <> ''
      -- Up to version 14 they are the column's own, later its default's.
      JOIN pg_depend p ON (p.classid = CAST('pg_attrdef' AS regclass) AND p.objid = d.oid
                           OR p.classid = CAST('pg_class' AS regclass) AND p.objid = d.adrelid AND p.objsubid = d.adnum)
                      AND p.refclassid = CAST('pg_class' AS regclass) AND p.refobjid = d.adrelid
                      AND p.refobjsubid > 0 AND p.refobjsubid <> d.adnum
      JOIN pg_attribute r ON r.attrelid = d.adrelid AND r.attnum = p.refobjsubid
     WHERE CAST(d.adrelid AS bigint) = ANY($1)
    UNION
    SELECT CAST(t.tgrelid AS bigint), t.arguments[1], source
      FROM (SELECT t.tgrelid, string_to_array(encode(t.tgargs, 'escape'), '\\000') AS arguments
              FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid JOIN pg_namespace n ON n.oid = f.pronamespace
             WHERE n.nspname = 'pg_catalog' AND f.proname IN ('tsvector_update_trigger', 'tsvector_update_trigger_column')
               AND CAST(t.tgrelid AS bigint) = ANY($1)) t,
           unnest(t.arguments[3:]) AS source
     WHERE source <> ''";

/// One row of `COMPUTED_COLUMNS_QUERY`.
struct ComputedFrom {
    table: i64,
    column: String,
    source: String,
}

/// Fills `computed_from` of these tables' columns.
pub fn fill(session: &mut DatabaseSession, oids: &str, columns: &mut [CatalogColumn]) -> Result<()> {
    let found = parse_rows(&session.fetch(COMPUTED_COLUMNS_QUERY, &[oids])?, |row| {
        Ok(ComputedFrom { table: row.parse("relation")?, column: row.parse("name")?, source: row.parse("source")? })
    })?;
    let names: Vec<(i64, String)> = columns.iter().map(|column| (column.table, column.schema.name.clone())).collect();
    for CatalogColumn { table, schema, .. } in columns {
        let from = found.iter().filter(|computed| computed.table == *table && computed.column == schema.name);
        schema.computed_from = from.map(|computed| computed.source.clone()).collect();
        if schema.generated && schema.computed_from.is_empty() {
            // No dependency recorded: assume all other columns.
            let others = names.iter().filter(|(other, name)| other == table && *name != schema.name);
            schema.computed_from = others.map(|(_, name)| name.clone()).collect();
        }
    }
    Ok(())
}
