package bpium

import (
	"strconv"
	"strings"
	"time"

	"kartoteka/internal/catalog"
)

const (
	minuteMs = int64(time.Minute / time.Millisecond)
	dayMs    = 24 * 60 * minuteMs
)

// The first and the last millisecond of the years 0001 to 9999.
var (
	minTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	maxTime = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1
)

// zone is how a written time says where it is.
type zone int

const (
	noZone zone = iota
	utcZone
	ownZone
)

// stamp is a date as it was written.
type stamp struct {
	wall   int64 // milliseconds since 1970 of the clock that was written
	timed  bool  // has a time of day
	zone   zone
	offset int // minutes east of UTC, for ownZone
}

// parseStamp reads ISO 8601: a date, or a date and a time with or without a
// zone. A blank is taken for the "+" that it was before a query string.
func parseStamp(s string) (stamp, bool) {
	s = strings.TrimSpace(s)
	if len(s) < 10 {
		return stamp{}, false
	}
	day, err := time.Parse("2006-01-02", s[:10])
	if err != nil || day.Year() < 1 {
		return stamp{}, false
	}
	st := stamp{wall: day.UnixMilli()}
	if len(s) == 10 {
		return st, true
	}
	if c := s[10]; c != 'T' && c != 't' && c != ' ' {
		return stamp{}, false
	}
	clock, rest, ok := parseClock(s[11:])
	if !ok {
		return stamp{}, false
	}
	st.wall += clock
	st.timed = true
	return st, st.parseZone(rest)
}

// parseClock reads HH:MM[:SS[.fraction]] and gives what follows it. Digits
// after the third of the fraction are cut.
func parseClock(s string) (ms int64, rest string, ok bool) {
	hour, ok1 := twoDigits(s, 0, 23)
	minute, ok2 := twoDigits(s, 3, 59)
	if !ok1 || !ok2 || s[2] != ':' {
		return 0, "", false
	}
	ms, rest = int64(hour*60+minute)*minuteMs, s[5:]
	if rest == "" || rest[0] != ':' {
		return ms, rest, true
	}
	second, ok := twoDigits(rest, 1, 59)
	if !ok {
		return 0, "", false
	}
	ms, rest = ms+int64(second)*1000, rest[3:]
	if rest == "" || rest[0] != '.' && rest[0] != ',' {
		return ms, rest, true
	}
	end := 1
	for scale := int64(100); end < len(rest) && rest[end] >= '0' && rest[end] <= '9'; end++ {
		ms += int64(rest[end]-'0') * scale
		scale /= 10
	}
	return ms, rest[end:], end > 1
}

func twoDigits(s string, at, limit int) (int, bool) {
	if len(s) < at+2 || s[at] < '0' || s[at] > '9' || s[at+1] < '0' || s[at+1] > '9' {
		return 0, false
	}
	n := int(s[at]-'0')*10 + int(s[at+1]-'0')
	return n, n <= limit
}

// parseZone reads Z, +HH:MM, +HHMM, +HH or nothing.
func (st *stamp) parseZone(s string) bool {
	switch {
	case s == "":
		return true
	case s == "Z" || s == "z":
		st.zone = utcZone
		return true
	case s[0] != '+' && s[0] != '-' && s[0] != ' ':
		return false
	}
	digits := strings.Replace(s[1:], ":", "", 1)
	if len(digits) == 2 {
		digits += "00"
	}
	hours, ok1 := twoDigits(digits, 0, 23)
	minutes, ok2 := twoDigits(digits, 2, 59)
	if !ok1 || !ok2 || len(digits) != 4 {
		return false
	}
	st.zone, st.offset = ownZone, hours*60+minutes
	if s[0] == '-' {
		st.offset = -st.offset
	}
	return true
}

// instant is the moment in UTC milliseconds; offset is the caller's.
func (st stamp) instant(offset int) int64 {
	switch st.zone {
	case utcZone:
		return st.wall
	case ownZone:
		return st.wall - int64(st.offset)*minuteMs
	}
	return st.wall - int64(offset)*minuteMs
}

// day is midnight, in UTC milliseconds, of the calendar date that was meant:
// the one written, but for UTC times the one the caller's calendar showed.
func (st stamp) day(offset int) int64 {
	if st.zone == utcZone {
		return midnight(st.wall + int64(offset)*minuteMs)
	}
	return midnight(st.wall)
}

// epochStamp is a date given as milliseconds since 1970.
func epochStamp(ms int64) stamp { return stamp{wall: ms, timed: true, zone: utcZone} }

// midnight is the start of the day, also before 1970.
func midnight(ms int64) int64 {
	rest := ms % dayMs
	if rest < 0 {
		rest += dayMs
	}
	return ms - rest
}

func inYears(ms int64) bool { return ms >= minTime && ms <= maxTime }

// anyStamp reads a date in any of the forms a caller may use: ISO text, or
// milliseconds since 1970 as a number or as digits.
func anyStamp(s string) (stamp, bool) {
	if st, ok := parseStamp(s); ok {
		return st, true
	}
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil || !inYears(ms) || len(s) == len("20310203") { // that is ISO's short form of a date
		return stamp{}, false
	}
	return epochStamp(ms), true
}

// stored is what a date field keeps of a date; false when the year is outside
// 0001 to 9999.
func (st stamp) stored(f *catalog.Field, offset int) (int64, bool) {
	ms := st.instant(offset)
	if !f.Config.HasTime() {
		ms = st.day(offset)
	}
	return ms, inYears(ms)
}
