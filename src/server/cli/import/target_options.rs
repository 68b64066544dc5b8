//! The options of the database that is written to, in messages.

/// The options of a source have other names where a database is written to.
pub fn as_target(message: &str) -> String {
    message.replace("--source:", "--target:").replace("WAYBILL_SOURCE", "WAYBILL_TARGET")
}
