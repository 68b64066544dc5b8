//! Size and seed of a sample.

/// Size and seed of a sample.
#[derive(Clone, Debug)]
pub struct SampleSpec {
    pub users: u64,
    /// People whom each user knows; what else there is grows with them.
    pub people: u64,
    pub seed: u64,
}

impl Default for SampleSpec {
    fn default() -> Self {
        Self { users: 5, people: 40, seed: 1 }
    }
}
