//! An entry of the trail as JSON.

use serde_json::{Value, json};

use crate::server::audit::AuditRecord;

/// All fields of an entry, from which its hash can be computed again.
pub fn to_json(recorded: &AuditRecord) -> Value {
    let AuditRecord { sequence, at, actor, network, event, export_id, detail, source_id, previous_hash, hash } =
        recorded;
    // `detail` stays the stored text, not parsed JSON: the hash covers its exact bytes.
    json!({
        "entry": sequence, "at": at, "actor": actor, "network": network, "event": event, "export_id": export_id,
        "detail": detail, "source_id": source_id, "previous_hash": previous_hash, "hash": hash,
    })
}
