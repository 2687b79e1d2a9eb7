-- Links by which people choose a new password. hash is the SHA-256 of the token
-- in the link; it dies at expires, with its first use, and with any new password.
CREATE TABLE resets (
	hash blob PRIMARY KEY,
	account bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	expires bigint NOT NULL
);
CREATE INDEX resets_account ON resets (account);
