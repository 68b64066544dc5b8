//! What owners of organisations see of them.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::export::ExportId;
use super::history::HistoryEntry;
use super::preview::SizeEstimate;
use super::route::ORGANIZATION_EXPORT;

/// The page of an owner.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OrganizationPage {
    /// Those that the owner owns.
    pub organizations: Vec<Organization>,
    /// The one that is shown; `None` until one of several is chosen.
    pub chosen: Option<OrganizationPreview>,
    /// The caller's export of it that is not finished.
    pub run: Option<ExportId>,
    /// The newest exports of the one that is shown, whoever requested them.
    pub history: Vec<HistoryEntry>,
    /// Why there is nothing to show.
    pub problem: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    pub id: String,
    /// In one line; the id where it has no name.
    pub name: String,
}

impl Organization {
    /// The address of its page.
    ///
    /// ```
    /// use waybill::model::organization::Organization;
    ///
    /// assert_eq!(Organization::page_of("a/b c"), "/admin/organization/export?organization=a%2Fb%20c");
    /// ```
    #[must_use]
    pub fn page_of(id: &str) -> String {
        format!("{ORGANIZATION_EXPORT}?organization={}", utf8_percent_encode(id, NON_ALPHANUMERIC))
    }
}

/// What an export of an organisation would hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OrganizationPreview {
    pub organization: Organization,
    /// What is counted, in words, and how many there are; `None` while they are counted.
    pub counts: Vec<(String, Option<u64>)>,
    pub records: Option<u64>,
    pub size: Option<SizeEstimate>,
    /// Such as "3,112 direct messages of 48 people".
    pub contains: Option<String>,
    /// What stays outside, one line per table and reason.
    pub outside: Vec<String>,
    /// Tables that are not in the export, with the reason.
    pub left_out: Vec<String>,
    pub file_name: String,
    /// False while something is still being counted.
    pub settled: bool,
    pub failure: Option<String>,
}
