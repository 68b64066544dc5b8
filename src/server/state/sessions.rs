//! Signed-in browsers. Only the SHA-256 of a token is kept: a stolen copy signs nobody in.

use sqlx::Row;

use super::{Result, State, Tx};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub token_sha256: String,
    pub account_id: String,
    pub email: String,
    pub created_at: String,
    pub last_seen_at: String,
}

/// # Errors
/// When the state cannot be written.
pub async fn insert(tx: &mut Tx, session: &Session) -> Result<()> {
    let sql = "INSERT INTO sessions (source_id, token_sha256, account_id, email, created_at, last_seen_at) \
               VALUES (?, ?, ?, ?, ?, ?)";
    let source_id = tx.source_id.clone();
    sqlx::query(sql)
        .bind(source_id)
        .bind(&session.token_sha256)
        .bind(&session.account_id)
        .bind(&session.email)
        .bind(&session.created_at)
        .bind(&session.last_seen_at)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Ends every session of an account: sign-out works everywhere at once.
///
/// # Errors
/// When the state cannot be written.
pub async fn remove_all_of(tx: &mut Tx, account_id: &str) -> Result<()> {
    let source_id = tx.source_id.clone();
    let sql = "DELETE FROM sessions WHERE source_id IS ? AND account_id = ?";
    sqlx::query(sql).bind(source_id).bind(account_id).execute(&mut **tx).await?;
    Ok(())
}

/// Ends every session of the transaction's source.
///
/// # Errors
/// When the state cannot be written.
pub async fn remove_all(tx: &mut Tx) -> Result<()> {
    let source_id = tx.source_id.clone();
    sqlx::query("DELETE FROM sessions WHERE source_id IS ?").bind(source_id).execute(&mut **tx).await?;
    Ok(())
}

impl State {
    /// # Errors
    /// When the state cannot be read.
    pub async fn session(&self, token_sha256: &str) -> Result<Option<Session>> {
        let sql = "SELECT account_id, email, created_at, last_seen_at FROM sessions \
                   WHERE source_id IS ? AND token_sha256 = ?";
        let row = sqlx::query(sql).bind(&self.source_id).bind(token_sha256).fetch_optional(&self.pool).await?;
        Ok(row.map(|row| Session {
            token_sha256: token_sha256.to_owned(),
            account_id: row.get(0),
            email: row.get(1),
            created_at: row.get(2),
            last_seen_at: row.get(3),
        }))
    }

    /// # Errors
    /// When the state cannot be written.
    pub async fn touch_session(&self, token_sha256: &str, now: &str) -> Result<()> {
        let sql = "UPDATE sessions SET last_seen_at = ? WHERE source_id IS ? AND token_sha256 = ?";
        sqlx::query(sql).bind(now).bind(&self.source_id).bind(token_sha256).execute(&self.pool).await?;
        Ok(())
    }

    /// Removes what has expired.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub async fn sweep_sessions(&self, idle_since: &str, created_before: &str) -> Result<()> {
        let sql = "DELETE FROM sessions WHERE source_id IS ? AND (last_seen_at < ? OR created_at < ?)";
        sqlx::query(sql).bind(&self.source_id).bind(idle_since).bind(created_before).execute(&self.pool).await?;
        Ok(())
    }
}
