//! The sessions table.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, query, query_as};

use super::super::Result;
use super::super::sessions::{Session, SessionTable};
use super::tables::{Connection, SqliteTables};

const SELECT: &str = "SELECT token_sha256, account_id, email, created_at, last_seen_at, network, credential_sha256, \
                      awaits_code FROM sessions WHERE source_id IS ?";

#[async_trait]
impl<C: Connection> SessionTable for SqliteTables<C> {
    async fn find(&mut self, token_sha256: &str) -> Result<Option<Session>> {
        let sql = AssertSqlSafe(format!("{SELECT} AND token_sha256 = ?"));
        Ok(query_as(sql).bind(&self.source_id).bind(token_sha256).fetch_optional(&mut *self.connection).await?)
    }

    async fn all(&mut self) -> Result<Vec<Session>> {
        let sql = AssertSqlSafe(format!("{SELECT} ORDER BY last_seen_at DESC"));
        Ok(query_as(sql).bind(&self.source_id).fetch_all(&mut *self.connection).await?)
    }

    async fn insert(&mut self, session: &Session) -> Result<()> {
        let sql = "INSERT INTO sessions (source_id, token_sha256, account_id, email, created_at, last_seen_at, \
                   network, credential_sha256, awaits_code) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
        query(sql)
            .bind(&self.source_id)
            .bind(&session.token_sha256)
            .bind(&session.account_id)
            .bind(&session.email)
            .bind(&session.created_at)
            .bind(&session.last_seen_at)
            .bind(&session.network)
            .bind(&session.credential_sha256)
            .bind(session.awaits_code)
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    async fn touch(&mut self, token_sha256: &str, now: &str) -> Result<()> {
        let sql = "UPDATE sessions SET last_seen_at = ? WHERE source_id IS ? AND token_sha256 = ?";
        let source_id = self.source_id.clone();
        self.execute(query(sql).bind(now).bind(source_id).bind(token_sha256)).await.map(drop)
    }

    async fn remove(&mut self, token_sha256: &str) -> Result<bool> {
        let sql = "DELETE FROM sessions WHERE source_id IS ? AND token_sha256 = ?";
        let source_id = self.source_id.clone();
        let done = self.execute(query(sql).bind(source_id).bind(token_sha256)).await?;
        Ok(done.rows_affected() == 1)
    }

    async fn remove_all(&mut self) -> Result<u64> {
        let source_id = self.source_id.clone();
        let done = self.execute(query("DELETE FROM sessions WHERE source_id IS ?").bind(source_id)).await?;
        Ok(done.rows_affected())
    }

    async fn remove_all_of_account(&mut self, account_id: &str) -> Result<u64> {
        let sql = "DELETE FROM sessions WHERE source_id IS ? AND account_id = ?";
        let source_id = self.source_id.clone();
        Ok(self.execute(query(sql).bind(source_id).bind(account_id)).await?.rows_affected())
    }

    async fn remove_others_of_account(&mut self, account_id: &str, token_sha256: &str) -> Result<u64> {
        let sql = "DELETE FROM sessions WHERE source_id IS ? AND account_id = ? AND token_sha256 <> ?";
        let source_id = self.source_id.clone();
        let done = self.execute(query(sql).bind(source_id).bind(account_id).bind(token_sha256)).await?;
        Ok(done.rows_affected())
    }

    async fn remove_expired(&mut self, idle_since: &str, created_before: &str) -> Result<()> {
        let sql = "DELETE FROM sessions WHERE source_id IS ? AND (last_seen_at < ? OR created_at < ?)";
        let source_id = self.source_id.clone();
        self.execute(query(sql).bind(source_id).bind(idle_since).bind(created_before)).await.map(drop)
    }

    async fn set_credential(&mut self, token_sha256: &str, credential_sha256: &str) -> Result<()> {
        let sql = "UPDATE sessions SET credential_sha256 = ? WHERE source_id IS ? AND token_sha256 = ?";
        let source_id = self.source_id.clone();
        self.execute(query(sql).bind(credential_sha256).bind(source_id).bind(token_sha256)).await.map(drop)
    }
}
