-- Files that record values name by id. One in our store (storage s3) has its
-- content's key as address, which several may share, and the folder that it is in
-- with the image's previews; others (url) are elsewhere.
-- confirmed: it may be attached. A file is attached to a field of a record, or
-- loose (catalog, field and record 0) since a time in Unix milliseconds. width
-- and height are those of an image that has previews.
CREATE TABLE files (
	id bigint PRIMARY KEY,
	storage text NOT NULL,
	address text NOT NULL,
	folder text,
	title text NOT NULL,
	mime text,
	size bigint NOT NULL,
	width bigint,
	height bigint,
	uploader bigint NOT NULL,
	confirmed boolean NOT NULL,
	catalog bigint NOT NULL,
	field bigint NOT NULL,
	record bigint NOT NULL,
	loose bigint,
	made bigint NOT NULL
);
CREATE INDEX files_folder ON files (folder) WHERE folder IS NOT NULL;
CREATE INDEX files_place ON files (catalog, field);
CREATE INDEX files_loose ON files (loose) WHERE loose IS NOT NULL;
