//! The same sample in PostgreSQL: made as a file first, then copied table by table.

use rusqlite::Connection as SqliteConnection;
use rusqlite::types::ValueRef;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{Error, Size, fill};
use crate::server::source::postgres::Address;

const SCHEMA: &str = include_str!("../../../migrations/supportsignal/postgres/0001_supportsignal.sql");
const CHUNK_BYTES: usize = 256 << 10;

/// Fills the database behind `address` with the sample.
///
/// # Errors
/// `InUse` when it has such tables already and `replace` is false, or when it cannot be written.
pub async fn generate_in_postgres(address: &Address, size: &Size, password: &str, replace: bool) -> Result<(), Error> {
    let mut connection = PgConnection::connect_with(&address.connect_options()).await?;
    let there = "SELECT to_regclass('companies') IS NOT NULL";
    let is_there: bool = sqlx::query_scalar(there).fetch_one(&mut connection).await?;
    if is_there && !replace {
        return Err(Error::InUse);
    }
    let (size, password) = (size.clone(), password.to_owned());
    let made = tokio::task::spawn_blocking(move || -> Result<_, Error> {
        let file = tempfile::NamedTempFile::new()?.into_temp_path();
        fill(&file, &size, &password)?;
        Ok(file)
    });
    let file = made.await.map_err(|error| std::io::Error::other(error.to_string()))??;
    let (tables, rest): (Vec<&str>, Vec<&str>) =
        SCHEMA.split_inclusive(';').partition(|sql| sql.contains("CREATE TABLE"));
    let mut transaction = connection.begin().await?;
    if is_there {
        let drop: Vec<String> =
            tables.iter().map(|sql| format!("DROP TABLE IF EXISTS {} CASCADE;", name(sql))).collect();
        sqlx::raw_sql(AssertSqlSafe(drop.concat())).execute(&mut *transaction).await?;
    }
    sqlx::raw_sql(AssertSqlSafe(tables.concat())).execute(&mut *transaction).await?;
    let from = SqliteConnection::open(&file)?;
    for sql in tables {
        copy_table(&from, name(sql), &mut transaction).await?;
    }
    sqlx::raw_sql(AssertSqlSafe(rest.concat())).execute(&mut *transaction).await?;
    transaction.commit().await?;
    sqlx::raw_sql("ANALYZE").execute(&mut connection).await?;
    Ok(connection.close().await?)
}

fn name(create: &str) -> &str {
    create.split("CREATE TABLE ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap_or_default()
}

/// Both schemas name the same columns in the same order.
async fn copy_table(from: &SqliteConnection, table: &str, to: &mut PgConnection) -> Result<(), Error> {
    let mut statement = from.prepare(&format!("SELECT * FROM {table}"))?;
    let columns = statement.column_count();
    let mut rows = statement.query([])?;
    let mut copy = to.copy_in_raw(&format!("COPY {table} FROM STDIN")).await?;
    let mut chunk = Vec::with_capacity(CHUNK_BYTES + (16 << 10));
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            cell(&mut chunk, row.get_ref(column)?);
            chunk.push(if column + 1 == columns { b'\n' } else { b'\t' });
        }
        if chunk.len() >= CHUNK_BYTES {
            copy.send(chunk.as_slice()).await?;
            chunk.clear();
        }
    }
    copy.send(chunk.as_slice()).await?;
    copy.finish().await?;
    Ok(())
}

/// PostgreSQL manual, COPY, "Text Format". The sample has no blobs.
fn cell(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Null | ValueRef::Blob(_) => out.extend_from_slice(b"\\N"),
        ValueRef::Integer(n) => out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes()),
        ValueRef::Real(n) => out.extend_from_slice(zmij::Buffer::new().format(n).as_bytes()),
        ValueRef::Text(text) => {
            for byte in text {
                match byte {
                    b'\\' => out.extend_from_slice(b"\\\\"),
                    b'\n' => out.extend_from_slice(b"\\n"),
                    b'\r' => out.extend_from_slice(b"\\r"),
                    b'\t' => out.extend_from_slice(b"\\t"),
                    byte => out.push(*byte),
                }
            }
        }
    }
}
