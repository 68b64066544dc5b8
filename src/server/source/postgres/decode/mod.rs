//! Decodes column values: in binary for types where that saves formatting and parsing digits (the types' `*_send`
//! functions in PostgreSQL's source).

mod date_time;
mod digits;
mod numeric;
mod pg_type;

use super::super::Error;
use super::error;
use crate::server::rows::Value;

use date_time::{write_date, write_time, write_timestamp};
use numeric::write_numeric;
pub use pg_type::PgType;

/// Decodes one value. `text` is a reusable buffer for values rendered as text.
pub fn decode_value<'a>(pg_type: PgType, bytes: &'a [u8], scratch: &'a mut Vec<u8>) -> Result<Value<'a>, Error> {
    scratch.clear();
    let value = match pg_type {
        PgType::Boolean => Value::Boolean(to_array::<1>(bytes)? != [0]),
        PgType::Int2 => Value::Integer(i16::from_be_bytes(to_array(bytes)?).into()),
        PgType::Int4 => Value::Integer(i32::from_be_bytes(to_array(bytes)?).into()),
        PgType::Int8 => Value::Integer(i64::from_be_bytes(to_array(bytes)?)),
        PgType::Oid => Value::Integer(u32::from_be_bytes(to_array(bytes)?).into()),
        PgType::Float4 => Value::Float(f32::from_be_bytes(to_array(bytes)?)),
        PgType::Float8 => Value::Double(f64::from_be_bytes(to_array(bytes)?)),
        PgType::Text | PgType::Enum | PgType::Other | PgType::Json | PgType::Jsonb => Value::Text(bytes),
        PgType::Bytes => Value::Blob(bytes),
        PgType::Uuid => {
            write_uuid(to_array(bytes)?, scratch);
            Value::SafeAscii(scratch)
        }
        PgType::Date => {
            write_date(i32::from_be_bytes(to_array(bytes)?), scratch);
            Value::SafeAscii(scratch)
        }
        PgType::Time => {
            write_time(i64::from_be_bytes(to_array(bytes)?), scratch);
            Value::SafeAscii(scratch)
        }
        PgType::Timestamp | PgType::TimestampTz => {
            write_timestamp(i64::from_be_bytes(to_array(bytes)?), pg_type == PgType::TimestampTz, scratch);
            Value::SafeAscii(scratch)
        }
        PgType::Numeric => {
            write_numeric(bytes, scratch).ok_or_else(error::invalid_message)?;
            Value::SafeAscii(scratch)
        }
    };
    Ok(value)
}

fn to_array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Error> {
    bytes.try_into().map_err(|_| error::invalid_message())
}

fn write_uuid(bytes: [u8; 16], text: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for (at, byte) in bytes.into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push(b'-');
        }
        text.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_from_a_broken_wire_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut text = Vec::new();
            for wire in [PgType::Numeric, PgType::Uuid, PgType::Int4, PgType::TimestampTz, PgType::Boolean] {
                let _ = decode_value(wire, &bytes, &mut text);
            }
        }
    }
}
