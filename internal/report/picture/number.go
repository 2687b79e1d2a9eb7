package picture

import (
	"math"
	"strconv"
	"strings"
)

// Format is how numbers are written.
type Format struct {
	Digits   *int   // after the point; nil for as many as the number needs, at most 2
	Unit     string // after the number
	Duration bool   // the numbers are milliseconds, shown in a unit that fits them
}

// noBreak keeps a number and its unit, and the groups of its digits, together.
const noBreak = "\u00a0"

// numerals are the signs and words of a language.
type numerals struct {
	group, point               string
	million, billion, trillion string
	day, hour, minute, second  string
}

var numeralsOf = map[string]numerals{
	"en": {",", ".", "M", "B", "T", "d", "h", "min", "s"},
	"uk": {noBreak, ",", noBreak + "млн", noBreak + "млрд", noBreak + "трлн", "дн.", "год", "хв", "с"},
	"ru": {noBreak, ",", noBreak + "млн", noBreak + "млрд", noBreak + "трлн", "дн.", "ч", "мин", "с"},
}

func numeralsIn(language string) numerals {
	if n, ok := numeralsOf[language]; ok {
		return n
	}
	return numeralsOf["en"]
}

// durationUnit is the unit, in milliseconds, in which the largest of some times
// is a number that says something, with its name.
func durationUnit(largest float64, language string) (ms float64, name string) {
	n := numeralsIn(language)
	const second, minute, hour, day = 1e3, 60e3, 3600e3, 86400e3
	switch {
	case largest >= 2*day:
		return day, n.day
	case largest >= 2*hour:
		return hour, n.hour
	case largest >= 2*minute:
		return minute, n.minute
	}
	return second, n.second
}

// Text writes a value with its unit as people of the language do; a dash for none.
// Durations are in the unit of the format by then.
func (f Format) Text(v float64, language string) string {
	if none(v) {
		return "—"
	}
	return f.withUnit(f.plain(v, language))
}

func (f Format) withUnit(s string) string {
	if f.Unit == "" {
		return s
	}
	return s + noBreak + f.Unit
}

// plain writes a value without its unit.
func (f Format) plain(v float64, language string) string {
	digits := -1
	size := math.Abs(v)
	switch {
	case f.Digits != nil:
		digits = min(max(*f.Digits, 0), 10)
	case v == math.Trunc(v):
		v, digits = v+0, 0 // never -0
	case size >= 0.01:
		digits = 2
	case size >= 1e-6:
		digits = 2 - int(math.Floor(math.Log10(size)))
	}
	return decimal(v, digits, f.Digits == nil, language)
}

// decimal writes a number with so many digits after the point, without zeros at
// the end if they are trimmed. Less than 0 digits, and numbers that would be too
// long, are written with a power of ten.
func decimal(v float64, digits int, trimmed bool, language string) string {
	n := numeralsIn(language)
	minus := ""
	if v < 0 {
		minus, v = "−", -v
	}
	if v >= 1e15 || digits < 0 {
		s := strconv.FormatFloat(v, 'E', 2, 64)
		mantissa, power, _ := strings.Cut(s, "E")
		sign := strings.Replace(strings.TrimPrefix(power[:1], "+"), "-", "−", 1)
		return minus + strings.Replace(trimZeros(mantissa), ".", n.point, 1) + "E" + sign + strings.TrimLeft(power[1:], "0")
	}
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if trimmed {
		s = trimZeros(s)
	}
	if strings.Trim(s, "0.") == "" {
		minus = ""
	}
	whole, fraction, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + n.group + whole[i:]
	}
	if fraction != "" {
		whole += n.point + fraction
	}
	return minus + whole
}

func trimZeros(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// short writes a number of an axis, large ones in millions and more. step is the
// distance to the next.
func (f Format) short(v, step, largest float64, language string) string {
	n := numeralsIn(language)
	scale, word := 1.0, ""
	switch {
	case largest >= 1e15:
	case largest >= 1e12:
		scale, word = 1e12, n.trillion
	case largest >= 1e9:
		scale, word = 1e9, n.billion
	case largest >= 1e6:
		scale, word = 1e6, n.million
	}
	digits := 0
	if step /= scale; step < 1 && step > 0 {
		digits = int(math.Ceil(-math.Log10(step) - 1e-9))
	}
	if digits > 10 {
		digits = -1
	}
	if v == 0 {
		return "0"
	}
	return decimal(v/scale, digits, false, language) + word
}
