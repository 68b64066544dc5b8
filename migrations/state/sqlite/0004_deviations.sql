-- Where database, profile and the export before differed, and the guesses that an export without a profile went by: JSON.
ALTER TABLE exports ADD COLUMN deviations TEXT NOT NULL DEFAULT '{}';
ALTER TABLE exports ADD COLUMN guesses TEXT;
