package bpium

import (
	"math"
	"strconv"
	"strings"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// value reads one complete filter value by the field's type.
func (d *filterDecoder) value(f *catalog.Field, v tree.Value) (query.Node, error) {
	if f.Storage() == catalog.NoStorage {
		return nil, badValue(f, "such a field has no value")
	}
	if n, ok := emptiness(f, v); ok {
		return n, nil
	}
	if v.Kind == tree.List && v.Len() == 0 || v.Kind == tree.Object && v.Len() == 0 {
		return nil, nil
	}
	switch f.Type.Name() {
	case "number", "progress":
		return numberFilter(f, v)
	case "stars":
		return d.starsFilter(f, v)
	case "date":
		return d.dateFilter(f, v)
	case "dropdown", "radiobutton", "checkboxes":
		return d.choiceFilter(f, v)
	case "switch":
		return d.switchFilter(f, v)
	case "user", "object":
		return d.linkFilter(f, v)
	case "file":
		return fileFilter(f, v)
	}
	return textFilter(f, v)
}

// emptiness reads the tests that every type has: null, "$empty", "$notEmpty",
// alone or as the only element of a list.
func emptiness(f *catalog.Field, v tree.Value) (query.Node, bool) {
	if items, ok := listOf(v); ok && len(items) == 1 && items[0].Kind == tree.String {
		v = items[0]
	}
	switch {
	case v.IsNull() || v.Kind == tree.String && v.Str() == "$empty":
		return emptyTest(f, true), true
	case v.Kind == tree.String && v.Str() == "$notEmpty":
		return emptyTest(f, false), true
	}
	return nil, false
}

// emptyTest: a switch is never empty. That it has a value is asked all the same:
// where it is hidden it has none.
func emptyTest(f *catalog.Field, empty bool) query.Node {
	switch {
	case f.Storage() == catalog.BoolStorage && empty:
		return never
	case f.Storage() == catalog.BoolStorage:
		return query.Cond{Field: f.Num, Test: query.AnyOf{0, 1}}
	case empty:
		return query.Cond{Field: f.Num, Test: query.Empty{}}
	}
	return query.Cond{Field: f.Num, Test: query.NotEmpty{}}
}

// textFilter is for text, contact and address: a part of what can be read.
func textFilter(f *catalog.Field, v tree.Value) (query.Node, error) {
	s, ok := scalarText(v)
	if !ok {
		return nil, badValue(f, "expected a text")
	}
	test := query.Substring{Fold: text.Fold(s)}
	if f.Type.Name() == "contact" {
		test.Digits, _ = text.PhoneQuery(s)
	}
	if test.Fold == "" {
		return always, nil
	}
	return query.Cond{Field: f.Num, Test: test}, nil
}

// scalarText gives a text, number or boolean as text.
func scalarText(v tree.Value) (string, bool) {
	switch v.Kind {
	case tree.String, tree.Number:
		return v.Text(), true
	case tree.Bool:
		return strconv.FormatBool(v.True()), true
	}
	return "", false
}

// shown is a value as a message repeats it.
func shown(v tree.Value) string {
	if s, ok := scalarText(v); ok {
		return s
	}
	return string(v.AppendJSON(nil))
}

// numberOf reads a JSON number or a decimal text.
func numberOf(v tree.Value) (float64, bool) {
	if v.Kind == tree.Number {
		return v.Float()
	}
	s := strings.TrimSpace(v.Str())
	if s == "" || strings.Trim(s, "0123456789.+-eE") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && !math.IsInf(n, 0)
}

func numberFilter(f *catalog.Field, v tree.Value) (query.Node, error) {
	v, err := jsonObject(f, v)
	if err != nil {
		return nil, err
	}
	if v.Kind != tree.Object {
		n, ok := numberOf(v)
		if !ok {
			return nil, badValue(f, "expected a number or a range {at, to}")
		}
		n = catalog.RoundNumber(n)
		return query.Cond{Field: f.Num, Test: query.NumberRange{Min: &n, Max: &n}}, nil
	}
	low, high, err := boundsOf(f, v)
	if err != nil {
		return nil, err
	}
	var test query.NumberRange
	for _, bound := range []struct {
		v  tree.Value
		to **float64
	}{{low, &test.Min}, {high, &test.Max}} {
		if noBound(bound.v) {
			continue
		}
		n, ok := numberOf(bound.v)
		if !ok {
			return nil, badValue(f, "a bound is not a number")
		}
		n = catalog.RoundNumber(n)
		*bound.to = &n
	}
	if test.Min == nil && test.Max == nil {
		return nil, nil
	}
	return query.Cond{Field: f.Num, Test: test}, nil
}

// jsonObject decodes an object that came as a JSON text in a bracket leaf.
func jsonObject(f *catalog.Field, v tree.Value) (tree.Value, error) {
	if s := strings.TrimSpace(v.Str()); strings.HasPrefix(s, "{") {
		o, err := tree.ParseJSON([]byte(s), tree.Limits{Depth: jsonDepth, Values: maxFilterValues})
		if err != nil {
			return tree.Value{}, badValue(f, "not valid JSON")
		}
		return o, nil
	}
	return v, nil
}

// boundsOf reads {at, to}; nothing else may stand beside them.
func boundsOf(f *catalog.Field, v tree.Value) (low, high tree.Value, err error) {
	for _, m := range v.Fields() {
		switch m.Key {
		case "at":
			low = m.Value
		case "to":
			high = m.Value
		default:
			return low, high, badValue(f, "a range has the bounds at and to, not %s", text.Cut(m.Key, 100))
		}
	}
	return low, high, nil
}

// noBound: a query string writes null as an empty value.
func noBound(v tree.Value) bool {
	return v.IsNull() || v.Kind == tree.String && strings.TrimSpace(v.Str()) == ""
}

// elements reads the list of a filter value: a list, a bracket list, a JSON
// text of a list, or one element alone.
func (d *filterDecoder) elements(f *catalog.Field, v tree.Value) ([]tree.Value, error) {
	if s := strings.TrimSpace(v.Str()); strings.HasPrefix(s, "[") || strings.HasPrefix(s, "{") {
		list, err := tree.ParseJSON([]byte(s), tree.Limits{Depth: jsonDepth, Values: maxFilterValues})
		if err != nil {
			return nil, badValue(f, "not valid JSON")
		}
		v = list
	}
	items, ok := listOf(v)
	if !ok {
		items = []tree.Value{v}
	}
	if d.values += len(items); d.values > maxFilterValues {
		return nil, badFilter("more than %d values", maxFilterValues)
	}
	return items, nil
}

func (d *filterDecoder) starsFilter(f *catalog.Field, v tree.Value) (query.Node, error) {
	_, low := v.Get("at")
	if _, high := v.Get("to"); low || high {
		return numberFilter(f, v)
	}
	items, err := d.elements(f, v)
	if err != nil {
		return nil, err
	}
	stars := make(query.AnyOf, 0, len(items))
	for _, item := range items {
		n, ok := numberOf(item)
		if !ok || n != math.Trunc(n) || math.Abs(n) > 1e6 {
			return nil, badValue(f, "expected whole numbers")
		}
		stars = append(stars, int64(n))
	}
	return query.Cond{Field: f.Num, Test: stars}, nil
}

// choiceFilter: a dropdown or radiobutton has any of the options, checkboxes
// have all of them.
func (d *filterDecoder) choiceFilter(f *catalog.Field, v tree.Value) (query.Node, error) {
	items, err := d.elements(f, v)
	if err != nil {
		return nil, err
	}
	var found []int64
	var or query.Or
	for _, e := range items {
		if n, ok := emptiness(f, e); ok && !e.IsNull() {
			or = append(or, n)
			continue
		}
		id, ok := IDText(e)
		if !ok {
			return nil, badValue(f, "expected a list of option ids")
		}
		item := f.Config.ItemByKey(id)
		if item == nil {
			return nil, badValue(f, "there is no option %s", text.Cut(id, 100))
		}
		found = append(found, int64(item.Num))
	}
	if f.Type.Name() == "checkboxes" {
		if len(or) > 0 {
			return nil, badValue(f, "$empty must stand alone")
		}
		return query.Cond{Field: f.Num, Test: query.AllOf(found)}, nil
	}
	return withEmpty(f, or, query.AnyOf(found), len(found) > 0), nil
}

// withEmpty adds the test for the listed values to the tests for emptiness.
func withEmpty(f *catalog.Field, or query.Or, test query.Test, some bool) query.Node {
	if some {
		or = append(or, query.Cond{Field: f.Num, Test: test})
	}
	if len(or) == 1 {
		return or[0]
	}
	return or
}

func (d *filterDecoder) switchFilter(f *catalog.Field, v tree.Value) (query.Node, error) {
	items, err := d.elements(f, v)
	if err != nil {
		return nil, err
	}
	states := make(query.AnyOf, 0, len(items))
	for _, e := range items {
		on, ok := boolOf(e)
		if !ok {
			return nil, badValue(f, "expected true or false")
		}
		states = append(states, map[bool]int64{true: 1}[on])
	}
	return query.Cond{Field: f.Num, Test: states}, nil
}

// boolOf reads true, "true", 1, "1" and their opposites.
func boolOf(v tree.Value) (on, ok bool) {
	if v.Kind == tree.Bool {
		return v.True(), true
	}
	if n, number := v.Float(); number { // 1.0 as well
		return n == 1, n == 1 || n == 0
	}
	switch v.Text() {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

func fileFilter(f *catalog.Field, v tree.Value) (query.Node, error) {
	some, ok := boolOf(v)
	if !ok {
		return nil, badValue(f, "expected true (has files) or false")
	}
	return emptyTest(f, !some), nil
}
