-- When jobs of a kind are added for a target: by a cron expression on the clocks of a
-- zone, or every so many ms (0 for cron). missed is once or skip. next and last are
-- UTC milliseconds, 0 for never.
CREATE TABLE schedules (
	queue text NOT NULL,
	target bigint NOT NULL,
	kind text NOT NULL,
	cron text NOT NULL,
	zone text NOT NULL,
	every bigint NOT NULL,
	missed text NOT NULL,
	next bigint NOT NULL,
	last bigint NOT NULL,
	PRIMARY KEY (queue, target, kind)
);
CREATE INDEX schedules_next ON schedules (next) WHERE next > 0;

-- Another owner wishes to have a target, until then (UTC milliseconds): its holder
-- begins no more of its jobs, and gives it away.
ALTER TABLE targets ADD COLUMN wisher text NOT NULL DEFAULT '';
ALTER TABLE targets ADD COLUMN wished bigint NOT NULL DEFAULT 0;
