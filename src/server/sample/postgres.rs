//! Writes the sample to PostgreSQL: first as a `SQLite` file, then copied table by table.

use std::time::Duration;

use rusqlite::Connection as SqliteConnection;
use rusqlite::types::ValueRef;

use super::{Error, SampleSpec, write_database};
use crate::server::profile::builtin::SampleData;
use crate::server::source::postgres::client::{self, ConnectConfig, Connection};

const CHUNK_BYTES: usize = 256 << 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Fills the database at `address` with the sample. Blocks.
///
/// # Errors
/// `TablesExist` when the sample's first table exists and `replace` is false; `Postgres` when the database cannot be
/// written, `Write` or `Database` when the temporary file cannot.
pub fn generate_in_postgres(
    data: &SampleData,
    address: &ConnectConfig,
    spec: &SampleSpec,
    password: &str,
    replace: bool,
) -> Result<(), Error> {
    let mut connection = Connection::open(address, CONNECT_TIMEOUT)?;
    // Building the indexes of a large sample may outlast the timeout: keep waiting.
    connection.set_stall_handler(CONNECT_TIMEOUT, Box::new(|| true))?;
    let schema = Schema::of(data.postgres_schema);
    let exists = schema.first_table_exists(&mut connection)?;
    if exists && !replace {
        return Err(Error::TablesExist);
    }
    let file = tempfile::NamedTempFile::new()?.into_temp_path();
    write_database(data, &file, spec, password)?;
    connection.execute("BEGIN")?;
    if exists {
        connection.execute(&format!("DROP TABLE IF EXISTS {} CASCADE;", schema.tables.join(", ")))?;
    }
    connection.execute(&schema.create_tables)?;
    let from = SqliteConnection::open(&file)?;
    for table in schema.tables {
        copy_table(&from, table, &mut connection)?;
    }
    connection.execute(&schema.rest)?;
    connection.execute("COMMIT")?;
    connection.execute("ANALYZE")?;
    connection.close();
    Ok(())
}

/// The statements of a schema. Indexes and constraints are made last: this is faster.
#[derive(Default)]
struct Schema<'s> {
    /// The names of the tables, in the order of their statements.
    tables: Vec<&'s str>,
    create_tables: String,
    rest: String,
}

impl<'s> Schema<'s> {
    fn of(text: &'s str) -> Self {
        let mut schema = Self::default();
        for statement in text.split_inclusive(';') {
            if let Some(table) = created_table(statement) {
                schema.tables.push(table);
                schema.create_tables.push_str(statement);
            } else {
                schema.rest.push_str(statement);
            }
        }
        schema
    }

    fn first_table_exists(&self, connection: &mut Connection) -> Result<bool, Error> {
        let Some(first) = self.tables.first() else { return Ok(false) };
        let found = connection.query(&format!("SELECT to_regclass('{first}') AS existing"), &[])?;
        let row = found.first().ok_or(client::Error::Protocol)?;
        Ok(row.optional_text("existing")?.is_some())
    }
}

/// The table that a statement creates.
fn created_table(statement: &str) -> Option<&str> {
    let (_, rest) = statement.split_once("CREATE TABLE ")?;
    rest.split_whitespace().next()
}

/// Copies a table. Both schemas have the same columns in the same order.
fn copy_table(from: &SqliteConnection, table: &str, to: &mut Connection) -> Result<(), Error> {
    let mut statement = from.prepare(&format!("SELECT * FROM {table}"))?;
    let columns = statement.column_count();
    let mut rows = statement.query([])?;
    to.copy_in(&format!("COPY {table} FROM STDIN"))?;
    let mut chunk = Vec::with_capacity(CHUNK_BYTES + (16 << 10));
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            write_copy_value(&mut chunk, row.get_ref(column)?);
            chunk.push(if column + 1 == columns { b'\n' } else { b'\t' });
        }
        if chunk.len() >= CHUNK_BYTES {
            to.copy_data(&chunk)?;
            chunk.clear();
        }
    }
    to.copy_data(&chunk)?;
    Ok(to.finish_copy_in()?)
}

/// Writes a value in the text format of COPY (PostgreSQL manual, COPY, "Text Format").
fn write_copy_value(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => out.extend_from_slice(b"\\N"),
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
        ValueRef::Blob(_) => unreachable!("no column of a sample is one"),
    }
}
