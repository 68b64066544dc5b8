//! Keyed hashes and keyed permutations of integers, built on HMAC-SHA256 (RFC 2104).

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Secret key of pseudonyms: generated for one export and never stored.
#[derive(Clone)]
pub struct PseudonymKey([u8; 32]);

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Ends of the ranges of magnitudes that are permuted separately: 16 bits, 32 bits, exact in a double, 64 bits.
const MAGNITUDE_LIMITS: [u64; 4] = [1 << 15, 1 << 31, 1 << 53, u64::MAX >> 1];

impl PseudonymKey {
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the HMAC-SHA256 of subject and value under this key.
    pub fn hmac(&self, domain: &str, value: &[u8]) -> [u8; 32] {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0);
        let mut mac = mac.unwrap_or_else(|_| unreachable!("any length of key will do"));
        mac.update(domain.as_bytes());
        mac.update(&[0]);
        mac.update(value);
        mac.finalize().into_bytes().into()
    }

    /// The first 64 bits of `hmac`.
    pub fn hmac_u64(&self, domain: &str, value: &[u8]) -> u64 {
        u64::from_be_bytes(self.hmac(domain, value).as_chunks().0[0])
    }

    /// Permutes integers within their sign and range of magnitude: keys stay unique, and the new value fits the
    /// type that held the old one. Two values collide only where `n` and `-n` both map to 0, and among the
    /// last few of `i64`.
    pub fn permute_integer(&self, n: i64) -> i64 {
        let magnitude = n.unsigned_abs();
        let range = MAGNITUDE_LIMITS.iter().position(|end| magnitude < *end).unwrap_or(MAGNITUDE_LIMITS.len() - 1);
        let from = if range == 0 { 0 } else { MAGNITUDE_LIMITS[range - 1] };
        // Below the last limit, so its sign bit is not set.
        let new = self.permute(magnitude.min(MAGNITUDE_LIMITS[range] - 1), from, MAGNITUDE_LIMITS[range]).cast_signed();
        if n < 0 { -new } else { new }
    }

    /// Permutes `from..to` by cycle walking (Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002).
    /// `n` must be in the range.
    pub fn permute(&self, n: u64, from: u64, to: u64) -> u64 {
        let half_bits = (u64::BITS - (to - 1).leading_zeros()).div_ceil(2).max(1);
        let domain = format!("permute {from} {to}");
        let mut permuted = n;
        loop {
            permuted = self.feistel(&domain, permuted, half_bits);
            if (from..to).contains(&permuted) {
                return permuted;
            }
        }
    }

    /// Balanced Feistel network of four rounds: a permutation of all integers of `2 * half_bits` bits.
    fn feistel(&self, subject: &str, n: u64, half_bits: u32) -> u64 {
        let mask = (1_u64 << half_bits) - 1;
        let (mut left, mut right) = (n >> half_bits & mask, n & mask);
        for round in 0..4_u8 {
            let mut input = [0; 9];
            input[0] = round;
            input[1..].copy_from_slice(&right.to_be_bytes());
            let word = self.hmac_u64(subject, &input);
            (left, right) = (right, left ^ (word & mask));
        }
        left << half_bits | right
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_integers_are_permuted_without_collisions() {
        let key = PseudonymKey::new([7; 32]);
        let images: BTreeSet<i64> = (-2000..2000).map(|n| key.permute_integer(n)).collect();
        assert!(images.len() >= 3999, "{}", images.len());
    }

    #[test]
    fn a_permutation_of_any_range_is_one() {
        let key = PseudonymKey::new([3; 32]);
        for (from, to) in [(0, 10), (10, 100), (100, 1000), (7, 8)] {
            let images: BTreeSet<u64> = (from..to).map(|n| key.permute(n, from, to)).collect();
            assert!(images.len() as u64 == to - from && images.iter().all(|n| (from..to).contains(n)));
        }
    }

    proptest! {
        #[test]
        fn an_integer_keeps_its_sign_and_its_type(n in any::<i64>()) {
            let image = PseudonymKey::new([9; 32]).permute_integer(n);
            prop_assert_eq!(image < 0 || (image == 0 && n <= 0), n < 0 || (image == 0 && n <= 0));
            for end in [1_i128 << 15, 1 << 31, 1 << 53] {
                prop_assert_eq!(i128::from(n).abs() < end, i128::from(image).abs() < end);
            }
        }
    }
}
