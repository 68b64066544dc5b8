//! Downloads of a finished file: by its requester only, any number of times, until it expires.

use std::fs::File;
use std::net::IpAddr;

use super::{Error, Exports, Result};
use crate::model::export::ExportId;
use crate::model::history::RunStatus;
use crate::server::audit::{self, Entry, Event};
use crate::server::identity::Caller;
use crate::server::state::exports;

/// A finished file that the caller may download, with the values for the response headers.
#[derive(Debug)]
pub struct Download {
    pub id: ExportId,
    artifact: String,
    pub file_name: String,
    pub bytes: u64,
    /// Hexadecimal; used as a strong `ETag`.
    pub sha256: String,
    pub requested_by: String,
    /// Where the request came from.
    pub network: Option<IpAddr>,
}

/// The byte range of a response, and how many bytes of it were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub first_byte: u64,
    pub last_byte: u64,
    pub bytes_sent: u64,
}

impl Exports {
    /// Finds a finished file of the caller's, whose role was read anew for this request. A demoted
    /// admin's file is removed.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `StillRunning`, `NotCompleted` or `Expired`; `State` if the state cannot be used.
    pub async fn find_download(&self, caller: &Caller, id: ExportId) -> Result<Download> {
        if let Err(error) = self.authorise(caller, "download an export").await {
            self.remove_artifact_of_demoted(caller, id).await?;
            return Err(error);
        }
        let row = self.find_owned(caller, id).await?;
        match row.status {
            RunStatus::Queued | RunStatus::Running => return Err(Error::StillRunning),
            RunStatus::Failed | RunStatus::Cancelled => return Err(Error::NotCompleted),
            RunStatus::Completed if self.is_expired(row.expires_at.as_deref()) => return Err(Error::Expired),
            RunStatus::Completed => {}
        }
        let artifact = row.artifact.ok_or(Error::Expired)?;
        Ok(Download {
            id,
            artifact,
            file_name: row.file_name,
            bytes: row.bytes.unwrap_or_default(),
            sha256: row.sha256.unwrap_or_default(),
            requested_by: caller.name.clone(),
            network: caller.client_ip,
        })
    }

    /// Opens the file and records the start of the download before the first byte is sent. Only a
    /// response from byte 0 counts as a download: resuming an interrupted one does not.
    ///
    /// # Errors
    /// `Expired` if the file is gone; `State` if the start cannot be recorded.
    pub async fn open_download(&self, download: &Download, first_byte: u64) -> Result<File> {
        let file = self.artifacts.open(&download.artifact).map_err(|_| Error::Expired)?;
        let mut tx = self.state.begin().await?;
        if first_byte == 0 {
            exports::count_download(&mut tx, download.id).await?;
        }
        let entry = self.audit_entry(&download.requested_by, Some(download.id), Event::DownloadStarted);
        let entry = Entry { network: download.network, ..entry };
        audit::append(&mut tx, &entry).await?;
        tx.commit().await?;
        Ok(file)
    }

    /// Records how much was sent, complete or not.
    ///
    /// # Errors
    /// `State` if the state cannot be written.
    pub async fn record_transfer(&self, download: &Download, transfer: Transfer) -> Result<()> {
        let complete = transfer.bytes_sent == transfer.last_byte + 1 - transfer.first_byte;
        let Transfer { first_byte, last_byte, bytes_sent } = transfer;
        let event = Event::Downloaded { first_byte, last_byte, bytes_sent, complete };
        let mut tx = self.state.begin().await?;
        let entry = self.audit_entry(&download.requested_by, Some(download.id), event);
        audit::append(&mut tx, &Entry { network: download.network, ..entry }).await?;
        Ok(tx.commit().await?)
    }

    async fn remove_artifact_of_demoted(&self, caller: &Caller, id: ExportId) -> Result<()> {
        match self.find_owned(caller, id).await {
            Ok(row) if row.artifact.is_some() => self.remove_artifact(&row).await,
            _ => Ok(()),
        }
    }
}
