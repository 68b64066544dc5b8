//! Finds out which roles an account has now, and what it owns.

use super::super::caller::Caller;
use super::account::Account;
use super::conditions::{expected_values, meets_all, to_predicate};
use super::ownership::fetch_owned;
use super::rows::{AccountRow, fetch_account_row};
use crate::model::access::Grant;
use crate::model::name::TableName;
use crate::server::profile::{Auth, Profile, Role};
use crate::server::source::{self, Predicate, Source};

/// The role label of whoever owns an organisation.
pub const OWNER_LABEL: &str = "Organisation owner";

/// The role label of whoever has nothing but their own data.
const OWN_DATA_LABEL: &str = "Own data";

/// Returns the account with its roles, checking the condition of each against the database. Blocks.
pub fn fetch_account_with_roles(
    source: &dyn Source,
    profile: &Profile,
    auth: &Auth,
    id: &str,
) -> source::Result<Option<Account>> {
    let account_condition_columns =
        profile.roles.values().filter(|role| role.table.is_none()).flat_map(|role| role.when.keys());
    let account_condition_columns: Vec<&str> = account_condition_columns.map(String::as_str).collect();
    let Some(AccountRow { credentials, values }) =
        fetch_account_row(source, auth, &auth.id, id, &account_condition_columns)?
    else {
        return Ok(None);
    };
    let (mut labels, mut grants) = (Vec::new(), Vec::new());
    for role in profile.roles.values() {
        let has_role = match (&role.table, &role.user) {
            (Some(table), Some(user)) => has_role_in_table(source, role, table, user, &credentials.account_id)?,
            _ => meets_all(&values, &role.when),
        };
        if has_role {
            labels.push(role.label.as_str());
            grants.extend_from_slice(&role.grants);
        }
    }
    if let Some(owners) = profile.owners() {
        let owned = fetch_owned(source, owners, &credentials.account_id)?;
        if !owned.is_empty() {
            labels.push(OWNER_LABEL);
        }
        grants.extend(owned.into_iter().map(Grant::of_organization));
    }
    if profile.serves_persons() {
        if labels.is_empty() {
            labels.push(OWN_DATA_LABEL);
        }
        let id = &credentials.account_id;
        grants.extend([Grant::of_person(id.clone()), Grant::to_import_own_data(id.clone())]);
    }
    // An account without a role that owns nothing has no grants.
    let label = if labels.is_empty() { "No role".into() } else { labels.join(", ") };
    let caller = Caller::account(credentials.account_id.clone(), credentials.name.clone(), label, grants);
    Ok(Some(Account { credentials, caller }))
}

fn has_role_in_table(
    source: &dyn Source,
    role: &Role,
    table: &TableName,
    user: &str,
    id: &str,
) -> source::Result<bool> {
    let mut conditions = vec![Predicate::equals(user, id)];
    let expected = expected_values(&role.when);
    conditions.extend(expected.iter().map(to_predicate));
    source.exists(table, &conditions)
}

/// Whether any account has the role now. Blocks.
///
/// # Errors
/// `source::Error` if the database cannot be read.
pub fn is_role_assigned(source: &dyn Source, auth: &Auth, role: &Role) -> source::Result<bool> {
    let expected = expected_values(&role.when);
    let conditions: Vec<Predicate<'_>> = expected.iter().map(to_predicate).collect();
    source.exists(role.table.as_ref().unwrap_or(&auth.table), &conditions)
}
