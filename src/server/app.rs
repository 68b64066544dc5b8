//! Assembles the parts. Holds no logic.

use std::path::Path;
use std::sync::Arc;

use super::artifact::local::LocalArtifactStore;
use super::artifact::{self, ArtifactStore};
use super::audit::Journal;
use super::binding::{self, SourceName};
use super::export::{self, Application, Exports};
use super::history::History;
use super::identity::{self, Caller, Identity, LOCAL_ROLE_LABEL};
use super::import::{ImportPage, Imports, Running, Uploads};
use super::jobs::Queue;
use super::profile::{Profile, SecondFactorPolicy};
use super::readiness::Readiness;
use super::signing::{self, NextKey, PublicKeys, SigningKey};
use super::source::{self, Source, SourceIdentity, Target};
use super::state::{self, StateDatabase};
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
    pub import_page: ImportPage,
    /// How its engine identifies the source.
    engine_id: String,
    signing_key: Arc<SigningKey>,
    clock: Arc<dyn Clock>,
    state: StateDatabase,
}

/// The parts that an entry point chooses.
pub struct Parts<'a> {
    pub source: Arc<dyn Source>,
    pub profile: Profile,
    pub application: Application,
    /// The operator's name for the source.
    pub source_name: SourceName,
    /// The operator's policy. A second factor is required if this or the profile says so.
    pub second_factor: SecondFactorPolicy,
    pub storage: Storage<'a>,
    /// The file of the signing key; created if it is missing.
    pub signing_key: &'a Path,
    /// The source as a database that the page may write to.
    pub target: Option<PageTarget>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
}

/// A database that the page may write to.
pub struct PageTarget {
    pub target: Arc<dyn Target>,
    /// Its address, without a password.
    pub name: String,
    /// The same, to be read: it must be the source, whoever the user is.
    pub source: Arc<dyn Source>,
    /// The largest file that is taken.
    pub max_upload_bytes: u64,
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

/// Why the parts cannot be assembled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error(transparent)]
    State(#[from] state::Error),
    #[error(transparent)]
    Binding(#[from] binding::Error),
    #[error(transparent)]
    Artifact(#[from] artifact::Error),
    #[error(transparent)]
    Signing(#[from] signing::Error),
    #[error("--target is another database than --source: give another user of the same one")]
    OtherTarget,
    #[error("internal error: a task of the program panicked; please report it")]
    Panicked,
}

impl App {
    /// Imports into the source, which `target` writes to.
    #[must_use]
    pub fn imports_into(
        &self,
        target: Arc<dyn Target>,
        target_name: String,
        trusted_keys: PublicKeys,
        max_upload_bytes: u64,
    ) -> Arc<Imports> {
        Arc::new(Imports {
            uploads: Uploads::new(self.state.files_folder().path().to_owned(), max_upload_bytes),
            own_uploads: Uploads::new(self.state.files_folder().path().to_owned(), max_upload_bytes),
            media_folder: self.exports.media_folder().cloned(),
            target,
            target_id: self.engine_id.clone(),
            target_label: self.source.clone(),
            target_name,
            running: Running::default(),
            profile: self.profile.clone(),
            trusted_keys,
            signing_key: self.signing_key.clone(),
            journal: self.journal.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        })
    }

    /// # Errors
    /// `Source` if the database cannot be reached; `State`, `Artifact` or `Signing` if the state, its folder or the key
    /// cannot be used; `Binding` if the state knows the source by another name or identity; `OtherTarget` if the page would
    /// write to another database.
    pub async fn build(parts: Parts<'_>) -> Result<Arc<Self>, Error> {
        let (clock, random) = (parts.clock.clone(), parts.random.clone());
        let identity = read_identity(parts.source.clone()).await?;
        if let Some(target) = &parts.target
            && read_identity(target.source.clone()).await?.id != identity.id
        {
            return Err(Error::OtherTarget);
        }
        let (file, artifacts) = parts.storage.open().await?;
        let (state, source_id) = binding::bind(&file, &identity, &parts.source_name, clock.clone(), &*random).await?;
        let artifacts = match artifacts {
            Some(artifacts) => artifacts,
            None => Arc::new(LocalArtifactStore::for_source(file.files_folder().clone(), &source_id)?),
        };
        let key = Arc::new(SigningKey::read_or_create(parts.signing_key, &*random)?);
        let public_keys = PublicKeys::of_installation(parts.signing_key)?;
        warn_of_interrupted_rotation(parts.signing_key);
        let queue = Queue::new(state.clone(), file.files_folder().clone(), &*random);
        let journal = Journal::new(state.clone(), clock.clone());
        let (source, profile, engine_id) = (parts.source, Arc::new(parts.profile), identity.id);

        let identity = Arc::new(Identity::new(identity::Dependencies {
            source: source.clone(),
            profile: profile.clone(),
            state: state.clone(),
            clock: clock.clone(),
            random: random.clone(),
            signing_key: key.clone(),
            journal: journal.clone(),
            second_factor_policy: parts.second_factor,
        }));
        let exports = Arc::new(Exports::new(export::Dependencies {
            source: source.clone(),
            profile: profile.clone(),
            application: parts.application,
            state: state.clone(),
            artifacts,
            signing_key: key.clone(),
            identity: identity.clone(),
            journal: journal.clone(),
            queue,
            clock: clock.clone(),
            random: random.clone(),
        }));
        let app = Self {
            history: History::new(state.clone(), public_keys.clone(), clock.clone(), journal.clone()),
            readiness: Readiness::new(source.clone(), state),
            source: label(&*source, &profile),
            exports,
            identity,
            profile,
            source_id,
            random,
            journal: journal.clone(),
            engine_id,
            signing_key: key,
            clock,
            state: file,
            import_page: ImportPage { imports: None, journal },
        };
        let of_page =
            parts.target.map(|page| app.imports_into(page.target, page.name, public_keys, page.max_upload_bytes));
        let import_page = ImportPage { imports: of_page, journal: app.journal.clone() };
        Ok(Arc::new(Self { import_page, ..app }))
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
        // Owners have one for each organisation; pages need to know of each capability once.
        let mut capabilities: Vec<Capability> = caller.grants.iter().map(|grant| grant.capability).collect();
        capabilities.dedup();
        let local = self.identity.uses_local_accounts().then(|| LOCAL_ROLE_LABEL.to_owned());
        Viewer {
            role: caller.role().map_or_else(|| caller.principal.channel().as_str().to_owned(), str::to_owned),
            capabilities,
            email: caller.name,
            exporting_roles: exporting.chain(local).collect(),
            source: self.source.clone(),
        }
    }
}

/// The audit trail may already name the next key while the old one still signs.
fn warn_of_interrupted_rotation(signing_key: &Path) {
    match NextKey::left_by_interruption(signing_key) {
        Ok(None) => {}
        Ok(Some(_)) => tracing::warn!("a rotation of the signing key was interrupted: run `waybill key rotate` again"),
        Err(error) => tracing::warn!(%error, "the signing key is not affected"),
    }
}

async fn read_identity(source: Arc<dyn Source>) -> Result<SourceIdentity, Error> {
    let reading = tokio::task::spawn_blocking(move || source.identity());
    Ok(reading.await.map_err(|_| Error::Panicked)??)
}

fn label(source: &dyn Source, profile: &Profile) -> SourceLabel {
    SourceLabel {
        profile: profile.name.clone(),
        engine: source.engine().into(),
        engine_version: source.engine_version(),
    }
}
