package table

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// numberStyle is a way to write numbers; a set of them is a bit mask.
type numberStyle uint8

const (
	plainNumber numberStyle = 1 << iota // 1234.5, -1e9
	commaNumber                         // 1234,5 and 1 234,5
	groupNumber                         // 1,234.5
	spaceNumber                         // 1 234.5
	anyNumber   = plainNumber | commaNumber | groupNumber | spaceNumber
)

// maxDigits is how many digits a double keeps; longer whole numbers are ids and
// stay text.
const maxDigits = 15

// choose gives the one style in which a column is read: 0 if the numbers fit
// none, or may mean different values, as 1,234 does.
func (s numberStyle) choose() numberStyle {
	switch {
	case s&plainNumber != 0:
		return plainNumber
	case s&commaNumber != 0 && s&groupNumber != 0:
		return 0
	}
	for _, one := range []numberStyle{spaceNumber, commaNumber, groupNumber} {
		if s&one != 0 {
			return one
		}
	}
	return 0
}

// parseNumber reads s in one style. It refuses what is rather a code: leading
// zeros, a plus sign, more than maxDigits digits of a whole number.
func parseNumber(s string, style numberStyle) (float64, bool) {
	switch style {
	case commaNumber:
		s = ungroup(s, ',', spaces)
		if strings.Contains(s, ".") {
			return 0, false
		}
		s = strings.Replace(s, ",", ".", 1)
	case groupNumber:
		s = ungroup(s, '.', ",")
	case spaceNumber:
		s = ungroup(s, '.', spaces)
	}
	if !plainLiteral(s) {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsInf(f, 0)
}

// spaces are those that part groups of digits.
const spaces = " \u00a0\u2009\u202f"

// ungroup drops the separators from groups of three digits before the point,
// and gives "" if the groups are not of three.
func ungroup(s string, point byte, separators string) string {
	whole, fraction := s, ""
	if i := strings.IndexByte(s, point); i >= 0 {
		whole, fraction = s[:i], s[i:]
	}
	i := strings.IndexAny(whole, separators)
	if i < 0 {
		return s
	}
	separator, _ := utf8.DecodeRuneInString(whole[i:])
	parts := strings.Split(whole, string(separator))
	for i, part := range parts {
		if i > 0 && len(part) != 3 || i == 0 && len(strings.TrimPrefix(part, "-")) > 3 {
			return ""
		}
	}
	return strings.Join(parts, "") + fraction
}

// plainLiteral tells whether s is a number as in JSON, or one like .5.
func plainLiteral(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := leadingDigits(s)
	rest := s[len(whole):]
	if whole == "" && !strings.HasPrefix(rest, ".") || len(whole) > 1 && whole[0] == '0' {
		return false
	}
	if rest == "" {
		return len(whole) <= maxDigits
	}
	if rest[0] == '.' {
		fraction := leadingDigits(rest[1:])
		if fraction == "" {
			return false
		}
		rest = rest[1+len(fraction):]
	}
	if rest == "" {
		return true
	}
	exponent := strings.TrimLeft(rest[1:], "+-")
	return rest[0]|0x20 == 'e' && len(rest)-len(exponent) <= 2 &&
		exponent != "" && leadingDigits(exponent) == exponent
}

func leadingDigits(s string) string {
	i := 0
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		i++
	}
	return s[:i]
}
