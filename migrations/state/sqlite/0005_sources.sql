-- Everything here belongs to one source. What was there before did not say to which one: its sessions end, its files
-- can no longer be downloaded, its runs are over, its history stays without a source. Accounts are adopted by the
-- source that is served first.

CREATE TABLE sources (
    id TEXT PRIMARY KEY NOT NULL,
    -- What the engine says of the database: PostgreSQL's system identifier and database, an SQLite file's path.
    identity TEXT NOT NULL,
    -- What an SQLite file keeps when it is moved: its number and birth in its file system.
    file_id TEXT,
    -- The operator's name for it: a physical copy has the same identity, an upgraded server another one.
    name TEXT NOT NULL UNIQUE,
    known_since TEXT NOT NULL
) STRICT;

DROP TABLE sessions;
CREATE TABLE sessions (
    token_sha256 TEXT PRIMARY KEY NOT NULL,
    source_id TEXT NOT NULL REFERENCES sources (id),
    account_id TEXT NOT NULL,
    email TEXT NOT NULL,
    created_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL
) STRICT;

ALTER TABLE exports ADD COLUMN source_id TEXT REFERENCES sources (id);
UPDATE exports SET artifact = NULL, expires_at = NULL;
UPDATE exports SET outcome = 'failed', message = 'The program was stopped. Start a new export.'
    WHERE outcome IN ('queued', 'running');
CREATE INDEX exports_by_source ON exports (source_id, requested_at);

CREATE TABLE accounts_by_source (
    id TEXT PRIMARY KEY NOT NULL,
    -- Null until a source adopts it.
    source_id TEXT REFERENCES sources (id),
    name TEXT NOT NULL COLLATE NOCASE,
    password_hash TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
INSERT INTO accounts_by_source SELECT id, NULL, name, password_hash, created_at FROM accounts;
DROP TABLE accounts;
ALTER TABLE accounts_by_source RENAME TO accounts;
CREATE UNIQUE INDEX accounts_by_name ON accounts (source_id, name) WHERE source_id IS NOT NULL;
CREATE UNIQUE INDEX accounts_to_adopt ON accounts (name) WHERE source_id IS NULL;

-- Null for what was recorded before, and for what is about no source.
ALTER TABLE audit ADD COLUMN source_id TEXT;
