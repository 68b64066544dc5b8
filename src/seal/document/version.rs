//! The version of a document's format, which decides whether the rest of its metadata can be read.

use std::cmp::Ordering;

use serde::Deserialize;

use crate::model::manifest::{FORMAT_VERSION, Generator};

/// The part of the metadata that every version has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DocumentVersion {
    pub format_version: u32,
    pub generator: Option<Generator>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionStatus {
    Current,
    /// Of a later Waybill.
    Newer,
    /// Of a Waybill before the first release.
    NeverReleased,
}

impl DocumentVersion {
    /// Reads the version from the metadata's JSON; `None` if there is none.
    #[must_use]
    pub fn read(metadata: &[u8]) -> Option<Self> {
        serde_json::from_slice(metadata).ok()
    }

    #[must_use]
    pub fn status(&self) -> VersionStatus {
        match self.format_version.cmp(&FORMAT_VERSION) {
            Ordering::Greater => VersionStatus::Newer,
            Ordering::Less => VersionStatus::NeverReleased,
            Ordering::Equal => VersionStatus::Current,
        }
    }
}
