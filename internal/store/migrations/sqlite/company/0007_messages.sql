-- Every record has a chat. id is one counter of the company. author is an
-- employee, 0 for automation; reply the quoted message and history the entry of
-- the feed, 0 for none. mentions and in_text are JSON lists of employees: those
-- named beside the text and by it. attachments are files as records have them.
-- Times are UTC milliseconds. A deleted message keeps its row without contents.
CREATE TABLE messages (
	id INTEGER PRIMARY KEY,
	catalog INTEGER NOT NULL,
	record INTEGER NOT NULL,
	author INTEGER NOT NULL,
	text TEXT NOT NULL,
	reply INTEGER NOT NULL,
	mentions TEXT NOT NULL,
	in_text TEXT NOT NULL,
	attachments TEXT,
	history INTEGER NOT NULL,
	created INTEGER NOT NULL,
	updated INTEGER,
	deleted INTEGER
);
CREATE INDEX messages_record ON messages (catalog, record, id);
CREATE INDEX messages_live ON messages (catalog, record) WHERE deleted IS NULL;

-- Whom messages that are not deleted mention, but for their authors.
CREATE TABLE mentions (
	catalog INTEGER NOT NULL,
	record INTEGER NOT NULL,
	employee INTEGER NOT NULL,
	message INTEGER NOT NULL,
	PRIMARY KEY (catalog, record, employee, message)
);

-- What a chat is to an employee: he has read it up to that message. unread says
-- that a later one, by somebody else, is for him: he is subscribed or mentioned.
CREATE TABLE subscriptions (
	catalog INTEGER NOT NULL,
	record INTEGER NOT NULL,
	employee INTEGER NOT NULL,
	subscribed INTEGER NOT NULL,
	read INTEGER NOT NULL,
	unread INTEGER NOT NULL,
	PRIMARY KEY (catalog, record, employee)
);
CREATE INDEX subscriptions_unread ON subscriptions (employee, catalog, record) WHERE unread IS TRUE;

-- Catalogs in which somebody wrote a message, or will be subscribed by a field:
-- for the others nobody looks into these tables.
ALTER TABLE catalogs ADD COLUMN chat INTEGER NOT NULL DEFAULT 0;
UPDATE catalogs SET chat = 1 WHERE num IN (SELECT catalog FROM fields WHERE type = 'user' AND def LIKE '%"subscribe":true%');
