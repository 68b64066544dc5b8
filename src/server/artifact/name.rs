//! Names of artefacts: unguessable, and recognisable as ours.

use crate::server::support::random::{Random, new_token};

/// Length of a name from `random::new_token`.
const LENGTH: usize = 64;

/// A new artefact's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactName(String);

impl ArtifactName {
    #[must_use]
    pub fn new(random: &dyn Random) -> Self {
        Self(new_token(random))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a name in the state or in a folder has the form that `ArtifactName` gives.
pub fn is_artifact_name(name: &str) -> bool {
    name.len() == LENGTH && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
