//! Imports over the page: off until the server is given a database to write to.

use std::sync::Arc;

use super::{Error, Imports, Result, own_scope};
use crate::model::access::{Capability, Scope};
use crate::model::import_page::ImportPageData;
use crate::model::own_import::OwnImportPageData;
use crate::server::audit::Journal;
use crate::server::identity::{self, Caller};

pub struct ImportPage {
    /// Nothing if imports are off.
    pub imports: Option<Arc<Imports>>,
    pub journal: Journal,
}

impl ImportPage {
    /// What the page shows on which people import into their own data.
    ///
    /// # Errors
    /// `Forbidden`; `Target` if the database cannot be read.
    pub async fn open_own(&self, caller: &Caller) -> Result<OwnImportPageData> {
        let (capability, scope) = (Capability::ImportOwnData, own_scope(caller));
        identity::authorise::<Error>(&self.journal, caller, capability, &scope, "import into their own data").await?;
        match &self.imports {
            Some(imports) => imports.open_own_page(caller).await,
            None => Ok(OwnImportPageData::default()),
        }
    }

    /// What the page shows when it is opened.
    ///
    /// # Errors
    /// `Forbidden`; `Target` if the database cannot be read.
    pub async fn open(&self, caller: &Caller) -> Result<ImportPageData> {
        let (capability, scope) = (Capability::ImportDatabase, Scope::WholeDatabase);
        identity::authorise::<Error>(&self.journal, caller, capability, &scope, "open the import page").await?;
        let Some(imports) = &self.imports else { return Ok(ImportPageData::default()) };
        Ok(ImportPageData {
            is_on: true,
            target: imports.target_name.clone(),
            running: imports.running.list(),
            max_upload_bytes: imports.uploads.max_bytes,
            kept: imports.list_kept(caller).await?,
        })
    }
}
