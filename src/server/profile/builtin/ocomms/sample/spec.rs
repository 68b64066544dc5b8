//! Size and seed of a sample.

/// Size and seed of a sample.
#[derive(Clone, Debug)]
pub struct SampleSpec {
    /// At least 1.
    pub organizations: u64,
    /// Of all organisations together, in equal parts.
    pub messages: u64,
    pub seed: u64,
}

impl Default for SampleSpec {
    fn default() -> Self {
        Self { organizations: 20, messages: 100_000, seed: 1 }
    }
}
