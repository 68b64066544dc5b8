//! Code that the server would run for whoever merely plans a query over a table.

use std::collections::BTreeMap;

use super::super::Result;
use super::catalog::rows;
use super::client::{self, Row};
use super::session::Session;

/// What the planner may run when it looks at a table: it works out constant parts of expressions in indexes, extended
/// statistics and partition keys, as whoever asks. (`evil(1) + id` in an index is one call of `evil` for each plan,
/// without any row.) An operator brings its negator along, and a domain its checks; enums bring nothing. What belongs
/// to superusers or to the user who asks can do nothing that they could not do anyway.
const FOREIGN_CODE: &str = "
    SELECT CAST(coalesce(
             (SELECT a.relid FROM pg_partition_ancestors(code.relation) a(relid)
               ORDER BY (SELECT relispartition FROM pg_class WHERE oid = a.relid) LIMIT 1), code.relation) AS bigint),
           code.what, CAST(n.nspname AS text), made.name, CAST(r.rolname AS text)
      FROM (SELECT i.indrelid, CAST('pg_class' AS regclass), i.indexrelid, 'an index' FROM pg_index i
             WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
            UNION ALL
            SELECT k.partrelid, CAST('pg_class' AS regclass), k.partrelid, 'its partition key' FROM pg_partitioned_table k
             WHERE k.partexprs IS NOT NULL
            UNION ALL
            SELECT s.stxrelid, CAST('pg_statistic_ext' AS regclass), s.oid, 'its extended statistics'
              FROM pg_statistic_ext s) code(relation, class, object, what)
      JOIN pg_depend d ON d.classid = code.class AND d.objid = code.object
      JOIN (SELECT CAST('pg_proc' AS regclass), p.oid, p.pronamespace, p.proowner, CAST(p.proname AS text) FROM pg_proc p
            UNION ALL
            SELECT CAST('pg_operator' AS regclass), o.oid, o.oprnamespace, o.oprowner, 'operator ' || CAST(o.oprname AS text)
              FROM pg_operator o
            UNION ALL
            SELECT CAST('pg_operator' AS regclass), o.oid, p.pronamespace, p.proowner, CAST(p.proname AS text)
              FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode
            UNION ALL
            SELECT CAST('pg_type' AS regclass), t.oid, t.typnamespace, t.typowner, 'type ' || CAST(t.typname AS text)
              FROM pg_type t LEFT JOIN pg_type element ON element.oid = t.typelem
             WHERE t.typtype <> 'e' AND coalesce(element.typtype, 'b') <> 'e') made(class, object, namespace, owner, name)
        ON made.class = d.refclassid AND made.object = d.refobjid
      JOIN pg_namespace n ON n.oid = made.namespace
      JOIN pg_roles r ON r.oid = made.owner
     WHERE NOT r.rolsuper AND r.rolname <> current_user
     ORDER BY 1, n.nspname, made.name";

/// One row of `FOREIGN_CODE`.
pub struct ForeignCode {
    what: String,
    function: String,
    owner: String,
}

impl ForeignCode {
    /// The first one of each table.
    pub fn read(session: &mut Session) -> Result<BTreeMap<i64, Self>> {
        let read = |row: &Row| -> client::Result<(i64, Self)> {
            let function = {
                let (schema, name) = (row.text(2)?, row.text(3)?);
                // `operator @<@` and `type mail` have their kind before their name.
                match name.split_once(' ') {
                    Some((kind, name)) => format!("{kind} {schema}.{name}"),
                    None => format!("function {schema}.{name}"),
                }
            };
            Ok((row.parse(0)?, Self { what: row.parse(1)?, function, owner: row.parse(4)? }))
        };
        let mut code: Vec<(i64, Self)> = rows(&session.fetch(FOREIGN_CODE, &[])?, read)?;
        code.reverse();
        Ok(code.into_iter().collect())
    }

    /// What is wrong, and what to do.
    pub fn reason(&self) -> String {
        let Self { what, function, owner } = self;
        format!(
            "{what} uses {function}, which is {owner}'s: the server might run code of {owner}'s with Waybill's rights; \
             connect as {owner}, or exclude the table in a profile"
        )
    }
}
