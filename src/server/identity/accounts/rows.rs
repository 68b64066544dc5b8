//! Reads an account's row and stored hash from the source.

use std::collections::{BTreeMap, BTreeSet};

use super::account::Credentials;
use super::conditions::{expected_values, meets_all, to_predicate};
use crate::server::profile::{Auth, PasswordLocation};
use crate::server::source::{self, Predicate, Source};

/// An account's row in the source.
pub struct AccountRow {
    pub credentials: Credentials,
    /// Values of the columns that conditions compare.
    pub values: BTreeMap<String, Option<String>>,
}

/// Returns the account whose `key_column` equals `key`. Blocks.
pub fn fetch_account_row(
    source: &dyn Source,
    auth: &Auth,
    key_column: &str,
    key: &str,
    extra_columns: &[&str],
) -> source::Result<Option<AccountRow>> {
    let condition_columns: BTreeSet<&str> =
        auth.account_condition_columns().chain(extra_columns.iter().copied()).collect();
    let mut columns = vec![auth.id.as_str(), &auth.email];
    columns.extend(&condition_columns);
    if let PasswordLocation::Column(column) = &auth.password {
        columns.push(column);
    }
    let Some(mut row) = source.find_unique(&auth.table, &[Predicate::equals(key_column, key)], &columns)? else {
        let _equal_timing = fetch_hash_from_other_table(source, auth, key)?;
        return Ok(None);
    };
    let inline_hash = matches!(auth.password, PasswordLocation::Column(_)).then(|| row.pop().flatten());
    let mut row = row.into_iter();
    let (Some(Some(account_id)), Some(Some(name))) = (row.next(), row.next()) else { return Ok(None) };
    let values: BTreeMap<String, Option<String>> = condition_columns.into_iter().map(str::to_owned).zip(row).collect();
    let password_hash = match inline_hash {
        Some(hash) => hash,
        None => fetch_hash_from_other_table(source, auth, &account_id)?,
    };
    let has_application_second_factor =
        !auth.application_second_factor.is_empty() && meets_all(&values, &auth.application_second_factor);
    let is_active = meets_all(&values, &auth.active);
    let credentials = Credentials { account_id, name, password_hash, is_active, has_application_second_factor };
    Ok(Some(AccountRow { credentials, values }))
}

fn fetch_hash_from_other_table(source: &dyn Source, auth: &Auth, id: &str) -> source::Result<Option<String>> {
    let PasswordLocation::Table(location) = &auth.password else { return Ok(None) };
    let mut conditions = vec![Predicate::equals(&location.user, id)];
    let wanted = expected_values(&location.when);
    conditions.extend(wanted.iter().map(to_predicate));
    let row = source.find_unique(&location.table, &conditions, &[&location.column])?;
    Ok(row.and_then(|row| row.into_iter().next().flatten()))
}
