package text

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Pattern is what texts are matched with as a whole.
type Pattern []PatternPart

// PatternPart is a run of characters, or, when Text is "", a wildcard: any text, or
// any one character.
type PatternPart struct {
	Text string
	Any  bool
}

// ParsePattern reads a pattern: % stands for any text, _ for any character, and \
// takes what follows as it is. A \ at the end is one.
func ParsePattern(s string) (p Pattern) {
	var run []byte
	end := func() {
		if len(run) > 0 {
			p, run = append(p, PatternPart{Text: string(run)}), nil
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%' || c == '_':
			end()
			p = append(p, PatternPart{Any: c == '%'})
		case c == '\\' && i+1 < len(s):
			i++
			run = append(run, s[i])
		default:
			run = append(run, c)
		}
	}
	end()
	return p
}

// Everything tells whether all texts match.
func (p Pattern) Everything() bool {
	for _, part := range p {
		if !part.Any {
			return false
		}
	}
	return len(p) > 0
}

// Longest is the longest run of characters that every text which matches has.
func (p Pattern) Longest() (longest string) {
	for _, part := range p {
		if Len(part.Text) > Len(longest) {
			longest = part.Text
		}
	}
	return longest
}

// LongestFolded is a text, as long as there is one, that is in Fold of every text
// which matches. That is not so of a run's ends: what follows may join the last
// character, as an accent does.
func (p Pattern) LongestFolded() (longest string) {
	for i, part := range p {
		s := part.Text
		if i > 0 {
			s = s[boundary(s):]
		}
		if i < len(p)-1 {
			s = settled(s)
		}
		if s = Fold(s); Len(s) > Len(longest) {
			longest = s
		}
	}
	return longest
}

// boundary is where the first character begins that joins nothing before it.
func boundary(s string) int {
	for i := range s {
		if norm.NFC.PropertiesString(s[i:]).BoundaryBefore() {
			return i
		}
	}
	return len(s)
}

// settled is the text without the characters at its end that others may join.
func settled(s string) string {
	for end := len(s); end > 0; {
		_, n := utf8.DecodeLastRuneInString(s[:end])
		end -= n
		p := norm.NFC.PropertiesString(s[end:])
		switch {
		case end+n == len(s) && p.BoundaryBefore() && p.BoundaryAfter():
			return s
		case p.BoundaryBefore():
			return s[:end]
		}
	}
	return ""
}

// Matches tells whether the whole text matches.
func (p Pattern) Matches(s string) bool {
	var chars []rune // the pattern; wildcards are negative
	const anyText, anyOne = -1, -2
	for _, part := range p {
		switch {
		case part.Any:
			chars = append(chars, anyText)
		case part.Text == "":
			chars = append(chars, anyOne)
		default:
			chars = append(chars, []rune(part.Text)...)
		}
	}
	text := []rune(s)
	at, star, from := 0, -1, 0 // in chars; the last %, and where its text ends
	for i := 0; i < len(text); {
		switch {
		case at < len(chars) && chars[at] == anyText:
			star, from = at, i
			at++
		case at < len(chars) && (chars[at] == anyOne || chars[at] == text[i]):
			at++
			i++
		case star >= 0:
			from++
			at, i = star+1, from
		default:
			return false
		}
	}
	for at < len(chars) && chars[at] == anyText {
		at++
	}
	return at == len(chars)
}
