//! Finds the records of a file that are there under another key, and lets them and what refers to them have that one.

use super::super::super::merge_rules::NaturalKey;
use super::super::super::target::TableLoad;
use super::super::super::{Result, unmatched};
use super::super::catalog::{Relation, RelationColumn, Schema};
use super::super::client::Format;
use super::super::database_session::DatabaseSession;
use super::super::error;
use super::super::reader::RowReader;
use super::super::row_key::{applies_sql, column, equal, expressions};
use crate::model::text;
use crate::server::rows::RowSink;

/// A table that is filled, and the temporary one that its records lie in first.
pub type Loaded<'l> = (usize, &'l TableLoad, &'l str);

/// What natural keys are matched by in one table: its key of one column, and the temporary table of the matches `m`, which has the key that
/// the file has, and the one that is there.
struct Matches {
    table: String,
    key: RelationColumn,
}

impl Matches {
    /// Nothing if the table has no natural keys.
    fn of(relation: &Relation, number: usize, load: &TableLoad) -> Result<Option<Self>> {
        let Some(key) = load.key.first().filter(|_| !load.merge.natural_keys.is_empty()) else { return Ok(None) };
        let key = column(relation, &load.table, key)?.clone();
        Ok(Some(Self { table: format!("pg_temp.waybill_match_{number}"), key }))
    }

    fn file(&self) -> RelationColumn {
        self.key.named("file")
    }

    fn own(&self) -> RelationColumn {
        self.key.named("own")
    }

    /// The condition that the rows of two aliases, of the table or staged, have the same key.
    fn is_same_key(&self, one: &str, other: &str) -> String {
        format!("{} = {}", self.key.compared(one), self.key.compared(other))
    }
}

/// The condition that the staged row `s` was found by a natural key; nothing if none are.
pub fn is_matched_sql(relation: &Relation, number: usize, load: &TableLoad) -> Result<Option<String>> {
    let matches = Matches::of(relation, number, load)?;
    Ok(matches.map(|matches| {
        let (own, staged) = (matches.own().compared("m"), matches.key.compared("s"));
        format!("EXISTS (SELECT 1 FROM {} AS m WHERE {own} = {staged})", matches.table)
    }))
}

/// Creates the table for the matches of a load, if it has natural keys.
pub fn prepare(
    session: &mut DatabaseSession,
    relation: &Relation,
    number: usize,
    load: &TableLoad,
    table: &str,
) -> Result<()> {
    let Some(Matches { table: matches, key }) = Matches::of(relation, number, load)? else { return Ok(()) };
    let key = key.expression;
    session.execute(&format!(
        "CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {key} AS file, {key} AS own FROM {table} WITH NO DATA",
        matches.trim_start_matches("pg_temp.")
    ))
}

/// Gives the staged records of a table the keys that are there, and lets them refer to those of the tables before. Returns how many were
/// found by a natural key.
///
/// # Errors
/// `Refused` where a natural key does not tell which record is meant, or a record of an earlier table refers to one that was found.
pub fn apply(
    session: &mut DatabaseSession,
    schema: &Schema,
    loaded: Loaded<'_>,
    earlier: &[Loaded<'_>],
) -> Result<u64> {
    for before in earlier {
        follow(session, schema, loaded, *before)?;
    }
    let (number, load, staged) = loaded;
    let relation = schema.relation(&load.table)?;
    let Some(matches) = Matches::of(relation, number, load)? else { return Ok(0) };
    check_duplicates(session, relation, loaded, &matches)?;
    let found = find(session, relation, loaded, &matches)?;
    if found > 0 {
        let (own, file, key) = (matches.own(), matches.file().compared("m"), matches.key.compared("s"));
        let sql = format!(
            "UPDATE {} AS s SET {} = m.{} FROM {} AS m WHERE {key} = {file}",
            staged, matches.key.expression, own.expression, matches.table
        );
        session.change(&sql, &[])?;
        follow(session, schema, loaded, loaded)?;
        for before in earlier {
            check_not_referring(session, schema, *before, loaded)?;
        }
    }
    Ok(found)
}

/// Pushes the pairs of keys, the file's first.
pub fn push(
    session: &mut DatabaseSession,
    relation: &Relation,
    number: usize,
    load: &TableLoad,
    sink: &mut dyn RowSink,
) -> Result<()> {
    let Some(matches) = Matches::of(relation, number, load)? else { return Ok(()) };
    let types = [matches.key.pg_type; 2];
    let sql = format!(
        "SELECT m.{file}, m.{} FROM {} AS m ORDER BY m.{file}",
        matches.own().expression,
        matches.table,
        file = matches.file().expression
    );
    let formats: Vec<Format> = types.iter().map(|wire| wire.format()).collect();
    let mut reader = RowReader::new(&types, sink);
    let sent_rows = session.read_rows(&sql, &formats, |piece| reader.feed(piece))?;
    reader.finish(sent_rows)
}

/// The condition that rows of two aliases have the same values in the columns of a natural key.
fn is_same_sql(relation: &Relation, load: &TableLoad, key: &NaturalKey, one: &str, other: &str) -> Result<String> {
    let is_same = key.0.iter().map(|part| {
        let column = column(relation, &load.table, &part.name)?;
        let [one, other] = [one, other].map(|alias| {
            let text = column.as_text(alias);
            if part.folds_case { format!("pg_catalog.lower({text})") } else { text }
        });
        Ok(format!("{one} = {other}"))
    });
    Ok(is_same.collect::<Result<Vec<_>>>()?.join(" AND "))
}

/// The condition that the rows `s` and `t` have no natural key in common, though both have one; nothing if there are none.
pub fn is_other_sql(relation: &Relation, load: &TableLoad) -> Result<Option<String>> {
    let (mut are_set, mut are_same) = (Vec::new(), Vec::new());
    for key in &load.merge.natural_keys {
        let set = key.0.iter().map(|part| {
            let column = &column(relation, &load.table, &part.name)?.expression;
            Ok(format!("s.{column} IS NOT NULL AND t.{column} IS NOT NULL"))
        });
        are_set.push(set.collect::<Result<Vec<_>>>()?.join(" AND "));
        are_same.push(is_same_sql(relation, load, key, "s", "t")?);
    }
    let either = |conditions: &[String]| conditions.join(" OR ");
    Ok((!are_set.is_empty()).then(|| format!("(({}) AND ({}) IS NOT TRUE)", either(&are_set), either(&are_same))))
}

/// # Errors
/// `Refused` if a record is there under its key with no natural key in common, where that ends the import.
pub fn check_shared(session: &mut DatabaseSession, relation: &Relation, load: &TableLoad, staged: &str) -> Result<()> {
    if !load.merge.must_share_natural_key {
        return Ok(());
    }
    let [own, there] = ["s", "t"].map(|alias| expressions(relation, &load.table, alias, &load.key));
    let (from, is_same) = (&relation.from_item, equal(&own?, &there?));
    let shared = load.merge.natural_keys.iter().map(|key| is_same_sql(relation, load, key, "s", "t"));
    let shared = shared.collect::<Result<Vec<_>>>()?;
    let shared = if shared.is_empty() { "FALSE".to_owned() } else { shared.join(" OR ") };
    let sql = format!(
        "SELECT pg_catalog.count(*) AS records FROM {staged} AS s JOIN {from} AS t ON {is_same} WHERE ({shared}) IS NOT TRUE"
    );
    let records = session.fetch_count(&sql, &[])?;
    if records == 0 {
        return Ok(());
    }
    Err(unmatched::no_shared_natural_key(load, &text::count_with_noun(records, "record")))
}

/// # Errors
/// `Refused` if a record that is not there by its key has the natural key of another one of the file.
fn check_duplicates(
    session: &mut DatabaseSession,
    relation: &Relation,
    (_, load, staged): Loaded<'_>,
    matches: &Matches,
) -> Result<()> {
    let (from, own, is_same_key) = (staged, &relation.from_item, matches.is_same_key("t", "s"));
    for natural in &load.merge.natural_keys {
        let sql = format!(
            "SELECT {} AS one, {} AS other FROM {from} AS s JOIN {from} AS o ON {} AND NOT ({}) \
             WHERE NOT EXISTS (SELECT 1 FROM {own} AS t WHERE {is_same_key}) ORDER BY 1, 2 LIMIT 1",
            matches.key.as_text("s"),
            matches.key.as_text("o"),
            is_same_sql(relation, load, natural, "s", "o")?,
            matches.is_same_key("s", "o")
        );
        if let Some(row) = session.fetch(&sql, &[])?.first() {
            let key = |name| row.text(name).map_err(error::map_error);
            return Err(unmatched::duplicate_in_file(load, natural, [key("one")?, key("other")?]));
        }
    }
    Ok(())
}

/// Finds the records by all natural keys, and returns how many. One that its own key finds, or that another record of the file has the key
/// of, is not looked for.
fn find(
    session: &mut DatabaseSession,
    relation: &Relation,
    (_, load, staged): Loaded<'_>,
    matches: &Matches,
) -> Result<u64> {
    let (from, own, key, table) = (staged, &relation.from_item, &matches.key, &matches.table);
    let [matched_file, matched_own] = [matches.file(), matches.own()].map(|column| column.compared("m"));
    for natural in &load.merge.natural_keys {
        let sql = format!(
            "INSERT INTO {table} SELECT s.{key}, t.{key} FROM {from} AS s JOIN {own} AS t ON {} \
             WHERE NOT EXISTS (SELECT 1 FROM {own} AS k WHERE {}) AND NOT EXISTS (SELECT 1 FROM {from} AS c WHERE {}) \
             AND NOT EXISTS (SELECT 1 FROM {table} AS m WHERE {matched_file} = {} AND {matched_own} = {})",
            is_same_sql(relation, load, natural, "s", "t")?,
            matches.is_same_key("k", "s"),
            matches.is_same_key("c", "t"),
            key.compared("s"),
            key.compared("t"),
            key = key.expression
        );
        session.change(&sql, &[])?;
    }
    session.execute(&format!("ANALYZE {table}"))?;
    let twice = |column: RelationColumn| {
        let (own, other) = (column.compared("m"), column.compared("o"));
        format!("1 < (SELECT pg_catalog.count(*) FROM {table} AS o WHERE {own} = {other})")
    };
    let several = format!(
        "SELECT {} AS record FROM {table} AS m WHERE {} OR {} ORDER BY 1 LIMIT 1",
        matches.file().as_text("m"),
        twice(matches.file()),
        twice(matches.own())
    );
    if let Some(row) = session.fetch(&several, &[])?.first() {
        return Err(unmatched::ambiguous(load, row.text("record").map_err(error::map_error)?));
    }
    session.fetch_count(&format!("SELECT pg_catalog.count(*) AS records FROM {table}"), &[])
}

/// A reference of staged rows `s` to matches `m`.
struct Following {
    matches: Matches,
    column: RelationColumn,
    /// The condition that the row refers to the file's key of the match.
    refers: String,
}

/// The references by which records follow to the keys of `target`.
fn followings(schema: &Schema, load: &TableLoad, (number, target, _): Loaded<'_>) -> Result<Vec<Following>> {
    let mut followings = Vec::new();
    for key in load.merge.references.iter().filter(|key| key.target == target.table) {
        let place = key.target_columns.iter().position(|column| target.key == [column.clone()]);
        let referring = place.map(|place| &key.columns[place]).filter(|name| load.columns.contains(name));
        let matches = Matches::of(schema.relation(&target.table)?, number, target)?;
        let (Some(referring), Some(matches)) = (referring, matches) else { continue };
        let relation = schema.relation(&load.table)?;
        let column = column(relation, &load.table, referring)?.clone();
        // Their types may differ, as those of integers of two sizes.
        let applies = applies_sql(relation, &load.table, "s", key)?;
        let refers = format!("{} = {}{applies}", column.as_text("s"), matches.file().as_text("m"));
        followings.push(Following { matches, column, refers });
    }
    Ok(followings)
}

/// Lets the staged records refer to the keys that are there.
fn follow(
    session: &mut DatabaseSession,
    schema: &Schema,
    (_, load, staged): Loaded<'_>,
    target: Loaded<'_>,
) -> Result<()> {
    for Following { matches, column, refers } in followings(schema, load, target)? {
        let sql = format!(
            "UPDATE {} AS s SET {} = CAST(m.{} AS {}) FROM {} AS m WHERE {refers}",
            staged,
            column.expression,
            matches.own().expression,
            column.base_type,
            matches.table
        );
        session.change(&sql, &[]).map_err(|error| error::refused_row(&load.table, error))?;
    }
    Ok(())
}

/// # Errors
/// `Refused` if a record that was written already refers to one that was found only now.
fn check_not_referring(
    session: &mut DatabaseSession,
    schema: &Schema,
    (_, load, staged): Loaded<'_>,
    target: Loaded<'_>,
) -> Result<()> {
    for Following { matches, refers, .. } in followings(schema, load, target)? {
        let sql = format!(
            "SELECT pg_catalog.count(*) AS records FROM {} AS s JOIN {} AS m ON {refers}",
            staged, matches.table
        );
        let records = session.fetch_count(&sql, &[])?;
        if records > 0 {
            return Err(unmatched::comes_earlier(&load.table, &target.1.table, records));
        }
    }
    Ok(())
}
