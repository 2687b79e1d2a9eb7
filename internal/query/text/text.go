package text

import (
	"strings"
	"unicode/utf8"
)

// Digits gives the digits of a phone number in the form in which numbers are
// compared: everything but ASCII digits is dropped, and the leading 8 of an
// 11-digit number becomes 7, so "+7 900 …", "7900…" and "8 (900) …" are equal.
// ok is false when s has no digit.
func Digits(s string) (digits string, ok bool) {
	var stack [32]byte
	b := stack[:0]
	for i := 0; i < len(s); i++ {
		if isDigit(s[i]) {
			b = append(b, s[i])
		}
	}
	if len(b) == 11 && b[0] == '8' {
		b[0] = '7'
	}
	return string(b), len(b) > 0
}

// PhoneQuery gives the Digits of a query that may be meant as a phone number:
// one of digits and the signs people write between them, no letters. The query
// may be a part of a number; a leading 8 is read as 7 only in a whole one.
func PhoneQuery(q string) (digits string, isPhone bool) {
	for _, r := range q {
		if !strings.ContainsRune("0123456789+-()./ \t\u00a0\u2009\u2010\u2011\u2012\u2013\u202f", r) {
			return "", false
		}
	}
	return Digits(q)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// OneLine replaces every line break by a space; "\r\n" is one break. A text
// without breaks is returned as it is.
func OneLine(s string) string {
	if !strings.ContainsAny(s, "\n\r\v\f\u0085\u2028\u2029") {
		return s
	}
	return lineBreaks.Replace(s)
}

var lineBreaks = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\v", " ", "\f", " ",
	"\u0085", " ", "\u2028", " ", "\u2029", " ")

// Cut gives the first n characters (code points) of s; an invalid byte counts
// as one. n <= 0 gives "".
func Cut(s string, n int) string {
	if n <= 0 {
		return ""
	}
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// Len counts the characters (code points) of s as Cut does.
func Len(s string) int { return utf8.RuneCountInString(s) }
