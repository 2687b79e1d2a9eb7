package bpium

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"kartoteka/internal/fault"
	"kartoteka/internal/query/tree"
)

// Has tells whether a parameter was given, even if empty.
func (p Params) Has(name string) bool {
	_, ok := p.root.Get(name)
	return ok
}

// Text reads a single text; "" when it is absent.
func (p Params) Text(name string) (string, error) {
	v, ok := p.root.Get(name)
	if !ok {
		return "", nil
	}
	if v.Kind != tree.String {
		return "", badParam(name, "expected a single value")
	}
	return v.Str(), nil
}

// Bool reads true, 1, yes as true and false, 0, nothing as false.
func (p Params) Bool(name string) (bool, error) {
	s, err := p.Text(name)
	if err != nil {
		return false, err
	}
	switch s {
	case "true", "1", "yes":
		return true, nil
	case "false", "0", "":
		return false, nil
	}
	return false, badParam(name, "expected true or false")
}

// Int reads a whole number within the bounds; whenAbsent stands for no value.
func (p Params) Int(name string, whenAbsent, low, high int) (int, error) {
	s, err := p.Text(name)
	if err != nil || s == "" {
		return whenAbsent, err
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, badParam(name, "expected a whole number")
	}
	if n < int64(low) || n > int64(high) {
		return 0, badParam(name, "expected a number from %d to %d", low, high)
	}
	return int(n), nil
}

// Limit reads how many to give at most. A number beyond every maximum is left
// to who has the maximum, and refuses or cuts it.
func (p Params) Limit(whenAbsent int) (int, error) {
	if s, err := p.Text("limit"); err == nil {
		if n, _ := strconv.ParseInt(s, 10, 64); n > math.MaxInt32 { // the largest one when out of range
			return math.MaxInt32, nil
		}
	}
	return p.Int("limit", whenAbsent, 0, math.MaxInt32)
}

// List reads id=1&id=2, id[]=1, id[0]=1, id=[1,2] and id=1 alike. It is nil
// when the parameter is absent or empty, and not nil for an empty list.
func (p Params) List(name string) ([]tree.Value, error) {
	v, err := p.Value(name)
	if err != nil || v.IsNull() {
		return nil, err
	}
	if items, ok := listOf(v); ok {
		return append([]tree.Value{}, items...), nil
	}
	if v.Kind == tree.Object {
		return nil, badParam(name, "expected a list")
	}
	return []tree.Value{v}, nil
}

// IDs reads a list of ids.
func (p Params) IDs(name string) ([]string, error) {
	list, err := p.List(name)
	if err != nil || list == nil {
		return nil, err
	}
	ids := make([]string, len(list))
	for i, v := range list {
		id, ok := IDText(v)
		if !ok {
			return nil, badParam(name, "expected a list of ids")
		}
		ids[i] = id
	}
	return ids, nil
}

// Value reads a parameter of any shape; a JSON list or object in a single
// text is decoded. Null when it is absent, empty or JSON null.
func (p Params) Value(name string) (tree.Value, error) {
	v, _ := p.root.Get(name)
	if v.Kind != tree.String {
		return v, nil
	}
	s := strings.TrimSpace(v.Str())
	if s == "" || s == "null" {
		return tree.Value{}, nil
	}
	if s[0] != '[' && s[0] != '{' && s[0] != '"' {
		return v, nil
	}
	return parseParam(name, s)
}

// parseParam reads JSON; callers encode it twice or, after a repeated request,
// three times.
func parseParam(name, s string) (tree.Value, error) {
	limits := tree.Limits{Depth: jsonDepth, Values: 100_000}
	if name == "fields" {
		limits.Depth = fieldsDepth
	}
	for range 3 {
		v, err := tree.ParseJSON([]byte(s), limits)
		if err != nil {
			var f *fault.Error
			if errors.As(err, &f) {
				return tree.Value{}, fault.New(fault.InvalidParameter, "%s: %s", name, f.Message)
			}
			return tree.Value{}, err
		}
		if v.Kind != tree.String {
			return v, nil
		}
		if s = strings.TrimSpace(v.Str()); s == "" || s[0] != '[' && s[0] != '{' && s[0] != '"' {
			return v, nil
		}
	}
	return tree.Value{}, badParam(name, "JSON text inside JSON text inside JSON text")
}
