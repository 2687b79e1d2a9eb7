package apisync

import (
	"strconv"
	"strings"

	"kartoteka/internal/query/tree"
)

// Bounds of paths.
const (
	maxPathDepth = 16
	maxPathIndex = 9999
)

type stepKind uint8

const (
	keyStep   stepKind = iota // the member of an object
	indexStep                 // the item of a list, from its end when negative
	eachStep                  // all items of a list
)

type pathStep struct {
	kind  stepKind
	key   string
	index int
}

// Path leads to a place in JSON (sync-api.md §4.6): "a.b", "a[0].b", "a[-1]", "a[].b",
// "a\.b" for a key with a dot. The empty Path, "$", is the whole value.
type Path struct {
	text  string
	steps []pathStep
}

// String is the path as it was written.
func (p Path) String() string { return p.text }

// ParsePath reads a path; false when it is none.
func ParsePath(text string) (Path, bool) {
	p := Path{text: text}
	if text == "$" {
		return p, true
	}
	for rest, first := text, true; rest != "" || first; first = false {
		var ok bool
		if rest, ok = p.segment(rest, first); !ok || len(p.steps) > maxPathDepth {
			return Path{}, false
		}
	}
	return p, true
}

// segment reads a key, with the dot before it but for the first, or brackets.
func (p *Path) segment(s string, first bool) (rest string, ok bool) {
	if s != "" && s[0] == '[' {
		return p.brackets(s)
	}
	if !first {
		if s[0] != '.' {
			return "", false
		}
		s = s[1:]
	}
	var key strings.Builder
	i := 0
	for ; i < len(s) && s[i] != '.' && s[i] != '['; i++ {
		if s[i] == ']' {
			return "", false
		}
		if s[i] == '\\' {
			if i++; i == len(s) || strings.IndexByte(`.[]\`, s[i]) < 0 {
				return "", false
			}
		}
		key.WriteByte(s[i])
	}
	p.steps = append(p.steps, pathStep{kind: keyStep, key: key.String()})
	return s[i:], i > 0
}

func (p *Path) brackets(s string) (rest string, ok bool) {
	inner, rest, ok := strings.Cut(s[1:], "]")
	if !ok {
		return "", false
	}
	if inner == "" {
		p.steps = append(p.steps, pathStep{kind: eachStep})
		return rest, true
	}
	n, err := strconv.Atoi(inner)
	if err != nil || n < -maxPathIndex || n > maxPathIndex || strconv.Itoa(n) != inner {
		return "", false
	}
	p.steps = append(p.steps, pathStep{kind: indexStep, index: n})
	return rest, true
}

// read finds the value of a path; false when it is absent. A key that exists as the
// path is written wins.
func (p Path) read(v tree.Value) (tree.Value, bool) {
	if len(p.steps) == 1 && p.steps[0].kind == keyStep {
		return v.Get(p.steps[0].key)
	}
	if found, ok := v.Get(p.text); ok {
		return found, true
	}
	return readSteps(v, p.steps)
}

func readSteps(v tree.Value, steps []pathStep) (tree.Value, bool) {
	for i, s := range steps {
		ok := false
		switch s.kind {
		case keyStep:
			v, ok = v.Get(s.key)
		case indexStep:
			items := v.Items()
			n := s.index
			if n < 0 {
				n += len(items)
			}
			if ok = n >= 0 && n < len(items); ok {
				v = items[n]
			}
		case eachStep:
			return readEach(v, steps[i+1:])
		}
		if !ok {
			return tree.Value{}, false
		}
	}
	return v, true
}

// readEach is the list of what the rest of a path finds in the items of a list, null
// where there is nothing.
func readEach(v tree.Value, rest []pathStep) (tree.Value, bool) {
	if v.Kind != tree.List {
		return tree.Value{}, false
	}
	list := make([]tree.Value, 0, v.Len())
	for _, item := range v.Items() {
		found, _ := readSteps(item, rest)
		list = append(list, found)
	}
	return tree.NewList(list), true
}

// maxDraft bounds the values of a tree under construction that paths add.
const maxDraft = 100_000

// growing is a tree under construction.
type growing struct {
	root growingNode
	made int
	// flat tells that each path is one key, and none is set twice: then fields has the
	// members of the object, and root is not used.
	flat   bool
	fields []tree.Field
}

type growingNode struct {
	kind   tree.Kind  // List and Object; any other stands for leaf
	leaf   tree.Value // a whole value
	keys   []string   // of an object, one per kid
	kids   []growingNode
	seated bool // was set, if only to null
}

// set puts a value at the place of a path: objects and lists on the way are made, what
// is there and is neither gives way. With [] the value is a list, of which each item
// goes to the item at its position. false when the tree grows too large.
func (d *growing) set(p Path, v tree.Value) bool {
	if d.flat {
		d.fields = append(d.fields, tree.Field{Key: p.steps[0].key, Value: v})
		return true
	}
	return d.put(&d.root, p.steps, v)
}

func (d *growing) put(n *growingNode, steps []pathStep, v tree.Value) bool {
	if len(steps) == 0 {
		*n = growingNode{leaf: v, seated: true}
		return true
	}
	switch s := steps[0]; s.kind {
	case keyStep:
		n.open(tree.Object)
		kid := n.member(s.key)
		return d.put(kid, steps[1:], v)
	case indexStep:
		n.open(tree.List)
		i := s.index
		if i < 0 {
			i = max(0, i+len(n.kids))
		}
		kid := d.item(n, i)
		return kid != nil && d.put(kid, steps[1:], v)
	}
	n.open(tree.List)
	items := v.Items()
	if v.Kind != tree.List && !v.IsNull() {
		items = []tree.Value{v}
	}
	for i, item := range items {
		if kid := d.item(n, i); kid == nil || !d.put(kid, steps[1:], item) {
			return false
		}
	}
	return true
}

// open makes a node one that has kids; those that its value has stay.
func (n *growingNode) open(kind tree.Kind) {
	if n.kind == kind {
		return
	}
	was := n.leaf
	*n = growingNode{kind: kind, seated: true}
	if was.Kind != kind {
		return
	}
	for _, item := range was.Items() {
		n.kids = append(n.kids, growingNode{leaf: item, seated: true})
	}
	for _, f := range was.Fields() {
		n.keys = append(n.keys, f.Key)
		n.kids = append(n.kids, growingNode{leaf: f.Value, seated: true})
	}
}

func (n *growingNode) member(key string) *growingNode {
	for i, k := range n.keys {
		if k == key {
			return &n.kids[i]
		}
	}
	n.keys = append(n.keys, key)
	n.kids = append(n.kids, growingNode{})
	return &n.kids[len(n.kids)-1]
}

func (d *growing) item(n *growingNode, i int) *growingNode {
	if d.made += max(0, i+1-len(n.kids)); d.made > maxDraft {
		return nil
	}
	for len(n.kids) <= i {
		n.kids = append(n.kids, growingNode{})
	}
	return &n.kids[i]
}

// value is the finished tree; an object when nothing was set.
func (d *growing) value() tree.Value {
	if d.flat {
		return tree.NewObject(d.fields)
	}
	if !d.root.seated {
		return tree.NewObject(nil)
	}
	return d.root.value()
}

func (n *growingNode) value() tree.Value {
	switch n.kind {
	case tree.List:
		items := make([]tree.Value, len(n.kids))
		for i := range n.kids {
			items[i] = n.kids[i].value()
		}
		return tree.NewList(items)
	case tree.Object:
		fields := make([]tree.Field, len(n.kids))
		for i := range n.kids {
			fields[i] = tree.Field{Key: n.keys[i], Value: n.kids[i].value()}
		}
		return tree.NewObject(fields)
	}
	return n.leaf
}
