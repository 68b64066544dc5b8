//! Binds each source to its part of the state, so that accounts, sessions and exports of one database are never used
//! for another.
//!
//! May import: `source` (identities), `state`, `audit`, `support`. Flow: a source has an identity, which its engine
//! reports, and a name, which the operator gives; `bind` finds it among the known sources, or adds it. Where identity
//! and name disagree (a moved, copied or upgraded database), the operator decides with `rebind`.

use std::path::Path;
use std::sync::Arc;

use crate::server::audit::{Actor, Event, Journal};
use crate::server::source::SourceIdentity;
use crate::server::state::sources::KnownSource;
use crate::server::state::{self, SourceState, StateDatabase, Tx};
use crate::server::support::clock::{Clock, rfc3339};
use crate::server::support::private_folder::{self, FileLock};
use crate::server::support::random::{Random, new_uuid_v7};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A copy of the database, or the database under a new name.
    #[error(
        "this database is known as {known}, not as {name}: if it is the same one, use --source-name {known}, or \
         rename it with `waybill state rebind --source-name {name} --from {known}`; if it is a copy, keep the two apart \
         with `waybill state rebind --source-name {name} --new`"
    )]
    NameMismatch { known: String, name: String },
    /// A moved or upgraded database, or another one under the same name.
    #[error(
        "{name} was another database so far ({identity}, since {since}): if it was moved or upgraded and is this one now, \
         confirm with `waybill state rebind --source-name {name} --from {name}`; if this is a different database, give \
         it another --source-name"
    )]
    IdentityMismatch { name: String, identity: String, since: String },
    /// A file that was moved, and perhaps renamed.
    #[error(
        "this file was known as {known} ({identity}), but is no longer at that path: if it was moved, confirm with \
         `waybill state rebind --source-name {name} --from {known}`; if it is a different database, add it with \
         `waybill state rebind --source-name {name} --new`"
    )]
    Moved { known: String, identity: String, name: String },
    #[error("no database is named {0}; `waybill state list` lists the known ones")]
    Unknown(String),
    #[error("{0} is taken by another database: choose another --source-name")]
    NameTaken(String),
    #[error("several databases use this state: choose one with --source-name ({0})")]
    Ambiguous(String),
    #[error("a Waybill server uses this state for {0}: stop it first")]
    InUse(String),
    #[error(
        "another Waybill server already serves this database with this state: stop it first, or start this one with another --state"
    )]
    Served,
    #[error(transparent)]
    Lock(#[from] private_folder::Error),
    #[error(transparent)]
    State(#[from] state::Error),
}

/// The operator's name for a source, or a default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceName {
    pub name: String,
    /// For a default name only: a longer alternative, for when another source already has `name`.
    pub fallback: Option<String>,
}

impl SourceName {
    #[must_use]
    pub fn explicit(name: impl Into<String>) -> Self {
        Self { name: name.into(), fallback: None }
    }
}

/// Returns the part of the state that belongs to this source, and the source's id. Adds an unknown source.
///
/// # Errors
/// `NameMismatch`, `IdentityMismatch` or `Moved` when identity and name disagree with the known sources; `State` when the
/// state cannot be read or written.
pub async fn bind(
    file: &StateDatabase,
    identity: &SourceIdentity,
    name: &SourceName,
    clock: Arc<dyn Clock>,
    random: &dyn Random,
) -> Result<(SourceState, String), Error> {
    // Takes the write lock: of two concurrent calls, the second one finds the source that the first one added.
    let journal = Journal::new(file.for_source(None), clock.clone());
    let mut tx = journal.begin().await?;
    let known = tx.sources().all().await?;
    let id = match match_source(&known, identity, name)? {
        Match::Known(source) if source.file_id == identity.file_id => source.id.clone(),
        Match::Known(source) => {
            // Another file at the same path, such as a restored backup.
            tx.sources().upsert(&KnownSource { file_id: identity.file_id.clone(), ..source.clone() }).await?;
            tx.commit().await?;
            source.id.clone()
        }
        Match::New(name) => {
            let added = add_source(&mut *tx, &journal, identity, name, &*clock, random).await?;
            tx.commit().await?;
            added
        }
    };
    Ok((file.for_source(Some(id.clone())), id))
}

enum Match<'a> {
    Known(&'a KnownSource),
    /// To be added under this name.
    New(&'a str),
}

fn match_source<'a>(
    known: &'a [KnownSource],
    identity: &SourceIdentity,
    name: &'a SourceName,
) -> Result<Match<'a>, Error> {
    let find_by_name = |name: &str| known.iter().find(|source| source.name == name);
    let names = [Some(&name.name), name.fallback.as_ref()];
    let same =
        names.into_iter().flatten().filter_map(|name| find_by_name(name)).find(|source| source.identity == identity.id);
    if let Some(source) = same {
        return Ok(Match::Known(source));
    }
    if let Some(other) = known.iter().find(|source| source.identity == identity.id) {
        return Err(Error::NameMismatch { known: other.name.clone(), name: name.name.clone() });
    }
    let is_moved_file = |source: &&KnownSource| {
        identity.file_id.is_some() && source.file_id == identity.file_id && is_file_missing(source)
    };
    if let Some(source) = known.iter().find(is_moved_file) {
        let (known, identity) = (source.name.clone(), source.identity.clone());
        return Err(Error::Moved { known, identity, name: name.name.clone() });
    }
    match (find_by_name(&name.name), &name.fallback) {
        (None, _) => Ok(Match::New(&name.name)),
        // File names are not unique: while the other file still exists at its path, this is a different source.
        (Some(other), Some(longer)) if !is_file_missing(other) && find_by_name(longer).is_none() => {
            Ok(Match::New(longer))
        }
        (Some(KnownSource { identity, known_since, .. }), _) => {
            let (identity, since) = (identity.clone(), known_since.clone());
            Err(Error::IdentityMismatch { name: name.name.clone(), identity, since })
        }
    }
}

/// Whether the source is a file that no longer exists at its path.
fn is_file_missing(source: &KnownSource) -> bool {
    source.identity.strip_prefix("sqlite:").is_some_and(|path| !Path::new(path).exists())
}

async fn add_source(
    tx: &mut dyn Tx,
    journal: &Journal,
    identity: &SourceIdentity,
    name: &str,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<String, Error> {
    let id = new_uuid_v7(clock, random).to_string();
    let source = KnownSource {
        id: id.clone(),
        identity: identity.id.clone(),
        file_id: identity.file_id.clone(),
        name: name.to_owned(),
        known_since: rfc3339(clock.now()),
    };
    tx.sources().upsert(&source).await?;
    tx.set_source(&id);
    journal.record(tx, Actor::PROGRAM, Event::SourceAdded { name: name.to_owned() }).await?;
    Ok(id)
}

/// Makes this process the only server of a source and state while it holds the lock.
///
/// # Errors
/// `Served` while another one holds it; `Lock` when the lock file cannot be opened.
pub fn lock_for_server(file: &StateDatabase, source_id: &str) -> Result<FileLock, Error> {
    file.files_folder().try_lock(&format!("{source_id}.lock")).map_err(|error| match error {
        private_folder::Error::Locked => Error::Served,
        error => Error::Lock(error),
    })
}

/// The operator's decision on a database whose identity and name disagree with the known sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rebind {
    /// It is the known source of this name: moved, upgraded or renamed.
    From(String),
    /// It is a different database, such as a copy.
    New,
}

/// Records the operator's decision. Ends all sessions of a rebound source.
///
/// # Errors
/// `Unknown` when there is no source of the old name, `NameTaken` when another source has the new one, `InUse` while a
/// server uses the source, `State` when the state cannot be written.
pub async fn rebind(
    file: &StateDatabase,
    identity: &SourceIdentity,
    name: &str,
    rebind: &Rebind,
    actor: &str,
    clock: Arc<dyn Clock>,
    random: &dyn Random,
) -> Result<(), Error> {
    let journal = Journal::new(file.for_source(None), clock.clone());
    let mut tx = journal.begin().await?;
    let known = tx.sources().all().await?;
    let with_name = |name: &str| known.iter().find(|source| source.name == name);
    // Held until the commit, so that no server starts in between.
    let _server_lock;
    match rebind {
        Rebind::New => {
            if with_name(name).is_some() {
                return Err(Error::NameTaken(name.to_owned()));
            }
            add_source(&mut *tx, &journal, identity, name, &*clock, random).await?;
        }
        Rebind::From(from) => {
            let source = with_name(from).ok_or_else(|| Error::Unknown(from.clone()))?;
            if with_name(name).is_some_and(|other| other.id != source.id) {
                return Err(Error::NameTaken(name.to_owned()));
            }
            _server_lock = lock_for_server(file, &source.id).map_err(|error| match error {
                Error::Served => Error::InUse(from.clone()),
                error => error,
            })?;
            let source = KnownSource {
                identity: identity.id.clone(),
                file_id: identity.file_id.clone(),
                name: name.to_owned(),
                ..source.clone()
            };
            tx.sources().upsert(&source).await?;
            tx.set_source(&source.id);
            tx.sessions().remove_all().await?;
            let event = Event::SourceRebound { from: from.clone(), name: name.to_owned() };
            journal.record(&mut *tx, Actor::local(actor), event).await?;
        }
    }
    Ok(tx.commit().await?)
}

/// Lists the sources of a state.
///
/// # Errors
/// `State` when it cannot be opened or read.
pub async fn list(state: &Path) -> Result<Vec<KnownSource>, Error> {
    Ok(StateDatabase::open(state).await?.for_source(None).connect().await?.sources().all().await?)
}

/// Returns the part of the state that accounts belong to, without opening a source: that of the named source, or of
/// the only one. With no source yet, accounts belong to none until the first served source adopts them.
///
/// # Errors
/// `Unknown` when no source has that name, `Ambiguous` when there are several and no name is given, `State` when the
/// state cannot be read.
pub async fn find_state(file: &StateDatabase, name: Option<&str>) -> Result<SourceState, Error> {
    let known = file.for_source(None).connect().await?.sources().all().await?;
    let found = match (name, &known[..]) {
        (Some(name), _) => {
            let found = known.iter().find(|source| source.name == name);
            Some(found.ok_or_else(|| Error::Unknown(name.to_owned()))?)
        }
        (None, []) => None,
        (None, [only]) => Some(only),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|source| source.name.as_str()).collect();
            return Err(Error::Ambiguous(names.join(", ")));
        }
    };
    Ok(file.for_source(found.map(|source| source.id.clone())))
}

/// Assigns the accounts without a source to this one and returns their number.
///
/// # Errors
/// `State` when the state cannot be written.
pub async fn adopt_accounts(journal: &Journal) -> Result<u64, Error> {
    let mut tx = journal.begin().await?;
    let count = tx.accounts().adopt().await?;
    if count > 0 {
        journal.commit(tx, Actor::PROGRAM, Event::AccountsAdopted { count }).await?;
    }
    Ok(count)
}
