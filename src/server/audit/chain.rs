//! The hash chain: each entry's hash covers the entry and the hash before it.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::event::Event;
use crate::model::manifest::AuditHead;
use crate::server::state::audit::AuditRecord;

/// An event's stored name, and its fields as a JSON object.
pub fn name_and_detail(event: &Event) -> (String, String) {
    let mut detail = json!(event);
    let name = detail.as_object_mut().and_then(|fields| fields.remove("event"));
    let Some(Value::String(name)) = name else { unreachable!("serde tags every event with its name") };
    (name, detail.to_string())
}

/// Computes a row's hash over the previous hash and the row's fields.
pub fn row_hash(row: &AuditRecord) -> String {
    let AuditRecord { previous_hash, at, actor, event, export_id, detail, source_id, network, .. } = row;
    // A JSON array keeps the fields apart: no two different rows serialize to the same text. Rows from before the
    // columns `source_id` and `network` existed are hashed without them, so that their hashes stay valid.
    let fields = match (source_id, network) {
        (None, None) => json!([previous_hash, at, actor, event, export_id, detail]),
        (Some(source), None) => json!([previous_hash, at, actor, event, export_id, detail, source]),
        (source, Some(network)) => json!([previous_hash, at, actor, event, export_id, detail, source, network]),
    };
    hex::encode(Sha256::digest(fields.to_string()))
}

/// Whether the row continues the chain whose newest entry is `previous`.
pub fn is_successor(row: &AuditRecord, previous: &AuditHead) -> bool {
    row.sequence == previous.entries + 1 && row.previous_hash == previous.hash && row.hash == row_hash(row)
}

#[cfg(test)]
mod tests {
    use super::super::EVENT_NAMES;
    use super::*;

    #[test]
    fn kinds_are_what_the_trail_calls_events() {
        assert!(EVENT_NAMES.contains(&&*name_and_detail(&Event::SignInLimited).0));
        assert!(EVENT_NAMES.contains(&&*name_and_detail(&Event::SessionsEnded { account: "ada".into(), count: 1 }).0));
    }
}
