//! Imports a person's archive: in the same transaction as any other file, once it is a document of the importer's records.

use super::person::{ArchiveImport, CheckedArchive, Converted, remove_orphaned_media};
use super::write::{Imported, Importing};
use super::{Error, Result};
use crate::model::name::TableName;
use crate::server::profile::Layout;

impl Importing<'_> {
    pub fn import_archive(&self, archive: &CheckedArchive) -> Result<Imported> {
        let Some(person) = &self.request.person else { return Err(Error::Layout) };
        let (layout, scope) = ArchiveImport::find_layout(archive, self.profile)?;
        let import = ArchiveImport {
            archive,
            profile: self.profile,
            person: &person.id,
            mode: self.request.mode,
            import: self.id,
            folder: person.media.as_deref(),
            max_record_bytes: self.request.max_record_bytes,
        };
        let mut database = self.target.begin_lookups()?;
        let catalog = database.catalog()?;
        let converted = import.convert(&mut *database, &catalog, (&layout, &scope))?;
        drop(database);
        let _lock = if self.request.dry_run { None } else { converted.write_media()? };
        match self.import_converted(&converted, &layout) {
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

    fn import_converted(&self, converted: &Converted<'_>, layout: &Layout) -> Result<Imported> {
        let mut load = self.begin_load()?;
        let catalog = load.catalog()?;
        // All that archives of the application can have, whatever this one says: so imports of two people wait for each other.
        let known: Vec<TableName> = layout.tables().into_iter().filter(|name| catalog.table(name).is_some()).collect();
        load.lock(&known)?;
        (self.still_allowed)()?;
        converted.check_kept_media()?;
        let folder = self.request.person.as_ref().and_then(|person| person.media.as_deref());
        if let Some(folder) = folder.filter(|_| !self.request.dry_run) {
            // Nobody else imports now: what can be undone is known.
            let newest = self.target.list_kept_imports()?.pop().map(|kept| kept.id);
            remove_orphaned_media(&mut *load, layout, folder, newest.as_deref())?;
        }
        self.import(load, &converted.document, Some(converted))
    }
}
