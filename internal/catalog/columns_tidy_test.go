package catalog

import (
	"testing"

	"kartoteka/internal/catalog/column"
	"kartoteka/internal/query"
)

// TestColumnsTidy: a table that is mostly of records that are gone, and a column
// of texts that no record has any more, are given up.
func TestColumnsTidy(t *testing.T) {
	x := newColumns(New(nil, Options{}))
	kept, gone := newColumnTable(), newColumnTable()
	x.tables[1], x.tables[2] = kept, gone
	for f := range query.Field(2) {
		kept.fields[f+1] = &Field{Num: f + 1}
	}
	kept.Add(1, column.NewColumn(column.Texts))
	kept.Add(2, column.NewColumn(column.Ints))
	row := kept.Put(1, 0)
	for i := range 2*differentTexts + 1 {
		kept.Column(1).SetText(row, []byte{byte(i), byte(i >> 8), byte(i >> 16)}, func(s string) string { return s })
		r := query.Record(i + 1)
		gone.Put(r, 0)
		gone.Remove(r)
	}
	x.tidy()
	if x.tables[1] != kept || x.tables[2] != nil {
		t.Errorf("kept %v", x.tables)
	}
	if kept.Column(1) != nil || kept.Column(2) == nil {
		t.Errorf("the table has the fields %v", kept.Fields())
	}
}
