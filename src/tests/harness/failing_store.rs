//! The real store of the state, whose commits can be made to fail, as on a full disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use waybill::server::state::accounts::AccountTable;
use waybill::server::state::audit::AuditTable;
use waybill::server::state::exports::ExportTable;
use waybill::server::state::jobs::JobTable;
use waybill::server::state::second_factors::SecondFactorTable;
use waybill::server::state::sessions::SessionTable;
use waybill::server::state::sources::SourceTable;
use waybill::server::state::sqlite::SqliteStore;
use waybill::server::state::{Error, Result, Store, Tables, Tx};

#[derive(Debug)]
pub struct FailingStore {
    pub real: SqliteStore,
    pub fails: Arc<AtomicBool>,
}

struct FailingTx {
    real: Box<dyn Tx>,
    fails: Arc<AtomicBool>,
}

#[async_trait]
impl Store for FailingStore {
    async fn begin(&self, source_id: Option<&str>) -> Result<Box<dyn Tx>> {
        Ok(Box::new(FailingTx { real: self.real.begin(source_id).await?, fails: self.fails.clone() }))
    }

    async fn connect(&self, source_id: Option<&str>) -> Result<Box<dyn Tables>> {
        self.real.connect(source_id).await
    }
}

impl Tables for FailingTx {
    fn source_id(&self) -> Option<&str> {
        self.real.source_id()
    }

    fn accounts(&mut self) -> &mut dyn AccountTable {
        self.real.accounts()
    }

    fn audit(&mut self) -> &mut dyn AuditTable {
        self.real.audit()
    }

    fn exports(&mut self) -> &mut dyn ExportTable {
        self.real.exports()
    }

    fn jobs(&mut self) -> &mut dyn JobTable {
        self.real.jobs()
    }

    fn second_factors(&mut self) -> &mut dyn SecondFactorTable {
        self.real.second_factors()
    }

    fn sessions(&mut self) -> &mut dyn SessionTable {
        self.real.sessions()
    }

    fn sources(&mut self) -> &mut dyn SourceTable {
        self.real.sources()
    }
}

#[async_trait]
impl Tx for FailingTx {
    fn set_source(&mut self, source_id: &str) {
        self.real.set_source(source_id);
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        if self.fails.load(Ordering::SeqCst) { Err(Error::Corrupt("disk")) } else { self.real.commit().await }
    }
}
