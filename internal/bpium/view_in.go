package bpium

import (
	"encoding/json"
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// ViewFilters reads the filter values that views keep: the catalog.FilterReader
// of a service whose views come through this API.
type ViewFilters struct{}

// ReadFilter reads one stored value. What depends on the person or the day is
// that of the moment. It fails with fault.InvalidFilter, UnknownField or
// FieldHidden.
func (ViewFilters) ReadFilter(sc *catalog.Scope, f *catalog.Field, value json.RawMessage, at catalog.Moment) (query.Node, error) {
	v, err := tree.ParseJSON(value, tree.Limits{Depth: jsonDepth})
	if err != nil {
		return nil, badValue(f, "the stored value cannot be read")
	}
	if !sc.Access.Readable(f) {
		return nil, hiddenField(f)
	}
	d := filterDecoder{structure: sc.Structure, access: sc.Access, at: at}
	return d.fieldValue(f, v)
}

// DecodeView reads the body of a new or changed view of a catalog. It fails with
// fault.InvalidJSON, ValidationFailed, InvalidFilter or UnknownField; what could
// be read until then is given all the same.
func DecodeView(v tree.Value, sc *catalog.Scope) (catalog.ViewInput, error) {
	b, err := newBody(v)
	if err != nil {
		return catalog.ViewInput{}, err
	}
	in := catalog.ViewInput{
		Key: b.id("id"), Name: b.textOrNull("name"), OriginName: b.textOrNull("originName"), Legal: b.yes("forRights"),
	}
	if raw := b.raw("options"); raw != nil {
		in.Options = *raw
	}
	if err := b.err(); err != nil {
		return in, err
	}
	filters, ok := v.Get("filters")
	if !ok || filters.IsNull() {
		return in, nil
	}
	in.Filters, err = viewFilters(filters, sc.Catalog)
	return in, err
}

// viewFilters reads [{fieldId, value}, …] or {fieldId: value}. Elements without
// a value say nothing, as in the filters of a list.
func viewFilters(v tree.Value, c *catalog.Catalog) ([]catalog.ViewFilterInput, error) {
	v, err := jsonText(v)
	if err != nil {
		return nil, err
	}
	filters := []catalog.ViewFilterInput{}
	switch {
	case v.IsNull():
		return filters, nil
	case v.Kind == tree.Object && !isArrayForm(v.Fields()):
		for _, m := range v.Fields() {
			if m.Key == "$or" || m.Key == "$and" {
				return nil, badFilter("a view has a list of fields with values; %s stands inside a value", m.Key)
			}
			filters = append(filters, viewFilter(c, "filters["+m.Key+"]", m.Key, m.Value))
		}
		return filters, nil
	case v.Kind != tree.Object && v.Kind != tree.List:
		return nil, badFilter("expected a list or an object")
	}
	items := v.Items()
	if v.Kind == tree.Object {
		items = membersOf(v)
	}
	for i, e := range items {
		path := "filters[" + strconv.Itoa(i) + "]"
		id, name, ok := fieldIDOf(e)
		if !ok {
			return nil, fault.Invalid([]fault.Detail{fault.At(path, fault.Required, "a filter needs fieldId and value")})
		}
		key, ok := IDText(id)
		if !ok {
			return nil, fault.Invalid([]fault.Detail{fault.At(path+"."+name, fault.Type, "expected an id")})
		}
		value, ok := e.Get("value")
		if !ok {
			continue
		}
		f := viewFilter(c, path, key, value)
		f.ID = filterID(e)
		filters = append(filters, f)
	}
	return filters, nil
}

func viewFilter(c *catalog.Catalog, path, id string, value tree.Value) catalog.ViewFilterInput {
	if f := FieldByID(c, id); f != nil {
		id = f.Key
	}
	return catalog.ViewFilterInput{Path: path, Field: id, Value: value.AppendJSON(nil)}
}

// filterID is the number of a filter that was sent back; 0 for a new one.
func filterID(e tree.Value) int64 {
	v, _ := e.Get("id")
	id, _ := IDText(v)
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
