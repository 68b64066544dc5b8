//! Names of artefacts: unguessable, and recognisable as ours.

/// Length of a name: 256 random bits in hexadecimal.
const LENGTH: usize = 64;

/// The name of a finished file in its store.
///
/// ```
/// use waybill::model::artifact_name::ArtifactName;
///
/// assert!(ArtifactName::parse(&"0f".repeat(32)).is_some());
/// assert!(ArtifactName::parse("../etc/passwd").is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArtifactName(String);

impl ArtifactName {
    /// The name made of random bits, which nobody can guess.
    #[must_use]
    pub fn from_random_bits(bits: [u8; LENGTH / 2]) -> Self {
        Self(hex::encode(bits))
    }

    /// Returns `None` for a text that is not 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_name = text.len() == LENGTH && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_name.then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
