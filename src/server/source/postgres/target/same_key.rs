//! The condition that a row refers to another one, as PostgreSQL itself puts it.

/// An SQL expression for a query on `pg_constraint k`: the text of the condition that the row of the alias `own` refers to the one of the
/// alias `target`. Both are SQL expressions of a text.
///
/// The key's own operator is named with its schema and both sides are cast to its types, else an operator that somebody has made for a
/// domain of theirs would be taken for it; the collation is the one of what is referred to. So does PostgreSQL (`ri_GenerateQual` and
/// `ri_GenerateQualCollation` in `ri_triggers.c`).
pub fn same_key_sql(target: &str, own: &str) -> String {
    format!(
        "(SELECT string_agg(format('%s.%I%s OPERATOR(%I.%s) %s.%I%s%s', {target}, ta.attname,
                 CASE WHEN ta.atttypid <> o.oprleft THEN format('::%I.%I', ln.nspname, lt.typname) END,
                 n.nspname, o.oprname, {own}, ra.attname,
                 CASE WHEN ra.atttypid <> o.oprright THEN format('::%I.%I', rn.nspname, rt.typname) END,
                 CASE WHEN ta.attcollation <> 0 AND ta.attcollation <> ra.attcollation
                      THEN format(' COLLATE %I.%I', cn.nspname, co.collname) END), ' AND ' ORDER BY u.at)
              FROM unnest(k.confkey, k.conkey, k.conpfeqop) WITH ORDINALITY u(target, own, operator, at)
              JOIN pg_attribute ta ON ta.attrelid = k.confrelid AND ta.attnum = u.target
              JOIN pg_attribute ra ON ra.attrelid = k.conrelid AND ra.attnum = u.own
              JOIN pg_operator o ON o.oid = u.operator JOIN pg_namespace n ON n.oid = o.oprnamespace
              JOIN pg_type lt ON lt.oid = o.oprleft JOIN pg_namespace ln ON ln.oid = lt.typnamespace
              JOIN pg_type rt ON rt.oid = o.oprright JOIN pg_namespace rn ON rn.oid = rt.typnamespace
              LEFT JOIN pg_collation co ON co.oid = ta.attcollation LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace)"
    )
}
