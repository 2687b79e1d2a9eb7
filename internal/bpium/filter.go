package bpium

import (
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// Bounds of one filter, all its linked parts included.
const (
	maxConditions   = 500
	maxFilterValues = 10_000
)

// always holds for every record, never for none. A nil node is the third thing:
// a part that says nothing, as if it had not been sent.
var (
	always query.Node = query.And{}
	never  query.Node = query.Or{}
)

// DecodeFilter reads a filter of a catalog in either form, from a JSON text,
// from brackets or from a body. It gives nil when nothing is asked.
//
// It fails with fault.InvalidFilter, fault.UnknownField or fault.FieldHidden.
func DecodeFilter(v tree.Value, sc *catalog.Scope, at catalog.Moment) (query.Node, error) {
	d := filterDecoder{structure: sc.Structure, access: sc.Access, at: at}
	n, err := d.filter(sc.Catalog, v)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// ParseFilter is DecodeFilter of a JSON text. "" asks nothing.
func ParseFilter(s string, sc *catalog.Scope, at catalog.Moment) (query.Node, error) {
	return DecodeFilter(tree.NewString(s), sc, at)
}

type filterDecoder struct {
	structure  *catalog.Structure
	access     *catalog.Access
	at         catalog.Moment
	depth      int
	conditions int
	values     int
}

func badFilter(format string, args ...any) error {
	return fault.New(fault.InvalidFilter, "filters: %s", fault.Msg(format, args...))
}

// badValue is the fault of a field's filter value.
func badValue(f *catalog.Field, format string, args ...any) error {
	err := fault.New(fault.InvalidFilter, "filter of field %s (%s): %s", f.Key, f.Name, fault.Msg(format, args...))
	err.Details = []fault.Detail{{Field: f.Key, Code: fault.InvalidFilter, Message: err.Message}}
	return err
}

// deeper bounds the recursion of all parts of the decoder.
func (d *filterDecoder) deeper(read func() (query.Node, error)) (query.Node, error) {
	if d.depth++; d.depth > maxDepth {
		return nil, badFilter("nested deeper than %d levels", maxDepth)
	}
	n, err := read()
	d.depth--
	return n, err
}

// filter reads a filter of catalog c. The array form's children all have a
// fieldId (or attr); anything else is the object form.
func (d *filterDecoder) filter(c *catalog.Catalog, v tree.Value) (query.Node, error) {
	v, err := jsonText(v)
	if err != nil {
		return nil, err
	}
	return d.deeper(func() (query.Node, error) {
		switch v.Kind {
		case tree.Null:
			return nil, nil
		case tree.List:
			return d.all(v.Items(), func(e tree.Value) (query.Node, error) { return d.element(c, e) })
		case tree.Object:
			if !isArrayForm(v.Fields()) {
				return d.object(c, v.Fields())
			}
			return d.all(membersOf(v), func(e tree.Value) (query.Node, error) { return d.element(c, e) })
		}
		return nil, badFilter("expected a list or an object")
	})
}

// jsonText decodes a filter, or a part of one, that came as a JSON text.
func jsonText(v tree.Value) (tree.Value, error) {
	if v.Kind != tree.String {
		return v, nil
	}
	s := strings.TrimSpace(v.Str())
	if s == "" {
		return tree.Value{}, nil
	}
	if !strings.ContainsRune(`[{"`, rune(s[0])) {
		return v, nil
	}
	return parseParam("filters", s)
}

func isArrayForm(fields []tree.Field) bool {
	for _, f := range fields {
		if _, _, ok := fieldIDOf(f.Value); !ok {
			return false
		}
	}
	return len(fields) > 0
}

func membersOf(v tree.Value) []tree.Value {
	values := make([]tree.Value, 0, v.Len())
	for _, f := range v.Fields() {
		values = append(values, f.Value)
	}
	return values
}

// fieldIDOf finds the field id of an element; fieldId wins over attr, its old name.
func fieldIDOf(v tree.Value) (id tree.Value, name string, ok bool) {
	for _, name := range []string{"fieldId", "attr"} {
		if id, ok := v.Get(name); ok {
			return id, name, true
		}
	}
	return tree.Value{}, "", false
}

// all joins what read makes of the parts; those that say nothing drop out.
func (d *filterDecoder) all(parts []tree.Value, read func(tree.Value) (query.Node, error)) (query.Node, error) {
	var and query.And
	for _, p := range parts {
		n, err := read(p)
		if err != nil {
			return nil, err
		}
		if n != nil {
			and = append(and, n)
		}
	}
	return joined(and), nil
}

// any is all for alternatives. A part that says nothing drops out too: in
// brackets it could not even have been sent.
func (d *filterDecoder) any(parts []tree.Value, read func(tree.Value) (query.Node, error)) (query.Node, error) {
	var or query.Or
	for _, p := range parts {
		n, err := read(p)
		if err != nil {
			return nil, err
		}
		if n != nil {
			or = append(or, n)
		}
	}
	switch len(or) {
	case 0:
		return nil, nil
	case 1:
		return or[0], nil
	}
	return or, nil
}

func joined(and query.And) query.Node {
	switch len(and) {
	case 0:
		return nil
	case 1:
		return and[0]
	}
	return and
}

// element reads {fieldId, value}, or an object form inside a list.
func (d *filterDecoder) element(c *catalog.Catalog, v tree.Value) (query.Node, error) {
	if v.Kind != tree.Object {
		return nil, badFilter("each element must be an object")
	}
	id, name, ok := fieldIDOf(v)
	if !ok {
		return d.deeper(func() (query.Node, error) { return d.object(c, v.Fields()) })
	}
	key, ok := IDText(id)
	if !ok {
		return nil, badFilter("%s is not a field id", name)
	}
	f, err := d.field(c, key)
	if err != nil {
		return nil, err
	}
	value, ok := v.Get("value")
	if !ok {
		return nil, nil
	}
	return d.fieldValue(f, value)
}

// object reads {"4": value, "$or": [filter, …]}.
func (d *filterDecoder) object(c *catalog.Catalog, fields []tree.Field) (query.Node, error) {
	var and query.And
	for _, member := range fields {
		n, err := d.member(c, member)
		if err != nil {
			return nil, err
		}
		if n != nil {
			and = append(and, n)
		}
	}
	return joined(and), nil
}

func (d *filterDecoder) member(c *catalog.Catalog, m tree.Field) (query.Node, error) {
	if m.Key == "$or" || m.Key == "$and" {
		return d.group(m, func(v tree.Value) (query.Node, error) { return d.filter(c, v) })
	}
	f, err := d.field(c, m.Key)
	if err != nil {
		return nil, err
	}
	return d.fieldValue(f, m.Value)
}

// group reads the list of a $or or $and.
func (d *filterDecoder) group(m tree.Field, read func(tree.Value) (query.Node, error)) (query.Node, error) {
	parts, ok := listOf(m.Value)
	if !ok {
		return nil, badFilter("%s needs a list", m.Key)
	}
	if m.Key == "$or" {
		return d.any(parts, read)
	}
	return d.all(parts, read)
}

// field finds a field that the caller may filter by.
func (d *filterDecoder) field(c *catalog.Catalog, id string) (*catalog.Field, error) {
	f := FieldByID(c, id)
	if f == nil {
		return nil, unknownField(c, id)
	}
	if !d.access.Readable(f) {
		return nil, hiddenField(f)
	}
	return f, nil
}

func unknownField(c *catalog.Catalog, id string) error {
	return fault.New(fault.UnknownField, "catalog %s has no field %s", c.Key, text.Cut(id, 100))
}

func hiddenField(f *catalog.Field) error {
	return fault.New(fault.FieldHidden, "field %s cannot be read", f.Key)
}

// fieldValue reads one field's filter value, or options of it.
func (d *filterDecoder) fieldValue(f *catalog.Field, v tree.Value) (query.Node, error) {
	if d.conditions++; d.conditions > maxConditions {
		return nil, badFilter("more than %d conditions", maxConditions)
	}
	if _, or := v.Get("$or"); !or {
		if _, and := v.Get("$and"); !and {
			return d.value(f, v)
		}
	}
	return d.deeper(func() (query.Node, error) {
		return d.options(f, v)
	})
}

// options reads {"$or": [value, …], "$and": […]} of one field: every element is
// a complete filter value.
func (d *filterDecoder) options(f *catalog.Field, v tree.Value) (query.Node, error) {
	var and query.And
	for _, m := range v.Fields() {
		if m.Key != "$or" && m.Key != "$and" {
			return nil, badValue(f, "%s cannot stand beside $or and $and", text.Cut(m.Key, 100))
		}
		n, err := d.group(m, func(e tree.Value) (query.Node, error) { return d.fieldValue(f, e) })
		if err != nil {
			return nil, err
		}
		if n != nil {
			and = append(and, n)
		}
	}
	return joined(and), nil
}
