//! The tables of second factors and recovery codes.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row, query, query_scalar};

use super::super::Result;
use super::super::second_factors::{SecondFactor, SecondFactorTable};
use super::numbers::{required, to_i64};
use super::tables::{Connection, SqliteTables};

const SELECT: &str = "SELECT account_id, name, secret, begun_at, begun_in, confirmed_at, last_step \
                      FROM second_factors WHERE source_id IS ?";

fn from_row(row: &SqliteRow) -> Result<SecondFactor> {
    Ok(SecondFactor {
        account_id: row.try_get("account_id")?,
        name: row.try_get("name")?,
        secret: row.try_get("secret")?,
        begun_at: row.try_get("begun_at")?,
        session_token_sha256: row.try_get("begun_in")?,
        confirmed_at: row.try_get("confirmed_at")?,
        last_step: required(row, "last_step")?,
    })
}

#[async_trait]
impl<C: Connection> SecondFactorTable for SqliteTables<C> {
    async fn find(&mut self, account_id: &str) -> Result<Option<SecondFactor>> {
        let sql = AssertSqlSafe(format!("{SELECT} AND account_id = ?"));
        let query = query(sql).bind(&self.source_id).bind(account_id);
        query.fetch_optional(&mut *self.connection).await?.as_ref().map(from_row).transpose()
    }

    async fn all(&mut self) -> Result<Vec<SecondFactor>> {
        let rows = query(SELECT).bind(&self.source_id).fetch_all(&mut *self.connection).await?;
        rows.iter().map(from_row).collect()
    }

    async fn insert_unconfirmed(&mut self, factor: &SecondFactor) -> Result<()> {
        let sql = "INSERT INTO second_factors (source_id, account_id, name, secret, begun_at, begun_in) \
                   VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (source_id, account_id) DO UPDATE \
                   SET name = excluded.name, secret = excluded.secret, begun_at = excluded.begun_at, \
                       begun_in = excluded.begun_in, last_step = 0 WHERE confirmed_at IS NULL";
        let source_id = self.source_id.clone();
        let query = query(sql).bind(source_id).bind(&factor.account_id).bind(&factor.name).bind(&factor.secret);
        self.execute(query.bind(&factor.begun_at).bind(&factor.session_token_sha256)).await.map(drop)
    }

    async fn confirm(&mut self, account_id: &str, now: &str) -> Result<()> {
        let sql = "UPDATE second_factors SET confirmed_at = ? WHERE source_id IS ? AND account_id = ?";
        let source_id = self.source_id.clone();
        self.execute(query(sql).bind(now).bind(source_id).bind(account_id)).await.map(drop)
    }

    async fn accept_step(&mut self, account_id: &str, step: u64) -> Result<bool> {
        let sql =
            "UPDATE second_factors SET last_step = ?1 WHERE source_id IS ?2 AND account_id = ?3 AND last_step < ?1";
        let source_id = self.source_id.clone();
        let done = self.execute(query(sql).bind(to_i64(step)).bind(source_id).bind(account_id)).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Recovery codes are deleted by their foreign key.
    async fn remove(&mut self, account_id: &str) -> Result<bool> {
        let sql = "DELETE FROM second_factors WHERE source_id IS ? AND account_id = ?";
        let source_id = self.source_id.clone();
        let done = self.execute(query(sql).bind(source_id).bind(account_id)).await?;
        Ok(done.rows_affected() > 0)
    }

    async fn replace_recovery_codes(&mut self, account_id: &str, digests: &[String]) -> Result<()> {
        let source_id = self.source_id.clone();
        let sql = "DELETE FROM recovery_codes WHERE source_id IS ? AND account_id = ?";
        self.execute(query(sql).bind(&source_id).bind(account_id)).await?;
        for digest in digests {
            let sql = "INSERT INTO recovery_codes (code_sha256, source_id, account_id) VALUES (?, ?, ?)";
            self.execute(query(sql).bind(digest).bind(&source_id).bind(account_id)).await?;
        }
        Ok(())
    }

    async fn use_recovery_code(&mut self, account_id: &str, digest: &str, now: &str) -> Result<bool> {
        let sql = "UPDATE recovery_codes SET used_at = ? \
                   WHERE source_id IS ? AND account_id = ? AND code_sha256 = ? AND used_at IS NULL";
        let source_id = self.source_id.clone();
        let done = self.execute(query(sql).bind(now).bind(source_id).bind(account_id).bind(digest)).await?;
        Ok(done.rows_affected() == 1)
    }

    async fn count_unused_recovery_codes(&mut self, account_id: &str) -> Result<u32> {
        let sql = "SELECT count(*) FROM recovery_codes WHERE source_id IS ? AND account_id = ? AND used_at IS NULL";
        Ok(query_scalar(sql).bind(&self.source_id).bind(account_id).fetch_one(&mut *self.connection).await?)
    }
}
