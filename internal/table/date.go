package table

import (
	"strings"
	"time"
)

// dateStyle is a way to write dates; a set of them is a bit mask.
type dateStyle uint8

const (
	isoDate    dateStyle = 1 << iota // 2006-01-02, 2006/01/02
	dotDate                          // 02.01.2006, 02.01.06
	dayFirst                         // 02/01/2006, 02-01-2006, 02/01/06
	monthFirst                       // 01/02/2006, 01-02-2006, 01/02/06
	namedDate                        // Jan 2 2006, January 2, 2006, 2 Jan 2006, 2-Jan-2006
	anyDate    = isoDate | dotDate | dayFirst | monthFirst | namedDate
)

// Years of two digits: 00 to 68 are in this century, 69 to 99 in the last one,
// as in POSIX. They are taken only where the whole looks like a date.
const firstOldYear = 69

var namedLayouts = []string{"Jan 2 2006", "Jan 2, 2006", "January 2 2006", "January 2, 2006",
	"2 Jan 2006", "2 January 2006", "2-Jan-2006", "2-January-2006"}

// dateStyles is the order in which a style is chosen.
var dateStyles = []dateStyle{isoDate, dotDate, namedDate, dayFirst, monthFirst}

// unsure tells whether the day and the month cannot be told apart.
func (s dateStyle) unsure() bool { return s == dayFirst|monthFirst }

// choose gives the one style in which a column is read, 0 if none fits or the
// day and the month cannot be told apart.
func (s dateStyle) choose() dateStyle {
	if s.unsure() {
		return 0
	}
	for _, one := range dateStyles {
		if s&one != 0 {
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
	if len(s) < len("1/2/06") || len(s) > 64 {
		return moment{}, false
	}
	day, clock := splitClock(s)
	y, m, d, ok := parseDay(day, style)
	if !ok {
		return moment{}, false
	}
	if clock == "" {
		return moment{time: time.Date(y, m, d, 0, 0, 0, 0, time.UTC)}, true
	}
	c, ok := parseClock(clock)
	if !ok {
		return moment{}, false
	}
	zone := time.UTC
	if c.offset != 0 {
		zone = time.FixedZone("", c.offset)
	}
	t := time.Date(y, m, d, c.hour, c.minute, c.second, c.nano, zone)
	return moment{time: t, clock: true, zoned: c.zoned}, inRange(t.UnixMilli())
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

// parseDay reads a date without a time of day.
func parseDay(s string, style dateStyle) (y int, m time.Month, d int, ok bool) {
	if style == namedDate {
		return parseNamed(s)
	}
	p, separator, ok := threeNumbers(s)
	if !ok {
		return 0, 0, 0, false
	}
	year, month, day := p[2], p[1], p[0]
	switch style {
	case isoDate:
		year, day = p[0], p[2]
		ok = separator != '.' && len(year) == 4
	case dotDate:
		ok = separator == '.' && (len(year) == 4 || len(s) == len("02.01.06"))
	case monthFirst:
		month, day = p[0], p[1]
		fallthrough
	case dayFirst:
		ok = separator != '.' && (len(year) == 4 || len(year) == 2 && separator == '/')
	default:
		ok = false
	}
	if !ok || len(month) > 2 || len(day) > 2 {
		return 0, 0, 0, false
	}
	y, m, d = number(year), time.Month(number(month)), number(day)
	if len(year) == 2 {
		y += 1900
		if y < 1900+firstOldYear {
			y += 100
		}
	}
	return y, m, d, isDay(y, m, d)
}

// threeNumbers parts digits by two separators of one kind.
func threeNumbers(s string) (parts [3]string, separator byte, ok bool) {
	for i := range parts {
		parts[i] = leadingDigits(s)
		s = s[len(parts[i]):]
		if parts[i] == "" || len(parts[i]) > 4 || (i == 2) != (s == "") {
			return parts, 0, false
		}
		switch {
		case i == 2:
			return parts, separator, true
		case i == 0 && strings.IndexByte("-/.", s[0]) >= 0:
			separator = s[0]
		case i == 0 || s[0] != separator:
			return parts, 0, false
		}
		s = s[1:]
	}
	return parts, separator, true
}

func number(digits string) (n int) {
	for i := range len(digits) {
		n = n*10 + int(digits[i]-'0')
	}
	return n
}

func isDay(y int, m time.Month, d int) bool {
	if y < 1 || m < 1 || m > 12 || d < 1 || d > 31 {
		return false
	}
	return d <= 28 || time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Day() == d
}

// parseNamed reads dates with the month's English name, after a day of the week
// if there is one.
func parseNamed(s string) (y int, m time.Month, d int, ok bool) {
	if !strings.ContainsFunc(s, func(r rune) bool { return 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' }) {
		return 0, 0, 0, false
	}
	if first, rest, found := strings.Cut(s, " "); found && isWeekday(strings.TrimSuffix(first, ",")) {
		s = rest
	}
	for _, layout := range namedLayouts {
		if t, err := time.Parse(layout, s); err == nil && t.Year() > 0 {
			return t.Year(), t.Month(), t.Day(), true
		}
	}
	return 0, 0, 0, false
}

func isWeekday(s string) bool {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if name := day.String(); strings.EqualFold(s, name) || strings.EqualFold(s, name[:3]) {
			return true
		}
	}
	return false
}

// clockTime is a time of day as written.
type clockTime struct {
	hour, minute, second, nano int
	offset                     int // seconds east of UTC
	zoned                      bool
}

// parseClock reads 15:04, 15:04:05.999 and 3:04 PM, with an offset or without.
func parseClock(s string) (c clockTime, ok bool) {
	var fields [3]int
	n := 0
	for ; n < len(fields); n++ {
		digits := leadingDigits(s)
		if len(digits) > 2 || len(digits) < min(n+1, 2) {
			return c, false
		}
		fields[n] = number(digits)
		if s = s[len(digits):]; s == "" || s[0] != ':' {
			n++
			break
		}
		if n < len(fields)-1 {
			s = s[1:]
		}
	}
	if n < 2 {
		return c, false
	}
	c.hour, c.minute, c.second = fields[0], fields[1], fields[2]
	if n == 3 {
		c.nano, s = fraction(s)
	}
	if s, ok = c.halfDay(strings.TrimLeft(s, " ")); !ok {
		return c, false
	}
	return c, c.zone(s) && c.hour < 24 && c.minute < 60 && c.second < 60
}

// fraction reads that of a second; digits past the ninth do not count.
func fraction(s string) (nano int, rest string) {
	if s == "" || s[0] != '.' && s[0] != ',' {
		return 0, s
	}
	digits := leadingDigits(s[1:])
	if digits == "" {
		return 0, s
	}
	rest = s[1+len(digits):]
	return number((digits + "000000000")[:9]), rest
}

// halfDay reads AM and PM.
func (c *clockTime) halfDay(s string) (rest string, ok bool) {
	if len(s) != 2 || s[1]|0x20 != 'm' || s[0]|0x20 != 'a' && s[0]|0x20 != 'p' {
		return s, true
	}
	if c.hour < 1 || c.hour > 12 {
		return s, false
	}
	c.hour %= 12
	if s[0]|0x20 == 'p' {
		c.hour += 12
	}
	return "", true
}

// zone reads Z, UTC, GMT, +02:00, +0200, +02 and GMT+0200 (Name); "" is none.
func (c *clockTime) zone(s string) bool {
	if s == "" {
		return true
	}
	c.zoned = true
	if i := strings.Index(s, " ("); i > 0 && strings.HasSuffix(s, ")") {
		s = s[:i]
	}
	for _, name := range []string{"Z", "UTC", "GMT"} {
		if rest, ok := strings.CutPrefix(s, name); ok {
			if rest == "" {
				return true
			}
			s = rest
			break
		}
	}
	sign := 1
	switch s[0] {
	case '-':
		sign = -1
	case '+':
	default:
		return false
	}
	hours := leadingDigits(s[1:])
	minutes := strings.TrimPrefix(s[1+len(hours):], ":")
	if len(hours) == 4 && minutes == "" {
		hours, minutes = hours[:2], hours[2:]
	}
	if len(hours) != 2 || len(minutes) != 0 && len(minutes) != 2 || leadingDigits(minutes) != minutes {
		return false
	}
	h, m := number(hours), number(minutes)
	c.offset = sign * (h*3600 + m*60)
	return h < 24 && m < 60
}

// inRange tells whether fields can hold an instant: years 1 to 9999 in UTC.
func inRange(millis int64) bool { return earliest <= millis && millis <= latest }

var (
	earliest = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	latest   = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1
)
