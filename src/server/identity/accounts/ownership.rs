//! Finds out which organisations an account owns now.

use super::conditions::{expected_values, to_predicate};
use crate::server::profile::ScopeOwners;
use crate::server::source::{self, ChoiceQuery, Predicate, Source};

/// Most organisations of one owner. Of one who has more, the others are not there.
const MAX_OWNED: u32 = 1000;

/// The ids of the organisations that the account owns, in their order. Blocks.
///
/// # Errors
/// `source::Error` if the database cannot be read.
pub fn fetch_owned(source: &dyn Source, owners: &ScopeOwners, account_id: &str) -> source::Result<Vec<String>> {
    let mut conditions = vec![Predicate::equals(&owners.user, account_id)];
    let expected = expected_values(&owners.when);
    conditions.extend(expected.iter().map(to_predicate));
    let query = ChoiceQuery {
        table: &owners.table,
        key: &owners.scope,
        show: &owners.scope,
        search: "",
        conditions: &conditions,
        limit: MAX_OWNED,
    };
    let mut ids: Vec<String> = source.list_choices(&query)?.first.into_iter().map(|owned| owned.key).collect();
    ids.retain(|id| !id.is_empty());
    ids.dedup();
    Ok(ids)
}

/// Whether the account belongs to the organisation, as an owner or as anything else. Blocks.
///
/// # Errors
/// `source::Error` if the database cannot be read.
pub fn is_member(source: &dyn Source, owners: &ScopeOwners, account_id: &str, id: &str) -> source::Result<bool> {
    source.exists(&owners.table, &[Predicate::equals(&owners.user, account_id), Predicate::equals(&owners.scope, id)])
}
