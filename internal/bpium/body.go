package bpium

import (
	"encoding/json"
	"strconv"

	"kartoteka/internal/fault"
	"kartoteka/internal/query/tree"
)

// body reads the members of a request's body and collects what is wrong with
// them.
type body struct {
	v       tree.Value
	path    string // "" or "fields[3]"
	details *[]fault.Detail
}

func newBody(v tree.Value) (body, error) {
	if v.Kind != tree.Object {
		return body{}, fault.New(fault.InvalidJSON, "the body must be a JSON object")
	}
	return body{v: v, details: new([]fault.Detail)}, nil
}

// in is a part of the body.
func (b body) in(v tree.Value, path string) body { return body{v, b.at(path), b.details} }

// at is the place of a member.
func (b body) at(name string) string {
	if b.path == "" {
		return name
	}
	if name == "" || name[0] == '[' {
		return b.path + name
	}
	return b.path + "." + name
}

func (b body) refuse(name string, code fault.Code, format string, args ...any) {
	*b.details = append(*b.details, fault.At(b.at(name), code, format, args...))
}

func (b body) err() error { return fault.Invalid(*b.details) }

// text reads a text; nil when it is absent or not a text.
func (b body) text(name string) *string {
	v, ok := b.v.Get(name)
	if !ok {
		return nil
	}
	if v.Kind != tree.String && v.Kind != tree.Number {
		b.refuse(name, fault.Type, "expected a text")
		return nil
	}
	s := v.Text()
	return &s
}

// textOrNull is text, with null as the empty text.
func (b body) textOrNull(name string) *string {
	if v, ok := b.v.Get(name); ok && v.IsNull() {
		return new(string)
	}
	return b.text(name)
}

// id reads an id; nil when it is absent, null or empty.
func (b body) id(name string) *string {
	v, ok := b.v.Get(name)
	if !ok || blank(v) {
		return nil
	}
	id, ok := IDText(v)
	if !ok {
		b.refuse(name, fault.Type, "expected an id")
		return nil
	}
	return &id
}

// yes reads a boolean, also as "true", "false", 1 or 0; nil when it is absent
// or null.
func (b body) yes(name string) *bool {
	v, ok := b.v.Get(name)
	if !ok || v.IsNull() {
		return nil
	}
	on, ok := boolOf(v)
	if !ok {
		b.refuse(name, fault.Type, "expected true or false")
		return nil
	}
	return &on
}

// is is yes with false for absent.
func (b body) is(name string) bool {
	on := b.yes(name)
	return on != nil && *on
}

// number reads a number, also as a text; nil when absent, null or empty.
func (b body) number(name string) *float64 {
	v, ok := b.v.Get(name)
	if !ok || blank(v) {
		return nil
	}
	n, ok := numberOf(v)
	if !ok {
		b.refuse(name, fault.Type, "expected a number")
		return nil
	}
	return &n
}

// whole reads a whole number of ordinary size.
func (b body) whole(name string) *int {
	n := b.number(name)
	if n == nil {
		return nil
	}
	if *n != float64(int32(*n)) {
		b.refuse(name, fault.Type, "expected a whole number")
		return nil
	}
	i := int(*n)
	return &i
}

// list reads a list; nil when it is absent, null or not a list.
func (b body) list(name string) []body {
	v, ok := b.v.Get(name)
	if !ok || v.IsNull() {
		return nil
	}
	if v.Kind != tree.List {
		b.refuse(name, fault.Type, "expected a list")
		return nil
	}
	items := make([]body, v.Len())
	for i, item := range v.Items() {
		items[i] = b.in(item, name+"["+strconv.Itoa(i)+"]")
	}
	return items
}

// object tells whether the part is an object, and reports it if not.
func (b body) object() bool {
	if b.v.Kind != tree.Object {
		b.refuse("", fault.Type, "expected an object")
	}
	return b.v.Kind == tree.Object
}

// raw reads an object as it is; null and {} become null, absent is nil.
func (b body) raw(name string) *json.RawMessage {
	v, ok := b.v.Get(name)
	if !ok {
		return nil
	}
	raw := json.RawMessage("null")
	switch {
	case v.Kind == tree.Object && v.Len() > 0:
		raw = v.AppendJSON(nil)
	case v.Kind != tree.Object && v.Kind != tree.Null:
		b.refuse(name, fault.Type, "expected an object or null")
		return nil
	}
	return &raw
}
