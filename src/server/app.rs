//! Assembles the parts. Holds no logic.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::Notify;

use super::artifact::ArtifactStore;
use super::audit::RefusalRecorder;
use super::binding::{self, SourceName};
use super::export::{Error, Exports, PreviewCache, RunningExports};
use super::history::History;
use super::identity::{self, Caller, Identity, LOCAL_ROLE_LABEL};
use super::profile::{Profile, SecondFactorPolicy};
use super::readiness::Readiness;
use super::signing::{PublicKeys, SigningKey};
use super::source::Source;
use super::state::StateDatabase;
use super::support::clock::Clock;
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
}

/// The parts that an entry point chooses.
pub struct Parts<'a> {
    pub source: Arc<dyn Source>,
    pub profile: Profile,
    /// The operator's name for the source.
    pub source_name: SourceName,
    /// The operator's policy. A second factor is required if this or the profile says so.
    pub second_factor: SecondFactorPolicy,
    /// The state database; finished files are in a folder beside it.
    pub state: &'a Path,
    /// The file of the signing key; created if it is missing.
    pub signing_key: &'a Path,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
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
            state,
            signing_key,
            clock,
            random,
        } = parts;

        let identity_source = source.clone();
        let identity =
            tokio::task::spawn_blocking(move || identity_source.identity()).await.map_err(|_| Error::Panicked)??;
        let file = StateDatabase::open(state).await?;
        let (state, source_id) = binding::bind(&file, &identity, &source_name, &*clock, &*random).await?;
        let artifacts = ArtifactStore::for_source(file.files_folder()?, source_id.clone())?;
        let (signing_key, public_keys) =
            (SigningKey::read_or_create(signing_key, &*random)?, PublicKeys::of_installation(signing_key)?);
        let profile = Arc::new(profile);
        let label = SourceLabel {
            profile: profile.name.clone(),
            engine: source.engine().into(),
            engine_version: source.engine_version(),
        };
        let (signing_key, refusals) = (Arc::new(signing_key), Arc::new(RefusalRecorder::default()));
        let identity = Arc::new(Identity::new(identity::Dependencies {
            source: source.clone(),
            profile: profile.clone(),
            state: state.clone(),
            clock: clock.clone(),
            random: random.clone(),
            signing_key: signing_key.clone(),
            refusals: refusals.clone(),
            second_factor_policy,
        }));
        let readiness = Readiness::new(source.clone(), state.clone());
        let history = History { state: state.clone(), public_keys, clock: clock.clone(), refusals: refusals.clone() };
        let exports = Exports {
            source,
            profile: profile.clone(),
            state,
            artifacts,
            signing_key,
            identity: identity.clone(),
            clock,
            random: random.clone(),
            refusals,
            previews: PreviewCache::default(),
            running: RunningExports::default(),
            queue_signal: Notify::new(),
        };
        let exports = Arc::new(exports);
        Ok(Arc::new(Self { exports, history, identity, readiness, profile, source: label, source_id, random }))
    }

    /// Assigns accounts without a source to this one and returns their number.
    ///
    /// # Errors
    /// `Binding` if the state cannot be written.
    pub async fn adopt_accounts(&self) -> Result<u64, Error> {
        let count = binding::adopt_accounts(&self.exports.state, &*self.exports.clock).await?;
        if count > 0 {
            tracing::warn!(count, "accounts without a source were assigned to this one");
        }
        Ok(count)
    }

    /// The caller, as pages show it.
    #[must_use]
    pub fn viewer(&self, caller: Caller) -> Viewer {
        let exporting = self.profile.roles_with(Capability::ExportDatabase).map(|role| role.label.clone());
        let local = self.identity.uses_local_accounts().then(|| LOCAL_ROLE_LABEL.to_owned());
        Viewer {
            role: caller.role().unwrap_or_default().to_owned(),
            capabilities: caller.grants.iter().map(|grant| grant.capability).collect(),
            email: caller.name,
            exporting_roles: exporting.chain(local).collect(),
            source: self.source.clone(),
        }
    }
}
