package text

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestPattern(t *testing.T) {
	texts := []string{"", "a", "ab", "abc", "a%c", "a_c", `a\c`, "Straße", "STRASSE", "жа", "ЖА", "a\nb", "é", "e\u0301", "*", "?", "[a]", "😀"}
	patterns := []string{"", "%", "%%", "_", "__", "a%", "%c", "a_c", `a\%c`, `a\_c`, `a\\c`, `a\`, `\a%`, "%a%", "stra%", "Stra_e", "ж_", "%\u0301", "e%", "a%b", "*", "?", "[a]", "%b%c%", "a%%c"}
	for _, pattern := range patterns {
		expression := regexp.MustCompile("(?s)^" + naive(pattern) + "$")
		parsed := ParsePattern(pattern)
		for _, s := range texts {
			want := expression.MatchString(s)
			if got := parsed.Matches(s); got != want {
				t.Errorf("%q matches %q: %t", s, pattern, got)
			}
			if want && !strings.Contains(Fold(s), parsed.LongestFolded()) {
				t.Errorf("%q matches %q, but its fold lacks %q", s, pattern, parsed.LongestFolded())
			}
			if want && !strings.Contains(s, parsed.Longest()) {
				t.Errorf("%q matches %q, but lacks %q", s, pattern, parsed.Longest())
			}
			if !want && parsed.Everything() {
				t.Errorf("%q does not match %q", s, pattern)
			}
		}
	}
}

// naive is a pattern as a regular expression.
func naive(pattern string) string {
	var out strings.Builder
	escaped := false
	for _, r := range pattern {
		switch {
		case escaped:
			out.WriteString(regexp.QuoteMeta(string(r)))
			escaped = false
		case r == '\\':
			escaped = true
		case r == '%':
			out.WriteString(".*")
		case r == '_':
			out.WriteString(".")
		default:
			out.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	if escaped {
		out.WriteString(`\\`)
	}
	return out.String()
}

// TestLongestFolded: what may join a run's end is not promised.
func TestLongestFolded(t *testing.T) {
	for pattern, want := range map[string]string{
		"abcd%": "abc", "abcd": "abcd", "%abcd": "abcd", "ab%cdef%g": "cde", "Straße_x": "strass", "%\u0301abcd": "abcd", "12%": "12", "%": "",
		"жда%": "жд", "e\u0301%": "", "abe\u0301%": "ab",
	} {
		if got := ParsePattern(pattern).LongestFolded(); got != want {
			t.Errorf("%s: %q, want %q", fmt.Sprintf("%+q", pattern), got, want)
		}
	}
}
