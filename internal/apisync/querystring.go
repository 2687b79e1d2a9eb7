package apisync

import (
	"strings"
	"unicode/utf8"
)

// Pair is one parameter of a query string, decoded.
type Pair struct{ Key, Value string }

// Bounds of query strings.
const (
	maxQueryBytes = 64 << 10
	maxQueryPairs = 1000
)

// SplitQuery splits a raw query string at & and each part at the first =, which the
// standard library does not do to ; and to a % without two digits: here both are
// themselves. + is a blank. It fails with INVALID_PARAMETER for what is no text then,
// and with URI_TOO_LONG.
func SplitQuery(raw string) ([]Pair, error) {
	if len(raw) > maxQueryBytes {
		return nil, Refuse(414, "URI_TOO_LONG", "the query string has more than %d bytes", maxQueryBytes)
	}
	var pairs []Pair
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		key, value, _ := strings.Cut(part, "=")
		p := Pair{unescape(key), unescape(value)}
		if !isTextual(p.Key) || !isTextual(p.Value) {
			e := Refuse(400, "INVALID_PARAMETER", "a parameter is not UTF-8, or has the character U+0000; a percent sign is written %s", "%25")
			return nil, e.With("hint", "%25").With("name", strings.ToValidUTF8(p.Key, "\uFFFD"))
		}
		if pairs = append(pairs, p); len(pairs) > maxQueryPairs {
			return nil, Refuse(400, "INVALID_PARAMETER", "the query string has more than %d parameters", maxQueryPairs)
		}
	}
	return pairs, nil
}

func isTextual(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			b.WriteByte(' ')
		case c == '%' && i+2 < len(s) && hexDigit(s[i+1]) >= 0 && hexDigit(s[i+2]) >= 0:
			b.WriteByte(byte(hexDigit(s[i+1])<<4 | hexDigit(s[i+2])))
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
