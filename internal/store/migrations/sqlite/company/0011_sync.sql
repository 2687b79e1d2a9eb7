-- The parts of the synchronisation module's configuration, as JSON of
-- apisync/config.go; code is unique among those of a kind. Times are UTC milliseconds.
CREATE TABLE sync_resources (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	kind TEXT NOT NULL,
	code TEXT NOT NULL,
	version INTEGER NOT NULL,
	created INTEGER NOT NULL,
	updated INTEGER NOT NULL,
	body TEXT NOT NULL,
	UNIQUE (kind, code)
);

-- Answers that are given again to who repeats a request: key and hash are digests of
-- what names the request and of its body. body is null when it was too large.
CREATE TABLE sync_answers (
	key BLOB PRIMARY KEY,
	hash BLOB NOT NULL,
	at INTEGER NOT NULL,
	status INTEGER NOT NULL,
	headers TEXT NOT NULL,
	body BLOB
) WITHOUT ROWID;
CREATE INDEX sync_answers_at ON sync_answers (at);
