package apisync

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query/tree"
)

// dateOut is how a date is shown, by the mode of its field or by a pattern.
func dateOut(f *catalog.Field, ms int64, patterns []string) tree.Value {
	t := time.UnixMilli(ms).UTC()
	if len(patterns) > 0 {
		return tree.NewString(strftime(t, patterns[0]))
	}
	year, week := t.ISOWeek()
	switch f.Config.Mode {
	case catalog.ModeDateTime:
		return tree.NewString(timeText(ms))
	case catalog.ModeWeek:
		return tree.NewString(fmt.Sprintf("%04d-W%02d", year, week))
	case catalog.ModeMonth:
		return tree.NewString(t.Format("2006-01"))
	case catalog.ModeQuarter:
		return tree.NewString(fmt.Sprintf("%04d-Q%d", t.Year(), (int(t.Month())+2)/3))
	case catalog.ModeYear:
		return tree.NewString(t.Format("2006"))
	}
	return tree.NewString(t.Format(time.DateOnly))
}

// timeText is an instant as answers have it.
func timeText(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05Z") }

// dateIn reads a date: by the patterns if there are any, else ISO 8601 and the short
// forms of weeks, months, quarters and years. Without a zone it is UTC.
func dateIn(s string, patterns []string) (time.Time, bool) {
	for _, p := range patterns {
		if t, ok := strptime(s, p); ok {
			return inYears(t)
		}
	}
	if len(patterns) > 0 {
		return time.Time{}, false
	}
	if t, ok := isoTime(s); ok {
		return inYears(t)
	}
	t, ok := isoPeriod(s)
	if !ok {
		return t, false
	}
	return inYears(t)
}

// inYears tells whether a date is one of the years 1 to 9999.
func inYears(t time.Time) (time.Time, bool) {
	t = t.UTC()
	return t, t.Year() >= 1 && t.Year() <= 9999
}

// isoTime reads a date, or a date and a time with or without a zone.
func isoTime(s string) (time.Time, bool) {
	if len(s) < len(time.DateOnly) || len(s) > 40 {
		return time.Time{}, false
	}
	if len(s) == len(time.DateOnly) {
		t, err := time.Parse(time.DateOnly, s)
		return t, err == nil
	}
	if c := s[10]; c != 'T' && c != 't' && c != ' ' {
		return time.Time{}, false
	}
	s = s[:10] + "T" + strings.ToUpper(strings.Replace(s[11:], ",", ".", 1))
	for _, clock := range []string{"15:04:05", "15:04"} {
		for _, zone := range []string{"Z07:00", "Z0700", "Z07", "", " Z07:00", " Z0700"} {
			if t, err := time.Parse("2006-01-02T"+clock+zone, s); err == nil {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

// isoPeriod reads 2026-W11, 2026-03, 2026-Q1 and 2026 as their first day.
func isoPeriod(s string) (t time.Time, ok bool) {
	year, rest, ok := number(s, 4, 4)
	switch {
	case !ok:
		return t, false
	case rest == "":
		return day(year, 1, 1), true
	case rest[0] != '-' || len(rest) < 3:
		return t, false
	}
	switch rest[1] {
	case 'W', 'w':
		week, end, ok := number(rest[2:], 2, 2)
		return isoWeek(year, week), ok && end == "" && week >= 1 && weeksOf(year) >= week
	case 'Q', 'q':
		quarter, end, ok := number(rest[2:], 1, 1)
		return day(year, quarter*3-2, 1), ok && end == "" && quarter >= 1 && quarter <= 4
	}
	month, end, ok := number(rest[1:], 2, 2)
	return day(year, month, 1), ok && end == "" && month >= 1 && month <= 12
}

func day(year, month, d int) time.Time {
	return time.Date(year, time.Month(month), d, 0, 0, 0, 0, time.UTC)
}

// isoWeek is the Monday of a week.
func isoWeek(year, week int) time.Time {
	fourth := day(year, 1, 4) // is in the first week
	return fourth.AddDate(0, 0, (week-1)*7-(int(fourth.Weekday())+6)%7)
}

func weeksOf(year int) int {
	_, n := day(year, 12, 28).ISOWeek()
	return n
}

// number reads a number of so many digits.
func number(s string, least, most int) (n int, rest string, ok bool) {
	end := 0
	for end < len(s) && end < most && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	if end < least {
		return 0, s, false
	}
	n, err := strconv.Atoi(s[:end])
	return n, s[end:], err == nil
}
