//! The sources table.

use async_trait::async_trait;
use sqlx::{query, query_as};

use super::super::Result;
use super::super::sources::{KnownSource, SourceTable};
use super::tables::{Connection, SqliteTables};

#[async_trait]
impl<C: Connection> SourceTable for SqliteTables<C> {
    async fn all(&mut self) -> Result<Vec<KnownSource>> {
        let sql = "SELECT id, identity, file_id, name, known_since FROM sources ORDER BY name";
        Ok(query_as(sql).fetch_all(&mut *self.connection).await?)
    }

    async fn upsert(&mut self, source: &KnownSource) -> Result<()> {
        let sql = "INSERT INTO sources (id, identity, file_id, name, known_since) VALUES (?, ?, ?, ?, ?) \
                   ON CONFLICT (id) DO UPDATE \
                   SET identity = excluded.identity, file_id = excluded.file_id, name = excluded.name";
        let query = query(sql).bind(&source.id).bind(&source.identity).bind(&source.file_id);
        self.execute(query.bind(&source.name).bind(&source.known_since)).await.map(drop)
    }
}
