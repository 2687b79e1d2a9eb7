package job

import (
	"testing"
	"time"
)

// What comes of a schedule that is looked at late.
func TestJudge(t *testing.T) {
	at := func(text string) time.Time {
		when, err := time.Parse("2006-01-02 15:04:05", "2026-03-"+text)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	hourly := Spec{Cron: "0 * * * *"}
	every := Spec{Every: 90 * time.Minute}
	for _, c := range []struct {
		name           string
		spec           Spec
		missed         Missed
		due, now, next string
		run            bool
	}{
		{"in time", hourly, Skip, "01 10:00:00", "01 10:00:00", "01 11:00:00", true},
		{"a little late", hourly, Skip, "01 10:00:00", "01 10:01:00", "01 11:00:00", true},
		{"late", hourly, Skip, "01 10:00:00", "01 10:01:01", "01 11:00:00", false},
		{"late, made up for", hourly, RunOnce, "01 10:00:00", "01 10:59:00", "01 11:00:00", true},
		{"some missed", hourly, Skip, "01 10:00:00", "02 12:30:00", "02 13:00:00", false},
		{"some missed, made up for", hourly, RunOnce, "01 10:00:00", "02 12:30:00", "02 13:00:00", true},
		{"some missed, the last in time", hourly, Skip, "01 10:00:00", "02 12:00:30", "02 13:00:00", true},
		{"an interval", every, Skip, "01 10:00:00", "01 10:00:20", "01 11:30:00", true},
		{"an interval, some missed", every, Skip, "01 10:00:00", "01 13:10:00", "01 14:30:00", false},
		{"an interval, the last in time", every, Skip, "01 10:00:00", "01 13:00:40", "01 14:30:00", true},
		{"an interval, made up for", every, RunOnce, "01 10:00:00", "01 13:10:00", "01 14:30:00", true},
	} {
		c.spec.Missed = c.missed
		next, run := judge(Schedule{Spec: c.spec, Next: at(c.due).UnixMilli()}, at(c.now))
		if next != at(c.next).UnixMilli() || run != c.run {
			t.Errorf("%s: %v, next at %v", c.name, run, time.UnixMilli(next).UTC())
		}
	}
	if next, run := judge(Schedule{Spec: Spec{Cron: "0 * * * *", Zone: "Europe/Nowhere", Missed: RunOnce}, Next: 1}, at("01 10:00:00")); next != 0 || run {
		t.Errorf("a zone that is gone: %d, %v", next, run)
	}
}
