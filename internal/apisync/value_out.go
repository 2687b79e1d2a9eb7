package apisync

import (
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// The values of option_format.
const (
	optionID     = "id"
	optionObject = "object"
)

// plainOut is a value that is neither a link nor a file, straight from its cell.
func (l *mapLine) plainOut(f *catalog.Field, p *catalog.Page, c catalog.Cell) tree.Value {
	switch f.Storage() {
	case catalog.TextStorage:
		return tree.NewString(string(p.Bytes(c)))
	case catalog.FloatStorage:
		return l.numberOut(c.Float())
	case catalog.WholeStorage:
		return l.numberOut(float64(c.Int()))
	case catalog.TimeStorage:
		return dateOut(f, c.Int(), l.patterns)
	case catalog.ItemStorage:
		return l.optionOut(f, query.Item(c.Int()))
	case catalog.ItemsStorage:
		items, _ := catalog.CellValue(f, p, c).(catalog.Items)
		list := make([]tree.Value, len(items))
		for i, item := range items {
			list[i] = l.optionOut(f, item)
		}
		if len(list) == 0 {
			return tree.Value{}
		}
		return tree.NewList(list)
	case catalog.JSONStorage:
		switch v := catalog.CellValue(f, p, c).(type) {
		case catalog.Contacts:
			return tree.NewString(v[0].Contact)
		case catalog.Address:
			return tree.NewString(v.Value)
		}
	}
	return tree.Value{}
}

func (l *mapLine) numberOut(n float64) tree.Value {
	if l.digits >= 0 {
		return tree.NewNumber(strconv.FormatFloat(n, 'f', l.digits, 64))
	}
	return tree.NewNumber(string(catalog.AppendNumber(nil, n)))
}

// optionOut is an option as the line shows it, null for one that was removed.
func (l *mapLine) optionOut(f *catalog.Field, n query.Item) tree.Value {
	item := f.Config.Item(n)
	if item == nil {
		return tree.Value{}
	}
	switch l.Options.OptionFormat {
	case optionID:
		return tree.NewString(item.Key)
	case optionObject:
		return tree.NewObject([]tree.Field{{Key: "id", Value: tree.NewString(item.Key)}, {Key: "name", Value: tree.NewString(item.Name)}})
	}
	return tree.NewString(item.Name)
}
