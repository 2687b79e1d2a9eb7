package catalog

import "unicode"

// maskSymbol is one position of a mask: what it takes, or a literal.
type maskSymbol struct {
	takes   func(rune) bool // nil for a literal
	literal rune
}

func digitSign(r rune) bool     { return r >= '0' && r <= '9' }
func wordSign(r rune) bool      { return digitSign(r) || unicode.IsLetter(r) }
func capitalOrSign(r rune) bool { return digitSign(r) || unicode.IsUpper(r) }

var maskSigns = map[rune]func(rune) bool{
	'1': digitSign,
	'A': unicode.IsUpper,
	'a': unicode.IsLower,
	'*': wordSign,
	'#': capitalOrSign,
}

// parseMask reads a mask; one that ends in a single backslash is not valid.
func parseMask(mask string) (symbols []maskSymbol, ok bool) {
	escaped := false
	for _, r := range mask {
		switch takes := maskSigns[r]; {
		case escaped:
			symbols, escaped = append(symbols, maskSymbol{literal: r}), false
		case r == '\\':
			escaped = true
		case takes != nil:
			symbols = append(symbols, maskSymbol{takes: takes})
		default:
			symbols = append(symbols, maskSymbol{literal: r})
		}
	}
	return symbols, !escaped
}

// matchesMask tells whether s fills the mask completely.
func matchesMask(mask, s string) bool {
	symbols, ok := parseMask(mask)
	if !ok {
		return false
	}
	i := 0
	for _, r := range s {
		if i == len(symbols) {
			return false
		}
		m := symbols[i]
		if m.takes != nil && !m.takes(r) || m.takes == nil && m.literal != r {
			return false
		}
		i++
	}
	return i == len(symbols)
}
