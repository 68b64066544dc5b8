//! Looks up rows by a value, and whose they are.

use uuid::Uuid;

use super::super::super::lookups::{Lookups, RowLookup};
use super::super::super::target::TableLoad;
use super::super::super::{Error, Kind, Result, unmatched};
use super::super::catalog::{Relation, Schema};
use super::super::client;
use super::super::database_session::DatabaseSession;
use super::super::decode::PgType;
use super::super::error;
use super::super::row_key::{column, equal, expressions};
use super::super::untrusted_code::text_array;
use crate::server::rows::Catalog;

/// Looks rows up, each time in a transaction of its own: what is looked up stays locked against nothing.
pub struct PostgresLookups {
    session: DatabaseSession,
    schema: Schema,
}

impl PostgresLookups {
    pub fn new(session: DatabaseSession, schema: Schema) -> Self {
        Self { session, schema }
    }
}

impl Lookups for PostgresLookups {
    fn catalog(&mut self) -> Result<Catalog> {
        Ok(self.schema.catalog.clone())
    }

    fn find_rows(
        &mut self,
        lookup: &RowLookup,
        values: &[String],
        found: &mut dyn FnMut(usize, Vec<Option<String>>),
    ) -> Result<()> {
        let relation = self.schema.relation(&lookup.table)?;
        self.session.with_transaction(|session| find_rows(session, relation, lookup, values, found))
    }
}

/// As `Lookups::find_rows`.
pub fn find_rows(
    session: &mut DatabaseSession,
    relation: &Relation,
    lookup: &RowLookup,
    values: &[String],
    found: &mut dyn FnMut(usize, Vec<Option<String>>),
) -> Result<()> {
    let key = column(relation, &lookup.table, &lookup.key)?;
    let is_possible = |value: &&String| match key.pg_type {
        PgType::Uuid => Uuid::try_parse(value).is_ok(),
        _ => !value.contains('\0'),
    };
    if !matches!(key.pg_type, PgType::Uuid | PgType::Text) {
        let what = format!("{} holds neither texts nor UUIDs", lookup.table.field(&lookup.key));
        return Err(Error::new(Kind::Unsuitable, what));
    }
    let places: Vec<usize> = (0..values.len()).filter(|at| is_possible(&&values[*at])).collect();
    if places.is_empty() {
        return Ok(());
    }
    let possible: Vec<String> = places.iter().map(|at| values[*at].clone()).collect();
    let texts = lookup
        .columns
        .iter()
        .zip(0..)
        .map(|(name, at)| Ok(format!(", {} AS c{at}", column(relation, &lookup.table, name)?.as_text("t"))));
    let sql = format!(
        "SELECT CAST(v.place AS text) AS place{} FROM unnest(CAST(CAST($1 AS text[]) AS {}[])) WITH ORDINALITY AS v(value, place)
           JOIN {} AS t ON t.{} = v.value",
        texts.collect::<Result<Vec<String>>>()?.concat(),
        key.base_type,
        relation.from_item,
        key.expression
    );
    for row in session.fetch(&sql, &[&text_array(&possible)])? {
        let place: usize = row.parse("place").map_err(error::map_error)?;
        let columns = (0..lookup.columns.len()).map(|at| row.parse_optional(&format!("c{at}")));
        let columns = columns.collect::<client::Result<_>>().map_err(error::map_error)?;
        let place = place.checked_sub(1).and_then(|at| places.get(at)).ok_or_else(error::invalid_message)?;
        found(*place, columns);
    }
    Ok(())
}

/// # Errors
/// `Refused` if a staged row has the key of a row that is somebody else's.
pub fn check_owner(session: &mut DatabaseSession, relation: &Relation, load: &TableLoad, staged: &str) -> Result<()> {
    let Some(owner) = load.owner.as_ref().filter(|_| !load.key.is_empty()) else { return Ok(()) };
    let [own_key, new_key] = ["t", "s"].map(|alias| expressions(relation, &load.table, alias, &load.key));
    let column = column(relation, &load.table, owner)?;
    let sql = format!(
        "SELECT count(*) AS records FROM {staged} AS s JOIN {} AS t ON {} WHERE {} IS DISTINCT FROM {}",
        relation.from_item,
        equal(&own_key?, &new_key?),
        column.as_text("t"),
        column.as_text("s")
    );
    match session.fetch_count(&sql, &[])? {
        0 => Ok(()),
        _ => Err(unmatched::of_other_owner(load)),
    }
}
