-- Work that a process claims, holds by a lease and finishes once. `lease_until_ms` and `run_at_ms` are milliseconds since
-- 1970 by the database's clock.
CREATE TABLE jobs (
    -- That of the export, for an export's job.
    id TEXT PRIMARY KEY NOT NULL,
    source_id TEXT REFERENCES sources (id),
    kind TEXT NOT NULL,
    -- What was asked: JSON.
    spec TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
    run_at_ms INTEGER NOT NULL,
    -- Counted when the job is claimed: a crash costs one.
    attempt INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL,
    -- The process that holds the lease.
    worker TEXT,
    lease_until_ms INTEGER,
    -- How far it is: JSON.
    progress TEXT,
    stop_requested INTEGER NOT NULL DEFAULT 0 CHECK (stop_requested IN (0, 1))
) STRICT;
CREATE INDEX jobs_to_do ON jobs (source_id, run_at_ms) WHERE state IN ('queued', 'running');

-- Exports that are not over: those waiting are run, those that ran have lost their process.
INSERT INTO jobs (id, source_id, kind, spec, state, run_at_ms, attempt, max_attempts, lease_until_ms)
SELECT id, source_id, 'export', json_object('compression', compression), status, 0, status = 'running', 1,
       CASE status WHEN 'running' THEN 0 END
FROM exports WHERE status IN ('queued', 'running');
