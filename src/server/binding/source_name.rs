//! The name of a source in the state.

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
