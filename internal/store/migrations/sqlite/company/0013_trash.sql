-- What was removed since a time is read in the order of removal.
CREATE INDEX trash_at ON trash (catalog, at, record);
