//! SHA-256 (FIPS 180-4) that can be read off while it runs.

use sha2::{Digest, Sha256};

/// A hash over everything fed so far.
#[derive(Clone, Default)]
pub struct RunningHash(Sha256);

impl RunningHash {
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest as it stands now, in lower-case hexadecimal.
    #[must_use]
    pub fn hex(&self) -> String {
        use std::fmt::Write;
        self.0.clone().finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}
