-- An export may come through an endpoint, too. The old column's check goes with it.
ALTER TABLE exports ADD COLUMN requested_through TEXT NOT NULL DEFAULT 'page'
    CHECK (requested_through IN ('page', 'endpoint', 'command line'));
UPDATE exports SET requested_through = channel;
ALTER TABLE exports DROP COLUMN channel;
ALTER TABLE exports RENAME COLUMN requested_through TO channel;
