//! Checks UTF-8 in pieces that may be cut anywhere.

use super::check_result::CheckResult;

const NOT_UTF8: &str = "this is not UTF-8";

#[derive(Clone, Default)]
pub(super) struct Utf8Checker {
    /// The first bytes of an incomplete character.
    incomplete: Vec<u8>,
}

impl Utf8Checker {
    #[inline]
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> CheckResult {
        while !self.incomplete.is_empty() {
            let Some((&first, rest)) = bytes.split_first() else { return Ok(()) };
            self.incomplete.push(first);
            bytes = rest;
            match std::str::from_utf8(&self.incomplete) {
                Ok(_) => self.incomplete.clear(),
                Err(error) if error.error_len().is_some() => return Err(NOT_UTF8),
                Err(_) => {}
            }
        }
        match std::str::from_utf8(bytes) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_some() => Err(NOT_UTF8),
            Err(error) => {
                self.incomplete.extend_from_slice(&bytes[error.valid_up_to()..]);
                Ok(())
            }
        }
    }
}
