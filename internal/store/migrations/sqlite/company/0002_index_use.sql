-- Indexes are made by the program (operator = 0) after so many slow requests, or
-- because an operator asked; uses are counted until last. Times are UTC
-- milliseconds. fields may hold -1 for created and -2 for updated.
ALTER TABLE indexes ADD COLUMN operator INTEGER NOT NULL DEFAULT 1;
ALTER TABLE indexes ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE indexes ADD COLUMN slow INTEGER NOT NULL DEFAULT 0;
ALTER TABLE indexes ADD COLUMN uses INTEGER NOT NULL DEFAULT 0;
ALTER TABLE indexes ADD COLUMN last INTEGER NOT NULL DEFAULT 0;
