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
	multiline bool
	options   map[string]int // nil when there are too many
}

// Add looks at a row.
func (s *Survey) Add(row Row) {
	s.rows++
	for len(s.columns) < len(row.Cells) {
		s.columns = append(s.columns, &findings{numbers: anyNumber, dates: anyDate, options: map[string]int{}})
	}
	for i, c := range row.Cells {
		if !c.Blank() {
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
	f.addOption(value)
	f.multiline = f.multiline || utf8.RuneCountInString(c.Text) > MaxLineChars || text.OneLine(value) != value
}

func (f *findings) addNumber(kind Kind, value string) {
	if kind == Bool {
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

func (f *findings) addOption(value string) {
	if f.options == nil {
		return
	}
	if _, known := f.options[value]; !known {
		value = strings.Clone(value)
	}
	f.options[value]++
	if len(f.options) > MaxOptions || utf8.RuneCountInString(value) > maxOptionChars || text.OneLine(value) != value {
		f.options = nil
	}
}

func (f *findings) propose(c *Column) {
	c.Filled = f.filled
	switch number, date := f.numbers.choose(), f.dates.choose(); {
	case f.filled == 0:
	case number != 0:
		c.Type, c.number = NumberType, number
	case date != 0:
		c.Type, c.date, c.DateOnly = DateType, date, !f.clock
	case f.options != nil && f.filled >= optionUses*len(f.options):
		c.Type, c.Options = ChoiceType, f.optionNames()
	case f.multiline:
		c.Type = MultilineType
	}
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
