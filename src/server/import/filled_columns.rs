//! What columns get that the file lacks.

use crate::server::profile::OnImport;
use crate::server::rows::{RowSink, Stopped, Value};
use crate::server::support::random::{Random, new_token};

/// What is no hash of any scheme matches no password.
const UNUSABLE_HASH: &[u8] = b"!";

/// Pushes it, behind the values of a record.
///
/// # Errors
/// `Stopped` if the sink stops.
pub fn push(filled: &[(String, OnImport)], random: &dyn Random, sink: &mut dyn RowSink) -> Result<(), Stopped> {
    filled.iter().try_for_each(|(_, on_import)| match on_import {
        OnImport::UnusableHash => sink.push_value(Value::Text(UNUSABLE_HASH)),
        OnImport::FreshToken => sink.push_value(Value::Text(new_token(random).as_bytes())),
        OnImport::Constant(text) => sink.push_value(Value::Text(text.as_bytes())),
    })
}
