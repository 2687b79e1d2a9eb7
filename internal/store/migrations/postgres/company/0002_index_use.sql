-- Indexes are made by the program (not operator) after so many slow requests, or
-- because an operator asked; uses are counted until last. Times are UTC
-- milliseconds. fields may hold -1 for created and -2 for updated.
ALTER TABLE indexes
	ADD COLUMN operator boolean NOT NULL DEFAULT true,
	ADD COLUMN since bigint NOT NULL DEFAULT 0,
	ADD COLUMN slow bigint NOT NULL DEFAULT 0,
	ADD COLUMN uses bigint NOT NULL DEFAULT 0,
	ADD COLUMN last bigint NOT NULL DEFAULT 0;
