//! Finds out which organisations an account owns now.

use std::collections::BTreeSet;

use super::conditions::{expected_values, to_predicate};
use crate::server::profile::ScopeOwners;
use crate::server::source::{self, AcceptedValue, ChoiceQuery, MAX_LOOKUP_CHARS, Predicate, Source};

/// Most organisations of one owner. Of one who has more, the others are not there.
const MAX_OWNED: u32 = 1000;

/// The ids of the organisations that the account owns, in their order. Blocks.
///
/// # Errors
/// `source::Error` if the database cannot be read.
pub fn fetch_owned(source: &dyn Source, owners: &ScopeOwners, account_id: &str) -> source::Result<Vec<String>> {
    let mut conditions = vec![Predicate::equals(&owners.user, account_id)];
    conditions.push(Predicate { column: &owners.scope, any_of: vec![AcceptedValue::NotNull] });
    let expected = expected_values(&owners.when);
    conditions.extend(expected.iter().map(to_predicate));
    let query = ChoiceQuery {
        table: &owners.table,
        key: &owners.scope,
        show: &owners.user,
        search: "",
        conditions: &conditions,
        limit: MAX_OWNED,
    };
    // A longer id would have been cut: to that of somebody else, perhaps.
    let is_whole = |id: &str| !id.is_empty() && id.chars().count() < MAX_LOOKUP_CHARS;
    // The database may compare by a collation in which another account has the same id.
    let owned = source.list_choices(&query)?.first.into_iter().filter(|owned| owned.name == account_id);
    let ids: BTreeSet<String> = owned.map(|owned| owned.key).filter(|id| is_whole(id)).collect();
    Ok(ids.into_iter().collect())
}

/// Whether the account belongs to the organisation, as an owner or as anything else. Blocks.
///
/// # Errors
/// `source::Error` if the database cannot be read.
pub fn is_member(source: &dyn Source, owners: &ScopeOwners, account_id: &str, id: &str) -> source::Result<bool> {
    source.exists(&owners.table, &[Predicate::equals(&owners.user, account_id), Predicate::equals(&owners.scope, id)])
}
