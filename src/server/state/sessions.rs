//! Sessions of signed-in browsers. Only the SHA-256 of a token is stored: a stolen copy cannot be used to sign in.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Result, SourceState, Tx};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub token_sha256: String,
    pub account_id: String,
    pub email: String,
    /// RFC 3339, UTC, as all times here.
    pub created_at: String,
    pub last_seen_at: String,
    /// The client's network address when it was opened.
    pub network: Option<String>,
    /// SHA-256 of the stored password hash that it was opened with.
    pub credential_sha256: String,
    /// The password was right; the second-factor code is still missing.
    pub awaits_code: bool,
}

const COLUMNS: &str =
    "token_sha256, account_id, email, created_at, last_seen_at, network, credential_sha256, awaits_code";

fn from_row(row: &SqliteRow) -> Session {
    Session {
        token_sha256: row.get("token_sha256"),
        account_id: row.get("account_id"),
        email: row.get("email"),
        created_at: row.get("created_at"),
        last_seen_at: row.get("last_seen_at"),
        network: row.get("network"),
        credential_sha256: row.get("credential_sha256"),
        awaits_code: row.get("awaits_code"),
    }
}

/// # Errors
/// `Database` if the write fails.
pub async fn insert(tx: &mut Tx, session: &Session) -> Result<()> {
    let sql = "INSERT INTO sessions (source_id, token_sha256, account_id, email, created_at, last_seen_at, network, \
               credential_sha256, awaits_code) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let source_id = tx.source_id.clone();
    sqlx::query(sql)
        .bind(source_id)
        .bind(&session.token_sha256)
        .bind(&session.account_id)
        .bind(&session.email)
        .bind(&session.created_at)
        .bind(&session.last_seen_at)
        .bind(&session.network)
        .bind(&session.credential_sha256)
        .bind(session.awaits_code)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Ends one session; returns false if there was none.
///
/// # Errors
/// `Database` if the write fails.
pub async fn remove(tx: &mut Tx, token_sha256: &str) -> Result<bool> {
    let source_id = tx.source_id.clone();
    let sql = "DELETE FROM sessions WHERE source_id IS ? AND token_sha256 = ?";
    let query = sqlx::query(sql).bind(source_id).bind(token_sha256);
    Ok(query.execute(&mut **tx).await?.rows_affected() == 1)
}

/// Ends every session of an account; returns their number.
///
/// # Errors
/// `Database` if the write fails.
pub async fn remove_all_of_account(tx: &mut Tx, account_id: &str) -> Result<u64> {
    remove_others_of_account(tx, account_id, "").await
}

/// Ends every session of an account except one; returns their number.
///
/// # Errors
/// `Database` if the write fails.
pub async fn remove_others_of_account(tx: &mut Tx, account_id: &str, token_sha256: &str) -> Result<u64> {
    let source_id = tx.source_id.clone();
    let sql = "DELETE FROM sessions WHERE source_id IS ? AND account_id = ? AND token_sha256 <> ?";
    let query = sqlx::query(sql).bind(source_id).bind(account_id).bind(token_sha256);
    Ok(query.execute(&mut **tx).await?.rows_affected())
}

/// Ends every session of the transaction's source; returns their number.
///
/// # Errors
/// `Database` if the write fails.
pub async fn remove_all(tx: &mut Tx) -> Result<u64> {
    let source_id = tx.source_id.clone();
    let query = sqlx::query("DELETE FROM sessions WHERE source_id IS ?").bind(source_id);
    Ok(query.execute(&mut **tx).await?.rows_affected())
}

/// Binds a session to the account's new password hash, so that it outlives a change of password.
///
/// # Errors
/// `Database` if the write fails.
pub async fn set_credential(tx: &mut Tx, token_sha256: &str, credential_sha256: &str) -> Result<()> {
    let source_id = tx.source_id.clone();
    let sql = "UPDATE sessions SET credential_sha256 = ? WHERE source_id IS ? AND token_sha256 = ?";
    sqlx::query(sql).bind(credential_sha256).bind(source_id).bind(token_sha256).execute(&mut **tx).await?;
    Ok(())
}

impl SourceState {
    /// # Errors
    /// `Database` if the read fails.
    pub async fn session(&self, token_sha256: &str) -> Result<Option<Session>> {
        let sql = format!("SELECT {COLUMNS} FROM sessions WHERE source_id IS ? AND token_sha256 = ?");
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(&self.source_id).bind(token_sha256);
        Ok(query.fetch_optional(&self.pool).await?.as_ref().map(from_row))
    }

    /// Returns every session of the source, the most recently seen first.
    ///
    /// # Errors
    /// `Database` if the read fails.
    pub async fn sessions(&self) -> Result<Vec<Session>> {
        let sql = format!("SELECT {COLUMNS} FROM sessions WHERE source_id IS ? ORDER BY last_seen_at DESC");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(&self.source_id).fetch_all(&self.pool).await?;
        Ok(rows.iter().map(from_row).collect())
    }

    /// # Errors
    /// `Database` if the write fails.
    pub async fn touch_session(&self, token_sha256: &str, now: &str) -> Result<()> {
        let sql = "UPDATE sessions SET last_seen_at = ? WHERE source_id IS ? AND token_sha256 = ?";
        sqlx::query(sql).bind(now).bind(&self.source_id).bind(token_sha256).execute(&self.pool).await?;
        Ok(())
    }

    /// Deletes sessions last seen before `idle_since` or created before `created_before`.
    ///
    /// # Errors
    /// `Database` if the write fails.
    pub async fn sweep_sessions(&self, idle_since: &str, created_before: &str) -> Result<()> {
        let sql = "DELETE FROM sessions WHERE source_id IS ? AND (last_seen_at < ? OR created_at < ?)";
        sqlx::query(sql).bind(&self.source_id).bind(idle_since).bind(created_before).execute(&self.pool).await?;
        Ok(())
    }
}
