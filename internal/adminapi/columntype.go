package adminapi

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"kartoteka/internal/table"
)

// columnTypes are the types that somebody gives to columns, as a flag that may
// be repeated. Without them one cell that is no number makes a text of all.
type columnTypes []columnType

type columnType struct{ column, name string }

// typeNames are the types by the names that operators use.
var typeNames = map[string]struct {
	typ      table.Type
	dateOnly bool
}{
	"text":      {typ: table.TextType},
	"multiline": {typ: table.MultilineType},
	"number":    {typ: table.NumberType},
	"date":      {typ: table.DateType, dateOnly: true},
	"datetime":  {typ: table.DateType},
}

// String gives what Set takes; names of columns have no line breaks.
func (t *columnTypes) String() string {
	lines := make([]string, len(*t))
	for i, one := range *t {
		lines[i] = one.column + "=" + one.name
	}
	return strings.Join(lines, "\n")
}

func (t *columnTypes) Set(s string) error {
	for line := range strings.SplitSeq(s, "\n") {
		i := strings.LastIndexByte(line, '=')
		if i < 0 {
			return errors.New("COLUMN=TYPE is wanted")
		}
		one := columnType{strings.TrimSpace(line[:i]), strings.TrimSpace(line[i+1:])}
		if _, ok := typeNames[one.name]; !ok {
			return fmt.Errorf("a type is text, multiline, number, date or datetime, not %q", one.name)
		}
		*t = append(*t, one)
	}
	return nil
}

// apply gives the columns their types.
func (t columnTypes) apply(columns []table.Column) error {
	for _, one := range t {
		i := slices.IndexFunc(columns, func(c table.Column) bool { return c.Name == one.column })
		if i < 0 {
			return fmt.Errorf("the file has no column %q", one.column)
		}
		wanted := typeNames[one.name]
		columns[i].Type, columns[i].DateOnly = wanted.typ, wanted.dateOnly
	}
	return nil
}
