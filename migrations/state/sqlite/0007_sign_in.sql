-- Accounts can be disabled; people may have a second factor, whoever keeps their accounts.
ALTER TABLE accounts ADD COLUMN disabled_at TEXT;

-- Sessions end with the password that opened them. Those of the time before do not know theirs: they end now.
DROP TABLE sessions;
CREATE TABLE sessions (
    token_sha256 TEXT PRIMARY KEY NOT NULL,
    source_id TEXT NOT NULL REFERENCES sources (id),
    account_id TEXT NOT NULL,
    email TEXT NOT NULL,
    created_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    -- Where it was opened from.
    network TEXT,
    -- Of the stored password hash that it was opened with.
    credential_sha256 TEXT NOT NULL,
    -- 1: the password was right, and the code of the second factor is still to come.
    awaits_code INTEGER NOT NULL CHECK (awaits_code IN (0, 1))
) STRICT;

CREATE TABLE second_factors (
    source_id TEXT NOT NULL REFERENCES sources (id),
    account_id TEXT NOT NULL,
    -- The account's name, for the command line.
    name TEXT NOT NULL COLLATE NOCASE,
    -- Shared with an authenticator app (RFC 6238).
    secret BLOB NOT NULL,
    -- Until it is confirmed, it is for the session that asked for it, and for some minutes.
    begun_at TEXT NOT NULL,
    begun_in TEXT NOT NULL,
    -- Null until a first code has shown that the app has it.
    confirmed_at TEXT,
    -- The time step of the last code that was accepted: no code is good twice.
    last_step INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (source_id, account_id)
) STRICT;

-- Each works once, in the place of a code.
CREATE TABLE recovery_codes (
    code_sha256 TEXT PRIMARY KEY NOT NULL,
    source_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    used_at TEXT,
    FOREIGN KEY (source_id, account_id) REFERENCES second_factors (source_id, account_id) ON DELETE CASCADE
) STRICT;
