//! What people see of imports into their own data.

use serde::{Deserialize, Serialize};

use super::import::{ImportMode, TableEffect, TableReport};
use super::import_undo::KeptImport;

/// What the page shows when it is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnImportPageData {
    /// Whether the server was given a database to write to.
    pub is_on: bool,
    /// The largest file that is taken.
    pub max_upload_bytes: u64,
    /// The caller's imports that can be undone, the oldest first.
    pub kept: Vec<KeptImport>,
}

/// What an archive would do to the caller's data, in each mode. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnImportPreview {
    /// RFC 3339, UTC.
    pub exported_at: String,
    pub records: u64,
    /// Whether this installation has made it of the caller's own data.
    pub is_own: bool,
    pub modes: Vec<ModePreview>,
}

/// What an import would do in one mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModePreview {
    pub mode: ImportMode,
    /// By which an import can be asked to do exactly this; nothing if it cannot be done.
    pub plan: Option<String>,
    pub effect: TableEffect,
    pub tables: Vec<TableReport>,
    /// Worth knowing, one sentence each.
    pub notes: Vec<String>,
    /// Why it cannot be done, one sentence each, with the place in the archive.
    pub findings: Vec<String>,
}

/// What an import has done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnImportResult {
    pub mode: ImportMode,
    pub effect: TableEffect,
    pub tables: Vec<TableReport>,
    pub notes: Vec<String>,
    /// The id by which the import can be undone, if it can.
    pub undo: Option<String>,
    /// How many records have another id than in the archive.
    pub new_ids: u64,
}
