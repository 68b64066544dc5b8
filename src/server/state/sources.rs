//! The known sources; everything else in the state belongs to one of them.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Result, StateDatabase, Tx};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownSource {
    pub id: String,
    /// The database's identity, as its engine reports it.
    pub identity: String,
    /// Identifies an SQLite file after a move.
    pub file_id: Option<String>,
    /// The operator's name for it; unique.
    pub name: String,
    /// RFC 3339, UTC.
    pub known_since: String,
}

fn from_row(row: &SqliteRow) -> KnownSource {
    KnownSource {
        id: row.get("id"),
        identity: row.get("identity"),
        file_id: row.get("file_id"),
        name: row.get("name"),
        known_since: row.get("known_since"),
    }
}

const SELECT: &str = "SELECT id, identity, file_id, name, known_since FROM sources ORDER BY name";

/// Returns every source, in a transaction that may add or change one.
///
/// # Errors
/// `Database` if the read fails.
pub async fn all(tx: &mut Tx) -> Result<Vec<KnownSource>> {
    Ok(sqlx::query(SELECT).fetch_all(&mut **tx).await?.iter().map(from_row).collect())
}

/// Inserts a source, or updates identity, file and name of the one with its id.
///
/// # Errors
/// `Database` if the write fails.
pub async fn upsert(tx: &mut Tx, source: &KnownSource) -> Result<()> {
    let sql = "INSERT INTO sources (id, identity, file_id, name, known_since) VALUES (?, ?, ?, ?, ?) \
               ON CONFLICT (id) DO UPDATE \
               SET identity = excluded.identity, file_id = excluded.file_id, name = excluded.name";
    let query = sqlx::query(sql).bind(&source.id).bind(&source.identity).bind(&source.file_id);
    query.bind(&source.name).bind(&source.known_since).execute(&mut **tx).await?;
    Ok(())
}

impl StateDatabase {
    /// # Errors
    /// `Database` if the read fails.
    pub async fn sources(&self) -> Result<Vec<KnownSource>> {
        Ok(sqlx::query(SELECT).fetch_all(&self.pool).await?.iter().map(from_row).collect())
    }
}
