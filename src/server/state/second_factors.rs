//! Second factors: the secret in an authenticator app, and recovery codes for when the app is lost.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Result, SourceState, Tx};

/// A secret shared with an authenticator app (RFC 6238).
#[derive(Clone, PartialEq, Eq)]
pub struct SecondFactor {
    pub account_id: String,
    /// The account's name, for the command line.
    pub name: String,
    pub secret: Vec<u8>,
    /// RFC 3339, UTC.
    pub begun_at: String,
    /// Digest of the token of the session that requested it.
    pub session_token_sha256: String,
    /// RFC 3339, UTC; none until a first code has proved that the app has the secret.
    pub confirmed_at: Option<String>,
    /// The time step of the last code that was accepted.
    pub last_step: u64,
}

fn from_row(row: &SqliteRow) -> SecondFactor {
    SecondFactor {
        account_id: row.get("account_id"),
        name: row.get("name"),
        secret: row.get("secret"),
        begun_at: row.get("begun_at"),
        session_token_sha256: row.get("begun_in"),
        confirmed_at: row.get("confirmed_at"),
        last_step: u64::try_from(row.get::<i64, _>("last_step")).unwrap_or_default(),
    }
}

const SELECT: &str = "SELECT account_id, name, secret, begun_at, begun_in, confirmed_at, last_step FROM second_factors WHERE source_id IS ?";

/// Stores an unconfirmed secret, replacing an earlier unconfirmed one.
///
/// # Errors
/// `Database` if the write fails.
pub async fn insert_unconfirmed(tx: &mut Tx, factor: &SecondFactor) -> Result<()> {
    let source_id = tx.source_id.clone();
    let sql = "INSERT INTO second_factors (source_id, account_id, name, secret, begun_at, begun_in) \
               VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (source_id, account_id) DO UPDATE \
               SET name = excluded.name, secret = excluded.secret, begun_at = excluded.begun_at, \
                   begun_in = excluded.begun_in, last_step = 0 WHERE confirmed_at IS NULL";
    let query = sqlx::query(sql).bind(source_id).bind(&factor.account_id).bind(&factor.name).bind(&factor.secret);
    query.bind(&factor.begun_at).bind(&factor.session_token_sha256).execute(&mut **tx).await?;
    Ok(())
}

/// Returns the account's second factor, as the transaction sees it.
///
/// # Errors
/// `Database` if the read fails.
pub async fn find(tx: &mut Tx, account_id: &str) -> Result<Option<SecondFactor>> {
    let source_id = tx.source_id.clone();
    let sql = format!("{SELECT} AND account_id = ?");
    let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(source_id).bind(account_id);
    Ok(query.fetch_optional(&mut **tx).await?.as_ref().map(from_row))
}

/// Stores the time step of a code; returns false if a code of this or a later step was accepted before (a replay).
///
/// # Errors
/// `Database` if the write fails.
pub async fn accept_step(tx: &mut Tx, account_id: &str, step: u64) -> Result<bool> {
    let source_id = tx.source_id.clone();
    let sql = "UPDATE second_factors SET last_step = ?1 WHERE source_id IS ?2 AND account_id = ?3 AND last_step < ?1";
    let step = i64::try_from(step).unwrap_or_default();
    let query = sqlx::query(sql).bind(step).bind(source_id).bind(account_id);
    Ok(query.execute(&mut **tx).await?.rows_affected() == 1)
}

/// Confirms the secret: from now on, sign-in asks for a code.
///
/// # Errors
/// `Database` if the write fails.
pub async fn confirm(tx: &mut Tx, account_id: &str, now: &str) -> Result<()> {
    let source_id = tx.source_id.clone();
    let sql = "UPDATE second_factors SET confirmed_at = ? WHERE source_id IS ? AND account_id = ?";
    sqlx::query(sql).bind(now).bind(source_id).bind(account_id).execute(&mut **tx).await?;
    Ok(())
}

/// Deletes the second factor and, by foreign key, its recovery codes; returns false if there was none.
///
/// # Errors
/// `Database` if the write fails.
pub async fn remove(tx: &mut Tx, account_id: &str) -> Result<bool> {
    let source_id = tx.source_id.clone();
    let sql = "DELETE FROM second_factors WHERE source_id IS ? AND account_id = ?";
    Ok(sqlx::query(sql).bind(source_id).bind(account_id).execute(&mut **tx).await?.rows_affected() > 0)
}

/// Replaces all recovery codes of an account.
///
/// # Errors
/// `Database` if the write fails.
pub async fn replace_recovery_codes(tx: &mut Tx, account_id: &str, digests: &[String]) -> Result<()> {
    let source_id = tx.source_id.clone();
    let sql = "DELETE FROM recovery_codes WHERE source_id IS ? AND account_id = ?";
    sqlx::query(sql).bind(&source_id).bind(account_id).execute(&mut **tx).await?;
    for digest in digests {
        let sql = "INSERT INTO recovery_codes (code_sha256, source_id, account_id) VALUES (?, ?, ?)";
        sqlx::query(sql).bind(digest).bind(&source_id).bind(account_id).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Marks a recovery code as used; returns false if it is unknown or was used before.
///
/// # Errors
/// `Database` if the write fails.
pub async fn use_recovery_code(tx: &mut Tx, account_id: &str, digest: &str, now: &str) -> Result<bool> {
    let source_id = tx.source_id.clone();
    let sql = "UPDATE recovery_codes SET used_at = ? \
               WHERE source_id IS ? AND account_id = ? AND code_sha256 = ? AND used_at IS NULL";
    let query = sqlx::query(sql).bind(now).bind(source_id).bind(account_id).bind(digest);
    Ok(query.execute(&mut **tx).await?.rows_affected() == 1)
}

impl SourceState {
    /// # Errors
    /// `Database` if the read fails.
    pub async fn second_factor(&self, account_id: &str) -> Result<Option<SecondFactor>> {
        let sql = format!("{SELECT} AND account_id = ?");
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(&self.source_id).bind(account_id);
        Ok(query.fetch_optional(&self.pool).await?.as_ref().map(from_row))
    }

    /// # Errors
    /// `Database` if the read fails.
    pub async fn second_factors(&self) -> Result<Vec<SecondFactor>> {
        let query = sqlx::query(SELECT).bind(&self.source_id);
        Ok(query.fetch_all(&self.pool).await?.iter().map(from_row).collect())
    }

    /// Returns the number of unused recovery codes.
    ///
    /// # Errors
    /// `Database` if the read fails.
    pub async fn count_unused_recovery_codes(&self, account_id: &str) -> Result<u32> {
        let sql = "SELECT count(*) FROM recovery_codes WHERE source_id IS ? AND account_id = ? AND used_at IS NULL";
        let row = sqlx::query(sql).bind(&self.source_id).bind(account_id).fetch_one(&self.pool).await?;
        Ok(row.get(0))
    }
}
