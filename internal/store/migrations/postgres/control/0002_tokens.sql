-- Tokens that programs come with. id is the public part of a token's text, hash
-- the SHA-256 of all of it. catalogs (numbers) and ip_ranges are lists with
-- commas, empty for no limit; verbs is one that names each. A token goes with
-- the link that it was made under. expires and last_use may be NULL: never.
CREATE TABLE tokens (
	id text PRIMARY KEY,
	hash bytea NOT NULL,
	account bigint NOT NULL,
	company bigint NOT NULL,
	employee bigint NOT NULL,
	name text NOT NULL,
	catalogs text NOT NULL,
	verbs text NOT NULL,
	ip_ranges text NOT NULL,
	created bigint NOT NULL,
	expires bigint,
	last_use bigint,
	last_ip text NOT NULL,
	FOREIGN KEY (account, company) REFERENCES links (account, company) ON DELETE CASCADE
);
CREATE INDEX tokens_link ON tokens (account, company);
