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
	EmailType     Type = "email"
	PhoneType     Type = "phone"
	LinkType      Type = "link"
)

// DayOrder says what comes first in dates such as 03/04/2026.
type DayOrder uint8

// The orders.
const (
	AnyOrder DayOrder = iota // as the column's cells tell
	DayMonth                 // 3 April
	MonthDay                 // March 4
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
	// Order is the caller's, for dates whose order the cells do not tell.
	Order DayOrder
	// Unsure says that all cells are dates whose order they do not tell; the
	// proposal is a text then.
	Unsure bool
	// Options are the names of a choice, sorted.
	Options []string
	// Known are all values of the column, sorted, if they are few enough and
	// short enough for a choice; else nil.
	Known []string
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
// a float64, a Date, a []string of contacts, or nil for a blank cell. Its error
// is a *RowError.
func (c *Column) Convert(row Row) (any, error) {
	cell := row.Cell(c.Index)
	if cell.Blank() {
		return nil, nil
	}
	if cell.Kind == Failed {
		return nil, c.bad(row, fault.Type, failure(cell.Text))
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
	case EmailType, PhoneType, LinkType:
		if list := splitContacts(value, contactTypes[c.Type]); list != nil {
			return list, nil
		}
		return nil, c.bad(row, fault.Type, notContact(c.Type, shorten(value)))
	}
	return c.line(row, cell.Text)
}

func notContact(t Type, value string) fault.Message {
	switch t {
	case EmailType:
		return fault.Msg("%q is not an e-mail address", value)
	case PhoneType:
		return fault.Msg("%q is not a phone number", value)
	}
	return fault.Msg("%q is not a link", value)
}

// failure is why a cell of a spreadsheet has no value.
func failure(text string) fault.Message {
	if text == "" {
		return fault.Msg("the formula has no stored result; open the file in a spreadsheet program and save it")
	}
	return fault.Msg("the cell has the error %s", shorten(text))
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
	if kind == Bool || kind == Moment {
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
	style := c.date
	switch {
	case kind == Moment:
		style = isoDate
	case kind != Text:
		return Date{}, false
	case style == 0:
		style = c.dateStyle(value)
	}
	m, ok := parseDate(value, style)
	if !ok {
		return Date{}, false
	}
	d := c.place(m)
	return d, inRange(d.Millis) // the zone may have moved it
}

// dateStyle is the one in which one value is read.
func (c *Column) dateStyle(value string) dateStyle {
	f := findings{dates: anyDate}
	f.addDate(Text, value)
	if f.dates&(dayFirst|monthFirst) != 0 {
		switch c.Order {
		case DayMonth:
			return dayFirst
		case MonthDay:
			return monthFirst
		}
	}
	return f.dates.choose()
}

// ReadDates makes the column one of dates, with or without a time of day, in an
// order that the cells need not tell.
func (c *Column) ReadDates(dateOnly bool, order DayOrder) {
	c.Type, c.DateOnly, c.Order = DateType, dateOnly, order
	if order != AnyOrder {
		c.date = 0
	}
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
