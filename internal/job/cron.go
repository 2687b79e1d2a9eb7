package job

import (
	"math/bits"
	"strconv"
	"strings"
	"time"

	"kartoteka/internal/fault"
)

// cron is a parsed cron expression of five fields: minute, hour, day, month and
// weekday, each *, a number, a range a-b, a step */n or a-b/n, or a list of these;
// months and weekdays also by their first three letters, Sunday as 0 or 7. A day
// matches by either field when both are restricted (crontab(5)).
type cron struct {
	minutes, hours, days, months, weekdays uint64 // bit n for the value n
	anyDay, anyWeekday                     bool
}

// cronMost bounds the text of an expression in bytes.
const cronMost = 200

// cronFields are the fields in their order.
var cronFields = []struct {
	least, most int
	names       string // three letters each, from least on
}{
	{0, 59, ""}, {0, 23, ""}, {1, 31, ""}, {1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"}, {0, 7, "sunmontuewedthufrisat"},
}

// parseCron reads a cron expression. It fails with fault.InvalidParameter.
func parseCron(text string) (c cron, err error) {
	parts := strings.Fields(text)
	if len(parts) != len(cronFields) || len(text) > cronMost {
		return c, fault.New(fault.InvalidParameter, "A cron expression has five fields: minute, hour, day, month and weekday")
	}
	sets := []*uint64{&c.minutes, &c.hours, &c.days, &c.months, &c.weekdays}
	for i, part := range parts {
		for _, term := range strings.Split(part, ",") {
			set, ok := cronTerm(i, strings.ToLower(term))
			if !ok {
				return c, fault.New(fault.InvalidParameter, "%q is not part %d of a cron expression", part, i+1)
			}
			*sets[i] |= set
		}
	}
	if c.weekdays&(1<<7) != 0 {
		c.weekdays |= 1
	}
	c.anyDay, c.anyWeekday = strings.HasPrefix(parts[2], "*"), strings.HasPrefix(parts[4], "*")
	return c, nil
}

// cronTerm reads one term of a list.
func cronTerm(field int, term string) (set uint64, ok bool) {
	f := cronFields[field]
	span, step, stepped := strings.Cut(term, "/")
	from, to, every := f.least, f.most, 1
	if stepped {
		if every, ok = digits(step); !ok || every == 0 {
			return 0, false
		}
	}
	if span != "*" {
		first, last, ranged := strings.Cut(span, "-")
		if from, ok = cronValue(field, first); !ok {
			return 0, false
		}
		switch {
		case ranged:
			if to, ok = cronValue(field, last); !ok || to < from {
				return 0, false
			}
		case !stepped:
			to = from
		}
	}
	for n := from; n <= to; n += every {
		set |= 1 << n
	}
	return set, true
}

func cronValue(field int, text string) (n int, ok bool) {
	f := cronFields[field]
	if i := strings.Index(f.names, text); len(text) == 3 && i >= 0 && i%3 == 0 {
		return f.least + i/3, true
	}
	n, ok = digits(text)
	return n, ok && n >= f.least && n <= f.most
}

// digits reads a number of one to three digits and nothing else.
func digits(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	return int(n), err == nil && len(text) <= 3
}

// onDay tells whether the expression matches a day of the calendar.
func (c cron) onDay(day time.Time) bool {
	if c.months&(1<<int(day.Month())) == 0 {
		return false
	}
	byDay, byWeekday := c.days&(1<<day.Day()) != 0, c.weekdays&(1<<int(day.Weekday())) != 0
	if c.anyDay || c.anyWeekday {
		return byDay && byWeekday
	}
	return byDay || byWeekday
}

// farthest is how far ahead a due time is looked for: February 29 may be eight years
// away.
const farthest = 9 * 366

// after is the first time after t at which the expression is due on the clocks of a
// zone; false for never.
//
// A time that a clock skips is due at the first minute after the gap, and one that
// it shows twice at the first of both. So times of the calendar, put in order, are
// due in that order, and the first one that is due after t is the answer.
func (c cron) after(t time.Time, zone *time.Location) (time.Time, bool) {
	// Clocks have been moved by up to a day (Samoa 2011).
	from := wall(t.In(zone)).Add(-25 * time.Hour)
	day := time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, time.UTC)
	for range farthest {
		if c.onDay(day) {
			for hours := c.hours; hours != 0; hours &= hours - 1 {
				hour := day.Add(time.Duration(bits.TrailingZeros64(hours)) * time.Hour)
				for minutes := c.minutes; minutes != 0; minutes &= minutes - 1 {
					w := hour.Add(time.Duration(bits.TrailingZeros64(minutes)) * time.Minute)
					if w.Before(from) {
						continue
					}
					if due := instant(w, zone); due.After(t) {
						return due, true
					}
				}
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Time{}, false
}

// wall is what a clock shows, as if it were UTC.
func wall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// instant is when the clocks of a zone first show that, or the first whole minute
// after the gap in which they do not.
func instant(w time.Time, zone *time.Location) time.Time {
	offset := func(t time.Time) time.Duration {
		_, seconds := t.In(zone).Zone()
		return time.Duration(seconds) * time.Second
	}
	// The offset before a change is the greater one of a clock that is put back: its
	// time comes first.
	before := w.Add(-offset(w.Add(-26 * time.Hour)))
	after := w.Add(-offset(w.Add(26 * time.Hour)))
	for _, t := range []time.Time{before, after} {
		if wall(t.In(zone)).Equal(w) {
			return t
		}
	}
	start, _ := before.In(zone).ZoneBounds()
	if rounded := start.Truncate(time.Minute); !rounded.Equal(start) {
		return rounded.Add(time.Minute)
	}
	return start
}
