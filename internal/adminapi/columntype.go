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
var typeNames = map[string]func(c *table.Column) error{
	"text":         is(table.TextType),
	"multiline":    is(table.MultilineType),
	"number":       is(table.NumberType),
	"date":         isDate(true, table.AnyOrder),
	"date-dmy":     isDate(true, table.DayMonth),
	"date-mdy":     isDate(true, table.MonthDay),
	"datetime":     isDate(false, table.AnyOrder),
	"datetime-dmy": isDate(false, table.DayMonth),
	"datetime-mdy": isDate(false, table.MonthDay),
	"choice":       isChoice,
	"email":        is(table.EmailType),
	"phone":        is(table.PhoneType),
	"link":         is(table.LinkType),
}

// typeHelp lists the names in the order of the help.
const typeHelp = "text, multiline, number, date, datetime (with -dmy or -mdy: the order of day and month), choice, email, phone or link"

func is(t table.Type) func(*table.Column) error {
	return func(c *table.Column) error {
		c.Type = t
		return nil
	}
}

func isDate(dateOnly bool, order table.DayOrder) func(*table.Column) error {
	return func(c *table.Column) error {
		c.ReadDates(dateOnly, order)
		return nil
	}
}

func isChoice(c *table.Column) error {
	if len(c.Known) == 0 {
		return fmt.Errorf("the column %q cannot be a choice: it has no values, more than %d, or some that are too long", c.Name, table.MaxKnown)
	}
	c.Type, c.Options = table.ChoiceType, c.Known
	return nil
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
			return fmt.Errorf("a type is %s, not %q", typeHelp, one.name)
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
		if err := typeNames[one.name](&columns[i]); err != nil {
			return err
		}
	}
	return nil
}
