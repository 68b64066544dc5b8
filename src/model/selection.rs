//! What an export is asked to hold: the part of a request that decides which records leave. A scan is what is then read
//! of one table, and a profile's treatments are what happens to its values.

use serde::{Deserialize, Serialize};

use super::access::Scope;
use super::manifest::ExportType;

/// The records that an export is asked for. Stored with a run as JSON.
///
/// ```
/// use waybill::model::selection::Selection;
///
/// assert_eq!(serde_json::to_string(&Selection::WholeDatabase).unwrap(), r#"{"scope":"full"}"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "scope")]
pub enum Selection {
    /// Every record of every table that the profile exports.
    #[default]
    #[serde(rename = "full")]
    WholeDatabase,
}

impl Selection {
    /// The scope that a caller must have to export it.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::WholeDatabase => Scope::WholeDatabase,
        }
    }

    #[must_use]
    pub fn export_type(&self) -> ExportType {
        match self {
            Self::WholeDatabase => ExportType::Full,
        }
    }
}
