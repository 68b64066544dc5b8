//! The accounts table.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, query, query_as, query_scalar};

use super::super::Result;
use super::super::accounts::{AccountTable, LocalAccount};
use super::tables::{Connection, SqliteTables};

const SELECT: &str = "SELECT id, name, password_hash, created_at, disabled_at FROM accounts WHERE source_id IS ?";

#[async_trait]
impl<C: Connection> AccountTable for SqliteTables<C> {
    async fn find(&mut self, id: &str) -> Result<Option<LocalAccount>> {
        let sql = AssertSqlSafe(format!("{SELECT} AND id = ?"));
        Ok(query_as(sql).bind(&self.source_id).bind(id).fetch_optional(&mut *self.connection).await?)
    }

    async fn find_by_name(&mut self, name: &str) -> Result<Option<LocalAccount>> {
        let sql = AssertSqlSafe(format!("{SELECT} AND name = ?"));
        Ok(query_as(sql).bind(&self.source_id).bind(name).fetch_optional(&mut *self.connection).await?)
    }

    async fn all(&mut self) -> Result<Vec<LocalAccount>> {
        let sql = AssertSqlSafe(format!("{SELECT} ORDER BY name"));
        Ok(query_as(sql).bind(&self.source_id).fetch_all(&mut *self.connection).await?)
    }

    async fn exist(&mut self) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM accounts WHERE source_id IS ?)";
        Ok(query_scalar(sql).bind(&self.source_id).fetch_one(&mut *self.connection).await?)
    }

    async fn insert(&mut self, account: &LocalAccount) -> Result<()> {
        let sql = "INSERT INTO accounts (id, source_id, name, password_hash, created_at) VALUES (?, ?, ?, ?, ?)";
        query(sql)
            .bind(&account.id)
            .bind(&self.source_id)
            .bind(&account.name)
            .bind(&account.password_hash)
            .bind(&account.created_at)
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    async fn set_password(&mut self, id: &str, password_hash: &str) -> Result<bool> {
        let sql = "UPDATE accounts SET password_hash = ? WHERE source_id IS ? AND id = ?";
        let source_id = self.source_id.clone();
        let done = self.execute(query(sql).bind(password_hash).bind(source_id).bind(id)).await?;
        Ok(done.rows_affected() == 1)
    }

    async fn set_disabled(&mut self, id: &str, disabled_at: Option<&str>) -> Result<()> {
        let sql = "UPDATE accounts SET disabled_at = ? WHERE source_id IS ? AND id = ?";
        let source_id = self.source_id.clone();
        self.execute(query(sql).bind(disabled_at).bind(source_id).bind(id)).await.map(drop)
    }

    async fn remove(&mut self, id: &str) -> Result<()> {
        let source_id = self.source_id.clone();
        let query = query("DELETE FROM accounts WHERE source_id IS ? AND id = ?").bind(source_id).bind(id);
        self.execute(query).await.map(drop)
    }

    async fn adopt(&mut self) -> Result<u64> {
        let sql = "UPDATE OR IGNORE accounts SET source_id = ? WHERE source_id IS NULL";
        let source_id = self.source_id.clone();
        Ok(self.execute(query(sql).bind(source_id)).await?.rows_affected())
    }
}
