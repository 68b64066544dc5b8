//! People import archives into their own data. Whose data that is, the caller says, and nothing that they send.

use std::fs::File;
use std::sync::Arc;

use chrono::TimeDelta;

use super::upload::check_id;
use super::write::Imported;
use super::{Error, ImportRequest, Imports, PersonRequest, Result, StillAllowed, Upload, UploadSlot, blocking};
use crate::model::access::{Grant, Scope};
use crate::model::import::{ImportMode, TableEffect};
use crate::model::import_undo::{KeptImport, UndoReport};
use crate::model::own_import::{ModePreview, OwnImportPageData, OwnImportPreview, OwnImportResult};
use crate::server::identity::{self, Caller};
use crate::server::source::UndoRequest;
use crate::server::support::blob_folder::BlobFolder;
use crate::server::support::random::time_of_uuid_v7;

/// What each import of a person has replaced is kept for a day, and so are its files.
const MAX_KEPT_IMPORTS: usize = 20;

/// Of the records of people, one at a time is in memory, several times.
const MAX_RECORD_BYTES: usize = 64 << 20;
const MODES: [ImportMode; 3] = [ImportMode::Merge, ImportMode::Copy, ImportMode::Replace];

/// An import that was done: what it did, and the ids that records have got, as CSV.
pub struct OwnImport {
    pub result: OwnImportResult,
    pub ids: Option<File>,
}

impl Imports {
    /// What the page shows when it is opened.
    ///
    /// # Errors
    /// `Forbidden`; `Target` if the database cannot be read.
    pub async fn open_own_page(self: &Arc<Self>, caller: &Caller) -> Result<OwnImportPageData> {
        let person = self.own_id(caller, "import into their own data").await?;
        Ok(OwnImportPageData {
            is_on: true,
            max_upload_bytes: self.own_uploads.max_bytes,
            kept: self.kept_of(person).await?,
        })
    }

    /// Begins to receive an archive, of this size if it is known.
    ///
    /// # Errors
    /// `Forbidden`; `Busy` while another one of theirs, or too many of others, are received or imported; `TooLarge`; `Upload` if it
    /// cannot be kept.
    pub async fn begin_own_upload(&self, caller: &Caller, bytes: Option<u64>) -> Result<Upload> {
        let person = self.own_id(caller, "send an archive of their own data").await?;
        self.own_uploads.begin(bytes, Some(&person))
    }

    /// What an import of the archive would do, in each mode. Nothing is written.
    ///
    /// # Errors
    /// `Forbidden`; `NotIntact`, `InvalidArchive` or `Refused` if no mode can import it; `Target` if the database cannot be read.
    pub async fn preview_own_data(self: &Arc<Self>, caller: &Caller, file: File) -> Result<OwnImportPreview> {
        let person = self.own_id(caller, "preview an import into their own data").await?;
        let mut preview: Option<OwnImportPreview> = None;
        for mode in MODES {
            let request = ImportRequest { dry_run: true, ..self.own_request(&person, mode, None)? };
            let run = self.run(caller, file.try_clone()?, &request, Box::new(|| Ok(())), |_| ()).await;
            let planned = match run {
                Ok(Imported { report, plan, .. }) => {
                    let head = plan.map(|(head, _)| head).ok_or(Error::NoPlan)?;
                    preview.get_or_insert_with(|| OwnImportPreview {
                        exported_at: report.exported_at.clone(),
                        records: report.records,
                        is_own: report.is_own,
                        modes: Vec::new(),
                    });
                    let is_open = !report.conflicts.is_empty();
                    ModePreview {
                        mode,
                        plan: Some(head.hash).filter(|_| !is_open),
                        effect: report.effect(),
                        tables: report.tables,
                        notes: report.notes,
                        findings: report.conflicts,
                    }
                }
                // Of the archive, or of what all modes do: there is nothing to choose.
                Err(error) if !matches!(error, Error::Refused(_) | Error::Target(_)) => return Err(error),
                Err(error) if preview.is_none() => return Err(error),
                Err(error) => ModePreview {
                    mode,
                    plan: None,
                    effect: TableEffect::default(),
                    tables: Vec::new(),
                    notes: Vec::new(),
                    findings: error.sentences(),
                },
            };
            if let Some(preview) = &mut preview {
                preview.modes.push(planned);
            }
        }
        preview.ok_or(Error::NoPlan)
    }

    /// What an import of the archive would do to each record, in one mode: a sealed plan, in `out`. Nothing else is written.
    ///
    /// # Errors
    /// As `preview_own_data`.
    pub async fn plan_own_data(
        self: &Arc<Self>,
        caller: &Caller,
        file: File,
        mode: ImportMode,
        out: File,
    ) -> Result<File> {
        let person = self.own_id(caller, "plan an import into their own data").await?;
        let request = ImportRequest { dry_run: true, ..self.own_request(&person, mode, None)? };
        let imported = self.run(caller, file, &request, Box::new(|| Ok(())), |_| ()).await?;
        self.write_planned(caller, imported, out).await
    }

    /// Imports the archive into the caller's data, all of it or nothing. With a plan's hash, only if that is what happens.
    ///
    /// # Errors
    /// As `import_file`.
    pub async fn import_own_data(
        self: &Arc<Self>,
        caller: &Caller,
        file: File,
        (mode, plan): (ImportMode, Option<String>),
        still_allowed: StillAllowed,
    ) -> Result<OwnImport> {
        let person = self.own_id(caller, "import into their own data").await?;
        self.check_quota(&person).await?;
        let request = self.own_request(&person, mode, plan)?;
        let Imported { report, id_changes, .. } = self.run(caller, file, &request, still_allowed, |_| ()).await?;
        let new_ids = id_changes.as_ref().map_or(0, |changes| changes.changes);
        let result = OwnImportResult {
            mode,
            effect: report.effect(),
            tables: report.tables,
            notes: report.notes,
            undo: report.undo,
            new_ids,
        };
        // It is done, whatever becomes of the list.
        let ids = id_changes.and_then(|changes| {
            let csv = changes.into_csv();
            csv.inspect_err(|error| tracing::error!(%error, "the ids of an import could not be listed")).ok()
        });
        Ok(OwnImport { result, ids })
    }

    /// Takes back an import into the caller's data.
    ///
    /// # Errors
    /// `Forbidden`; `NoSuchImport` if there is none of theirs; `Busy`; otherwise as `undo`.
    pub async fn undo_own_data(self: &Arc<Self>, caller: &Caller, request: UndoRequest) -> Result<UndoReport> {
        let person = self.own_id(caller, "undo an import into their own data").await?;
        check_id(&request.import)?;
        let _slot: UploadSlot = self.own_uploads.take_undo_slot(&person).await?;
        if !self.kept_of(person).await?.iter().any(|kept| kept.id == request.import) {
            return Err(Error::NoSuchImport);
        }
        self.run_undo(caller, request).await
    }

    /// # Errors
    /// `Refused` if as many imports of theirs are kept as may be.
    async fn check_quota(self: &Arc<Self>, person: &str) -> Result<()> {
        let day_ago = self.clock.now() - TimeDelta::days(1);
        let is_recent = |kept: &KeptImport| time_of_uuid_v7(&kept.id).is_some_and(|at| at > day_ago);
        let recent = self.kept_of(person.to_owned()).await?.iter().filter(|kept| is_recent(kept)).count();
        if recent < MAX_KEPT_IMPORTS {
            return Ok(());
        }
        let full = format!(
            "{recent} imports of the last day can still be undone, and no more are kept: undo one, or wait for tomorrow"
        );
        Err(Error::Refused(vec![full]))
    }

    async fn kept_of(self: &Arc<Self>, person: String) -> Result<Vec<KeptImport>> {
        let imports = self.clone();
        let mut kept = blocking(move || Ok(imports.target.list_kept_imports()?)).await?;
        kept.retain(|kept| kept.person.as_ref() == Some(&person));
        Ok(kept)
    }

    fn own_request(&self, person: &str, mode: ImportMode, plan: Option<String>) -> Result<ImportRequest> {
        let media = self.media_folder.as_ref().map(|path| BlobFolder::open(path)).transpose().map_err(Error::Media)?;
        let person = PersonRequest { id: person.to_owned(), media: media.map(Arc::new) };
        Ok(ImportRequest {
            mode,
            // Whoever has made it: nothing that it says of its owner counts.
            accept_unsigned: true,
            max_record_bytes: Some(MAX_RECORD_BYTES),
            person: Some(person),
            expected_plan: plan.map(|hash| super::ExpectedPlan::Hash(hash.to_ascii_lowercase())),
            ..ImportRequest::default()
        })
    }

    /// The id of the person that the caller is.
    async fn own_id(&self, caller: &Caller, action: &str) -> Result<String> {
        let id = caller.account_id().unwrap_or_default().to_owned();
        let Grant { capability, scope } = Grant::to_import_own_data(id.clone());
        identity::authorise::<Error>(&self.journal, caller, capability, &scope, action).await?;
        Ok(id)
    }
}

/// What a caller needs to import into their own data.
#[must_use]
pub fn own_scope(caller: &Caller) -> Scope {
    Grant::to_import_own_data(caller.account_id().unwrap_or_default().to_owned()).scope
}
