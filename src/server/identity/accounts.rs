//! Where accounts come from: the source's own tables, or Waybill's state where the source has none.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::queue::Queue;
use super::{Caller, Error};
use crate::model::access::Capability;
use crate::server::profile::{Auth, Profile, Role, Scalar};
use crate::server::source::{self, Condition, Lookup, Source};
use crate::server::state::State;
use crate::server::state::accounts::LocalAccount;

/// What somebody with an account of Waybill's own is called.
pub const LOCAL_ADMIN: &str = "Administrator";

/// An account as it stands now.
pub struct Account {
    pub password_hash: Option<String>,
    pub caller: Caller,
}

impl From<LocalAccount> for Account {
    fn from(local: LocalAccount) -> Self {
        let capabilities = vec![Capability::ExportDatabase];
        let caller = Caller::web(local.id, local.name, LOCAL_ADMIN.into(), capabilities);
        Self { password_hash: Some(local.password_hash), caller }
    }
}

/// By what an account is looked for.
#[derive(Clone, Debug)]
pub enum By {
    Id(String),
    /// An e-mail address as it was typed; the source may keep it in lower case.
    Name(String),
}

/// Look-ups in the source at one time: together no more connections than an application can spare.
const VISITORS_AT_ONCE: usize = 3;
const RUNS_AT_ONCE: usize = 1;
/// Visitors that may wait for a look-up, and for how long.
const VISITORS_WAITING: usize = 200;
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Accounts {
    source: Arc<dyn Source>,
    profile: Arc<Profile>,
    pub state: State,
    visitors: Queue,
    /// Runs that ask whether they may go on.
    runs: Queue,
}

impl Accounts {
    pub fn new(source: Arc<dyn Source>, profile: Arc<Profile>, state: State) -> Self {
        let visitors = Queue::new(VISITORS_AT_ONCE, VISITORS_WAITING, PATIENCE);
        let runs = Queue::new(RUNS_AT_ONCE, VISITORS_WAITING, PATIENCE);
        Self { source, profile, state, visitors, runs }
    }

    /// Whether accounts are Waybill's own.
    pub fn are_local(&self) -> bool {
        self.profile.auth.is_none()
    }

    pub async fn find(&self, by: By) -> Result<Option<Account>, Error> {
        self.find_in(&self.visitors, by).await
    }

    pub async fn find_for_run(&self, by: By) -> Result<Option<Account>, Error> {
        self.find_in(&self.runs, by).await
    }

    async fn find_in(&self, queue: &Queue, by: By) -> Result<Option<Account>, Error> {
        if self.are_local() {
            let found = match by {
                By::Id(id) => self.state.account_by_id(&id).await?,
                By::Name(name) => self.state.account_by_name(&name).await?,
            };
            return Ok(found.map(Account::from));
        }
        let place = queue.enter().await?;
        let (source, profile) = (self.source.clone(), self.profile.clone());
        let found = tokio::task::spawn_blocking(move || {
            let _place = place;
            profile.auth.as_ref().map_or(Ok(None), |auth| in_source(&*source, &profile, auth, &by))
        });
        Ok(found.await.map_err(|_| Error::Lost)??)
    }
}

/// Reads the account and holds every role's condition against the database. Blocks.
fn in_source(source: &dyn Source, profile: &Profile, auth: &Auth, by: &By) -> source::Result<Option<Account>> {
    let own_conditions = profile.roles.values().filter(|role| role.table.is_none()).flat_map(|role| role.when.keys());
    let conditions: BTreeSet<&str> = own_conditions.map(String::as_str).collect();
    let mut columns = vec![auth.id.as_str(), &auth.email, &auth.password];
    columns.extend(&conditions);
    let (key_column, keys) = match by {
        By::Id(id) => (&auth.id, vec![id.clone()]),
        By::Name(name) => (&auth.email, vec![name.clone(), name.to_lowercase()]),
    };
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let lookup = Lookup { table: &auth.table, key_column, keys: &keys, columns: &columns };
    let Some(row) = source.find(&lookup)? else { return Ok(None) };
    let [Some(id), Some(email), password_hash, values @ ..] = &row[..] else { return Ok(None) };
    let value = |column: &str| conditions.iter().zip(values).find(|(name, _)| **name == column)?.1.as_deref();
    let (mut labels, mut capabilities) = (Vec::new(), Vec::new());
    for role in profile.roles.values() {
        let fulfilled = match (&role.table, &role.user) {
            (Some(table), Some(user)) => holds(source, role, table, user, id)?,
            _ => role.when.iter().all(|(column, wanted)| {
                value(column).is_some_and(|stored| wanted.accepted().iter().any(|accepted| accepted == stored))
            }),
        };
        if fulfilled {
            labels.push(role.label.as_str());
            capabilities.extend(&role.capabilities);
        }
    }
    // Whoever fulfils no condition may do nothing.
    let label = if labels.is_empty() { "No role".into() } else { labels.join(", ") };
    let caller = Caller::web(id.clone(), email.clone(), label, capabilities);
    Ok(Some(Account { password_hash: password_hash.clone(), caller }))
}

fn holds(source: &dyn Source, role: &Role, table: &str, user: &str, id: &str) -> source::Result<bool> {
    let accepted: Vec<Vec<String>> = role.when.values().map(Scalar::accepted).collect();
    let accepted: Vec<Vec<&str>> = accepted.iter().map(|texts| texts.iter().map(String::as_str).collect()).collect();
    let id = [id];
    let mut equal: Vec<(&str, &[&str])> = vec![(user, &id)];
    equal.extend(role.when.keys().zip(&accepted).map(|(column, texts)| (column.as_str(), texts.as_slice())));
    source.holds(&Condition { table, equal: &equal })
}
