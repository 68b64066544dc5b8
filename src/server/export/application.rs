//! What the operator says of the application, besides its profile.

use std::path::PathBuf;

use super::{Error, Result};
use crate::server::selection::InvalidSelection;
use crate::server::support::blob_folder::BlobFolder;

/// The application whose data is exported.
#[derive(Clone, Debug, Default)]
pub struct Application {
    /// Its version, for the manifests of archives.
    pub version: Option<String>,
    /// The folder in which it keeps the files of its users.
    pub media_folder: Option<PathBuf>,
}

impl Application {
    /// Opens the folder of its users' files.
    ///
    /// # Errors
    /// `Selection` if it is not named, or cannot be read.
    pub(super) fn open_media(&self) -> Result<BlobFolder> {
        let Some(path) = &self.media_folder else {
            return Err(Error::Selection(InvalidSelection::no_media_folder()));
        };
        BlobFolder::open(path).map_err(|error| {
            let what =
                "the folder of the application's files cannot be read; --media takes a folder, and no link to one";
            Error::Selection(InvalidSelection(format!("{}: {what} ({error})", path.display())))
        })
    }
}
