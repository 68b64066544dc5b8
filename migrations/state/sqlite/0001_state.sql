-- Waybill's own memory, apart from any source. Times are RFC 3339 UTC; `_ms` and `_bytes` say their unit.

CREATE TABLE sessions (
    token_sha256 TEXT PRIMARY KEY NOT NULL,
    account_id TEXT NOT NULL,
    email TEXT NOT NULL,
    created_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL
) STRICT;

CREATE TABLE exports (
    id TEXT PRIMARY KEY NOT NULL,
    requested_at TEXT NOT NULL,
    -- The account in the source; null for the command line.
    account_id TEXT,
    requested_by TEXT NOT NULL,
    door TEXT NOT NULL CHECK (door IN ('page', 'command line')),
    scope TEXT NOT NULL,
    file_name TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
    message TEXT,
    reference TEXT,
    records INTEGER,
    tables INTEGER,
    bytes INTEGER,
    estimated_bytes INTEGER,
    sha256 TEXT,
    duration_ms INTEGER,
    -- Name of the finished file in the artefact folder; null once it is removed.
    artifact TEXT,
    expires_at TEXT,
    downloads INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX exports_by_requested_at ON exports (requested_at);
CREATE INDEX exports_by_outcome ON exports (outcome);

-- Append-only and chained: `hash` covers the row and the hash before it.
CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY NOT NULL,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    event TEXT NOT NULL,
    export_id TEXT,
    detail TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE
) STRICT;

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
