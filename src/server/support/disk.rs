//! How much room there is.

use std::io;
use std::path::Path;

/// Bytes that this process may still write to the file system of `folder`.
///
/// # Errors
/// When the folder is not there.
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    fs4::available_space(folder)
}
