package bpium

import (
	"strconv"
	"time"
	"unsafe"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// appendBytes adds a page's bytes as a JSON string without a copy of them.
func appendBytes(dst, b []byte) []byte {
	return tree.AppendString(dst, unsafe.String(unsafe.SliceData(b), len(b)))
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
		return tree.AppendString(dst, code)
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
