-- How a file is packed; the name of a file says the same.
ALTER TABLE exports ADD COLUMN compression TEXT NOT NULL DEFAULT 'none' CHECK (compression IN ('none', 'gzip', 'zstd'));
