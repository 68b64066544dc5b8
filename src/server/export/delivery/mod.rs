//! Where an export's bytes go: an artefact for downloads, or a destination of the command line.
//!
//! May import: as `export`. Flow: `execute` opens a delivery, writes the sealed file to it, and finishes it once the file
//! is complete; one that is dropped before leaves nothing behind.

mod artifact;
mod destination;
mod directory;
mod file;
mod temporary_files;

use std::io::Write;
use std::path::PathBuf;

use super::Result;
use crate::model::artifact_name::ArtifactName;

pub(super) use artifact::ArtifactDelivery;
pub use destination::Destination;
pub(super) use directory::DirectoryDelivery;
pub(super) use file::FileDelivery;

/// Takes the bytes of one export.
pub(super) trait Delivery: Write + Send {
    /// Makes the complete file durable and available. Blocks.
    ///
    /// # Errors
    /// `Artifact` or `Output`; nothing is left behind then.
    fn finish(self: Box<Self>) -> Result<Delivered>;
}

/// What an export is written to.
pub(super) enum Opened {
    Document(Box<dyn Delivery>),
    Directory(DirectoryDelivery),
}

impl Opened {
    /// Makes what was written durable and available. Blocks.
    ///
    /// # Errors
    /// As `Delivery::finish`.
    pub fn finish(self) -> Result<Delivered> {
        match self {
            Self::Document(delivery) => delivery.finish(),
            Self::Directory(directory) => directory.finish(),
        }
    }
}

/// Where a complete file is.
#[derive(Debug)]
pub(super) enum Delivered {
    Artifact(ArtifactName),
    /// A file, or a folder.
    File(PathBuf),
    /// Standard output, a pipe or a device.
    Stream,
}

impl Delivered {
    /// The name of the artefact, if it is one.
    pub fn artifact(&self) -> Option<&ArtifactName> {
        if let Self::Artifact(name) = self { Some(name) } else { None }
    }
}
