package bpium

import (
	"strconv"
	"time"
	"unicode/utf8"
	"unsafe"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
)

// unsafeASCII are the ASCII bytes that a JSON string must escape.
var unsafeASCII = func() (t [utf8.RuneSelf]bool) {
	for c := range ' ' {
		t[c] = true
	}
	t['"'], t['\\'] = true, true
	return t
}()

// appendString adds s as a JSON string; invalid UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c < utf8.RuneSelf && !unsafeASCII[c]:
			i++
		case c < utf8.RuneSelf:
			dst = append(dst, s[start:i]...)
			dst = appendEscaped(dst, c)
			i++
			start = i
		case c >= 0xC2 && c <= 0xDF && i+1 < len(s) && s[i+1]&0xC0 == 0x80: // Cyrillic, Greek
			i += 2
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, s[start:i]...)
				dst = append(dst, "\uFFFD"...)
				start = i + 1
			}
			i += size
		}
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// appendBytes is appendString for a page's bytes, without a copy of them.
func appendBytes(dst, b []byte) []byte {
	return appendString(dst, unsafe.String(unsafe.SliceData(b), len(b)))
}

func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
}

// appendTime adds UTC milliseconds as ISO 8601 with milliseconds and Z.
func appendTime(dst []byte, ms int64) []byte {
	rest := ms % dayMs
	if rest < 0 {
		rest += dayMs
	}
	year, month, day := civil((ms - rest) / dayMs)
	if year < 0 || year > 9999 {
		return append(append(append(dst, '"'), time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")...), '"')
	}
	r := int(rest)
	dst = append(dst, '"')
	dst = append2(append2(dst, year/100), year%100)
	dst = append2(append(dst, '-'), month)
	dst = append2(append(dst, '-'), day)
	dst = append2(append(dst, 'T'), r/3_600_000)
	dst = append2(append(dst, ':'), r/60_000%60)
	dst = append2(append(dst, ':'), r/1000%60)
	dst = append(dst, '.', byte('0'+r/100%10))
	dst = append2(dst, r%100)
	return append(dst, 'Z', '"')
}

func append2(dst []byte, n int) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

// civil is the calendar date of a day counted from 1970-01-01
// (howardhinnant.github.io/date_algorithms.html, civil_from_days).
func civil(days int64) (year, month, day int) {
	days += 719468
	era := days / 146097
	if days < 0 {
		era = (days - 146096) / 146097
	}
	doe := int(days - era*146097)
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = doy - (153*mp+2)/5 + 1
	month = mp + 3
	if month > 12 {
		month -= 12
	}
	year = yoe + int(era)*400
	if month <= 2 {
		year++
	}
	return year, month, day
}

// appendRecordID adds a record's public id: the custom one, else the number.
func appendRecordID(dst []byte, code string, n query.Record) []byte {
	if len(code) > 0 {
		return appendString(dst, code)
	}
	dst = append(dst, '"')
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, '"')
}

// appendNumber adds a number with at most 15 significant digits.
func appendNumber(dst []byte, n float64) []byte {
	start := len(dst)
	if n > -1e15 && n < 1e15 && n == float64(int64(n)) {
		return strconv.AppendInt(dst, int64(n), 10)
	}
	if n > -1e15 && n < 1e15 && (n > 1e-4 || n < -1e-4) {
		// The shortest form of most numbers is short enough as it is.
		if dst = strconv.AppendFloat(dst, n, 'f', -1, 64); len(dst)-start <= 16 {
			return dst
		}
		dst = dst[:start]
	}
	return catalog.AppendNumber(dst, n)
}
