-- The way in which an export was requested, and how far it is, have one name each in code and database.
ALTER TABLE exports RENAME COLUMN door TO channel;
ALTER TABLE exports RENAME COLUMN outcome TO status;
