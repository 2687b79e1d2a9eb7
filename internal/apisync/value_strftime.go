package apisync

import (
	"fmt"
	"strings"
	"time"
)

// directives are those of strftime and strptime that patterns may have.
const directives = "YymdHIMSfpjBbAaGVuzF%T"

// validPattern tells whether a pattern has no directive but those.
func validPattern(p string) bool {
	for i := 0; i < len(p); i++ {
		if p[i] != '%' {
			continue
		}
		if i++; i == len(p) || strings.IndexByte(directives, p[i]) < 0 {
			return false
		}
	}
	return p != ""
}

// longPattern writes directives out that stand for several.
var longPattern = strings.NewReplacer("%%", "%%", "%F", "%Y-%m-%d", "%T", "%H:%M:%S")

// strftime writes a time as a pattern says, names in English.
func strftime(t time.Time, pattern string) string {
	var b strings.Builder
	pattern = longPattern.Replace(pattern)
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '%' || i+1 == len(pattern) {
			b.WriteByte(pattern[i])
			continue
		}
		i++
		b.WriteString(directive(t, pattern[i]))
	}
	return b.String()
}

// layouts are directives that Go's time has too.
var layouts = map[byte]string{
	'y': "06", 'm': "01", 'd': "02", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'B': "January", 'b': "Jan",
	'A': "Monday", 'a': "Mon", 'z': "-0700",
}

func directive(t time.Time, c byte) string {
	if layout, ok := layouts[c]; ok {
		return t.Format(layout)
	}
	year, week := t.ISOWeek()
	switch c {
	case 'Y':
		return fmt.Sprintf("%04d", t.Year())
	case 'f':
		return fmt.Sprintf("%06d", t.Nanosecond()/1000)
	case 'j':
		return fmt.Sprintf("%03d", t.YearDay())
	case 'G':
		return fmt.Sprintf("%04d", year)
	case 'V':
		return fmt.Sprintf("%02d", week)
	case 'u':
		return fmt.Sprint((int(t.Weekday())+6)%7 + 1)
	}
	return string(c)
}

// parsed are the parts of a time that was read; -1 and 0 for those that were not.
type parsed struct {
	year, month, day, hour, minute, second, micro int
	yearDay, isoYear, week, weekday               int
	twelve                                        bool // hour is of 12
	afternoon                                     bool
	offset                                        int // seconds east of UTC
}

// strptime reads a time that is written as a pattern says; false when it is not.
func strptime(s, pattern string) (time.Time, bool) {
	p := parsed{year: -1, month: 1, day: 1, yearDay: -1, isoYear: -1, week: -1, weekday: 1}
	pattern = longPattern.Replace(pattern)
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		if c != '%' || i+1 == len(pattern) {
			if s == "" || s[0] != c {
				return time.Time{}, false
			}
			s = s[1:]
			continue
		}
		i++
		var ok bool
		if s, ok = p.read(s, pattern[i]); !ok {
			return time.Time{}, false
		}
	}
	if s != "" {
		return time.Time{}, false
	}
	return p.time()
}

// numbers are directives that are numbers, with their least and greatest number of
// digits and their bounds.
var numbers = map[byte]struct{ digits, most, from, to int }{
	'Y': {4, 4, 1, 9999}, 'G': {4, 4, 1, 9999}, 'y': {2, 2, 0, 99}, 'm': {1, 2, 1, 12}, 'd': {1, 2, 1, 31}, 'H': {1, 2, 0, 23},
	'I': {1, 2, 1, 12}, 'M': {1, 2, 0, 59}, 'S': {1, 2, 0, 59}, 'j': {1, 3, 1, 366}, 'V': {1, 2, 1, 53}, 'u': {1, 1, 1, 7},
}

func (p *parsed) read(s string, c byte) (rest string, ok bool) {
	if bounds, is := numbers[c]; is {
		n, rest, ok := number(s, bounds.digits, bounds.most)
		if !ok || n < bounds.from || n > bounds.to {
			return s, false
		}
		p.set(c, n)
		return rest, true
	}
	switch c {
	case 'f':
		return p.fraction(s)
	case 'z':
		return p.zone(s)
	case 'p':
		half, rest := prefix(s, 2)
		p.afternoon = strings.EqualFold(half, "pm")
		return rest, p.afternoon || strings.EqualFold(half, "am")
	case 'B', 'b':
		for m := time.January; m <= time.December; m++ {
			if rest, ok := name(s, m.String(), c == 'b'); ok {
				p.month = int(m)
				return rest, true
			}
		}
		return s, false
	case 'A', 'a':
		for d := time.Sunday; d <= time.Saturday; d++ {
			if rest, ok := name(s, d.String(), c == 'a'); ok {
				return rest, true
			}
		}
		return s, false
	}
	one, rest := prefix(s, 1)
	return rest, one == string(c)
}

func (p *parsed) set(c byte, n int) {
	switch c {
	case 'Y':
		p.year = n
	case 'y':
		if p.year = 1900 + n; n < 69 { // as POSIX has it
			p.year += 100
		}
	case 'G':
		p.isoYear = n
	case 'm':
		p.month = n
	case 'd':
		p.day = n
	case 'H':
		p.hour = n
	case 'I':
		p.hour, p.twelve = n%12, true
	case 'M':
		p.minute = n
	case 'S':
		p.second = n
	case 'j':
		p.yearDay = n
	case 'V':
		p.week = n
	case 'u':
		p.weekday = n
	}
}

func prefix(s string, n int) (head, rest string) {
	n = min(n, len(s))
	return s[:n], s[n:]
}

func name(s, full string, short bool) (rest string, ok bool) {
	if short {
		full = full[:3]
	}
	head, rest := prefix(s, len(full))
	return rest, strings.EqualFold(head, full)
}

func (p *parsed) fraction(s string) (rest string, ok bool) {
	n, rest, ok := number(s, 1, 6)
	for range 6 - (len(s) - len(rest)) {
		n *= 10
	}
	p.micro = n
	return rest, ok
}

func (p *parsed) zone(s string) (rest string, ok bool) {
	if s != "" && (s[0] == 'Z' || s[0] == 'z') {
		return s[1:], true
	}
	if s == "" || s[0] != '+' && s[0] != '-' {
		return s, false
	}
	hours, rest, ok := number(s[1:], 2, 2)
	if !ok {
		return s, false
	}
	minutes, rest, ok := number(strings.TrimPrefix(rest, ":"), 2, 2)
	if p.offset = (hours*60 + minutes) * 60; s[0] == '-' {
		p.offset = -p.offset
	}
	return rest, ok && hours < 24 && minutes < 60
}

// time puts the parts together; false when there is no such day.
func (p *parsed) time() (time.Time, bool) {
	if p.twelve && p.afternoon {
		p.hour += 12
	}
	clock := time.Duration(p.hour)*time.Hour + time.Duration(p.minute)*time.Minute + time.Duration(p.second-p.offset)*time.Second +
		time.Duration(p.micro)*time.Microsecond
	var d time.Time
	switch {
	case p.isoYear > 0 && p.week > 0:
		if p.week > weeksOf(p.isoYear) {
			return d, false
		}
		d = isoWeek(p.isoYear, p.week).AddDate(0, 0, p.weekday-1)
	case p.year < 0:
		return d, false
	case p.yearDay > 0:
		d = day(p.year, 1, p.yearDay)
		if d.Year() != p.year {
			return d, false
		}
	default:
		if d = day(p.year, p.month, p.day); d.Day() != p.day {
			return d, false
		}
	}
	return d.Add(clock), true
}
