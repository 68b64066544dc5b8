//! Imports a person's archive: in the same transaction as any other file, once it is a document of the importer's records.

use super::person::{ArchiveImport, CheckedArchive, remove_orphaned_media};
use super::write::{Imported, Importing};
use super::{Error, Result};
use crate::model::name::TableName;

impl Importing<'_> {
    pub fn import_archive(&self, archive: &CheckedArchive) -> Result<Imported> {
        let Some(person) = &self.request.person else { return Err(Error::Layout) };
        let (layout, scope) = ArchiveImport::find_layout(archive, self.profile)?;
        let mut load = self.begin_load()?;
        let folder = person.media.as_deref();
        let import = ArchiveImport {
            archive,
            profile: self.profile,
            person: &person.id,
            mode: self.request.mode,
            import: self.id,
            folder,
            max_record_bytes: self.request.max_record_bytes,
        };
        let catalog = load.catalog()?;
        // All that archives of the application can have, whatever this one says: so imports of two people wait for each other.
        let known: Vec<TableName> = layout.tables().into_iter().filter(|name| catalog.table(name).is_some()).collect();
        load.lock(&known)?;
        (self.still_allowed)()?;
        let catalog = load.catalog()?;
        let converted = import.convert(&mut *load, &catalog, (&layout, &scope))?;
        if let Some(folder) = folder.filter(|_| !self.request.dry_run) {
            // Nobody else imports now: what can be undone is known.
            let newest = self.target.list_kept_imports()?.pop().map(|kept| kept.id);
            remove_orphaned_media(&mut *load, &layout, folder, newest.as_deref())?;
        }
        match self.import(load, &converted.document, Some(&converted)) {
            Ok(Imported { mut report, plan, .. }) => {
                report.is_own = import.is_own();
                Ok(Imported { report, plan, id_changes: Some(converted.id_changes) })
            }
            Err(error) => {
                // Whether the records are there is not known: their files stay.
                if !error.leaves_doubt() {
                    converted.remove_media();
                }
                Err(error)
            }
        }
    }
}
