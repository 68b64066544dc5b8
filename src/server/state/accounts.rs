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

/// Adds an account, or gives the one of that name another password.
///
/// # Errors
/// When the state cannot be written.
pub async fn put(tx: &mut Tx, account: &LocalAccount, now: &str) -> Result<()> {
    let sql = "INSERT INTO accounts (id, name, password_hash, created_at) VALUES (?, ?, ?, ?) \
               ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash";
    sqlx::query(sql)
        .bind(&account.id)
        .bind(&account.name)
        .bind(&account.password_hash)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

impl State {
    /// # Errors
    /// When the state cannot be read.
    pub async fn account_by_id(&self, id: &str) -> Result<Option<LocalAccount>> {
        self.account("SELECT id, name, password_hash FROM accounts WHERE id = ?", id).await
    }

    /// # Errors
    /// When the state cannot be read.
    pub async fn account_by_name(&self, name: &str) -> Result<Option<LocalAccount>> {
        self.account("SELECT id, name, password_hash FROM accounts WHERE name = ?", name).await
    }

    /// # Errors
    /// When the state cannot be read.
    pub async fn has_accounts(&self) -> Result<bool> {
        let row = sqlx::query("SELECT EXISTS (SELECT 1 FROM accounts)").fetch_one(&self.pool).await?;
        Ok(row.get(0))
    }

    async fn account(&self, sql: &'static str, value: &str) -> Result<Option<LocalAccount>> {
        let row = sqlx::query(sql).bind(value).fetch_optional(&self.pool).await?;
        Ok(row.map(|row| LocalAccount { id: row.get(0), name: row.get(1), password_hash: row.get(2) }))
    }
}
