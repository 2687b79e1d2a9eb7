-- Files that record values name by id. One in our store (storage s3) has its
-- content's key as address, which several may share, and the folder that it is in
-- with the image's previews; others (url) are elsewhere.
-- confirmed: it may be attached. A file is attached to a field of a record, or
-- loose (catalog, field and record 0) since a time in Unix milliseconds. width
-- and height are those of an image that has previews.
CREATE TABLE files (
	id INTEGER PRIMARY KEY,
	storage TEXT NOT NULL,
	address TEXT NOT NULL,
	folder TEXT,
	title TEXT NOT NULL,
	mime TEXT,
	size INTEGER NOT NULL,
	width INTEGER,
	height INTEGER,
	uploader INTEGER NOT NULL,
	confirmed INTEGER NOT NULL,
	catalog INTEGER NOT NULL,
	field INTEGER NOT NULL,
	record INTEGER NOT NULL,
	loose INTEGER,
	made INTEGER NOT NULL
);
CREATE INDEX files_folder ON files (folder) WHERE folder IS NOT NULL;
CREATE INDEX files_place ON files (catalog, field);
CREATE INDEX files_loose ON files (loose) WHERE loose IS NOT NULL;
