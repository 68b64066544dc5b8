//! What a database does by itself when rows are added, and whose rights it has then.

use std::collections::BTreeMap;

use super::super::super::Result;
use super::super::super::target::{CarriedOn, CheckedReference, TargetRules, Trigger};
use super::super::catalog::Schema;
use super::super::client::Row;
use super::super::database_session::DatabaseSession;
use super::super::error;
use super::super::untrusted_code::{CODE, text_array};
use super::references_to::ReferenceTo;
use crate::model::import::TableMode;
use crate::model::name::TableName;

/// Whether the session runs as another user than has signed in, as the database's owner can arrange (`ALTER DATABASE … SET role`),
/// or one of them has rights that go beyond the tables of an application: what a trigger or a check calls would have them, too.
/// `SET ROLE` is no defence, since a function can reset it. The last ones reach the server's files and programs, or all data.
const POWERFUL_QUERY: &str = "
    SELECT CAST(session_user AS text) AS role FROM pg_roles r
     WHERE session_user <> current_user
        OR (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolreplication
            OR r.rolname IN ('pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files',
                             'pg_read_all_data', 'pg_write_all_data'))
           AND pg_has_role(session_user, r.oid, 'MEMBER') LIMIT 1";

const DEFAULTS_QUERY: &str = "
    SELECT CAST(a.attname AS text) AS name,
           coalesce(pg_get_expr(d.adbin, d.adrelid), 'identity ' || CAST(a.attidentity AS text)) AS definition
      FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = CAST(CAST($1 AS text) AS oid) AND a.attnum > 0 AND NOT a.attisdropped
       AND (a.atthasdef OR a.attidentity <> '')";

/// The triggers of a table and its partitions for these events, as bits of a trigger's type (PostgreSQL's source, `pg_trigger.h`);
/// if `$4` is `cascade`, also those for changes and removals of tables whose rows the database removes or changes with theirs.
/// Statement triggers of these fire even if no row is concerned, with the rights of who removes.
///
/// Whoever owns a trigger's function, or what its condition calls, can change what it does; what superusers, this user and trusted
/// ones own counts as ours.
const TRIGGERS_QUERY: &str = "
    WITH RECURSIVE own(relation) AS (
        SELECT CAST(CAST($1 AS text) AS oid) UNION
        SELECT CAST(relid AS oid) FROM pg_partition_tree(CAST(CAST(CAST($1 AS text) AS oid) AS regclass))),
    reached(relation) AS (
        SELECT relation FROM own WHERE CAST($4 AS text) = 'cascade'
        UNION
        SELECT k.conrelid FROM pg_constraint k JOIN reached ON k.confrelid = reached.relation
         WHERE k.contype = 'f' AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))),
    fired AS (
        SELECT relation, CAST(CAST($2 AS text) AS int) AS events, true AS is_own FROM own
        UNION ALL
        SELECT relation, 24, false FROM reached WHERE relation NOT IN (SELECT relation FROM own))
    SELECT CAST(t.tgname AS text) AS name, fired.is_own, CAST(CAST(t.tgrelid AS regclass) AS text) AS relation,
           concat_ws(', ', CASE WHEN (tgtype & 4) <> 0 THEN 'INSERT' END, CASE WHEN (tgtype & 8) <> 0 THEN 'DELETE' END,
                     CASE WHEN (tgtype & 16) <> 0 THEN 'UPDATE' END) AS events,
           pg_get_triggerdef(t.oid) || E'\n' || pg_get_functiondef(t.tgfoid) AS definition,
           (SELECT min(CAST(r.rolname AS text))
              FROM (SELECT proowner FROM pg_proc WHERE oid = t.tgfoid
                    UNION ALL
                    SELECT made.owner FROM pg_depend d
                      JOIN ({CODE}) made(class, object, namespace, owner, name)
                        ON made.class = d.refclassid AND made.object = d.refobjid
                     WHERE d.classid = CAST('pg_trigger' AS regclass) AND d.objid = t.oid) code(owner)
              JOIN pg_roles r ON r.oid = code.owner
             WHERE NOT r.rolsuper AND r.rolname <> session_user
               AND CAST(r.rolname AS text) <> ALL (CAST($3 AS text[]))) AS stranger
      FROM pg_trigger t JOIN fired ON fired.relation = t.tgrelid
     WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND (t.tgtype & fired.events) <> 0
     ORDER BY t.tgname, 3";

const CHECKED_AT_ONCE_QUERY: &str = "
    SELECT CAST(k.conname AS text) AS name, CAST(k.confrelid AS text) AS target,
           to_json(ARRAY(SELECT CAST(a.attname AS text) FROM unnest(k.conkey) num
                          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = num)) AS columns FROM pg_constraint k
     WHERE k.conrelid = CAST(CAST($1 AS text) AS oid) AND k.contype = 'f' AND NOT k.condeferrable ORDER BY k.conname";

/// Rules that only the import itself can try: what compares rows there is code of the index.
const UNFORESEEN_QUERY: &str = "
    SELECT CAST(c.relname AS text) AS name,
           CASE WHEN i.indisexclusion THEN 'an exclusion constraint' WHEN i.indpred IS NOT NULL THEN 'a unique index of some rows'
                ELSE 'a unique index of an expression' END AS kind
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE i.indrelid = CAST(CAST($1 AS text) AS oid)
       AND (i.indisexclusion OR i.indisunique AND (i.indpred IS NOT NULL OR i.indexprs IS NOT NULL)) ORDER BY c.relname";

/// Triggers of any kind, and rules, of a table and its partitions.
const RUNS_CODE_QUERY: &str = "
    WITH own(relation) AS (
        SELECT CAST(CAST($1 AS text) AS oid) UNION
        SELECT CAST(relid AS oid) FROM pg_partition_tree(CAST(CAST(CAST($1 AS text) AS oid) AS regclass)))
    SELECT (SELECT count(*) FROM pg_trigger t JOIN own ON own.relation = t.tgrelid WHERE NOT t.tgisinternal)
         + (SELECT count(*) FROM pg_rewrite r JOIN own ON own.relation = r.ev_class) AS records";

const INSERT: &str = "4";
const INSERT_AND_UPDATE: &str = "20";
/// Rules for what an undo does, of tables whose rows it changes or the database does with them, that depend on others' code.
const FOREIGN_RULES_QUERY: &str = "
    WITH RECURSIVE reached(relation) AS (
        SELECT CAST(CAST($1 AS text) AS oid) UNION
        SELECT CAST(relid AS oid) FROM pg_partition_tree(CAST(CAST(CAST($1 AS text) AS oid) AS regclass))
        UNION
        SELECT k.conrelid FROM pg_constraint k JOIN reached ON k.confrelid = reached.relation
         WHERE k.contype = 'f' AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd')))
    SELECT CAST(r.rulename AS text) AS name, CAST(CAST(r.ev_class AS regclass) AS text) AS relation, CAST(o.rolname AS text) AS stranger
      FROM pg_rewrite r JOIN reached ON reached.relation = r.ev_class
      JOIN pg_depend d ON d.classid = CAST('pg_rewrite' AS regclass) AND d.objid = r.oid
      JOIN ({CODE}) made(class, object, namespace, owner, name) ON made.class = d.refclassid AND made.object = d.refobjid
      JOIN pg_roles o ON o.oid = made.owner
     WHERE r.ev_type IN ('2', '4') AND NOT o.rolsuper AND o.rolname <> session_user
       AND CAST(o.rolname AS text) <> ALL (CAST($2 AS text[])) LIMIT 1";

/// What a replacement does, besides: `DELETE`.
const ALL_EVENTS: &str = "28";
/// What an undo does: `DELETE` and `UPDATE`.
const UNDO_EVENTS: &str = "24";

/// # Errors
/// `Unsuitable` for a user whose rights the database's own code could misuse.
pub fn check_role(session: &mut DatabaseSession) -> Result<()> {
    match session.fetch(POWERFUL_QUERY, &[])?.first() {
        Some(role) => Err(error::too_powerful(role.text("role").map_err(error::map_error)?)),
        None => Ok(()),
    }
}

/// # Errors
/// `Unsuitable` for a trigger whose function somebody else can change; otherwise an error of the database.
pub fn read(
    session: &mut DatabaseSession,
    schema: &Schema,
    tables: &[TableName],
    (mode, removes): (TableMode, bool),
) -> Result<TargetRules> {
    if removes {
        check_triggers(session, schema, tables)?;
    }
    let names: BTreeMap<String, &TableName> =
        schema.relations.iter().map(|(name, relation)| (relation.oid.to_string(), name)).collect();
    let events = match mode {
        _ if removes => ALL_EVENTS,
        TableMode::Merge => INSERT_AND_UPDATE,
        TableMode::RequireEmpty | TableMode::Append => INSERT,
    };
    let mut rules = TargetRules::default();
    for table in tables {
        let oid = schema.relation(table)?.oid.to_string();
        for row in session.fetch(DEFAULTS_QUERY, &[&oid])? {
            rules.defaults.insert(table.field(text(&row, "name")?), text(&row, "definition")?.to_owned());
        }
        rules.triggers.extend(read_triggers(session, table, &oid, events, "")?);
        let references = ReferenceTo::read(session, schema.relation(table)?.oid)?;
        rules.carried_on.extend(references.into_iter().filter(|reference| reference.is_carried_on).map(|reference| {
            CarriedOn {
                table: table.clone(),
                columns: reference.target_columns,
                referring: format!("{} ({})", reference.referring, reference.constraint),
            }
        }));
        for row in session.fetch(UNFORESEEN_QUERY, &[&oid])? {
            let what = format!("{} ({})", text(&row, "kind")?, text(&row, "name")?);
            rules.unforeseen.push((table.clone(), what));
        }
        if session.fetch_count(RUNS_CODE_QUERY, &[&oid])? > 0 {
            rules.run_code.insert(table.clone());
        }
        for row in session.fetch(CHECKED_AT_ONCE_QUERY, &[&oid])? {
            let Some(target) = names.get(text(&row, "target")?) else { continue };
            let constraint = text(&row, "name")?.to_owned();
            let columns = serde_json::from_str(text(&row, "columns")?).unwrap_or_default();
            rules.checked_at_once.push(CheckedReference {
                table: table.clone(),
                columns,
                constraint,
                target: (*target).clone(),
            });
        }
    }
    Ok(rules)
}

/// Checks the triggers and rules of these tables that removing and changing rows fires, also along references.
///
/// # Errors
/// `Unsuitable` for one whose function somebody else can change.
pub fn check_triggers(session: &mut DatabaseSession, schema: &Schema, tables: &[TableName]) -> Result<()> {
    for table in tables {
        let oid = schema.relation(table)?.oid.to_string();
        read_triggers(session, table, &oid, UNDO_EVENTS, "cascade")?;
        let trusted = text_array(session.trusted_owners());
        if let Some(rule) = session.fetch(&FOREIGN_RULES_QUERY.replace("{CODE}", CODE), &[&oid, &trusted])?.first() {
            let relation = text(rule, "relation")?.trim_start_matches("public.");
            return Err(error::foreign_code(
                &format!("rule {}", text(rule, "name")?),
                relation,
                text(rule, "stranger")?,
            ));
        }
    }
    Ok(())
}

fn read_triggers(
    session: &mut DatabaseSession,
    table: &TableName,
    oid: &str,
    events: &str,
    cascade: &str,
) -> Result<Vec<Trigger>> {
    let trusted = text_array(session.trusted_owners());
    let mut triggers = Vec::new();
    for row in session.fetch(&TRIGGERS_QUERY.replace("{CODE}", CODE), &[oid, events, &trusted, cascade])? {
        let (name, events) = (text(&row, "name")?, text(&row, "events")?);
        let is_own = row.is_true("is_own").map_err(error::map_error)?;
        let table = if is_own { table.as_str() } else { text(&row, "relation")?.trim_start_matches("public.") };
        if let Some(stranger) = row.optional_text("stranger").map_err(error::map_error)? {
            return Err(error::foreign_code(&format!("trigger {name}"), table, stranger));
        }
        let definition = text(&row, "definition")?.to_owned();
        triggers.push(Trigger { name: format!("{name} on {table} ({events})"), definition });
    }
    Ok(triggers)
}

fn text<'r>(row: &'r Row, column: &str) -> Result<&'r str> {
    row.text(column).map_err(error::map_error)
}
