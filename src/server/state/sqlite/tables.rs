//! The tables, over a transaction or a connection of the pool.

use std::ops::DerefMut;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnection, SqliteQueryResult};
use sqlx::{Sqlite, Transaction};

use super::super::accounts::AccountTable;
use super::super::audit::AuditTable;
use super::super::exports::ExportTable;
use super::super::jobs::JobTable;
use super::super::second_factors::SecondFactorTable;
use super::super::sessions::SessionTable;
use super::super::sources::SourceTable;
use super::super::{Result, Tables, Tx};

/// A query with its bound values.
pub type Query<'q> = sqlx::query::Query<'q, Sqlite, sqlx::sqlite::SqliteArguments>;

/// A connection, or a transaction on one.
pub trait Connection: DerefMut<Target = SqliteConnection> + Send {}

impl<C: DerefMut<Target = SqliteConnection> + Send> Connection for C {}

pub struct SqliteTables<C> {
    pub connection: C,
    pub source_id: Option<String>,
}

impl<C: Connection> SqliteTables<C> {
    pub async fn execute(&mut self, query: Query<'_>) -> Result<SqliteQueryResult> {
        Ok(query.execute(&mut *self.connection).await?)
    }
}

impl<C: Connection> Tables for SqliteTables<C> {
    fn source_id(&self) -> Option<&str> {
        self.source_id.as_deref()
    }

    fn accounts(&mut self) -> &mut dyn AccountTable {
        self
    }

    fn audit(&mut self) -> &mut dyn AuditTable {
        self
    }

    fn exports(&mut self) -> &mut dyn ExportTable {
        self
    }

    fn jobs(&mut self) -> &mut dyn JobTable {
        self
    }

    fn second_factors(&mut self) -> &mut dyn SecondFactorTable {
        self
    }

    fn sessions(&mut self) -> &mut dyn SessionTable {
        self
    }

    fn sources(&mut self) -> &mut dyn SourceTable {
        self
    }
}

#[async_trait]
impl Tx for SqliteTables<Transaction<'static, Sqlite>> {
    fn set_source(&mut self, source_id: &str) {
        self.source_id = Some(source_id.to_owned());
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        Ok(self.connection.commit().await?)
    }
}
