//! Reproducible randomness: the same seed, subject and index always give the same values.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Maps a number to an index of a list that is not empty.
#[expect(clippy::cast_possible_truncation, reason = "less than a usize")]
pub fn index_below(n: u64, len: usize) -> usize {
    (n % len as u64) as usize
}

/// A generator for the values of one record.
pub struct SeededRandom(ChaCha8Rng);

impl SeededRandom {
    pub fn new(seed: u64, subject: &str, index: u64) -> Self {
        // FNV-1a, to mix the subject's name into the seed.
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let subject = subject.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
        Self(ChaCha8Rng::seed_from_u64(seed ^ subject ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.0.next_u64() % end }
    }

    /// A signed number from `from` to below `to`, such as milliseconds.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.below((to - from).unsigned_abs()).cast_signed()
    }

    /// True with a probability of `percent` in 100.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[index_below(self.0.next_u64(), from.len())]
    }

    /// From 0 to 0.999, in steps of a thousandth.
    #[expect(clippy::cast_precision_loss, reason = "below a thousand")]
    pub fn fraction(&mut self) -> f64 {
        self.below(1000) as f64 / 1000.0
    }

    pub fn random_id(&mut self, n: usize) -> String {
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        (0..n).map(|_| char::from(ALPHABET[(self.0.next_u32() & 31) as usize])).collect()
    }

    /// `Some` with a probability of `percent` in 100.
    pub fn optional<T>(&mut self, percent: u64, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.chance(percent).then(|| value(self))
    }
}
