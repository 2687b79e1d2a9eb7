package apisync

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// textual is a scalar as text; "" for null and false, which are no text.
func textual(v tree.Value) string {
	if v.True() {
		return "true"
	}
	return v.Text()
}

// intText is a whole number as digits; "" for what is none.
func intText(v tree.Value) string {
	n, ok := v.Int()
	if !ok {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// number reads a number, also written as text.
func (c *criterion) number(v tree.Value) (float64, error) {
	n, ok := v.Float()
	if s := strings.TrimSpace(v.Str()); s != "" && strings.Trim(s, "0123456789.+-eE") == "" {
		var err error
		n, err = strconv.ParseFloat(s, 64)
		ok = err == nil
	}
	if !ok || math.IsInf(n, 0) {
		return 0, c.bad("%s: expected a number, not %s", c.name(), shown(v))
	}
	return catalog.RoundNumber(n), nil
}

func (c *criterion) whole(v tree.Value) (int64, error) {
	n, err := c.number(v)
	if err == nil && (n != math.Trunc(n) || math.Abs(n) > 1e9) {
		err = c.bad("%s: expected a whole number, not %s", c.name(), shown(v))
	}
	return int64(n), err
}

// boolean reads true or false, also as 0 and 1 and as text; null is false.
func (c *criterion) boolean(v tree.Value) (bool, error) {
	if n, ok := v.Float(); ok && (n == 0 || n == 1) {
		return n == 1, nil
	}
	switch s := strings.ToLower(strings.TrimSpace(v.Str())); {
	case isUnset(v):
		return false, nil
	case v.True() || s == "true" || s == "yes" || s == "1":
		return true, nil
	case s == "false" || s == "no" || s == "0":
		return false, nil
	}
	return false, c.bad("%s: expected true or false, not %s", c.name(), shown(v))
}

// span is what a written date means: the first and the last moment, UTC milliseconds.
type span struct{ first, last int64 }

// beyond are the bounds of what is before or after the span; nil is open.
func (s span) beyond(op string) (low, high *int64) {
	switch op {
	case ">":
		s.last++
		return &s.last, nil
	case ">=":
		return &s.first, nil
	case "<":
		s.first--
		return nil, &s.first
	}
	return nil, &s.last
}

// span reads a date for a field of that mode, in the format of the line that it was
// named by. For times a date is the whole day, and a time the whole second.
func (c *criterion) span(v tree.Value, mode string) (span, error) {
	s := v.Str()
	if v.Kind == tree.Number && (c.formatted() || mode == catalog.ModeYear) {
		s = v.Text() // 2026, or %Y%m%d
	}
	if c.formatted() {
		return c.patterned(s, mode)
	}
	t, timed, ok := readTime(s)
	if !ok {
		t, ok = readPeriod(s, mode)
	}
	if !ok || t.Year() < 1 || t.Year() > 9999 {
		return span{}, c.bad("%s: expected a date (2026-03-09) or a time (2026-03-09T08:15:00Z), not %s", c.name(), shown(v))
	}
	end := t.AddDate(0, 0, 1)
	if timed {
		t = t.Truncate(time.Second)
		end = t.Add(time.Second)
	}
	return between(t, end, mode), nil
}

// between is the span from a moment to another, which is not in it, as a field of that
// mode keeps them.
func between(t, end time.Time, mode string) span {
	last := end.Add(-time.Millisecond)
	if mode != catalog.ModeDateTime {
		t, last = snapped(t, mode), snapped(last, mode)
	}
	return span{t.UnixMilli(), last.UnixMilli()}
}

// formatted tells whether dates are written in a format of their own.
func (c *criterion) formatted() bool { return c.line != nil && len(c.line.patterns) > 0 }

// patterned is span for what is written in the line's format. It means all that is
// written alike: with a format without seconds, a minute.
func (c *criterion) patterned(s, mode string) (span, error) {
	for _, p := range c.line.patterns {
		t, ok := strptime(s, p)
		if ok {
			t, ok = inYears(t)
		}
		if ok {
			return between(t.Truncate(time.Second), afterwards(t, p), mode), nil
		}
	}
	return span{}, c.bad("%s: %s is not written as %s", c.name(), text.Cut(s, 100), c.line.Format)
}

// afterwards is the first moment that a pattern writes in another way than t, which
// was read by it.
func afterwards(t time.Time, pattern string) time.Time {
	has := func(directives string) bool {
		for i := 0; i+1 < len(pattern); i++ {
			if pattern[i] != '%' {
				continue
			}
			if i++; strings.IndexByte(directives, pattern[i]) >= 0 {
				return true
			}
		}
		return false
	}
	switch {
	case has("STf"):
		return t.Truncate(time.Second).Add(time.Second)
	case has("M"):
		return t.Add(time.Minute)
	case has("HI"):
		return t.Add(time.Hour)
	case has("dFjuaA"):
		return t.AddDate(0, 0, 1)
	case has("mbB"):
		return t.AddDate(0, 1, 0)
	case has("V"):
		return t.AddDate(0, 0, 7)
	}
	return t.AddDate(1, 0, 0)
}

// snapped is the day that a field of that mode keeps for a date.
func snapped(t time.Time, mode string) time.Time {
	year, month, day := t.Date()
	switch mode {
	case catalog.ModeWeek:
		day -= (int(t.Weekday()) + 6) % 7
	case catalog.ModeMonth:
		day = 1
	case catalog.ModeQuarter:
		month, day = (month-1)/3*3+1, 1
	case catalog.ModeYear:
		month, day = 1, 1
	}
	at := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	if at.Year() < 1 {
		return time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return at
}

func yearStart(year int64) int64 {
	return time.Date(int(year), 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
}

// lostPlus is a time whose offset lost its "+" in a query string.
var lostPlus = regexp.MustCompile(`^(.{10}[T ]\d\d:\d\d\S*) (\d\d:?\d\d)$`)

// readTime reads a date, or a time, in UTC unless it has an offset.
func readTime(s string) (t time.Time, timed, ok bool) {
	s = lostPlus.ReplaceAllString(strings.TrimSpace(s), "$1+$2")
	t, ok = isoTime(s)
	return t.UTC(), len(s) > len(time.DateOnly), ok
}

var (
	weekForm    = regexp.MustCompile(`^(\d{4})-W(\d\d)$`)
	quarterForm = regexp.MustCompile(`^(\d{4})-Q([1-4])$`)
)

// readPeriod reads the first day of a period in the form of a field's mode: 2026-W11,
// 2026-03, 2026-Q1, 2026.
func readPeriod(s, mode string) (t time.Time, ok bool) {
	var err error
	switch s = strings.TrimSpace(s); mode {
	case catalog.ModeMonth:
		t, err = time.Parse("2006-01", s)
		return t, err == nil
	case catalog.ModeYear:
		t, err = time.Parse("2006", s)
		return t, err == nil
	case catalog.ModeQuarter:
		if m := quarterForm.FindStringSubmatch(s); m != nil {
			year, _ := strconv.Atoi(m[1])
			quarter, _ := strconv.Atoi(m[2])
			return time.Date(year, time.Month(3*quarter-2), 1, 0, 0, 0, 0, time.UTC), true
		}
	case catalog.ModeWeek:
		m := weekForm.FindStringSubmatch(s)
		if m == nil {
			return t, false
		}
		year, _ := strconv.Atoi(m[1])
		week, _ := strconv.Atoi(m[2])
		// The week with 4 January is the first.
		t = snapped(time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC), mode).AddDate(0, 0, 7*(week-1))
		y, w := t.ISOWeek()
		return t, y == year && w == week
	}
	return t, false
}

// literally is a pattern that matches the text alone.
func literally(s string) string {
	return strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(s)
}

// filterValue turns a value that a caller filters by into an internal one, as one that
// is written: trim and value map. What format says is read with the field.
func (l *mapLine) filterValue(v tree.Value) (tree.Value, *wrong) {
	if l.Trim {
		v = trimmed(v)
	}
	return l.values.in(v)
}
