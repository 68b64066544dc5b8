//! The name of an export's file.

use chrono::{DateTime, Utc};

use crate::model::output::{Compression, Output};
use crate::model::selection::Selection;
use crate::server::profile::{Layout, LayoutOutput, Profile};

/// The name of a layout's folder or archive, with its time filled in, UTC.
#[must_use]
pub fn layout_name(layout: &Layout, at: DateTime<Utc>) -> String {
    let (LayoutOutput::Directory(name) | LayoutOutput::Archive(name)) = &layout.output;
    let timestamp = at.format("%Y-%m-%dT%H-%M-%SZ").to_string();
    name.replace("{timestamp}", &timestamp).replace("{date}", &at.format("%Y-%m-%d").to_string())
}

/// The name of one file with all documents of a layout.
#[must_use]
pub fn layout_file_name(layout: &Layout, at: DateTime<Utc>) -> String {
    match layout.output {
        LayoutOutput::Directory(_) => format!("{}.json", layout_name(layout, at)),
        LayoutOutput::Archive(_) => layout_name(layout, at),
    }
}

/// The profile's file name with its date and time filled in, both UTC. A part is named after what it was chosen by; the values
/// are in the file, and may be names of people.
#[must_use]
pub fn file_name(profile: &Profile, selection: &Selection, at: DateTime<Utc>, compression: Compression) -> String {
    let date = at.format("%Y-%m-%d").to_string();
    let name = profile.file_name.replace("{date}", &date).replace("{time}", &at.format("%H%M").to_string());
    let applied = selection.applied();
    let chosen_by: String = applied.iter().flat_map(|(name, _)| ["-", name.as_str()]).collect();
    let name = match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}{chosen_by}.{extension}"),
        None => name + &chosen_by,
    };
    Output::document(compression).file_name(&name)
}
