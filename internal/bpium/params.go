package bpium

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// Bounds of a query string and of the JSON inside one.
const (
	maxPairs  = 5000
	maxDepth  = 20
	jsonDepth = 64
	// A level of nested fields is a list, an object and an object by catalog.
	fieldsDepth = 3 * catalog.MaxNesting
)

// Params are the parameters of one request.
type Params struct{ root tree.Value }

// ParseParams reads a query string with bracket paths (a[b][0]=1) into a tree
// that keeps every key as it was written: recordsFilter[filters][4][0]=5 is a
// member "4", not a fifth element. It fails with fault.InvalidParameter.
func ParseParams(raw string) (Params, error) {
	var root node
	pairs := 0
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		if pair == "" {
			continue
		}
		if pairs++; pairs > maxPairs {
			return Params{}, fault.New(fault.InvalidParameter, "the query has more than %d parameters", maxPairs)
		}
		if err := root.addPair(pair); err != nil {
			return Params{}, err
		}
	}
	v, err := root.value("")
	return Params{v}, err
}

// addPair reads one key=value.
func (n *node) addPair(pair string) error {
	rawKey, rawValue, _ := strings.Cut(pair, "=")
	key, err := unescape(rawKey)
	if err != nil {
		return badParam(rawKey, "the name is not valid percent-encoded UTF-8")
	}
	value, err := unescape(rawValue)
	if err != nil {
		return badParam(key, "not valid percent-encoded UTF-8 without U+0000")
	}
	name, path, ok := splitKey(key)
	if !ok {
		return badParam(key, "the brackets are not balanced")
	}
	if len(path) > maxDepth {
		return badParam(name, "nested deeper than %d levels", maxDepth)
	}
	at := n.child(name)
	for i, segment := range path {
		if segment == "" && i == len(path)-1 {
			at.list = true
			break
		}
		if segment == "" {
			// a[][b]=1&a[][c]=2 are two elements, as PHP and qs read them.
			segment = strconv.Itoa(at.loose)
			at.loose++
		}
		at = at.child(segment)
	}
	at.values = append(at.values, value)
	return nil
}

// unescape decodes one half of a pair; "+" is a blank.
func unescape(s string) (string, error) {
	s, err := url.QueryUnescape(s)
	if err == nil && (!utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0) {
		err = strconv.ErrSyntax
	}
	return s, err
}

// splitKey parts a[b][c] into its name and its path. A key that does not begin
// with a name is a name as a whole.
func splitKey(key string) (name string, path []string, ok bool) {
	i := strings.IndexByte(key, '[')
	if i <= 0 {
		return key, nil, true
	}
	name, rest := key[:i], key[i:]
	for rest != "" {
		end := strings.IndexByte(rest, ']')
		if rest[0] != '[' || end < 0 {
			return name, nil, false
		}
		path = append(path, rest[1:end])
		rest = rest[end+1:]
	}
	return name, path, true
}

// node collects what was given under one key.
type node struct {
	values []string // given directly, in order
	list   bool     // some were given as a[]
	keys   []string
	kids   map[string]*node
	loose  int // children made by a[][b], which have no key of their own
}

func (n *node) child(key string) *node {
	if kid := n.kids[key]; kid != nil {
		return kid
	}
	if n.kids == nil {
		n.kids = map[string]*node{}
	}
	kid := &node{}
	n.kids[key] = kid
	n.keys = append(n.keys, key)
	return kid
}

// value turns the collected into a tree; path is for the message.
func (n *node) value(path string) (tree.Value, error) {
	if n.kids == nil {
		return n.leaf(), nil
	}
	if n.values != nil {
		return tree.Value{}, badParam(path, "given both with and without brackets")
	}
	fields := make([]tree.Field, 0, len(n.keys))
	for _, key := range n.keys {
		name := key
		if path != "" {
			name = path + "[" + key + "]"
		}
		v, err := n.kids[key].value(name)
		if err != nil {
			return tree.Value{}, err
		}
		fields = append(fields, tree.Field{Key: key, Value: v})
	}
	return tree.NewObject(fields), nil
}

func (n *node) leaf() tree.Value {
	switch {
	case len(n.values) == 0:
		return tree.NewObject(nil)
	case len(n.values) == 1 && !n.list:
		return tree.NewString(n.values[0])
	}
	items := make([]tree.Value, len(n.values))
	for i, s := range n.values {
		items[i] = tree.NewString(s)
	}
	return tree.NewList(items)
}

// badParam is the fault of one parameter; the message begins with its name.
func badParam(name, format string, args ...any) error {
	return fault.New(fault.InvalidParameter, "%s: %s", text.Cut(name, 100), fault.Msg(format, args...))
}

// listOf reads a list: a JSON list, or a bracket object with only numeric keys,
// in the order of the numbers.
func listOf(v tree.Value) ([]tree.Value, bool) {
	switch v.Kind {
	case tree.List:
		return v.Items(), true
	case tree.Object:
		return indexed(v.Fields())
	}
	return nil, false
}

func indexed(fields []tree.Field) ([]tree.Value, bool) {
	type item struct {
		at uint64
		v  tree.Value
	}
	items := make([]item, 0, len(fields))
	for _, f := range fields {
		at, err := strconv.ParseUint(f.Key, 10, 32)
		if err != nil {
			return nil, false
		}
		items = append(items, item{at, f.Value})
	}
	slices.SortStableFunc(items, func(a, b item) int { return cmp.Compare(a.at, b.at) })
	values := make([]tree.Value, len(items))
	for i := range items {
		values[i] = items[i].v
	}
	return values, true
}
