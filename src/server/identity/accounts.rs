//! Account lookup: in the source's tables, or in Waybill's state if the profile has no `[auth]`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::caller::Caller;
use super::concurrency_limit::ConcurrencyLimit;
use super::error::Error;
use crate::model::access::{Capability, Grant};
use crate::model::name::TableName;
use crate::server::profile::{Auth, Comparison, ConditionValue, PasswordLocation, Profile, Role};
use crate::server::source::{self, AcceptedValue, Predicate, Source};
use crate::server::state::SourceState;
use crate::server::state::accounts::LocalAccount;

/// The role label of local accounts.
pub const LOCAL_ROLE_LABEL: &str = "Administrator";

/// The stored data that a sign-in is checked against.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub account_id: String,
    /// As stored, not as typed.
    pub name: String,
    pub password_hash: Option<String>,
    /// Neither disabled nor suspended.
    pub is_active: bool,
}

/// An account with its current role and grants.
pub struct Account {
    pub credentials: Credentials,
    pub caller: Caller,
}

impl From<LocalAccount> for Credentials {
    fn from(local: LocalAccount) -> Self {
        Self {
            account_id: local.id,
            name: local.name,
            password_hash: Some(local.password_hash),
            is_active: local.disabled_at.is_none(),
        }
    }
}

/// Concurrent lookups in the source: together no more connections than an application can spare.
const MAX_CONCURRENT_REQUEST_LOOKUPS: usize = 3;
const MAX_CONCURRENT_RUN_LOOKUPS: usize = 1;
/// Callers that may wait in each queue, and for how long.
const MAX_WAITING_LOOKUPS: usize = 200;
const LOOKUP_QUEUE_TIMEOUT: Duration = Duration::from_secs(10);

pub struct Accounts {
    source: Arc<dyn Source>,
    profile: Arc<Profile>,
    pub state: SourceState,
    request_lookups: ConcurrencyLimit,
    /// Running exports that recheck their access.
    run_lookups: ConcurrencyLimit,
}

/// The queue that a lookup waits in.
#[derive(Clone, Copy, Debug)]
pub enum LookupOrigin {
    Request,
    /// Separate, so that a burst of requests does not delay running exports.
    Run,
}

impl Accounts {
    pub fn new(source: Arc<dyn Source>, profile: Arc<Profile>, state: SourceState) -> Self {
        let request_lookups =
            ConcurrencyLimit::new(MAX_CONCURRENT_REQUEST_LOOKUPS, MAX_WAITING_LOOKUPS, LOOKUP_QUEUE_TIMEOUT);
        let run_lookups = ConcurrencyLimit::new(MAX_CONCURRENT_RUN_LOOKUPS, MAX_WAITING_LOOKUPS, LOOKUP_QUEUE_TIMEOUT);
        Self { source, profile, state, request_lookups, run_lookups }
    }

    /// Whether accounts are local: stored by Waybill, not by the source.
    pub fn is_local(&self) -> bool {
        self.profile.auth.is_none()
    }

    /// Returns the account with this name. Roles are not looked up: the time it takes would reveal who has several.
    pub async fn find_credentials(&self, name: &str) -> Result<Option<Credentials>, Error> {
        if self.is_local() {
            return Ok(self.state.connect().await?.accounts().find_by_name(name).await?.map(Credentials::from));
        }
        let name = name.to_owned();
        self.query_source(LookupOrigin::Request, move |source, _, auth| {
            // Addresses that differ only by case belong to two people, but the source may store them in lower case.
            // Both queries always run, so that timing does not reveal whether the account exists.
            let (lower, exact) = (name.to_lowercase(), fetch_account_row(source, auth, &auth.email, &name, &[])?);
            let found = if lower == name {
                exact
            } else {
                exact.or(fetch_account_row(source, auth, &auth.email, &lower, &[])?)
            };
            Ok(found.map(|found| found.credentials))
        })
        .await
    }

    /// Returns the account with this id and its current grants.
    pub async fn find(&self, origin: LookupOrigin, id: &str) -> Result<Option<Account>, Error> {
        if self.is_local() {
            return Ok(self.state.connect().await?.accounts().find(id).await?.map(|local| {
                let grants = vec![Grant::of_whole_database(Capability::ExportDatabase)];
                let caller = Caller::account(local.id.clone(), local.name.clone(), LOCAL_ROLE_LABEL.into(), grants);
                Account { credentials: local.into(), caller }
            }));
        }
        let id = id.to_owned();
        self.query_source(origin, move |source, profile, auth| fetch_account_with_roles(source, profile, auth, &id))
            .await
    }

    async fn query_source<T: Send + 'static>(
        &self,
        origin: LookupOrigin,
        look_up: impl FnOnce(&dyn Source, &Profile, &Auth) -> source::Result<Option<T>> + Send + 'static,
    ) -> Result<Option<T>, Error> {
        let limit = match origin {
            LookupOrigin::Request => &self.request_lookups,
            LookupOrigin::Run => &self.run_lookups,
        };
        let permit = limit.acquire().await?;
        let (source, profile) = (self.source.clone(), self.profile.clone());
        let found = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            profile.auth.as_ref().map_or(Ok(None), |auth| look_up(&*source, &profile, auth))
        });
        Ok(found.await.map_err(|_| Error::TaskPanicked)??)
    }
}

/// An account's row in the source.
struct AccountRow {
    credentials: Credentials,
    /// Values of the columns that conditions compare.
    values: BTreeMap<String, Option<String>>,
}

/// Returns the account whose `key_column` equals `key`. Blocks.
fn fetch_account_row(
    source: &dyn Source,
    auth: &Auth,
    key_column: &str,
    key: &str,
    extra_columns: &[&str],
) -> source::Result<Option<AccountRow>> {
    let condition_columns: BTreeSet<&str> =
        auth.active.keys().map(String::as_str).chain(extra_columns.iter().copied()).collect();
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
    let is_active = auth.active.iter().all(|(column, comparison)| column_matches(&values, column, comparison));
    Ok(Some(AccountRow { credentials: Credentials { account_id, name, password_hash, is_active }, values }))
}

fn fetch_hash_from_other_table(source: &dyn Source, auth: &Auth, id: &str) -> source::Result<Option<String>> {
    let PasswordLocation::Table(location) = &auth.password else { return Ok(None) };
    let mut conditions = vec![Predicate::equals(&location.user, id)];
    let wanted = expected_values(&location.when);
    conditions.extend(wanted.iter().map(to_predicate));
    let row = source.find_unique(&location.table, &conditions, &[&location.column])?;
    Ok(row.and_then(|row| row.into_iter().next().flatten()))
}

/// Returns the account with its roles, checking the condition of each against the database. Blocks.
fn fetch_account_with_roles(
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
            _ => role.when.iter().all(|(column, comparison)| column_matches(&values, column, comparison)),
        };
        if has_role {
            labels.push(role.label.as_str());
            grants.extend_from_slice(&role.grants);
        }
    }
    // An account without a role has no grants.
    let label = if labels.is_empty() { "No role".into() } else { labels.join(", ") };
    let caller = Caller::account(credentials.account_id.clone(), credentials.name.clone(), label, grants);
    Ok(Some(Account { credentials, caller }))
}

fn column_matches(values: &BTreeMap<String, Option<String>>, column: &str, comparison: &Comparison) -> bool {
    values.get(column).is_some_and(|value| comparison.accepts(value.as_deref()))
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

fn expected_values(when: &BTreeMap<String, Comparison>) -> Vec<(&str, Vec<ConditionValue>)> {
    when.iter().map(|(column, comparison)| (column.as_str(), comparison.accepted_values())).collect()
}

fn to_predicate<'a>((column, wanted): &'a (&str, Vec<ConditionValue>)) -> Predicate<'a> {
    let to_accepted = |wanted: &'a ConditionValue| match wanted {
        ConditionValue::Text(text) => AcceptedValue::Text(text),
        ConditionValue::Null => AcceptedValue::Null,
        ConditionValue::NotNull => AcceptedValue::NotNull,
    };
    Predicate { column, any_of: wanted.iter().map(to_accepted).collect() }
}
