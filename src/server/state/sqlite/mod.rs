//! The state in one SQLite file, through sqlx.
//!
//! May import: the state's traits, `support`, `model`. Flow: `open` checks and migrates the file; `SqliteTables`, in a
//! transaction or on a connection of the pool, implements every table, one file each.

mod accounts;
mod audit;
mod export_row;
mod exports;
mod jobs;
mod numbers;
mod open;
mod second_factors;
mod sessions;
mod sources;
mod tables;

use async_trait::async_trait;
use sqlx::SqlitePool;

use super::{Result, Store, Tables, Tx};
use tables::SqliteTables;

/// The open file.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    pool: SqlitePool,
}

#[async_trait]
impl Store for SqliteStore {
    async fn begin(&self, source_id: Option<&str>) -> Result<Box<dyn Tx>> {
        let connection = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Box::new(SqliteTables { connection, source_id: source_id.map(str::to_owned) }))
    }

    async fn connect(&self, source_id: Option<&str>) -> Result<Box<dyn Tables>> {
        let connection = self.pool.acquire().await?;
        Ok(Box::new(SqliteTables { connection, source_id: source_id.map(str::to_owned) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_disk_is_forgotten_as_soon_as_there_is_space_again() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = SqliteStore::open(&folder.path().join("waybill.db")).await.unwrap();
        sqlx::query("CREATE TABLE large (bytes)").execute(&store.pool).await.unwrap();
        let mut full = store.pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
        // The limit of a connection stands for the disk's.
        sqlx::query("PRAGMA max_page_count = 1").execute(&mut *full).await.unwrap();
        let failed = sqlx::query("INSERT INTO large VALUES (zeroblob(1000000))").execute(&mut *full).await;
        assert!(failed.unwrap_err().to_string().contains("full"));
        drop(full);
        for _ in 0..8 {
            store.begin(None).await.unwrap().commit().await.unwrap();
        }
    }
}
