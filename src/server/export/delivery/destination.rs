//! Destinations of the command line.

use std::path::PathBuf;

/// Where an export is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    StandardOutput,
    /// A file that appears under its name only when it is complete.
    File {
        path: PathBuf,
        /// Whether an existing file may be replaced.
        replace: bool,
    },
    /// A folder; the profile names the file.
    Folder {
        path: PathBuf,
        replace: bool,
    },
}
