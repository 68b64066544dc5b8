//! Finds tables for which merely planning a query could run someone else's code: code that is there already, and
//! owners who could add some while Waybill reads.

use std::collections::BTreeMap;

use super::super::Result;
use super::client::{self, Row};
use super::database_session::{DatabaseSession, parse_rows};

/// Functions, and what brings some with it, each with its owner: what an expression may depend on.
pub const CODE: &str = "
            SELECT CAST('pg_proc' AS regclass), p.oid, p.pronamespace, p.proowner, CAST(p.proname AS text) FROM pg_proc p
            UNION ALL
            SELECT CAST('pg_operator' AS regclass), o.oid, o.oprnamespace, o.oprowner, 'operator ' || CAST(o.oprname AS text)
              FROM pg_operator o
            UNION ALL
            SELECT CAST('pg_operator' AS regclass), o.oid, p.pronamespace, p.proowner, CAST(p.proname AS text)
              FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode
            UNION ALL
            SELECT CAST('pg_type' AS regclass), t.oid, t.typnamespace, t.typowner, 'type ' || CAST(t.typname AS text)
              FROM pg_type t LEFT JOIN pg_type element ON element.oid = t.typelem
             WHERE t.typtype <> 'e' AND coalesce(element.typtype, 'b') <> 'e'";

/// Code that the planner may run for a table: it evaluates constant parts of expressions in indexes, extended
/// statistics and partition keys, with the querying user's privileges. (An index on `evil(1) + id` calls `evil` once
/// per plan, even without rows.) An operator also brings its negator and a domain its CHECK constraints; enums bring
/// no code. Code owned by superusers, by the querying user or by trusted owners (`$1`) is accepted.
const UNTRUSTED_CODE_QUERY: &str = "
    SELECT CAST(coalesce(
             (SELECT a.relid FROM pg_partition_ancestors(code.relation) a(relid)
               ORDER BY (SELECT relispartition FROM pg_class WHERE oid = a.relid) LIMIT 1), code.relation) AS bigint) AS relation,
           code.what, CAST(n.nspname AS text) AS schema, made.name, CAST(r.rolname AS text) AS owner
      FROM (SELECT i.indrelid, CAST('pg_class' AS regclass), i.indexrelid, 'an index' FROM pg_index i
             WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
            UNION ALL
            SELECT k.partrelid, CAST('pg_class' AS regclass), k.partrelid, 'its partition key' FROM pg_partitioned_table k
             WHERE k.partexprs IS NOT NULL
            UNION ALL
            SELECT s.stxrelid, CAST('pg_statistic_ext' AS regclass), s.oid, 'its extended statistics'
              FROM pg_statistic_ext s) code(relation, class, object, what)
      JOIN pg_depend d ON d.classid = code.class AND d.objid = code.object
      JOIN ({CODE}) made(class, object, namespace, owner, name)
        ON made.class = d.refclassid AND made.object = d.refobjid
      JOIN pg_namespace n ON n.oid = made.namespace
      JOIN pg_roles r ON r.oid = made.owner
     WHERE NOT r.rolsuper AND r.rolname <> session_user AND CAST(r.rolname AS text) <> ALL (CAST($1 AS text[]))
     ORDER BY 1, n.nspname, made.name";

/// Owners who could add such code between the catalog query and the read, since CREATE INDEX does not wait for
/// readers: the owner of the table or of one of its partitions, and the owner of its schema, who could replace the
/// table. No lock available to a reader prevents this. A table is refused if such an owner could gain by it, that is,
/// lacks an attribute, a membership, a readable table (or some of its rows) or an executable function of the querying
/// user. The session user counts, not the current one: code may `RESET ROLE`.
const UNTRUSTED_OWNERS_QUERY: &str = "
    WITH me AS MATERIALIZED (SELECT * FROM pg_roles WHERE rolname = session_user),
    held AS MATERIALIZED (
        SELECT c.oid AS relation, c.relowner AS owner, CASE WHEN c.relispartition THEN 'a partition of it' ELSE 'it' END AS what
          FROM pg_class c WHERE c.relkind IN ('r', 'p')
        UNION ALL
        SELECT c.oid, CASE n.nspowner WHEN own.oid THEN d.datdba ELSE n.nspowner END, 'its schema'
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_database d ON d.datname = current_database()
          LEFT JOIN pg_roles own ON own.rolname = 'pg_database_owner'
         WHERE c.relkind IN ('r', 'p')),
    owners AS MATERIALIZED (
        SELECT r.* FROM pg_roles r, me WHERE r.oid IN (SELECT owner FROM held) AND NOT r.rolsuper AND r.oid <> me.oid
           AND CAST(r.rolname AS text) <> ALL (CAST($1 AS text[]))),
    gains AS MATERIALIZED (
        SELECT o.oid, o.rolname FROM owners o, me
         WHERE me.rolsuper OR me.rolcreaterole > o.rolcreaterole OR me.rolcreatedb > o.rolcreatedb
            OR me.rolreplication > o.rolreplication OR me.rolbypassrls > o.rolbypassrls
            OR EXISTS (SELECT FROM pg_roles g WHERE g.oid <> me.oid AND pg_has_role(me.oid, g.oid, 'MEMBER')
                          AND NOT pg_has_role(o.oid, g.oid, 'MEMBER'))
            OR EXISTS (SELECT FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
                          AND has_table_privilege(me.oid, c.oid, 'SELECT')
                          AND NOT (has_table_privilege(o.oid, c.oid, 'SELECT')
                                   AND has_schema_privilege(o.oid, c.relnamespace, 'USAGE')))
            OR EXISTS (SELECT FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attacl IS NOT NULL
                          AND has_column_privilege(me.oid, c.oid, a.attnum, 'SELECT')
                          AND NOT (has_column_privilege(o.oid, c.oid, a.attnum, 'SELECT')
                                   AND has_schema_privilege(o.oid, c.relnamespace, 'USAGE')))
            OR EXISTS (SELECT FROM pg_class c WHERE c.relrowsecurity AND has_table_privilege(me.oid, c.oid, 'SELECT')
                          AND NOT o.rolbypassrls AND (c.relforcerowsecurity OR NOT pg_has_role(o.oid, c.relowner, 'USAGE')))
            OR EXISTS (SELECT FROM pg_proc p
                        WHERE (p.proacl IS NOT NULL OR NOT has_schema_privilege(o.oid, p.pronamespace, 'USAGE'))
                          AND has_function_privilege(me.oid, p.oid, 'EXECUTE')
                          AND has_schema_privilege(me.oid, p.pronamespace, 'USAGE')
                          AND NOT (has_function_privilege(o.oid, p.oid, 'EXECUTE')
                                   AND has_schema_privilege(o.oid, p.pronamespace, 'USAGE'))))
    SELECT CAST(coalesce(
             (SELECT a.relid FROM pg_partition_ancestors(held.relation) a(relid)
               ORDER BY (SELECT relispartition FROM pg_class WHERE oid = a.relid) LIMIT 1), held.relation) AS bigint) AS relation,
           held.what, CAST(gains.rolname AS text) AS owner, CAST(session_user AS text) AS session_user_name
      FROM held JOIN gains ON gains.oid = held.owner
     ORDER BY 1, held.what <> 'it', held.what, gains.rolname";

/// Reasons not to query a table at all, by its OID, each with the remedy.
pub struct UntrustedCode(BTreeMap<i64, String>);

impl UntrustedCode {
    /// Reads one reason for each affected table.
    pub fn read(session: &mut DatabaseSession) -> Result<Self> {
        let trusted = text_array(session.trusted_owners());
        let possible: Vec<(i64, String)> =
            parse_rows(&session.fetch(UNTRUSTED_OWNERS_QUERY, &[&trusted])?, untrusted_owner_reason)?;
        let existing: Vec<(i64, String)> = parse_rows(
            &session.fetch(&UNTRUSTED_CODE_QUERY.replace("{CODE}", CODE), &[&trusted])?,
            untrusted_code_reason,
        )?;
        // Keeps the first reason of each table; existing code takes precedence over code that could be added.
        Ok(Self(possible.into_iter().rev().chain(existing.into_iter().rev()).collect()))
    }

    /// The reason not to query the table with this OID, if any.
    pub fn reason_for(&self, table: i64) -> Option<&str> {
        self.0.get(&table).map(String::as_str)
    }
}

fn untrusted_code_reason(row: &Row) -> client::Result<(i64, String)> {
    let (what, schema, name, owner) = (row.text("what")?, row.text("schema")?, row.text("name")?, row.text("owner")?);
    // The query prefixes operators and types with their kind: `operator @<@`, `type mail`.
    let function = match name.split_once(' ') {
        Some((kind, name)) => format!("{kind} {schema}.{name}"),
        None => format!("function {schema}.{name}"),
    };
    let reason = format!(
        "{what} uses {function}, which {owner} owns: reading the table could run {owner}'s code with Waybill's privileges; connect as {owner}, exclude the table in a profile, or allow it with --trust-owner {owner}"
    );
    Ok((row.parse("relation")?, reason))
}

fn untrusted_owner_reason(row: &Row) -> client::Result<(i64, String)> {
    let (what, owner, user) = (row.text("what")?, row.text("owner")?, row.text("session_user_name")?);
    let reason = format!(
        "{what} belongs to {owner}, who could make the server run their code with the privileges of {user} while it is \
         read, and {user} may do more than {owner}: connect as {owner} or as a role that may only read what {owner} \
         may, or allow it with --trust-owner {owner}"
    );
    Ok((row.parse("relation")?, reason))
}

/// Formats a PostgreSQL text array literal.
pub fn text_array(texts: &[String]) -> String {
    let mut array = String::new();
    for text in texts {
        array.push(if array.is_empty() { '{' } else { ',' });
        array.push('"');
        for c in text.chars() {
            if matches!(c, '"' | '\\') {
                array.push('\\');
            }
            array.push(c);
        }
        array.push('"');
    }
    if array.is_empty() { "{}".to_owned() } else { array + "}" }
}
