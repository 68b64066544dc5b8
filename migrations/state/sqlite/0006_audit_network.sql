-- Where the request came from, as far as it came over the network. Null for what was recorded before.
ALTER TABLE audit ADD COLUMN network TEXT;
CREATE INDEX audit_by_source ON audit (source_id, sequence);
