package table

import (
	"math"
	"strconv"
	"strings"
	"time"

	"kartoteka/internal/fault"
)

// numberFormat is what a number is shown as.
type numberFormat uint8

const (
	plainFormat numberFormat = iota
	dateFormat               // a day, with or without a time
	timeFormat               // only a time of day
)

// maxStyles bounds the styles of cells; spreadsheet programs have 65,490.
const maxStyles = 1 << 17

// readStyles learns which styles show numbers as dates.
func (b *workbook) readStyles(name string) error {
	formats := map[string]numberFormat{}
	inCells := false
	return b.archive.scan(name, func(s *xmlScanner) error {
		switch s.name {
		case "numFmt":
			formats[s.attr("numFmtId")] = formatOf(s.attr("formatCode"))
		case "cellXfs":
			inCells = true
		case "cellStyleXfs", "cellStyles", "dxfs":
			inCells = false
		case "xf":
			if !inCells {
				break
			}
			id := s.attr("numFmtId")
			format, own := formats[id]
			if !own {
				format = builtinFormat(id)
			}
			if b.styles = append(b.styles, format); len(b.styles) > maxStyles {
				return fault.New(fault.InvalidParameter, "the workbook has more than %d styles", maxStyles)
			}
		}
		return nil
	})
}

// builtinFormat knows the formats that are not written into workbooks.
func builtinFormat(id string) numberFormat {
	n, err := strconv.Atoi(id)
	switch {
	case err != nil:
		return plainFormat
	case n >= 18 && n <= 21, n == 45, n == 47:
		return timeFormat
	case n >= 14 && n <= 22, n >= 27 && n <= 36, n >= 50 && n <= 58:
		return dateFormat
	}
	return plainFormat
}

// formatOf reads a format's code: letters of days and years make it one of
// dates, letters of hours and seconds one of times. "m" is a month or a minute.
// Durations ("[h]:mm") stay numbers of days.
func formatOf(code string) numberFormat {
	letters, elapsed := formatLetters(code)
	has := func(set string) bool { return strings.ContainsAny(letters, set) }
	switch {
	case elapsed, strings.HasPrefix(letters, "general"), strings.Contains(letters, "@"):
		return plainFormat
	case has("yd"), has("m") && !has("hs"):
		return dateFormat
	case has("hs"):
		return timeFormat
	}
	return plainFormat
}

// formatLetters is a format's first part in lower case without quoted text,
// colours, languages and fillers; elapsed is set for hours past a day.
func formatLetters(code string) (letters string, elapsed bool) {
	var b strings.Builder
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case '\\', '_', '*':
			i++
		case '"':
			end := strings.IndexByte(code[i+1:], '"')
			if end < 0 {
				return b.String(), elapsed
			}
			i += end + 1
		case '[':
			end := strings.IndexByte(code[i:], ']')
			if end < 0 {
				return b.String(), elapsed
			}
			elapsed = elapsed || end > 1 && strings.Trim(strings.ToLower(code[i+1:i+end]), "hms") == ""
			i += end
		case ';':
			return b.String(), elapsed
		default:
			if rest := strings.ToLower(code[i:]); strings.HasPrefix(rest, "am/pm") || strings.HasPrefix(rest, "a/p") {
				b.WriteByte('h')
				i += strings.IndexByte(rest, 'p')
				if strings.HasPrefix(rest, "am/pm") {
					i++
				}
				continue
			}
			b.WriteString(strings.ToLower(code[i : i+1]))
		}
	}
	return b.String(), elapsed
}

const (
	dayMillis = 24 * 60 * 60 * 1000
	// leapBug is the number of 29 February 1900, which there never was.
	leapBug = 60
)

var (
	epoch1900 = time.Date(1899, 12, 31, 0, 0, 0, 0, time.UTC)
	epoch1904 = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
)

// dateCell is a number that is shown as a date or a time. Times without a day
// are texts, as no field has them; what is no date stays a number.
func dateCell(serial float64, format numberFormat, date1904 bool) (Cell, bool) {
	if math.IsNaN(serial) || serial < 0 || serial > 3_000_000 {
		return Cell{}, false
	}
	days := math.Floor(serial)
	millis := int64(math.Round((serial - days) * dayMillis))
	if millis == dayMillis {
		days, millis = days+1, 0
	}
	clock := time.UnixMilli(millis).UTC()
	if serial < 1 && (format == timeFormat || !date1904) {
		return Cell{Text, clock.Format("15:04:05.999")}, format == timeFormat || millis > 0
	}
	epoch := epoch1904
	if !date1904 {
		epoch = epoch1900
		switch {
		case days == leapBug:
			return Cell{}, false
		case days > leapBug:
			days--
		}
	}
	t := epoch.AddDate(0, 0, int(days)).Add(time.Duration(millis) * time.Millisecond)
	if t.Year() > 9999 {
		return Cell{}, false
	}
	layout := "2006-01-02T15:04:05.999"
	if millis == 0 {
		layout = "2006-01-02"
	}
	return Cell{Moment, t.Format(layout)}, true
}
