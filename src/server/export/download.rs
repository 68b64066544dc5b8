//! Downloads of a finished file: by its requester only, any number of times, until it expires.

use super::{Error, Exports, Result};
use crate::model::artifact_name::ArtifactName;
use crate::model::export::ExportId;
use crate::model::output::Output;
use crate::server::artifact::{self, ArtifactStream};
use crate::server::audit::{Actor, Event};
use crate::server::identity::Caller;
use crate::server::state::exports::{Completion, ExportState};
use crate::server::support::clock::rfc3339;

/// A finished file that the caller may download, with the values for the response headers.
#[derive(Debug)]
pub struct Download {
    pub id: ExportId,
    artifact: ArtifactName,
    pub file_name: String,
    pub output: Output,
    pub bytes: u64,
    /// Hexadecimal; used as a strong `ETag`.
    pub sha256: String,
    caller: Caller,
    /// Whether the file is removed once all of it was sent: it was made for one answer.
    is_for_one_answer: bool,
}

/// The byte range of a response, and how many bytes of it were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub first_byte: u64,
    pub last_byte: u64,
    pub bytes_sent: u64,
}

impl Download {
    /// The file is not kept once all of it was sent.
    #[must_use]
    pub fn for_one_answer(self) -> Self {
        Self { is_for_one_answer: true, ..self }
    }

    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    fn actor(&self) -> Actor<'_> {
        self.caller.actor()
    }

    fn is_whole_file(&self, first_byte: u64, last_byte: u64) -> bool {
        first_byte == 0 && last_byte + 1 >= self.bytes
    }
}

impl Exports {
    /// Finds a finished file of the caller's, whose role was read anew for this request. A demoted
    /// admin's file is removed.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `StillRunning`, `NotCompleted` or `Expired`; `State` if the state cannot be used.
    pub async fn find_download(&self, caller: &Caller, id: ExportId) -> Result<Download> {
        let row = match self.find_authorised(caller, id, "download an export").await {
            Err(Error::Forbidden(forbidden)) => {
                self.remove_artifact_of_demoted(caller, id).await?;
                return Err(forbidden.into());
            }
            found => found?,
        };
        if matches!(row.state, ExportState::Completed(_)) && row.is_expired(&rfc3339(self.clock.now())) {
            return Err(Error::Expired);
        }
        match row.state {
            ExportState::Queued | ExportState::Running => Err(Error::StillRunning),
            ExportState::Failed { .. } | ExportState::Cancelled { .. } => Err(Error::NotCompleted),
            ExportState::Completed(Completion { artifact: None, .. }) => Err(Error::Expired),
            ExportState::Completed(Completion { artifact: Some(artifact), summary }) => Ok(Download {
                id,
                artifact,
                file_name: row.file_name,
                output: Output::document(row.compression),
                bytes: summary.bytes,
                sha256: summary.sha256,
                caller: caller.clone(),
                is_for_one_answer: false,
            }),
        }
    }

    /// Opens the bytes from `first` to `last` and records the start of the download before the first of them is sent.
    /// Only a response from byte 0 counts as a download: resuming an interrupted one does not.
    ///
    /// # Errors
    /// `Expired` if the file is gone; `Artifact` if it cannot be opened; `State` if the start cannot be recorded.
    pub async fn open_download(&self, download: &Download, first: u64, last: u64) -> Result<ArtifactStream> {
        let stream = self.artifacts.open(&download.artifact, first, last).await.map_err(|error| match error {
            artifact::Error::NotFound(_) => Error::Expired,
            error => error.into(),
        })?;
        if !download.is_whole_file(first, last) {
            self.start_range(download, first).await?;
            return Ok(stream);
        }
        let mut tx = self.state.begin().await?;
        tx.exports().count_download(download.id).await?;
        self.journal.commit_about(tx, download.actor(), download.id, Event::DownloadStarted).await?;
        Ok(stream)
    }

    /// Records how much was sent, complete or not.
    ///
    /// # Errors
    /// `State` if the state cannot be written.
    pub async fn record_transfer(&self, download: &Download, transfer: Transfer) -> Result<()> {
        let Transfer { first_byte, last_byte, bytes_sent } = transfer;
        if !download.is_whole_file(first_byte, last_byte) {
            return self.end_range(download, bytes_sent).await;
        }
        let complete = bytes_sent == last_byte + 1 - first_byte;
        let event = Event::Downloaded { first_byte, last_byte, bytes_sent, complete };
        let tx = self.state.begin().await?;
        self.journal.commit_about(tx, download.actor(), download.id, event).await?;
        if complete && download.is_for_one_answer {
            let row = self.find_owned(&mut *self.state.connect().await?, &download.caller, download.id).await?;
            self.remove_artifact(&row).await?;
        }
        Ok(())
    }

    async fn remove_artifact_of_demoted(&self, caller: &Caller, id: ExportId) -> Result<()> {
        match self.find_owned(&mut *self.state.connect().await?, caller, id).await {
            Ok(row) => self.remove_artifact(&row).await,
            // What else went wrong is in the error that the caller gets.
            Err(_) => Ok(()),
        }
    }
}
