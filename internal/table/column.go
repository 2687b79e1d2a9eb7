package table

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"kartoteka/internal/fault"
	"kartoteka/internal/query/text"
)

// Type is what a column is loaded as.
type Type string

// The types a Survey proposes.
const (
	TextType      Type = "text"      // one line of at most MaxLineChars
	MultilineType Type = "multiline" // any text
	NumberType    Type = "number"
	DateType      Type = "date"
	ChoiceType    Type = "choice" // one of Options
)

// Column says how a column of the table becomes a field. The caller may change
// the type; the values that do not fit are errors then.
type Column struct {
	Name  string
	Index int // in Row.Cells
	Type  Type
	// DateOnly: no date of the column has a time of day.
	DateOnly bool
	// Zone is where dates without an offset are; nil is UTC.
	Zone *time.Location
	// Options are the names of a choice, sorted.
	Options []string
	// Filled is how many rows have a value.
	Filled int

	number numberStyle // 0: find out for every cell
	date   dateStyle
}

// Date is a converted date: milliseconds since 1970 in UTC. With DateOnly it is
// midnight UTC of the day as written.
type Date struct {
	Millis   int64
	DateOnly bool
}

// Convert gives the row's value of the column: a string for texts and options,
// a float64, a Date, or nil for a blank cell. Its error is a *RowError.
func (c *Column) Convert(row Row) (any, error) {
	cell := row.Cell(c.Index)
	if cell.Blank() {
		return nil, nil
	}
	value := strings.TrimSpace(cell.Text)
	switch c.Type {
	case NumberType:
		if f, ok := c.parseNumber(cell.Kind, value); ok {
			return f, nil
		}
		return nil, c.bad(row, fault.Type, fault.Msg("%q is not a number", shorten(value)))
	case DateType:
		if d, ok := c.parseDate(cell.Kind, value); ok {
			return d, nil
		}
		return nil, c.bad(row, fault.Date, fault.Msg("%q is not a date", shorten(value)))
	case ChoiceType:
		if slices.Contains(c.Options, value) {
			return value, nil
		}
		return nil, c.bad(row, fault.UnknownItem, fault.Msg("no option is named %q", shorten(value)))
	case MultilineType:
		return cell.Text, nil
	}
	return c.line(row, cell.Text)
}

func (c *Column) line(row Row, s string) (any, error) {
	if utf8.RuneCountInString(s) > MaxLineChars {
		return nil, c.bad(row, fault.TooLong, fault.Msg("the text has more than %d characters", MaxLineChars))
	}
	return text.OneLine(s), nil
}

func (c *Column) bad(row Row, code fault.Code, m fault.Message) error {
	return &RowError{Position: row.Position, Column: c.Name, Code: code, Message: m}
}

// shorten makes a value fit into a message.
func shorten(s string) string {
	if short := text.Cut(s, 40); short != s {
		return short + "…"
	}
	return s
}

func (c *Column) parseNumber(kind Kind, value string) (float64, bool) {
	if kind == Bool {
		return 0, false
	}
	style := c.number
	if style == 0 {
		style = numberStyles(value).choose()
	}
	return parseNumber(value, style)
}

// numberStyles are those in which one value can be read.
func numberStyles(value string) numberStyle {
	f := findings{numbers: anyNumber}
	f.addNumber(Text, value)
	return f.numbers
}

func (c *Column) parseDate(kind Kind, value string) (Date, bool) {
	if kind != Text {
		return Date{}, false
	}
	style := c.date
	if style == 0 {
		f := findings{dates: anyDate}
		f.addDate(kind, value)
		style = f.dates.choose()
	}
	m, ok := parseDate(value, style)
	if !ok {
		return Date{}, false
	}
	d := c.place(m)
	return d, inRange(d.Millis) // the zone may have moved it
}

// place puts a moment into the column's zone.
func (c *Column) place(m moment) Date {
	t := m.time
	zone := c.Zone
	switch {
	case c.DateOnly:
		t = time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	case !m.zoned && zone != nil:
		t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone)
	}
	return Date{Millis: t.UnixMilli(), DateOnly: c.DateOnly}
}
