//! Assembles the parts. Holds no logic.

use std::path::Path;
use std::sync::Arc;

use super::artifact::ArtifactStore;
use super::artifact::local::LocalArtifactStore;
use super::audit::Journal;
use super::binding::{self, SourceName};
use super::export::{self, Error, Exports};
use super::history::History;
use super::identity::{self, Caller, Identity, LOCAL_ROLE_LABEL};
use super::jobs::Queue;
use super::profile::{Profile, SecondFactorPolicy};
use super::readiness::Readiness;
use super::signing::{PublicKeys, SigningKey};
use super::source::Source;
use super::state::StateDatabase;
use super::support::clock::Clock;
use super::support::private_folder::FileLock;
use super::support::random::Random;
use crate::model::access::{Capability, SourceLabel, Viewer};

/// Everything that an entry point (HTTP, CLI, worker) needs.
pub struct App {
    pub exports: Arc<Exports>,
    pub history: History,
    pub identity: Arc<Identity>,
    pub readiness: Readiness,
    pub profile: Arc<Profile>,
    pub source: SourceLabel,
    /// The source's id in the state.
    pub source_id: String,
    pub random: Arc<dyn Random>,
    pub journal: Journal,
    state: StateDatabase,
}

/// The parts that an entry point chooses.
pub struct Parts<'a> {
    pub source: Arc<dyn Source>,
    pub profile: Profile,
    /// The operator's name for the source.
    pub source_name: SourceName,
    /// The operator's policy. A second factor is required if this or the profile says so.
    pub second_factor: SecondFactorPolicy,
    pub storage: Storage<'a>,
    /// The file of the signing key; created if it is missing.
    pub signing_key: &'a Path,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
}

/// Where state and finished files are kept.
pub enum Storage<'a> {
    /// A state database in this file; finished files are in a folder beside it.
    File(&'a Path),
    /// Stores of the caller's choice; without one for finished files, they are in the state's folder.
    Stores { state: StateDatabase, artifacts: Option<Arc<dyn ArtifactStore>> },
}

impl Storage<'_> {
    async fn open(self) -> Result<(StateDatabase, Option<Arc<dyn ArtifactStore>>), Error> {
        match self {
            Self::File(path) => Ok((StateDatabase::open(path).await?, None)),
            Self::Stores { state, artifacts } => Ok((state, artifacts)),
        }
    }
}

impl App {
    /// # Errors
    /// `Source` if the database cannot be reached; `State`, `Artifact` or `Signing` if the state, its folder or the key
    /// cannot be used; `Binding` if the state knows the source by another name or identity.
    pub async fn build(parts: Parts<'_>) -> Result<Arc<Self>, Error> {
        let Parts {
            source,
            profile,
            source_name,
            second_factor: second_factor_policy,
            storage,
            signing_key,
            clock,
            random,
        } = parts;

        let identity_source = source.clone();
        let identity =
            tokio::task::spawn_blocking(move || identity_source.identity()).await.map_err(|_| Error::Panicked)??;
        let (file, artifacts) = storage.open().await?;
        let (state, source_id) = binding::bind(&file, &identity, &source_name, clock.clone(), &*random).await?;
        let artifacts = match artifacts {
            Some(artifacts) => artifacts,
            None => Arc::new(LocalArtifactStore::for_source(file.files_folder().clone(), &source_id)?),
        };
        let queue = Queue::new(state.clone(), file.files_folder().clone(), &*random);
        let journal = Journal::new(state.clone(), clock.clone());
        let (signing_key, public_keys) =
            (SigningKey::read_or_create(signing_key, &*random)?, PublicKeys::of_installation(signing_key)?);
        let profile = Arc::new(profile);
        let label = SourceLabel {
            profile: profile.name.clone(),
            engine: source.engine().into(),
            engine_version: source.engine_version(),
        };
        let signing_key = Arc::new(signing_key);
        let identity = Arc::new(Identity::new(identity::Dependencies {
            source: source.clone(),
            profile: profile.clone(),
            state: state.clone(),
            clock: clock.clone(),
            random: random.clone(),
            signing_key: signing_key.clone(),
            journal: journal.clone(),
            second_factor_policy,
        }));
        let readiness = Readiness::new(source.clone(), state.clone());
        let history = History::new(state.clone(), public_keys, clock.clone(), journal.clone());
        let exports = Arc::new(Exports::new(export::Dependencies {
            source,
            profile: profile.clone(),
            state,
            artifacts,
            signing_key,
            identity: identity.clone(),
            journal: journal.clone(),
            queue,
            clock,
            random: random.clone(),
        }));
        Ok(Arc::new(Self {
            exports,
            history,
            identity,
            readiness,
            profile,
            source: label,
            source_id,
            random,
            journal,
            state: file,
        }))
    }

    /// Assigns accounts without a source to this one and returns their number.
    ///
    /// # Errors
    /// `Binding` if the state cannot be written.
    pub async fn adopt_accounts(&self) -> Result<u64, Error> {
        let count = binding::adopt_accounts(&self.journal).await?;
        if count > 0 {
            tracing::warn!(count, "accounts without a source were assigned to this one");
        }
        Ok(count)
    }

    /// Makes this process the only server of this source and state while it holds the lock.
    ///
    /// # Errors
    /// `Binding` while another server holds it, or if the lock file cannot be used.
    pub fn lock_for_server(&self) -> Result<FileLock, Error> {
        Ok(binding::lock_for_server(&self.state, &self.source_id)?)
    }

    /// The caller, as pages show it.
    #[must_use]
    pub fn viewer(&self, caller: Caller) -> Viewer {
        let exporting = self.profile.roles_with(Capability::ExportDatabase).map(|role| role.label.clone());
        let local = self.identity.uses_local_accounts().then(|| LOCAL_ROLE_LABEL.to_owned());
        Viewer {
            role: caller.role().map_or_else(|| caller.principal.channel().as_str().to_owned(), str::to_owned),
            capabilities: caller.grants.iter().map(|grant| grant.capability).collect(),
            email: caller.name,
            exporting_roles: exporting.chain(local).collect(),
            source: self.source.clone(),
        }
    }
}
