//! The messages of a statement that the extended protocol runs (PostgreSQL manual, 55.2.3).

use std::io;

use bytes::{BufMut, BytesMut};
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::CommandCompleteBody;
use postgres_protocol::message::frontend;

/// Wire format of a column's values (PostgreSQL manual, 55.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text = 0,
    Binary = 1,
}

/// Parse and Bind: the statement with its values as text, each of the type with this OID or of the inferred one, and with
/// the formats of its columns.
///
/// # Errors
/// For a text that contains a NUL byte, which the protocol cannot carry.
pub fn write_bound(
    sql: &str,
    types: &[u32],
    values: &[&str],
    formats: &[Format],
    out: &mut BytesMut,
) -> io::Result<()> {
    frontend::parse("", sql, types.iter().copied(), out)?;
    let write = |value: &&str, out: &mut BytesMut| {
        out.put_slice(value.as_bytes());
        Ok(IsNull::No)
    };
    let formats = formats.iter().map(|format| *format as i16);
    frontend::bind("", "", [], values, write, formats, out).map_err(|_| io::ErrorKind::InvalidInput.into())
}

/// Describe: the server sends the names of the columns before the rows.
///
/// # Errors
/// None in practice.
pub fn write_describe(out: &mut BytesMut) -> io::Result<()> {
    frontend::describe(b'P', "", out)
}

/// Execute and Sync.
///
/// # Errors
/// None in practice.
pub fn write_execute(out: &mut BytesMut) -> io::Result<()> {
    frontend::execute("", 0, out)?;
    frontend::sync(out);
    Ok(())
}

/// The number of rows in the answer to a statement, such as "SELECT 12" or "INSERT 0 12".
pub fn rows_of(completed: &CommandCompleteBody) -> Option<u64> {
    completed.tag().ok()?.rsplit(' ').next()?.parse().ok()
}
