//! Account lookup: in the source's tables, or in Waybill's state if the profile has no `[auth]`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::queue::Queue;
use super::{Caller, Error};
use crate::model::access::Capability;
use crate::server::profile::{Auth, Comparison, Password, Profile, Role, Wanted};
use crate::server::source::{self, Accepted, Condition, Source};
use crate::server::state::State;
use crate::server::state::accounts::LocalAccount;

/// The role label of local accounts.
pub const LOCAL_ADMIN: &str = "Administrator";

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

/// An account with its current role and capabilities.
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
const VISITORS_AT_ONCE: usize = 3;
const RUNS_AT_ONCE: usize = 1;
/// Callers that may wait in each queue, and for how long.
const VISITORS_WAITING: usize = 200;
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Accounts {
    source: Arc<dyn Source>,
    profile: Arc<Profile>,
    pub state: State,
    visitors: Queue,
    /// Running exports that recheck their access.
    runs: Queue,
}

/// The queue that a lookup waits in.
#[derive(Clone, Copy, Debug)]
pub enum Asker {
    Visitor,
    /// Separate, so that a burst of requests does not delay running exports.
    Run,
}

impl Accounts {
    pub fn new(source: Arc<dyn Source>, profile: Arc<Profile>, state: State) -> Self {
        let visitors = Queue::new(VISITORS_AT_ONCE, VISITORS_WAITING, PATIENCE);
        let runs = Queue::new(RUNS_AT_ONCE, VISITORS_WAITING, PATIENCE);
        Self { source, profile, state, visitors, runs }
    }

    /// Whether accounts are local: stored by Waybill, not by the source.
    pub fn are_local(&self) -> bool {
        self.profile.auth.is_none()
    }

    /// Returns the account with this name. Roles are not looked up: the time it takes would reveal who has several.
    pub async fn credentials(&self, name: &str) -> Result<Option<Credentials>, Error> {
        if self.are_local() {
            return Ok(self.state.account_by_name(name).await?.map(Credentials::from));
        }
        let name = name.to_owned();
        self.in_source(Asker::Visitor, move |source, _, auth| {
            // Addresses that differ only by case belong to two people, but the source may store them in lower case.
            // Both queries always run, so that timing does not reveal whether the account exists.
            let (lower, exact) = (name.to_lowercase(), find(source, auth, &auth.email, &name, &[])?);
            let found = if lower == name { exact } else { exact.or(find(source, auth, &auth.email, &lower, &[])?) };
            Ok(found.map(|found| found.credentials))
        })
        .await
    }

    /// Returns the account with this id and its current capabilities.
    pub async fn find(&self, asker: Asker, id: &str) -> Result<Option<Account>, Error> {
        if self.are_local() {
            return Ok(self.state.account_by_id(id).await?.map(|local| {
                let capabilities = vec![Capability::ExportDatabase];
                let caller = Caller::web(local.id.clone(), local.name.clone(), LOCAL_ADMIN.into(), capabilities);
                Account { credentials: local.into(), caller }
            }));
        }
        let id = id.to_owned();
        self.in_source(asker, move |source, profile, auth| with_roles(source, profile, auth, &id)).await
    }

    async fn in_source<T: Send + 'static>(
        &self,
        asker: Asker,
        look_up: impl FnOnce(&dyn Source, &Profile, &Auth) -> source::Result<Option<T>> + Send + 'static,
    ) -> Result<Option<T>, Error> {
        let queue = match asker {
            Asker::Visitor => &self.visitors,
            Asker::Run => &self.runs,
        };
        let place = queue.enter().await?;
        let (source, profile) = (self.source.clone(), self.profile.clone());
        let found = tokio::task::spawn_blocking(move || {
            let _place = place;
            profile.auth.as_ref().map_or(Ok(None), |auth| look_up(&*source, &profile, auth))
        });
        Ok(found.await.map_err(|_| Error::Lost)??)
    }
}

/// An account's row in the source.
struct Found {
    credentials: Credentials,
    /// Values of the columns that conditions compare.
    values: BTreeMap<String, Option<String>>,
}

/// Returns the account whose `key_column` equals `key`. Blocks.
fn find(source: &dyn Source, auth: &Auth, key_column: &str, key: &str, more: &[&str]) -> source::Result<Option<Found>> {
    let compared: BTreeSet<&str> = auth.active.keys().map(String::as_str).chain(more.iter().copied()).collect();
    let mut columns = vec![auth.id.as_str(), &auth.email];
    columns.extend(&compared);
    if let Password::Column(column) = &auth.password {
        columns.push(column);
    }
    let Some(mut row) = source.find(&auth.table, &[Condition::equals(key_column, key)], &columns)? else {
        let _as_long = hash_elsewhere(source, auth, key)?;
        return Ok(None);
    };
    let own_hash = matches!(auth.password, Password::Column(_)).then(|| row.pop().flatten());
    let mut row = row.into_iter();
    let (Some(Some(account_id)), Some(Some(name))) = (row.next(), row.next()) else { return Ok(None) };
    let values: BTreeMap<String, Option<String>> = compared.into_iter().map(str::to_owned).zip(row).collect();
    let password_hash = match own_hash {
        Some(hash) => hash,
        None => hash_elsewhere(source, auth, &account_id)?,
    };
    let is_active = auth.active.iter().all(|(column, comparison)| accepts(&values, column, comparison));
    Ok(Some(Found { credentials: Credentials { account_id, name, password_hash, is_active }, values }))
}

fn hash_elsewhere(source: &dyn Source, auth: &Auth, id: &str) -> source::Result<Option<String>> {
    let Password::Elsewhere(place) = &auth.password else { return Ok(None) };
    let mut conditions = vec![Condition::equals(&place.user, id)];
    let wanted = wanted_of(&place.when);
    conditions.extend(wanted.iter().map(condition));
    let row = source.find(&place.table, &conditions, &[&place.column])?;
    Ok(row.and_then(|row| row.into_iter().next().flatten()))
}

/// Returns the account with its roles, checking the condition of each against the database. Blocks.
fn with_roles(source: &dyn Source, profile: &Profile, auth: &Auth, id: &str) -> source::Result<Option<Account>> {
    let own_conditions = profile.roles.values().filter(|role| role.table.is_none()).flat_map(|role| role.when.keys());
    let own_conditions: Vec<&str> = own_conditions.map(String::as_str).collect();
    let Some(Found { credentials, values }) = find(source, auth, &auth.id, id, &own_conditions)? else {
        return Ok(None);
    };
    let (mut labels, mut capabilities) = (Vec::new(), Vec::new());
    for role in profile.roles.values() {
        let fulfilled = match (&role.table, &role.user) {
            (Some(table), Some(user)) => holds_elsewhere(source, role, table, user, &credentials.account_id)?,
            _ => role.when.iter().all(|(column, comparison)| accepts(&values, column, comparison)),
        };
        if fulfilled {
            labels.push(role.label.as_str());
            capabilities.extend(&role.capabilities);
        }
    }
    // An account without a role has no capabilities.
    let label = if labels.is_empty() { "No role".into() } else { labels.join(", ") };
    let caller = Caller::web(credentials.account_id.clone(), credentials.name.clone(), label, capabilities);
    Ok(Some(Account { credentials, caller }))
}

fn accepts(values: &BTreeMap<String, Option<String>>, column: &str, comparison: &Comparison) -> bool {
    values.get(column).is_some_and(|value| comparison.accepts(value.as_deref()))
}

fn holds_elsewhere(source: &dyn Source, role: &Role, table: &str, user: &str, id: &str) -> source::Result<bool> {
    let mut conditions = vec![Condition::equals(user, id)];
    let wanted = wanted_of(&role.when);
    conditions.extend(wanted.iter().map(condition));
    source.holds(table, &conditions)
}

/// Whether any account has the role now. Blocks.
///
/// # Errors
/// `source::Error` if the database cannot be read.
pub fn somebody_has(source: &dyn Source, auth: &Auth, role: &Role) -> source::Result<bool> {
    let wanted = wanted_of(&role.when);
    let conditions: Vec<Condition<'_>> = wanted.iter().map(condition).collect();
    source.holds(role.table.as_ref().unwrap_or(&auth.table), &conditions)
}

fn wanted_of(when: &BTreeMap<String, Comparison>) -> Vec<(&str, Vec<Wanted>)> {
    when.iter().map(|(column, comparison)| (column.as_str(), comparison.wanted())).collect()
}

fn condition<'a>((column, wanted): &'a (&str, Vec<Wanted>)) -> Condition<'a> {
    let accepted = |wanted: &'a Wanted| match wanted {
        Wanted::Text(text) => Accepted::Text(text),
        Wanted::Null => Accepted::Null,
        Wanted::NotNull => Accepted::NotNull,
    };
    Condition { column, any_of: wanted.iter().map(accepted).collect() }
}
