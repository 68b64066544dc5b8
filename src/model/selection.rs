//! What an export is asked to hold: the part of a request that decides which records leave. A scan is what is then read
//! of one table, and a profile's treatments are what happens to its values.

use serde::{Deserialize, Serialize};

use super::manifest::ExportType;

/// The records that an export is asked for. Stored with a run as JSON.
///
/// ```
/// use waybill::model::selection::Selection;
///
/// assert_eq!(serde_json::to_string(&Selection::WholeDatabase).unwrap(), r#"{"scope":"full"}"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "scope")]
pub enum Selection {
    /// Every record of every table that the profile exports.
    #[default]
    #[serde(rename = "full")]
    WholeDatabase,
}

impl Selection {
    /// The word for the selection in history and audit trail.
    #[must_use]
    pub fn scope(&self) -> &'static str {
        match self {
            Self::WholeDatabase => "full",
        }
    }

    #[must_use]
    pub fn export_type(&self) -> ExportType {
        match self {
            Self::WholeDatabase => ExportType::Full,
        }
    }
}
