//! Writes one value as its column's codec asks, and in pieces if it is long.

use std::io::Write;

use super::lossless::is_embeddable;
use super::scalar;
use crate::model::catalog::Codec;
use crate::server::pipeline::ChunkWriter;
use crate::server::rows::{Stopped, Value};

/// Long values are encoded in pieces of this size, so that one of 100 MB needs no buffer of 100 MB.
/// A multiple of three, for base64.
const LONG_VALUE_PIECE_BYTES: usize = 48 << 10;

/// Writes a value of a column with this codec.
///
/// # Errors
/// `Stopped` if the writing side has ended.
#[inline]
pub fn write_value(out: &mut ChunkWriter, codec: Codec, value: Value<'_>) -> Result<(), Stopped> {
    match value {
        Value::Null => {
            out.buffer().extend_from_slice(b"null");
            Ok(())
        }
        Value::Boolean(value) => {
            out.buffer().extend_from_slice(if value { b"true" } else { b"false" });
            Ok(())
        }
        Value::Integer(n) => write_integer(out, codec, n),
        Value::Float(n) => {
            scalar::write_float(out.buffer(), n);
            Ok(())
        }
        Value::Double(n) => write_double(out, codec, n),
        Value::SafeAscii(text) => {
            scalar::write_quoted(out.buffer(), text);
            Ok(())
        }
        Value::Text(bytes) => write_text(out, codec, bytes),
        Value::Blob(bytes) => write_blob(out, codec, bytes),
    }
}

fn write_text(out: &mut ChunkWriter, codec: Codec, bytes: &[u8]) -> Result<(), Stopped> {
    if codec == Codec::Text && bytes.len() <= LONG_VALUE_PIECE_BYTES && scalar::needs_no_escape(bytes) {
        scalar::write_quoted(out.buffer(), bytes);
        return Ok(());
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return write_tagged(out, "$bytes", |out| write_long_base64(out, bytes));
    };
    match codec {
        Codec::Boolean | Codec::Integer | Codec::Double | Codec::Base64 => {
            write_tagged(out, "$text", |out| write_long_text(out, text))
        }
        Codec::Json if is_embeddable(text) => {
            for piece in bytes.chunks(LONG_VALUE_PIECE_BYTES) {
                out.buffer().extend_from_slice(piece);
                out.flush_if_full()?;
            }
            Ok(())
        }
        Codec::Json => write_tagged(out, "$json", |out| write_long_text(out, text)),
        _ => write_long_text(out, text),
    }
}

fn write_integer(out: &mut ChunkWriter, codec: Codec, n: i64) -> Result<(), Stopped> {
    let is_safe = (-scalar::MAX_SAFE_INTEGER..=scalar::MAX_SAFE_INTEGER).contains(&n);
    match codec {
        Codec::Boolean if n == 0 || n == 1 => {
            out.buffer().extend_from_slice(if n == 1 { b"true" } else { b"false" });
        }
        Codec::Integer => scalar::write_integer(out.buffer(), n),
        // In a column without a type, a larger integer as a string would read as text: it is tagged below.
        Codec::Dynamic if is_safe => scalar::write_integer(out.buffer(), n),
        _ => {
            return write_tagged(out, "$int", |out| {
                scalar::write_integer(out.buffer(), n);
                Ok(())
            });
        }
    }
    Ok(())
}

fn write_double(out: &mut ChunkWriter, codec: Codec, n: f64) -> Result<(), Stopped> {
    // In a column without a type, many readers would return 1.0 as the integer 1.
    let is_untagged = codec == Codec::Double || (codec == Codec::Dynamic && n.is_finite() && n.fract() != 0.0);
    if is_untagged {
        scalar::write_double(out.buffer(), n);
        return Ok(());
    }
    write_tagged(out, "$real", |out| {
        scalar::write_double(out.buffer(), n);
        Ok(())
    })
}

fn write_blob(out: &mut ChunkWriter, codec: Codec, bytes: &[u8]) -> Result<(), Stopped> {
    if codec == Codec::Base64 {
        return write_long_base64(out, bytes);
    }
    write_tagged(out, "$blob", |out| write_long_base64(out, bytes))
}

fn write_long_text(out: &mut ChunkWriter, text: &str) -> Result<(), Stopped> {
    out.buffer().push(b'"');
    for piece in text.as_bytes().chunks(LONG_VALUE_PIECE_BYTES) {
        scalar::write_escaped(out.buffer(), piece);
        out.flush_if_full()?;
    }
    out.buffer().push(b'"');
    Ok(())
}

fn write_long_base64(out: &mut ChunkWriter, bytes: &[u8]) -> Result<(), Stopped> {
    out.buffer().push(b'"');
    for piece in bytes.chunks(LONG_VALUE_PIECE_BYTES) {
        scalar::write_base64(out.buffer(), piece);
        out.flush_if_full()?;
    }
    out.buffer().push(b'"');
    Ok(())
}

/// Writes `{"$tag":…}`: a value that is not of its column's type.
fn write_tagged(
    out: &mut ChunkWriter,
    tag: &str,
    inner: impl FnOnce(&mut ChunkWriter) -> Result<(), Stopped>,
) -> Result<(), Stopped> {
    let _ = write!(out.buffer(), "{{\"{tag}\":");
    inner(out)?;
    out.buffer().push(b'}');
    Ok(())
}
