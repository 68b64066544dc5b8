-- The way in which an export was requested has one name in code and database.
ALTER TABLE exports RENAME COLUMN door TO channel;
