package apisync

import (
	"encoding/json"
	"strings"

	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// maxValueMap bounds the pairs of a value map.
const maxValueMap = 10_000

// valueMap is what a line puts in place of values (sync-api.md §4.7).
type valueMap struct {
	pairs []valuePair
	// texts compares the text of scalars, as the object form does.
	texts bool
}

type valuePair struct{ external, internal tree.Value }

// parseValueMap reads the list or the object form; nil for none, false when it is
// neither.
func parseValueMap(raw json.RawMessage) (*valueMap, bool) {
	if len(raw) == 0 {
		return nil, true
	}
	v, err := tree.ParseJSON(raw, tree.Limits{Depth: 16, Values: 4 * maxValueMap})
	switch {
	case err != nil || v.Len() > maxValueMap:
		return nil, false
	case v.IsNull():
		return nil, true
	case v.Kind == tree.List:
		m := &valueMap{}
		for _, item := range v.Items() {
			external, ok1 := item.Get("external")
			internal, ok2 := item.Get("internal")
			if !ok1 || !ok2 || item.Len() != 2 {
				return nil, false
			}
			m.pairs = append(m.pairs, valuePair{external, internal})
		}
		return m, true
	case v.Kind == tree.Object:
		m := &valueMap{texts: true}
		for _, f := range v.Fields() {
			m.pairs = append(m.pairs, valuePair{tree.NewString(f.Key), f.Value})
		}
		return m, true
	}
	return nil, false
}

// literalText is the text of a scalar as JSON has it, without quotes.
func literalText(v tree.Value) string {
	if v.Kind == tree.String {
		return v.Str()
	}
	return string(v.AppendJSON(nil))
}

func (m *valueMap) equal(a, b tree.Value) bool {
	return same(a, b) || m.texts && a.Len() == 0 && b.Len() == 0 && literalText(a) == literalText(b)
}

// in gives what stands for an external value. Each item of a list stands for itself,
// and null for null unless the map has another. nil maps nothing.
func (m *valueMap) in(v tree.Value) (tree.Value, *wrong) {
	if m == nil {
		return v, nil
	}
	for _, p := range m.pairs {
		if m.equal(p.external, v) {
			return p.internal, nil
		}
	}
	switch v.Kind {
	case tree.Null:
		return v, nil
	case tree.List:
		items := make([]tree.Value, v.Len())
		for i, item := range v.Items() {
			var bad *wrong
			if items[i], bad = m.in(item); bad != nil {
				return v, bad
			}
		}
		return tree.NewList(items), nil
	}
	return v, wrongly(notInListCode, "there is no value for %s", text.Cut(literalText(v), 100))
}

// out gives the external value of an internal one, the first of several. What the map
// does not have stays as it is: nothing is shown as if it were empty.
func (m *valueMap) out(v tree.Value) tree.Value {
	if m == nil {
		return v
	}
	for _, p := range m.pairs {
		if m.equal(p.internal, v) {
			return m.typed(p.external)
		}
	}
	if v.Kind != tree.List {
		return v
	}
	items := make([]tree.Value, v.Len())
	for i, item := range v.Items() {
		items[i] = m.out(item)
	}
	return tree.NewList(items)
}

// typed makes a key of the object form what it is written like: true, 5 and null.
func (m *valueMap) typed(v tree.Value) tree.Value {
	if !m.texts {
		return v
	}
	scalar, err := tree.ParseJSON([]byte(v.Str()), tree.Limits{Depth: 1, Values: 1})
	if err != nil || scalar.Kind == tree.String || scalar.Kind == tree.List || scalar.Kind == tree.Object {
		return v
	}
	return scalar
}

// trimmed is a text without blanks around it, and a list of such.
func trimmed(v tree.Value) tree.Value {
	switch v.Kind {
	case tree.String:
		if s := strings.TrimSpace(v.Str()); s != v.Str() {
			return tree.NewString(s)
		}
	case tree.List:
		items := make([]tree.Value, v.Len())
		for i, item := range v.Items() {
			items[i] = item
			if item.Kind == tree.String {
				items[i] = trimmed(item)
			}
		}
		return tree.NewList(items)
	}
	return v
}
