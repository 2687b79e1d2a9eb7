-- Who may do what. A rule is about a section, or a catalog, or a legal view or a
-- record of a catalog: numbers that are not part of it are 0. Its subject is
-- everybody (0, 0), an employee (0, its ref), or those whose card links ref in
-- field. fields is a JSON object of rights by field number: {"12":"hide"}.
CREATE TABLE rules (
	id bigint PRIMARY KEY,
	section bigint NOT NULL,
	catalog bigint NOT NULL,
	view bigint NOT NULL,
	record bigint NOT NULL,
	field bigint NOT NULL,
	ref bigint NOT NULL,
	privilege text NOT NULL,
	fields text
);
CREATE UNIQUE INDEX rules_object ON rules (catalog, view, record, section, field, ref);

-- Views under their public ids: those of somebody, and legal ones of the
-- catalog. filters and options are JSON; see views.go.
CREATE TABLE views (
	num bigint PRIMARY KEY,
	key text NOT NULL,
	catalog bigint NOT NULL,
	owner bigint NOT NULL,
	legal boolean NOT NULL,
	name text NOT NULL,
	origin_name text NOT NULL,
	filters text NOT NULL,
	options text
);
CREATE UNIQUE INDEX views_key ON views (catalog, key);
CREATE INDEX views_owner ON views (owner, num) WHERE legal IS FALSE;

-- A company from before goes on as it was, when every employee could do
-- everything: everybody administers the users' sections (removed ones may come
-- back), and each employee there is now those of the system. That is more than
-- the employees with a login, whose column in r_3 no script can name; who has
-- none gets in no more than before. A new company has neither section nor
-- employee yet: here it gets no rule. 3 is the employees' catalog.
INSERT INTO rules (id, section, catalog, view, record, field, ref, privilege)
	SELECT row_number() OVER (ORDER BY section, ref), section, 0, 0, 0, 0, ref, 'admin' FROM (
		SELECT num AS section, 0 AS ref FROM sections WHERE system IS FALSE
		UNION ALL
		SELECT s.num, t.ref FROM sections s CROSS JOIN titles t
			WHERE s.num IN (1, 2) AND s.system IS TRUE AND t.catalog = 3 AND t.removed IS FALSE) AS given;
INSERT INTO counters (name, value) SELECT 'rule', count(*) FROM rules;
