-- imports says how far each import of a file came: done of total rows, taken or
-- not. file names the file's content and how it is read; plan is the importer's
-- own JSON. A row is moved on by the transaction that stores its rows.
CREATE TABLE imports (
	catalog INTEGER PRIMARY KEY,
	file TEXT NOT NULL,
	plan TEXT NOT NULL,
	total INTEGER NOT NULL,
	done INTEGER NOT NULL,
	stored INTEGER NOT NULL,
	refused INTEGER NOT NULL,
	cells INTEGER NOT NULL
);
