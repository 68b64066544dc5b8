-- The part of the database that an export was asked for, as JSON; an empty object for the whole database.
ALTER TABLE exports ADD COLUMN selection TEXT NOT NULL DEFAULT '{}';
