-- fires says what a change sets off, as JSON of catalog/fire.go; null for nothing.
ALTER TABLE changes ADD COLUMN fires TEXT;
CREATE INDEX changes_fires ON changes (seq) WHERE fires IS NOT NULL;

-- Durable consumers of changes: each has made its jobs of those up to seq. One
-- node at a time does, until its lease ends. Times are UTC milliseconds.
CREATE TABLE cursors (
	consumer TEXT PRIMARY KEY,
	seq INTEGER NOT NULL,
	owner TEXT NOT NULL,
	lease INTEGER NOT NULL
) WITHOUT ROWID;

-- Where jobs of a queue go to. One node serves a target until its lease ends.
-- failures is how many attempts in a row failed, the first of them at since (0 for
-- none); nothing is tried before resume.
CREATE TABLE targets (
	queue TEXT NOT NULL,
	target INTEGER NOT NULL,
	owner TEXT NOT NULL,
	lease INTEGER NOT NULL,
	failures INTEGER NOT NULL,
	since INTEGER NOT NULL,
	resume INTEGER NOT NULL,
	PRIMARY KEY (queue, target)
) WITHOUT ROWID;

-- The pending jobs of a target about one record are a lane: only its head may be
-- done, from due on. Of a claimed lane that is when its claimer must have died.
CREATE TABLE lanes (
	queue TEXT NOT NULL,
	target INTEGER NOT NULL,
	record INTEGER NOT NULL,
	head INTEGER NOT NULL,
	due INTEGER NOT NULL,
	claimed INTEGER NOT NULL,
	PRIMARY KEY (queue, target, record)
) WITHOUT ROWID;
CREATE INDEX lanes_due ON lanes (queue, target, due);
CREATE INDEX lanes_claimed ON lanes (queue, target) WHERE claimed IS TRUE;

-- A job is the delivery of one change (its seq). number is the target's count of
-- its events. state is pending, done or dead; status, error, answer and took (ms)
-- tell of the last attempt, at tried. body is what is sent, once it is known, and
-- size what the row takes.
CREATE TABLE jobs (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	queue TEXT NOT NULL,
	target INTEGER NOT NULL,
	record INTEGER NOT NULL,
	change INTEGER NOT NULL,
	kind TEXT NOT NULL,
	number INTEGER NOT NULL,
	made INTEGER NOT NULL,
	state TEXT NOT NULL,
	attempts INTEGER NOT NULL,
	tried INTEGER,
	status INTEGER NOT NULL,
	error TEXT NOT NULL,
	answer TEXT NOT NULL,
	took INTEGER NOT NULL,
	body TEXT,
	size INTEGER NOT NULL
);
CREATE INDEX jobs_lane ON jobs (queue, target, record, id) WHERE state = 'pending';
CREATE INDEX jobs_target ON jobs (queue, target, id);
CREATE INDEX jobs_number ON jobs (queue, target, number);
CREATE INDEX jobs_over ON jobs (id, size) WHERE state <> 'pending';
CREATE INDEX jobs_change ON jobs (change) WHERE state = 'pending' AND body IS NULL;
