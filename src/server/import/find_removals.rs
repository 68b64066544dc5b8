//! Finds what a replacement removes.

use std::collections::BTreeMap;

use super::check_file::CheckedFile;
use super::removal::{Removals, read_selection};
use super::write::Importing;
use super::{Error, Result};
use crate::model::export::DriftPolicy;
use crate::model::import::ImportMode;
use crate::model::manifest::{Metadata, RecordOrder};
use crate::model::selection::Selection;
use crate::server::profile::{self, Origin, Profile};
use crate::server::rows::Catalog;
use crate::server::selection::{self, find_replaceable};
use crate::server::source::Load;

impl Importing<'_> {
    /// Finds what is removed, in tables that are locked.
    ///
    /// # Errors
    /// `Refused` if it cannot be told what the file would have if it were in the database.
    pub fn removals(
        &self,
        load: &mut dyn Load,
        (file, metadata): (&CheckedFile, &Metadata),
        catalog: &Catalog,
    ) -> Result<Option<Removals>> {
        if self.request.mode != ImportMode::Replace {
            return Ok(None);
        }
        if let Some(person) = &self.request.person {
            return Ok(Some(Removals::OfOwner(person.id.clone())));
        }
        if self.request.part.is_some() {
            return Err(Error::refused("mode replace is about the whole file: leave --table away, or use mode merge"));
        }
        let selection = read_selection(metadata)?;
        if selection.is_whole_database() {
            return Ok(Some(Removals::All));
        }
        if metadata.selected_records.iter().any(|(_, selected)| selected.emptied_references.is_none()) {
            return Err(Error::refused(
                "the file was made by an older version, which does not say which references it has emptied: export the part again, or use \
                 mode merge",
            ));
        }
        let profile = self.profile_of(&selection, metadata, catalog)?;
        let selection = self.with_keys(file, selection, &profile, catalog)?;
        let planned = profile.plan_tables(catalog, RecordOrder::Storage, DriftPolicy::Report);
        let planned = planned.map_err(|error| Error::refused(&error.to_string()))?;
        // Whose a record is, tables may say that the file does not have.
        load.lock(&planned.tables.iter().map(|table| table.scan.table.clone()).collect::<Vec<_>>())?;
        let found = find_replaceable(&planned, catalog, &profile, load, &selection);
        let part = found.map_err(|error| match error {
            selection::Error::Invalid(invalid) => Error::refused(&format!(
                "what the file's selection names here cannot be told: {invalid}; mode merge brings its records back without removing any"
            )),
            error @ selection::Error::Source(_) => error.into(),
        })?;
        Ok(Some(Removals::OfPart { selection, part: Box::new(part) }))
    }

    /// The profile by which the selection was made. Of tables alone, any profile tells the records.
    fn profile_of(&self, selection: &Selection, metadata: &Metadata, catalog: &Catalog) -> Result<Profile> {
        let has_filters = selection.scope().is_some() || !selection.filters.is_empty();
        let made_by = &metadata.source.profile;
        let is_other = self.profile.origin == Origin::Guess || *made_by != self.profile.name;
        if has_filters && is_other {
            return Err(Error::refused(&format!(
                "what of a database the file holds, the profile {made_by} says, and this is {}: give that one with --profile",
                self.profile.name
            )));
        }
        Ok(match self.profile.origin {
            Origin::Guess => profile::draft(&self.profile.name, catalog, &BTreeMap::new()).into_profile(),
            Origin::BuiltIn | Origin::File(_) => self.profile.clone(),
        })
    }
}
