//! The hash schemes of a source: how common they are, and how long a check takes.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::server::support::password::StoredHash;

/// Bounds memory: a source with more hash schemes than this is attacking.
pub const MAX_SCHEMES: usize = 16;

/// Hash schemes seen so far, by name.
#[derive(Debug, Default)]
pub struct HashSchemes(BTreeMap<String, SchemeStats>);

#[derive(Debug)]
struct SchemeStats {
    example: StoredHash,
    count: u64,
    /// The shortest check so far; longer ones are due to load.
    fastest: Option<Duration>,
}

impl HashSchemes {
    /// Counts a hash of the source.
    pub fn record_hash(&mut self, hash: &StoredHash) {
        let has_room = self.0.len() < MAX_SCHEMES;
        match self.0.get_mut(&hash.scheme()) {
            Some(stats) => stats.count += 1,
            None if has_room => {
                self.0.insert(hash.scheme(), SchemeStats { example: hash.clone(), count: 1, fastest: None });
            }
            None => {}
        }
    }

    /// Notes how long a check has taken.
    pub fn record_duration(&mut self, hash: &StoredHash, time: Duration) {
        if let Some(seen) = self.0.get_mut(&hash.scheme()) {
            seen.fastest = Some(seen.fastest.map_or(time, |quickest| quickest.min(time)));
        }
    }

    /// Returns an example hash of the most frequent scheme.
    pub fn most_common(&self) -> Option<StoredHash> {
        self.0.values().max_by_key(|seen| seen.count).map(|seen| seen.example.clone())
    }

    /// How long the slowest scheme takes; zero until a check has been timed.
    pub fn slowest_check(&self) -> Duration {
        self.0.values().filter_map(|seen| seen.fastest).max().unwrap_or_default()
    }
}
