//! Local accounts, for sources that have no accounts to sign in with.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Result, SourceState, Tx};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalAccount {
    pub id: String,
    pub name: String,
    /// An Argon2 PHC string.
    pub password_hash: String,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// RFC 3339, UTC; a disabled account cannot sign in.
    pub disabled_at: Option<String>,
}

const COLUMNS: &str = "id, name, password_hash, created_at, disabled_at";

fn from_row(row: &SqliteRow) -> LocalAccount {
    LocalAccount {
        id: row.get("id"),
        name: row.get("name"),
        password_hash: row.get("password_hash"),
        created_at: row.get("created_at"),
        disabled_at: row.get("disabled_at"),
    }
}

/// Sets an account's password hash; returns false if the account no longer exists.
///
/// # Errors
/// `Database` if the write fails.
pub async fn set_password(tx: &mut Tx, id: &str, password_hash: &str) -> Result<bool> {
    let source_id = tx.source_id.clone();
    let sql = "UPDATE accounts SET password_hash = ? WHERE source_id IS ? AND id = ?";
    let query = sqlx::query(sql).bind(password_hash).bind(source_id).bind(id);
    Ok(query.execute(&mut **tx).await?.rows_affected() == 1)
}

/// Adds an account.
///
/// # Errors
/// `Database` if the write fails, also because the source has an account of that name.
pub async fn insert(tx: &mut Tx, account: &LocalAccount) -> Result<()> {
    let sql = "INSERT INTO accounts (id, source_id, name, password_hash, created_at) VALUES (?, ?, ?, ?, ?)";
    let source_id = tx.source_id.clone();
    sqlx::query(sql)
        .bind(&account.id)
        .bind(source_id)
        .bind(&account.name)
        .bind(&account.password_hash)
        .bind(&account.created_at)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Disables an account, or enables it again if there is no date.
///
/// # Errors
/// `Database` if the write fails.
pub async fn set_disabled(tx: &mut Tx, id: &str, disabled_at: Option<&str>) -> Result<()> {
    let source_id = tx.source_id.clone();
    let sql = "UPDATE accounts SET disabled_at = ? WHERE source_id IS ? AND id = ?";
    sqlx::query(sql).bind(disabled_at).bind(source_id).bind(id).execute(&mut **tx).await?;
    Ok(())
}

/// Deletes an account.
///
/// # Errors
/// `Database` if the write fails.
pub async fn remove(tx: &mut Tx, id: &str) -> Result<()> {
    let source_id = tx.source_id.clone();
    let sql = "DELETE FROM accounts WHERE source_id IS ? AND id = ?";
    sqlx::query(sql).bind(source_id).bind(id).execute(&mut **tx).await?;
    Ok(())
}

/// Assigns accounts without a source to the transaction's source, except for names that it has already; returns their
/// number.
///
/// # Errors
/// `Database` if the write fails.
pub async fn adopt(tx: &mut Tx) -> Result<u64> {
    let source_id = tx.source_id.clone();
    let sql = "UPDATE OR IGNORE accounts SET source_id = ? WHERE source_id IS NULL";
    Ok(sqlx::query(sql).bind(source_id).execute(&mut **tx).await?.rows_affected())
}

impl SourceState {
    /// # Errors
    /// `Database` if the read fails.
    pub async fn account_by_id(&self, id: &str) -> Result<Option<LocalAccount>> {
        self.account("id", id).await
    }

    /// # Errors
    /// `Database` if the read fails.
    pub async fn account_by_name(&self, name: &str) -> Result<Option<LocalAccount>> {
        self.account("name", name).await
    }

    /// Returns every account of the source, ordered by name.
    ///
    /// # Errors
    /// `Database` if the read fails.
    pub async fn accounts(&self) -> Result<Vec<LocalAccount>> {
        let sql = format!("SELECT {COLUMNS} FROM accounts WHERE source_id IS ? ORDER BY name");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(&self.source_id).fetch_all(&self.pool).await?;
        Ok(rows.iter().map(from_row).collect())
    }

    /// # Errors
    /// `Database` if the read fails.
    pub async fn has_accounts(&self) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM accounts WHERE source_id IS ?)";
        let row = sqlx::query(sql).bind(&self.source_id).fetch_one(&self.pool).await?;
        Ok(row.get(0))
    }

    async fn account(&self, column: &'static str, value: &str) -> Result<Option<LocalAccount>> {
        let sql = format!("SELECT {COLUMNS} FROM accounts WHERE source_id IS ? AND {column} = ?");
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(&self.source_id).bind(value);
        Ok(query.fetch_optional(&self.pool).await?.as_ref().map(from_row))
    }
}
