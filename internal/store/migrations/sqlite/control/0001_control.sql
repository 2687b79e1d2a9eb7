-- What companies share. Times are UTC milliseconds.

CREATE TABLE settings (
	name text PRIMARY KEY,
	value text NOT NULL
);

-- key is the login as it is compared; sessions_from ends older sessions. A
-- request_limit or request_interval (ms) of 0 means the server's.
-- AUTOINCREMENT, so that the number of a deleted account is not given again.
CREATE TABLE accounts (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	key text NOT NULL UNIQUE,
	login text NOT NULL,
	name text NOT NULL,
	password text NOT NULL,
	created bigint NOT NULL,
	last_login bigint,
	sessions_from bigint,
	request_limit bigint NOT NULL,
	request_interval bigint NOT NULL
);

CREATE TABLE links (
	account bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	company bigint NOT NULL,
	employee bigint NOT NULL,
	PRIMARY KEY (account, company),
	UNIQUE (company, employee)
);

-- key is the SHA-256 of the session's secret id.
CREATE TABLE sessions (
	key blob PRIMARY KEY,
	account bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	created bigint NOT NULL,
	last_use bigint NOT NULL,
	ip text NOT NULL,
	way text NOT NULL
);
CREATE INDEX sessions_account ON sessions (account);
CREATE INDEX sessions_last_use ON sessions (last_use);

-- The row with ip '' counts a login from anywhere.
CREATE TABLE login_failures (
	login text NOT NULL,
	ip text NOT NULL,
	failed bigint NOT NULL,
	last_at bigint NOT NULL,
	PRIMARY KEY (login, ip)
);
CREATE INDEX login_failures_last ON login_failures (last_at);
