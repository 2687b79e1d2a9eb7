-- Every record has a chat. id is one counter of the company. author is an
-- employee, 0 for automation; reply the quoted message and history the entry of
-- the feed, 0 for none. mentions and in_text are JSON lists of employees: those
-- named beside the text and by it. attachments are files as records have them.
-- Times are UTC milliseconds. A deleted message keeps its row without contents.
CREATE TABLE messages (
	id bigint PRIMARY KEY,
	catalog bigint NOT NULL,
	record bigint NOT NULL,
	author bigint NOT NULL,
	text text NOT NULL,
	reply bigint NOT NULL,
	mentions text NOT NULL,
	in_text text NOT NULL,
	attachments text,
	history bigint NOT NULL,
	created bigint NOT NULL,
	updated bigint,
	deleted bigint
);
CREATE INDEX messages_record ON messages (catalog, record, id);
CREATE INDEX messages_live ON messages (catalog, record) WHERE deleted IS NULL;

-- Whom messages that are not deleted mention, but for their authors.
CREATE TABLE mentions (
	catalog bigint NOT NULL,
	record bigint NOT NULL,
	employee bigint NOT NULL,
	message bigint NOT NULL,
	PRIMARY KEY (catalog, record, employee, message)
);

-- What a chat is to an employee: he has read it up to that message. unread says
-- that a later one, by somebody else, is for him: he is subscribed or mentioned.
CREATE TABLE subscriptions (
	catalog bigint NOT NULL,
	record bigint NOT NULL,
	employee bigint NOT NULL,
	subscribed boolean NOT NULL,
	read bigint NOT NULL,
	unread boolean NOT NULL,
	PRIMARY KEY (catalog, record, employee)
);
CREATE INDEX subscriptions_unread ON subscriptions (employee, catalog, record) WHERE unread IS TRUE;

-- Catalogs in which somebody wrote a message, or will be subscribed by a field:
-- for the others nobody looks into these tables.
ALTER TABLE catalogs ADD COLUMN chat boolean NOT NULL DEFAULT false;
UPDATE catalogs SET chat = true WHERE num IN (SELECT catalog FROM fields WHERE type = 'user' AND def LIKE '%"subscribe":true%');
