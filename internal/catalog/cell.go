package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"

	"kartoteka/internal/query"
)

// StoredOf is a value with its sort key and search rows; nil empties the field.
func StoredOf(f *Field, v Value) StoredValue {
	return StoredValue{Field: f, Value: v, Key: f.Type.Key(f, v), Search: f.Type.Search(f, v)}
}

// ColumnValue is what the field's column holds of a value: nil, string,
// float64, int64 or []byte.
func ColumnValue(f *Field, v Value) any {
	switch v := v.(type) {
	case nil:
		return nil
	case Text:
		return string(v)
	case Number:
		return float64(v)
	case Whole:
		return int64(v)
	case Time:
		return int64(v)
	case Bool:
		return int64(1) // false is no value
	case Items:
		if f.Storage() == ItemStorage {
			return int64(v[0])
		}
		return AppendList(nil, Targets(v)...)
	case Links:
		return AppendList(nil, Targets(v)...)
	case Contacts, Address, Files:
		return string(storedJSON(v))
	}
	panic(fmt.Sprintf("catalog: no column for a value of type %T", v))
}

// storedJSON leaves <, > and & as they are: what is stored is also answered.
func storedJSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // strings, numbers and JSON that was parsed before
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Targets are what a value refers to, in order: items or Refs; nil for values
// of other kinds.
func Targets(v Value) []int64 {
	switch v := v.(type) {
	case Items:
		ints := make([]int64, len(v))
		for i, n := range v {
			ints[i] = int64(n)
		}
		return ints
	case Links:
		ints := make([]int64, len(v))
		for i, l := range v {
			ints[i] = int64(l.Ref())
		}
		return ints
	}
	return nil
}

// CellValue is the value of a field in a page's cell, nil when it is empty.
func CellValue(f *Field, p *Page, c Cell) Value {
	if c.Empty() {
		return nil
	}
	switch f.Storage() {
	case TextStorage:
		return Text(p.Bytes(c))
	case FloatStorage:
		return Number(c.Float())
	case WholeStorage:
		return Whole(c.Int())
	case TimeStorage:
		return Time(c.Int())
	case BoolStorage:
		return Bool(c.Int() != 0)
	case ItemStorage:
		return Items{query.Item(c.Int())}
	case ItemsStorage:
		if items := listItems(f, p.Bytes(c)); len(items) > 0 {
			return items
		}
	case LinksStorage:
		return listLinks(p.Bytes(c))
	case JSONStorage, FilesStorage:
		return parsedJSON(f, p.Bytes(c))
	}
	return nil
}

// listItems reads a list of options in the order that the configuration has
// now; it may have been stored under another.
func listItems(f *Field, b []byte) Items {
	items := make(Items, 0, ListLen(b))
	for _, item := range f.Config.Items {
		if ListHas(b, int64(item.Num)) {
			items = append(items, item.Num)
		}
	}
	return items
}

func listLinks(b []byte) Links {
	links := make(Links, ListLen(b))
	for i := range links {
		ref := query.Ref(ListAt(b, i))
		links[i].Link = query.Link{Catalog: ref.Catalog(), Key: query.Key{Record: ref.Record()}}
	}
	return links
}

// parsedJSON reads a JSON column. What does not parse was not written by the
// program; it reads as empty and `kartoteka check` reports it.
func parsedJSON(f *Field, b []byte) Value {
	switch f.Type.(type) {
	case contactType:
		var v Contacts
		if json.Unmarshal(b, &v) == nil && len(v) > 0 {
			return v
		}
	case addressType:
		var v Address
		if json.Unmarshal(b, &v) == nil {
			return v
		}
	case fileType:
		var v Files
		if json.Unmarshal(b, &v) == nil && len(v) > 0 {
			return v
		}
	}
	return nil
}
