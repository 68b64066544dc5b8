//! Writes the sample to PostgreSQL: first as a `SQLite` file, then copied table by table.

use std::time::Duration;

use rusqlite::Connection as SqliteConnection;
use rusqlite::types::ValueRef;

use super::{Error, SampleSpec, write_database};
use crate::server::profile::builtin::SampleData;
use crate::server::source::postgres::client::{ConnectConfig, Connection};

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
    let statements = data.postgres_schema.split_inclusive(';');
    let (tables, rest): (Vec<&str>, Vec<&str>) = statements.partition(|sql| sql.contains("CREATE TABLE"));
    let exists = first_table_exists(&tables, &mut connection)?;
    if exists && !replace {
        return Err(Error::TablesExist);
    }
    let file = tempfile::NamedTempFile::new()?.into_temp_path();
    write_database(data, &file, spec, password)?;
    connection.execute("BEGIN")?;
    if exists {
        connection.execute(&drop_tables(&tables))?;
    }
    connection.execute(&tables.concat())?;
    let from = SqliteConnection::open(&file)?;
    for sql in tables {
        copy_table(&from, table_name(sql), &mut connection)?;
    }
    connection.execute(&rest.concat())?;
    connection.execute("COMMIT")?;
    connection.execute("ANALYZE")?;
    connection.close();
    Ok(())
}

fn first_table_exists(tables: &[&str], connection: &mut Connection) -> Result<bool, Error> {
    let first = tables.first().map_or("", |sql| table_name(sql));
    let found = connection.query(&format!("SELECT to_regclass('{first}') AS existing"), &[])?;
    Ok(found.first().map(|row| row.optional_text("existing")).transpose()?.flatten().is_some())
}

fn drop_tables(tables: &[&str]) -> String {
    let names: Vec<&str> = tables.iter().map(|sql| table_name(sql)).collect();
    format!("DROP TABLE IF EXISTS {} CASCADE;", names.join(", "))
}

fn table_name(create: &str) -> &str {
    create.split("CREATE TABLE ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap_or_default()
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

/// Writes a value in the text format of COPY (PostgreSQL manual, COPY, "Text Format"). The sample has no blobs.
fn write_copy_value(out: &mut Vec<u8>, value: ValueRef<'_>) {
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
