-- Boards of a catalog (view 0) or of a view of it, and the widgets on them.
-- layouts and settings are JSON; see boards.go.
CREATE TABLE boards (
	num bigint PRIMARY KEY,
	catalog bigint NOT NULL,
	view bigint NOT NULL,
	name text NOT NULL,
	priority bigint NOT NULL,
	layouts text NOT NULL
);
CREATE INDEX boards_view ON boards (view);
CREATE TABLE widgets (
	num bigint PRIMARY KEY,
	board bigint NOT NULL,
	priority bigint NOT NULL,
	settings text NOT NULL
);
CREATE INDEX widgets_board ON widgets (board);

-- Each catalog and each view is made with a board: those from before get theirs.
INSERT INTO boards (num, catalog, view, name, priority, layouts)
	SELECT row_number() OVER (ORDER BY catalog, view), catalog, view, '', 0, '{}' FROM (
		SELECT num AS catalog, 0 AS view FROM catalogs WHERE system IS FALSE
		UNION ALL
		SELECT catalog, num FROM views) AS made;
INSERT INTO counters (name, value) SELECT 'board', count(*) FROM boards;
