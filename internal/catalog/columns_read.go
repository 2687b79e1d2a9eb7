package catalog

import (
	"kartoteka/internal/catalog/column"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// columnKind is how a field's values are kept in memory; false for those that
// are not.
func columnKind(f *Field) (column.Kind, bool) {
	if f.Secret { // the log of changes does not have it
		return 0, false
	}
	switch f.Storage() {
	case FloatStorage:
		return column.Floats, true
	case WholeStorage, ItemStorage:
		return column.Ints, true
	case TimeStorage:
		return column.Times, true
	case BoolStorage:
		return column.Flags, true
	case TextStorage:
		return column.Texts, f.tellsText()
	case ItemsStorage, LinksStorage:
		return column.Lists, true
	}
	return 0, false
}

// setColumn puts a stored value into a row; values is room for lists.
func setColumn(c *column.Column, row uint32, page *Page, cell Cell, values []int64) []int64 {
	if cell.Empty() {
		c.Clear(row)
		return values
	}
	switch c.Kind() {
	case column.Floats:
		c.SetFloat(row, cell.Float())
	case column.Texts:
		c.SetText(row, page.Bytes(cell), textSort)
	case column.Lists:
		values = values[:0]
		b := page.Bytes(cell)
		for k := range ListLen(b) {
			values = append(values, ListAt(b, k))
		}
		c.SetList(row, values)
	default:
		c.SetInt(row, cell.Int())
	}
	return values
}

// textSort is what a text sorts by.
func textSort(s string) string { return string(text.SortKey(s)) }

// groupBy is a dimension by a column of the table.
func (t *columnTable) groupBy(f *Field, g query.Grouping, shift int64) *column.GroupBy {
	if g.By == query.NoGroups {
		return nil
	}
	by := &column.GroupBy{Shift: shift, Unit: RawStep(g.Step)}
	if folds(g) {
		by.Same = func(n int64) int64 { return foldTime(n, g.Step, shift) }
	}
	if f != nil {
		by.Column, by.Tenths = t.Column(f.Num), f.inTenths()
	}
	return by
}

// inTenths tells whether groups of the field are tens of its numbers.
func (f *Field) inTenths() bool { return f.Storage() == FloatStorage && f.Type.Name() == "progress" }

// groupKeyOf is a column's key as the store gives it.
func groupKeyOf(f *Field, k column.Key) GroupKey {
	switch {
	case k.None:
		return NoGroup
	case f == nil:
		return GroupKey{Whole: k.Int}
	case f.Storage() == TextStorage:
		return TextGroup(k.Text.Text, k.Text.Sort)
	case f.Storage() == FloatStorage && !f.inTenths():
		return GroupKey{Number: k.Float}
	}
	return GroupKey{Whole: k.Int}
}
