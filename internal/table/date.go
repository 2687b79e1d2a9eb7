package table

import (
	"strings"
	"time"
)

// dateStyle is a way to write dates; a set of them is a bit mask.
type dateStyle uint8

const (
	isoDate    dateStyle = 1 << iota // 2006-01-02, 2006/01/02
	dotDate                          // 02.01.2006
	dayFirst                         // 02/01/2006, 02-01-2006
	monthFirst                       // 01/02/2006, 01-02-2006
	namedDate                        // Jan 2 2006, January 2, 2006, 2 Jan 2006, 2-Jan-2006
	anyDate    = isoDate | dotDate | dayFirst | monthFirst | namedDate
)

var dateLayouts = map[dateStyle][]string{
	isoDate:    {"2006-1-2", "2006/1/2"},
	dotDate:    {"2.1.2006"},
	dayFirst:   {"2/1/2006", "2-1-2006"},
	monthFirst: {"1/2/2006", "1-2-2006"},
	namedDate: {"Jan 2 2006", "Jan 2, 2006", "January 2 2006", "January 2, 2006",
		"2 Jan 2006", "2 January 2006", "2-Jan-2006", "2-January-2006"},
}

// dateStyles is the order in which a style is chosen.
var dateStyles = []dateStyle{isoDate, dotDate, namedDate, dayFirst, monthFirst}

// A fraction of a second is accepted after the seconds of any of them.
var timeLayouts = []string{"15:04", "15:04:05", "15:04Z07:00", "15:04:05Z07:00", "15:04:05Z0700",
	"15:04:05Z07", "15:04:05 Z07:00", "15:04:05 -0700", "3:04 PM", "3:04:05 PM"}

// choose gives the one style in which a column is read, 0 if none fits or the
// day and the month cannot be told apart.
func (s dateStyle) choose() dateStyle {
	for _, one := range dateStyles {
		if s&one != 0 {
			if one == dayFirst && s&monthFirst != 0 {
				return 0
			}
			return one
		}
	}
	return 0
}

// moment is a date as written.
type moment struct {
	time  time.Time // in UTC as written if zoned is false
	clock bool      // a time of day is written
	zoned bool      // an offset is written
}

// plainDay tells whether the moment may be meant as a date alone.
func (m moment) plainDay() bool {
	_, offset := m.time.Zone()
	return !m.clock || offset == 0 && m.time.Equal(m.time.Truncate(24*time.Hour))
}

// parseDate reads s in one style, with or without a time of day.
func parseDate(s string, style dateStyle) (moment, bool) {
	if len(s) < 8 || len(s) > 64 {
		return moment{}, false
	}
	day, clock := splitClock(s)
	d, ok := parseAny(day, dateLayouts[style])
	if !ok || d.Year() < 1 {
		return moment{}, false
	}
	if clock == "" {
		return moment{time: d}, true
	}
	c, ok := parseAny(clock, timeLayouts)
	if !ok {
		return moment{}, false
	}
	// Not c.Location(): Parse gives Local when the offsets agree in year 0.
	_, offset := c.Zone()
	t := time.Date(d.Year(), d.Month(), d.Day(), c.Hour(), c.Minute(), c.Second(), c.Nanosecond(), time.FixedZone("", offset))
	return moment{time: t, clock: true, zoned: hasZone(clock)}, inRange(t.UnixMilli())
}

// splitClock parts "2006-01-02T15:04" at the T or space before the hour.
func splitClock(s string) (day, clock string) {
	colon := strings.IndexByte(s, ':')
	if colon < 0 {
		return s, ""
	}
	i := strings.LastIndexAny(s[:colon], " Tt")
	if i < 0 {
		return s, ""
	}
	return strings.TrimSuffix(strings.TrimRight(s[:i], " "), ","), s[i+1:]
}

func hasZone(clock string) bool { return strings.ContainsAny(clock, "Z+-") }

func parseAny(s string, layouts []string) (time.Time, bool) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// inRange tells whether fields can hold an instant: years 1 to 9999 in UTC.
func inRange(millis int64) bool { return earliest <= millis && millis <= latest }

var (
	earliest = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	latest   = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1
)
