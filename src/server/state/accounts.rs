//! Accounts of Waybill's own, for sources that have none to sign in with.

use sqlx::Row;

use super::{Result, State, Tx};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalAccount {
    pub id: String,
    pub name: String,
    /// An Argon2 PHC string.
    pub password_hash: String,
}

/// Adds an account, or gives the one of that id another password.
///
/// # Errors
/// When the state cannot be written.
pub async fn put(tx: &mut Tx, account: &LocalAccount, now: &str) -> Result<()> {
    let sql = "INSERT INTO accounts (id, source_id, name, password_hash, created_at) VALUES (?, ?, ?, ?, ?) \
               ON CONFLICT (id) DO UPDATE SET password_hash = excluded.password_hash";
    let source_id = tx.source_id.clone();
    sqlx::query(sql)
        .bind(&account.id)
        .bind(source_id)
        .bind(&account.name)
        .bind(&account.password_hash)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Gives the transaction's source the accounts that have none, but for names that it has already; says how many.
///
/// # Errors
/// When the state cannot be written.
pub async fn adopt(tx: &mut Tx) -> Result<u64> {
    let source_id = tx.source_id.clone();
    let sql = "UPDATE OR IGNORE accounts SET source_id = ? WHERE source_id IS NULL";
    Ok(sqlx::query(sql).bind(source_id).execute(&mut **tx).await?.rows_affected())
}

impl State {
    /// # Errors
    /// When the state cannot be read.
    pub async fn account_by_id(&self, id: &str) -> Result<Option<LocalAccount>> {
        self.account("SELECT id, name, password_hash FROM accounts WHERE source_id IS ? AND id = ?", id).await
    }

    /// # Errors
    /// When the state cannot be read.
    pub async fn account_by_name(&self, name: &str) -> Result<Option<LocalAccount>> {
        self.account("SELECT id, name, password_hash FROM accounts WHERE source_id IS ? AND name = ?", name).await
    }

    /// # Errors
    /// When the state cannot be read.
    pub async fn has_accounts(&self) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM accounts WHERE source_id IS ?)";
        let row = sqlx::query(sql).bind(&self.source_id).fetch_one(&self.pool).await?;
        Ok(row.get(0))
    }

    async fn account(&self, sql: &'static str, value: &str) -> Result<Option<LocalAccount>> {
        let row = sqlx::query(sql).bind(&self.source_id).bind(value).fetch_optional(&self.pool).await?;
        Ok(row.map(|row| LocalAccount { id: row.get(0), name: row.get(1), password_hash: row.get(2) }))
    }
}
