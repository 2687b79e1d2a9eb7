-- One company. The tables r_N (records) and s_N (search rows) of a catalog are
-- made with the catalog; see tables.go. Times are UTC milliseconds.

CREATE TABLE versions (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	structure INTEGER NOT NULL,
	rights INTEGER NOT NULL
);
INSERT INTO versions (id, structure, rights) VALUES (1, 1, 1);

CREATE TABLE counters (
	name TEXT PRIMARY KEY,
	value INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE sections (
	num INTEGER PRIMARY KEY,
	key TEXT NOT NULL,
	name TEXT NOT NULL,
	icon TEXT NOT NULL,
	priority INTEGER NOT NULL,
	system INTEGER NOT NULL,
	removed INTEGER
);

CREATE TABLE catalogs (
	num INTEGER PRIMARY KEY,
	key TEXT NOT NULL,
	section INTEGER NOT NULL,
	name TEXT NOT NULL,
	icon TEXT NOT NULL,
	priority INTEGER NOT NULL,
	history INTEGER NOT NULL,
	instruction TEXT NOT NULL,
	system INTEGER NOT NULL,
	mirror INTEGER NOT NULL,
	next_field INTEGER NOT NULL,
	removed INTEGER
);

-- def is the JSON of what no statement asks for; see structure_fields.go.
CREATE TABLE fields (
	num INTEGER PRIMARY KEY,
	catalog INTEGER NOT NULL,
	id INTEGER NOT NULL,
	key TEXT NOT NULL,
	type TEXT NOT NULL,
	name TEXT NOT NULL,
	position INTEGER NOT NULL,
	removed INTEGER,
	def TEXT NOT NULL
);
CREATE UNIQUE INDEX fields_catalog ON fields (catalog, id);

-- indexes are those that operators asked for; fields is a JSON list of numbers.
CREATE TABLE indexes (
	name TEXT PRIMARY KEY,
	catalog INTEGER NOT NULL,
	fields TEXT NOT NULL
) WITHOUT ROWID;

-- refs are the entries of fields with several values: targets are query.Ref
-- for links, option numbers for choices. Positions count from 0 without a gap.
CREATE TABLE refs (
	field INTEGER NOT NULL,
	record INTEGER NOT NULL,
	position INTEGER NOT NULL,
	target INTEGER NOT NULL,
	PRIMARY KEY (field, record, position)
) WITHOUT ROWID;
CREATE INDEX refs_target ON refs (field, target, record);

-- titles has a row for every record there ever was, so the greatest ref of a
-- catalog is also the greatest number used.
CREATE TABLE titles (
	ref INTEGER PRIMARY KEY,
	catalog INTEGER NOT NULL,
	title TEXT NOT NULL,
	fold TEXT NOT NULL,
	key BLOB,
	code TEXT,
	removed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX titles_key ON titles (catalog, key, ref);

CREATE TABLE trash (
	catalog INTEGER NOT NULL,
	record INTEGER NOT NULL,
	at INTEGER NOT NULL,
	actor INTEGER NOT NULL,
	data TEXT,
	PRIMARY KEY (catalog, record)
) WITHOUT ROWID;

-- AUTOINCREMENT, so that a table emptied by a purge does not start again at 1.
CREATE TABLE changes (
	seq INTEGER PRIMARY KEY AUTOINCREMENT,
	catalog INTEGER NOT NULL,
	record INTEGER NOT NULL,
	version INTEGER NOT NULL,
	at INTEGER NOT NULL,
	actor INTEGER NOT NULL,
	origin TEXT NOT NULL,
	kind TEXT NOT NULL,
	data TEXT
);

CREATE TABLE history (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	catalog INTEGER NOT NULL,
	record INTEGER NOT NULL,
	at INTEGER NOT NULL,
	actor INTEGER NOT NULL,
	kind TEXT NOT NULL,
	payload TEXT
);
CREATE INDEX history_record ON history (catalog, record, id);
CREATE INDEX history_catalog ON history (catalog, id);

-- option_times says from when until when a record was in an option; exited is
-- null while it is.
CREATE TABLE option_times (
	field INTEGER NOT NULL,
	record INTEGER NOT NULL,
	item INTEGER NOT NULL,
	entered INTEGER NOT NULL,
	exited INTEGER,
	PRIMARY KEY (field, record, item, entered)
) WITHOUT ROWID;

CREATE TABLE outbox (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	kind TEXT NOT NULL,
	payload TEXT NOT NULL
);
