//! The name of an export's file.

use chrono::{DateTime, Utc};

use crate::model::output::{Compression, Output};
use crate::server::profile::Profile;

/// The profile's file name with its date and time filled in, both UTC.
#[must_use]
pub fn file_name(profile: &Profile, at: DateTime<Utc>, compression: Compression) -> String {
    let date = at.format("%Y-%m-%d").to_string();
    let name = profile.file_name.replace("{date}", &date).replace("{time}", &at.format("%H%M").to_string());
    Output::document(compression).file_name(&name)
}
