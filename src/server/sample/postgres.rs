//! Writes the sample to PostgreSQL, table by table: from an `SQLite` file that is made first, or as the product makes the
//! rows.

use std::time::Duration;

use rusqlite::Connection as SqliteConnection;
use rusqlite::types::ValueRef;
use tempfile::TempPath;

use super::Error;
use super::postgres_schema::PostgresSchema;
use super::sqlite::write_database;
use crate::server::profile::builtin::{Records, Sample, TableRows};
use crate::server::source::postgres::client::{self, ConnectConfig, Connection};
use crate::server::support::copy_text::{CopyText, CopyValue};

const CHUNK_BYTES: usize = 256 << 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Fills the database at `address` with the sample. Blocks.
///
/// # Errors
/// `TablesExist` when the sample's first table exists and `replace` is false; `Postgres` when the database cannot be
/// written, `Write` or `Database` when the temporary file cannot.
pub fn generate_in_postgres(
    sample: &Sample,
    address: &ConnectConfig,
    password: &str,
    replace: bool,
) -> Result<(), Error> {
    let mut connection = Connection::open(address, CONNECT_TIMEOUT)?;
    // Building the indexes of a large sample may outlast the timeout: keep waiting.
    connection.set_stall_handler(CONNECT_TIMEOUT, Box::new(|| true))?;
    let schema = PostgresSchema::of(sample.postgres_schema);
    let exists = first_table_exists(&schema, &mut connection)?;
    if exists && !replace {
        return Err(Error::TablesExist);
    }
    // Before the transaction, so that it holds its locks no longer than it must.
    let file = make_file(sample, password)?;
    connection.execute("BEGIN")?;
    if exists {
        connection.execute(&schema.drop_statements())?;
    }
    connection.execute(&schema.create_tables)?;
    copy_records(sample, file.as_ref(), &schema, password, &mut connection)?;
    connection.execute(&schema.rest)?;
    connection.execute("COMMIT")?;
    connection.execute("ANALYZE")?;
    connection.close();
    Ok(())
}

fn first_table_exists(schema: &PostgresSchema<'_>, connection: &mut Connection) -> Result<bool, Error> {
    let Some(first) = schema.tables.first() else { return Ok(false) };
    let found = connection.query(&format!("SELECT to_regclass('{first}') AS existing"), &[])?;
    let row = found.first().ok_or(client::Error::Protocol)?;
    Ok(row.optional_text("existing")?.is_some())
}

/// The temporary file of records that are inserted into `SQLite` first.
fn make_file(sample: &Sample, password: &str) -> Result<Option<TempPath>, Error> {
    let Records::Inserted { sqlite_schema, by } = &sample.records else { return Ok(None) };
    let file = tempfile::NamedTempFile::new()?.into_temp_path();
    write_database(sqlite_schema, &**by, &file, password)?;
    Ok(Some(file))
}

fn copy_records(
    sample: &Sample,
    file: Option<&TempPath>,
    schema: &PostgresSchema<'_>,
    password: &str,
    to: &mut Connection,
) -> Result<(), Error> {
    if let Some(file) = file {
        let from = SqliteConnection::open(file)?;
        schema.tables.iter().try_for_each(|table| copy_table(&from, table, to))?;
    }
    if let Records::Copied(records) = &sample.records {
        records.tables(password).iter().try_for_each(|rows| copy_rows(rows, to))?;
    }
    Ok(())
}

fn copy_rows(rows: &TableRows, to: &mut Connection) -> Result<(), Error> {
    let mut chunk = begin_copy(rows.table, to)?;
    for step in 0..rows.steps {
        (rows.write)(step, &mut chunk);
        send_full_chunk(&mut chunk, to)?;
    }
    finish_copy(&chunk, to)
}

/// Copies a table. Both schemas have the same columns in the same order.
fn copy_table(from: &SqliteConnection, table: &str, to: &mut Connection) -> Result<(), Error> {
    let mut statement = from.prepare(&format!("SELECT * FROM {table}"))?;
    let columns = statement.column_count();
    let mut rows = statement.query([])?;
    let mut chunk = begin_copy(table, to)?;
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            chunk.write_value(&row.get_ref(column)?);
        }
        chunk.end_row();
        send_full_chunk(&mut chunk, to)?;
    }
    finish_copy(&chunk, to)
}

fn begin_copy(table: &str, to: &mut Connection) -> Result<CopyText, Error> {
    to.copy_in(&format!("COPY {table} FROM STDIN"))?;
    Ok(CopyText::default())
}

fn send_full_chunk(chunk: &mut CopyText, to: &mut Connection) -> Result<(), Error> {
    if chunk.as_bytes().len() >= CHUNK_BYTES {
        to.copy_data(chunk.as_bytes())?;
        chunk.clear();
    }
    Ok(())
}

fn finish_copy(chunk: &CopyText, to: &mut Connection) -> Result<(), Error> {
    to.copy_data(chunk.as_bytes())?;
    to.finish_copy_in()?;
    Ok(())
}

impl CopyValue for ValueRef<'_> {
    fn write_to(&self, rows: &mut CopyText) {
        match self {
            Self::Null => None::<&str>.write_to(rows),
            Self::Integer(n) => n.write_to(rows),
            Self::Real(n) => n.write_to(rows),
            Self::Text(text) => rows.write_text(text),
            Self::Blob(_) => unreachable!("no column of a sample is one"),
        }
    }
}
