//! Which source a state's records belong to, so that nothing of one database is anything at another.
//!
//! May import: `source` (identities), `state`, `audit`, `support`. Flow: a source is known by what its engine says of it (its
//! identity) and by the operator's name for it; `bind` finds it among the known ones, or adds it; where
//! the two disagree, only the operator can tell why (moved, copied, upgraded), with `rebind`.

use std::path::Path;

use crate::server::audit::{self, Entry, Event};
use crate::server::source::Identity;
use crate::server::state::sources::{self, KnownSource};
use crate::server::state::{self, State, StateFile, Tx, accounts, sessions};
use crate::server::support::clock::{Clock, rfc3339};
use crate::server::support::random::{Random, uuid};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A copy of the database, or the database under a new name.
    #[error(
        "this database is known here as {known}, not as {name}: if it is the same one, say --source-name {known}, or \
         rename it with `waybill state rebind --source-name {name} --from {known}`; if it is a copy of that one, \
         `waybill state rebind --source-name {name} --new` keeps the two apart"
    )]
    OtherName { known: String, name: String },
    /// A moved or upgraded database, or another one under the same name.
    #[error(
        "{name} is known here as another database ({identity}, since {since}): if that one is this one now, moved or \
         upgraded, say so with `waybill state rebind --source-name {name} --from {name}`; if this is another one, give \
         it a name of its own with --source-name"
    )]
    OtherIdentity { name: String, identity: String, since: String },
    /// A file that was moved, and perhaps renamed.
    #[error(
        "this file is known here as {known} ({identity}), where it no longer lies: say that it was moved with \
         `waybill state rebind --source-name {name} --from {known}`, or that it is another database with \
         `waybill state rebind --source-name {name} --new`"
    )]
    Moved { known: String, identity: String, name: String },
    #[error("no database is known here as {0}; `waybill state list` lists them")]
    Unknown(String),
    #[error("{0} is taken by another database: choose another --source-name")]
    NameTaken(String),
    #[error("several databases use this state: say which one with --source-name ({0})")]
    Ambiguous(String),
    #[error("a Waybill server uses this state for {0}: stop it first")]
    InUse(String),
    #[error(transparent)]
    State(#[from] state::Error),
}

/// What the operator calls a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceName {
    pub name: String,
    /// Where nobody has chosen the name: a longer one, for when another source has it already.
    pub or_else: Option<String>,
}

impl SourceName {
    #[must_use]
    pub fn chosen(name: impl Into<String>) -> Self {
        Self { name: name.into(), or_else: None }
    }
}

/// The part of the state that belongs to this source; a source that nobody knows yet is added.
///
/// # Errors
/// `OtherName`, `OtherIdentity` and `Moved` where identity and name disagree with what is known.
pub async fn bind(
    file: &StateFile,
    identity: &Identity,
    name: &SourceName,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<(State, String), Error> {
    // The write lock: of two who come at the same moment, the second one finds what the first one added.
    let mut tx = file.of(None).begin().await?;
    let known = sources::all(&mut tx).await?;
    let id = match find(&known, identity, name)? {
        Found::Known(source) if source.file_id == identity.file => source.id.clone(),
        Found::Known(source) => {
            // Another file in the same place, such as one that was restored.
            sources::put(&mut tx, &KnownSource { file_id: identity.file.clone(), ..source.clone() }).await?;
            tx.commit().await?;
            source.id.clone()
        }
        Found::New(name) => {
            let added = add(&mut tx, identity, name, clock, random).await?;
            tx.commit().await?;
            added
        }
    };
    Ok((file.of(Some(id.clone())), id))
}

enum Found<'a> {
    Known(&'a KnownSource),
    /// Under this name.
    New(&'a str),
}

fn find<'a>(known: &'a [KnownSource], identity: &Identity, name: &'a SourceName) -> Result<Found<'a>, Error> {
    let by_name = |name: &str| known.iter().find(|source| source.name == name);
    let names = [Some(&name.name), name.or_else.as_ref()];
    let same =
        names.into_iter().flatten().filter_map(|name| by_name(name)).find(|source| source.identity == identity.name);
    if let Some(source) = same {
        return Ok(Found::Known(source));
    }
    if let Some(other) = known.iter().find(|source| source.identity == identity.name) {
        return Err(Error::OtherName { known: other.name.clone(), name: name.name.clone() });
    }
    let was_here =
        |source: &&KnownSource| identity.file.is_some() && source.file_id == identity.file && is_gone(source);
    if let Some(source) = known.iter().find(was_here) {
        let (known, identity) = (source.name.clone(), source.identity.clone());
        return Err(Error::Moved { known, identity, name: name.name.clone() });
    }
    match (by_name(&name.name), &name.or_else) {
        (None, _) => Ok(Found::New(&name.name)),
        // Many files have one name; while the other one lies where it lay, this is another one.
        (Some(other), Some(longer)) if !is_gone(other) && by_name(longer).is_none() => Ok(Found::New(longer)),
        (Some(KnownSource { identity, known_since, .. }), _) => {
            let (identity, since) = (identity.clone(), known_since.clone());
            Err(Error::OtherIdentity { name: name.name.clone(), identity, since })
        }
    }
}

/// Whether a file no longer lies where it lay.
fn is_gone(source: &KnownSource) -> bool {
    source.identity.strip_prefix("sqlite:").is_some_and(|path| !Path::new(path).exists())
}

async fn add(
    tx: &mut Tx,
    identity: &Identity,
    name: &str,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<String, Error> {
    let id = uuid(clock, random).to_string();
    let at = rfc3339(clock.now());
    let source = KnownSource {
        id: id.clone(),
        identity: identity.name.clone(),
        file_id: identity.file.clone(),
        name: name.to_owned(),
        known_since: at.clone(),
    };
    sources::put(tx, &source).await?;
    tx.source_id = Some(id.clone());
    let event = Event::SourceAdded { name: name.to_owned() };
    audit::append(tx, &Entry { at, actor: "waybill", network: None, export: None, event }).await?;
    Ok(id)
}

/// What the operator says of a database whose identity and name disagree with what is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rebind {
    /// It is the one that is known by this name: moved, upgraded or renamed.
    From(String),
    /// It is another one, such as a copy.
    New,
}

/// Writes down what the operator says. Sessions of a rebound source end.
///
/// # Errors
/// `Unknown`, `NameTaken`, or `InUse` while a server uses that source.
pub async fn rebind(
    file: &StateFile,
    identity: &Identity,
    name: &str,
    rebind: &Rebind,
    actor: &str,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<(), Error> {
    let mut tx = file.of(None).begin().await?;
    let known = sources::all(&mut tx).await?;
    let by_name = |name: &str| known.iter().find(|source| source.name == name);
    // Until it is written down, no server may begin.
    let _idle;
    match rebind {
        Rebind::New => {
            if by_name(name).is_some() {
                return Err(Error::NameTaken(name.to_owned()));
            }
            add(&mut tx, identity, name, clock, random).await?;
        }
        Rebind::From(from) => {
            let source = by_name(from).ok_or_else(|| Error::Unknown(from.clone()))?;
            if by_name(name).is_some_and(|other| other.id != source.id) {
                return Err(Error::NameTaken(name.to_owned()));
            }
            _idle = file.files()?.lock(&format!("{}.lock", source.id)).map_err(|_| Error::InUse(from.clone()))?;
            let source = KnownSource {
                identity: identity.name.clone(),
                file_id: identity.file.clone(),
                name: name.to_owned(),
                ..source.clone()
            };
            sources::put(&mut tx, &source).await?;
            tx.source_id = Some(source.id);
            sessions::remove_all(&mut tx).await?;
            let event = Event::SourceRebound { from: from.clone(), name: name.to_owned() };
            audit::append(&mut tx, &Entry { at: rfc3339(clock.now()), actor, network: None, export: None, event })
                .await?;
        }
    }
    Ok(tx.commit().await?)
}

/// Every source that a state knows.
///
/// # Errors
/// When the state cannot be used.
pub async fn list(state: &Path) -> Result<Vec<KnownSource>, Error> {
    Ok(StateFile::open(state).await?.sources().await?)
}

/// The part of the state that accounts belong to, for whoever has no source at hand: the source of that name, or
/// the only one. Where there is none yet, accounts wait for the source that is served first.
///
/// # Errors
/// `Unknown`, or `Ambiguous` where there are several.
pub async fn by_name(file: &StateFile, name: Option<&str>) -> Result<State, Error> {
    let known = file.sources().await?;
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
    Ok(file.of(found.map(|source| source.id.clone())))
}

/// Gives a source the accounts that belong to none yet; says how many.
///
/// # Errors
/// When the state cannot be written.
pub async fn adopt_accounts(state: &State, clock: &dyn Clock) -> Result<u64, Error> {
    let mut tx = state.begin().await?;
    let count = accounts::adopt(&mut tx).await?;
    if count > 0 {
        let entry = Entry {
            at: rfc3339(clock.now()),
            actor: "waybill",
            network: None,
            export: None,
            event: Event::AccountsAdopted { count },
        };
        audit::append(&mut tx, &entry).await?;
        tx.commit().await?;
    }
    Ok(count)
}
