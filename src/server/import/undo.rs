//! Takes back what an import has done.

use std::sync::Arc;

use super::{Error, Imports, MAX_REASON_CHARS, Result, blocking};
use crate::model::access::{Capability, Scope};
use crate::model::import_undo::{KeptImport, UndoReport};
use crate::model::text;
use crate::server::audit::Event;
use crate::server::identity::{self, Caller};
use crate::server::source::{Kind, Purpose, UndoRequest};

impl Imports {
    /// The imports that can be undone, the oldest first.
    ///
    /// # Errors
    /// `Forbidden`; `Target` if the database cannot be read.
    pub async fn list_kept(self: &Arc<Self>, caller: &Caller) -> Result<Vec<KeptImport>> {
        let (capability, scope) = (Capability::ImportDatabase, Scope::WholeDatabase);
        identity::authorise::<Error>(&self.journal, caller, capability, &scope, "list imports").await?;
        let imports = self.clone();
        blocking(move || Ok(imports.target.list_kept_imports()?)).await
    }

    /// Takes back what an import has done, all of it or nothing.
    ///
    /// # Errors
    /// `Forbidden`; `Target` if there is no such import, or the database does not allow it; `Uncertain` if the connection broke at
    /// the very end.
    pub async fn undo(self: &Arc<Self>, caller: &Caller, request: UndoRequest) -> Result<UndoReport> {
        let (capability, scope) = (Capability::ImportDatabase, Scope::WholeDatabase);
        identity::authorise::<Error>(&self.journal, caller, capability, &scope, "undo an import").await?;
        self.run_undo(caller, request).await
    }

    /// Takes back an import that the caller may take back, and records how that ends.
    pub(super) async fn run_undo(self: &Arc<Self>, caller: &Caller, request: UndoRequest) -> Result<UndoReport> {
        let (import, is_written) = (request.import.clone(), request.purpose == Purpose::Write);
        let _running = is_written.then(|| self.running.begin(self.work_of(caller, true)));
        if is_written {
            self.record(caller, Event::ImportUndoStarted { import: import.clone() }).await?;
        }
        let imports = self.clone();
        let undone = blocking(move || {
            imports.target.undo(&request).map_err(|error| match error.kind {
                Kind::Uncertain => Error::Uncertain(error),
                _ => Error::Undo(error),
            })
        });
        let undone = undone.await;
        if !is_written {
            return undone;
        }
        let event = match &undone {
            Ok(UndoReport { tables, .. }) => Event::ImportUndone {
                import,
                removed: tables.iter().map(|table| table.removed).sum(),
                restored: tables.iter().map(|table| table.restored).sum(),
                returned: tables.iter().map(|table| table.returned).sum(),
                changed_since: tables.iter().map(|table| table.changed_since).sum(),
            },
            Err(error) => {
                Event::ImportUndoFailed { import, reason: text::shortened(&error.to_string(), MAX_REASON_CHARS) }
            }
        };
        match self.record(caller, event).await {
            Ok(()) => undone,
            Err(error) => {
                tracing::error!(%error, "the end of an undo could not be recorded");
                undone.and_then(|_| Err(Error::NotRecorded(error)))
            }
        }
    }
}
