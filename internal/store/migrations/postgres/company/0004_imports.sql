-- imports says how far each import of a file came: done of total rows, taken or
-- not. file names the file's content and how it is read; plan is the importer's
-- own JSON. A row is moved on by the transaction that stores its rows.
CREATE TABLE imports (
	catalog bigint PRIMARY KEY,
	file text NOT NULL,
	plan text NOT NULL,
	total bigint NOT NULL,
	done bigint NOT NULL,
	stored bigint NOT NULL,
	refused bigint NOT NULL,
	cells bigint NOT NULL
);
