//! The command line's export: the same execution as a queued one, straight to its destination.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::delivery::{Delivered, DirectoryDelivery, FileDelivery, Opened};
use super::execution::Executed;
use super::requested_layout::requested_layout;
use super::running::RunningExport;
use super::{Destination, Error, ExportRequest, Exports, Result};
use crate::model::export::ExportSummary;
use crate::model::manifest::Metadata;
use crate::server::identity::Caller;
use crate::server::profile::LayoutOutput;
use crate::server::selection::InvalidSelection;

/// A finished export of the command line.
#[derive(Debug)]
pub struct FileExport {
    pub metadata: Metadata,
    pub summary: ExportSummary,
    /// None for standard output, a pipe or a device.
    pub path: Option<PathBuf>,
}

impl Exports {
    /// Exports to `destination`. `on_start` receives the run, to show its progress or stop it.
    ///
    /// # Errors
    /// `Forbidden`; `Output` if the destination exists or cannot be written; any error of planning, reading or recording.
    pub async fn export_to_file(
        self: &Arc<Self>,
        caller: &Caller,
        destination: Destination,
        request: ExportRequest,
        on_start: impl FnOnce(Arc<RunningExport>),
    ) -> Result<FileExport> {
        self.authorise(caller, "export").await?;
        let row = self.new_row(caller, &request);
        let opened = self.open_destination(destination, &row.file_name, &request)?;
        self.fail_abandoned().await?;
        let mut tx = self.state.begin().await?;
        self.insert(&mut *tx, caller, &row, &request).await?;
        let job = self.queue.claim_one(&mut *tx, row.id.0).await?.ok_or(Error::LeaseLost)?;
        let claimed = self.record_start(&mut *tx, job).await?.ok_or(Error::LeaseLost)?;
        tx.commit().await?;

        let running = Arc::new(RunningExport::new());
        on_start(running.clone());
        let executed = self.execute(claimed, running, move || Ok(opened)).await?;
        let Executed { metadata, summary, delivered } = executed;
        let path = if let Delivered::File(path) = delivered { Some(path) } else { None };
        Ok(FileExport { metadata, summary, path })
    }
    fn open_destination(&self, destination: Destination, name: &str, request: &ExportRequest) -> Result<Opened> {
        let Some(layout) = &request.layout else {
            check_document_name(&destination)?;
            return Ok(Opened::Document(Box::new(FileDelivery::open(destination, name)?)));
        };
        let layout = requested_layout(&self.profile, layout, &request.selection)?;
        if matches!(layout.output, LayoutOutput::Archive(_)) {
            // Before anybody adds --force.
            if layout.media.is_some() {
                self.application.open_media()?;
            }
            check_archive_name(&destination)?;
            return Ok(Opened::Document(Box::new(FileDelivery::open(destination, name)?)));
        }
        match destination {
            Destination::Folder { path, .. } => Ok(Opened::Directory(DirectoryDelivery::open(&path, name)?)),
            Destination::File { path, .. } => {
                let what = format!(
                    "{}: a layout is several files, written to a new folder: name the folder to make it in, which is \
                     created if it is missing",
                    path.display()
                );
                Err(Error::Output(what))
            }
            Destination::StandardOutput => {
                Err(Error::Output("a layout is written to a folder, not to standard output".into()))
            }
        }
    }
}

/// # Errors
/// `Selection` if the name is that of an archive.
fn check_document_name(destination: &Destination) -> Result<()> {
    match destination {
        Destination::File { path, .. }
            if !is_special(path) && has_suffix(path, &[".tar.gz", ".tgz", ".tar", ".zip"]) =>
        {
            Err(Error::Selection(InvalidSelection::no_document_name(path)))
        }
        _ => Ok(()),
    }
}

/// # Errors
/// `Selection` if the name is that of something else, or the folder is not there.
fn check_archive_name(destination: &Destination) -> Result<()> {
    let (path, fits) = match destination {
        Destination::StandardOutput => return Ok(()),
        Destination::Folder { path, .. } => (path, path.is_dir()),
        Destination::File { path, .. } => (path, is_special(path) || has_suffix(path, &[".tar.gz", ".tgz"])),
    };
    if fits { Ok(()) } else { Err(Error::Selection(InvalidSelection::no_archive_name(path))) }
}

/// Whether this is a pipe or a device.
fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|there| !there.is_file() && !there.is_dir())
}

fn has_suffix(path: &Path, suffixes: &[&str]) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    suffixes.iter().any(|suffix| name.ends_with(suffix))
}
