package table

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"kartoteka/internal/query/text"
)

// Limits of a proposal.
const (
	// MaxOptions is how many different values a choice may have.
	MaxOptions = 30
	// MaxLineChars is the longest text proposed as one line.
	MaxLineChars = 256
	// optionUses is how often values of a choice occur on average, at least.
	optionUses = 3
	// MaxKnown is how many different values are remembered, for a choice that
	// somebody asks for.
	MaxKnown = 1000
	// maxOptionChars is the longest value that may be an option.
	maxOptionChars = 100
)

// Survey looks at all rows of a table and proposes a type for each column. Its
// memory depends on the columns, not on the rows. The zero value is ready.
type Survey struct {
	rows    int
	columns []*findings
}

// findings are what is known of a column; the sets shrink with every cell that
// does not fit.
type findings struct {
	filled    int
	numbers   numberStyle
	dates     dateStyle
	clock     bool // some cell has a time of day that is not midnight
	contacts  contactKind
	phone     bool // some phone number is surely one
	multiline bool
	options   map[string]int // nil when there are too many
}

// Add looks at a row.
func (s *Survey) Add(row Row) {
	s.rows++
	for len(s.columns) < len(row.Cells) {
		s.columns = append(s.columns, &findings{numbers: anyNumber, dates: anyDate, contacts: anyContact, options: map[string]int{}})
	}
	for i, c := range row.Cells {
		if !c.Blank() && c.Kind != Failed {
			s.columns[i].add(c)
		}
	}
}

// Rows is how many rows were added.
func (s *Survey) Rows() int { return s.rows }

// Columns proposes types. names are Reader.Columns at the end of the reading.
func (s *Survey) Columns(names []string) []Column {
	columns := make([]Column, len(names))
	for i, name := range names {
		columns[i] = Column{Name: name, Index: i, Type: TextType}
		if i < len(s.columns) {
			s.columns[i].propose(&columns[i])
		}
	}
	return columns
}

func (f *findings) add(c Cell) {
	f.filled++
	value := strings.TrimSpace(c.Text)
	f.addNumber(c.Kind, value)
	f.addDate(c.Kind, value)
	f.addContact(c.Kind, value)
	f.addOption(value)
	f.multiline = f.multiline || utf8.RuneCountInString(c.Text) > MaxLineChars || text.OneLine(value) != value
}

func (f *findings) addNumber(kind Kind, value string) {
	if kind == Bool || kind == Moment {
		f.numbers = 0
	}
	for style := plainNumber; style < anyNumber && f.numbers != 0; style <<= 1 {
		if f.numbers&style == 0 {
			continue
		}
		if _, ok := parseNumber(value, style); !ok {
			f.numbers &^= style
		}
	}
}

func (f *findings) addDate(kind Kind, value string) {
	if kind == Moment { // it fits into a column of any style
		if m, ok := parseDate(value, isoDate); ok {
			f.clock = f.clock || !m.plainDay()
			return
		}
	}
	if kind != Text {
		f.dates = 0
	}
	for _, style := range dateStyles {
		if f.dates&style == 0 {
			continue
		}
		m, ok := parseDate(value, style)
		if !ok {
			f.dates &^= style
			continue
		}
		f.clock = f.clock || !m.plainDay()
	}
}

func (f *findings) addContact(kind Kind, value string) {
	switch {
	case f.contacts == 0:
		return
	case kind == Number: // a phone number may have come as one
		f.contacts &= phones
	case kind != Text:
		f.contacts = 0
	}
	for one := emails; one <= links; one <<= 1 {
		if f.contacts&one != 0 && splitContacts(value, one) == nil {
			f.contacts &^= one
		}
	}
	f.phone = f.phone || f.contacts&phones != 0 && surelyPhone(value)
}

func (f *findings) addOption(value string) {
	if f.options == nil {
		return
	}
	if _, known := f.options[value]; !known {
		value = strings.Clone(value)
	}
	f.options[value]++
	if len(f.options) > MaxKnown || utf8.RuneCountInString(value) > maxOptionChars || text.OneLine(value) != value {
		f.options = nil
	}
}

func (f *findings) propose(c *Column) {
	c.Filled = f.filled
	if f.options != nil {
		c.Known = f.optionNames()
	}
	c.number, c.date = f.numbers.choose(), f.dates.choose()
	switch {
	case f.filled == 0:
	case f.contacts&phones != 0 && namesPhones(c.Name):
		c.Type = PhoneType
	case c.number != 0:
		c.Type = NumberType
	case c.date != 0:
		c.Type, c.DateOnly = DateType, !f.clock
	case f.contacts&emails != 0:
		c.Type = EmailType
	case f.contacts&links != 0:
		c.Type = LinkType
	case f.contacts&phones != 0 && f.phone:
		c.Type = PhoneType
	case f.options != nil && len(f.options) <= MaxOptions && f.filled >= optionUses*len(f.options):
		c.Type, c.Options = ChoiceType, c.Known
	case f.multiline:
		c.Type = MultilineType
	}
	c.Unsure = f.filled > 0 && f.dates.unsure() && c.Type != DateType
}

// optionNames are in the order in which texts are sorted.
func (f *findings) optionNames() []string {
	list := make([]string, 0, len(f.options))
	for name := range f.options {
		list = append(list, name)
	}
	slices.SortFunc(list, func(a, b string) int {
		if c := bytes.Compare(text.SortKey(a), text.SortKey(b)); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	return list
}
