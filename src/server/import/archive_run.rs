//! Imports a person's archive: in the same transaction as any other file, once it is a document of the importer's records.

use super::person::{ArchiveImport, CheckedArchive, Converted, remove_orphaned_media};
use super::write::{Imported, Importing};
use super::{Error, Result};
use crate::model::import_undo::KeptImport;
use crate::model::name::TableName;
use crate::server::profile::{Layout, ScopeProfile};
use crate::server::support::random::time_of_uuid_v7;

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
        (self.still_allowed)()?;
        let _lock = if self.request.dry_run { None } else { converted.write_media()? };
        match self.import_converted(&import, &converted, (&layout, &scope)) {
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

    /// Writes the records, once it is known that what was looked up before still holds.
    fn import_converted(
        &self,
        import: &ArchiveImport<'_>,
        converted: &Converted<'_>,
        (layout, scope): (&Layout, &ScopeProfile),
    ) -> Result<Imported> {
        let mut load = self.begin_load()?;
        let catalog = load.catalog()?;
        // All that archives of the application can have, whatever this one says: so imports of two people wait for each other.
        let known: Vec<TableName> = layout.tables().into_iter().filter(|name| catalog.table(name).is_some()).collect();
        load.lock(&known)?;
        (self.still_allowed)()?;
        if !self.request.dry_run {
            // Nobody else imports now: what can be undone is known.
            let kept = self.target.list_kept_imports()?;
            self.check_order(&kept)?;
            if let Some(folder) = import.folder {
                remove_orphaned_media(&mut *load, layout, folder, kept.last().map(|kept| kept.id.as_str()))?;
            }
            converted.check(&mut *load, import, scope)?;
        }
        self.import(load, &converted.document, Some(&converted.about))
    }

    /// What is undone first is told by the ids of imports, and this one has had its own since before the archive was read. Imports into
    /// the data of others have no row in common with it.
    pub fn check_order(&self, kept: &[KeptImport]) -> Result<()> {
        let person = self.request.person.as_ref().map(|person| &person.id);
        let begun = time_of_uuid_v7(self.id);
        let is_newer = |kept: &KeptImport| {
            time_of_uuid_v7(&kept.id) > begun && kept.person.as_ref().is_none_or(|other| Some(other) == person)
        };
        if kept.iter().any(is_newer) {
            let other = "another import came first while the archive was read: import it again";
            return Err(Error::Refused(vec![other.to_owned()]));
        }
        Ok(())
    }
}
