-- The ids that other systems have for records, one for each within a group of
-- configurations (apisync.Link). A link stays when its record is removed: those who
-- carry the removal to the other system need it; another record may take its id then.
CREATE TABLE sync_links (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	link_group TEXT NOT NULL,
	catalog INTEGER NOT NULL,
	record INTEGER NOT NULL,
	external_id TEXT, -- null until the other system gives one
	UNIQUE (link_group, external_id),
	UNIQUE (catalog, record, link_group)
);

-- When the credentials of endpoints were used last.
CREATE TABLE sync_uses (
	config INTEGER NOT NULL,
	credential INTEGER NOT NULL,
	at INTEGER NOT NULL,
	PRIMARY KEY (config, credential)
) WITHOUT ROWID;
