-- Search rows that are not in their index s_N yet: place is the rowid there.
-- A row here holds instead of the one there; without a text, there is none.
CREATE TABLE search_tail (
	catalog INTEGER NOT NULL,
	place INTEGER NOT NULL,
	fold TEXT,
	PRIMARY KEY (catalog, place)
) WITHOUT ROWID;
