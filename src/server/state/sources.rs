//! The known sources; everything else in the state belongs to one of them.

use async_trait::async_trait;

use super::Result;

#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
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

/// All known sources. Every method returns `Database` if the database cannot be used.
#[async_trait]
pub trait SourceTable: Send {
    /// Returns every source, ordered by name.
    async fn all(&mut self) -> Result<Vec<KnownSource>>;

    /// Inserts a source, or updates identity, file and name of the one with its id.
    async fn upsert(&mut self, source: &KnownSource) -> Result<()>;
}
