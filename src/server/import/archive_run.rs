//! Imports a person's archive: in the same transaction as any other file, once it is a document of the importer's records.

use super::person::{ArchiveImport, CheckedArchive, remove_orphaned_media};
use super::write::{Imported, Importing};
use super::{Error, Result};
use crate::model::name::TableName;

impl Importing<'_> {
    pub fn import_archive(&self, archive: &CheckedArchive) -> Result<Imported> {
        let Some(person) = &self.request.person else { return Err(Error::Layout) };
        let (layout, scope) = ArchiveImport::find_layout(archive, self.profile)?;
        let kept = if self.request.dry_run { Vec::new() } else { self.target.list_kept_imports()? };
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
        let known: Vec<TableName> = import.tables().filter(|name| catalog.table(name).is_some()).cloned().collect();
        load.lock(&known)?;
        (self.still_allowed)()?;
        let catalog = load.catalog()?;
        if let Some(folder) = folder.filter(|_| !self.request.dry_run) {
            remove_orphaned_media(&mut *load, &layout, folder, kept.last().map(|kept| kept.id.as_str()))?;
        }
        let converted = import.convert(&mut *load, &catalog, (&layout, &scope))?;
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
