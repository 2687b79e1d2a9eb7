-- When jobs of a kind are added for a target: by a cron expression on the clocks of a
-- zone, or every so many ms (0 for cron). missed is once or skip. next and last are
-- UTC milliseconds, 0 for never.
CREATE TABLE schedules (
	queue TEXT NOT NULL,
	target INTEGER NOT NULL,
	kind TEXT NOT NULL,
	cron TEXT NOT NULL,
	zone TEXT NOT NULL,
	every INTEGER NOT NULL,
	missed TEXT NOT NULL,
	next INTEGER NOT NULL,
	last INTEGER NOT NULL,
	PRIMARY KEY (queue, target, kind)
) WITHOUT ROWID;
CREATE INDEX schedules_next ON schedules (next) WHERE next > 0;

-- Another owner wishes to have a target, until then (UTC milliseconds): its holder
-- begins no more of its jobs, and gives it away.
ALTER TABLE targets ADD COLUMN wisher text NOT NULL DEFAULT '';
ALTER TABLE targets ADD COLUMN wished integer NOT NULL DEFAULT 0;
