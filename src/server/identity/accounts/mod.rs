//! Account lookup: in the source's tables, or in Waybill's state if the profile has no `[auth]`.

mod account;
mod conditions;
mod ownership;
mod roles;
mod rows;

use std::sync::Arc;
use std::time::Duration;

use super::account_limits::AccountLimits;
use super::caller::Caller;
use super::concurrency_limit::ConcurrencyLimit;
use super::error::Error;
use crate::model::access::{Capability, Grant};
use crate::server::profile::{Auth, Profile};
use crate::server::source::{self, Source};
use crate::server::state::SourceState;

pub use account::{Account, Credentials};
use ownership::is_member;
use roles::fetch_account_with_roles;
pub use roles::{OWNER_LABEL, is_role_assigned};
use rows::fetch_account_row;

/// The role label of local accounts.
pub const LOCAL_ROLE_LABEL: &str = "Administrator";

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
    /// Before these: one account's requests do not fill the queue.
    account_lookups: AccountLimits,
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
        let account_lookups = AccountLimits::new(MAX_WAITING_LOOKUPS, LOOKUP_QUEUE_TIMEOUT);
        Self { source, profile, state, request_lookups, account_lookups, run_lookups }
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
                let grants =
                    [Capability::ExportDatabase, Capability::ImportDatabase].map(Grant::of_whole_database).to_vec();
                let caller = Caller::account(local.id.clone(), local.name.clone(), LOCAL_ROLE_LABEL.into(), grants);
                Account { credentials: local.into(), caller }
            }));
        }
        let _turn = match origin {
            LookupOrigin::Request => Some(self.account_lookups.acquire(id).await?),
            LookupOrigin::Run => None,
        };
        let id = id.to_owned();
        self.query_source(origin, move |source, profile, auth| fetch_account_with_roles(source, profile, auth, &id))
            .await
    }

    /// Whether the account belongs to the organisation, whatever its role there.
    pub async fn is_member(&self, account_id: &str, organization: &str) -> Result<bool, Error> {
        let (account_id, organization) = (account_id.to_owned(), organization.to_owned());
        let found = self.query_source(LookupOrigin::Request, move |source, profile, _| match profile.owners() {
            Some(owners) => is_member(source, owners, &account_id, &organization).map(Some),
            None => Ok(None),
        });
        Ok(found.await?.unwrap_or(false))
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
