package apisync

import (
	"math"
	"strings"

	"kartoteka/internal/bpium"
	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
	"kartoteka/internal/query/tree"
)

// equals is the condition that a target has one of the values. false and null ask for
// none.
func (k *asker) equals(t *target, c *criterion, values []tree.Value) (query.Node, error) {
	switch {
	case t.part != nil:
		return equalParts(t, c, values)
	case t.system == ExternalID:
		return equalLinks(t, values), nil
	case t.field == nil:
		return k.equalSystem(t, c, values)
	case t.field.Storage() == catalog.BoolStorage:
		return equalSwitch(t.field, c, values)
	}
	var nodes []query.Node
	var some []tree.Value
	for _, v := range values {
		if isUnset(v) || v.Kind == tree.String && v.Str() == "" && holdsText(t) {
			nodes = []query.Node{query.Cond{Field: t.field.Num, Test: query.Empty{}}}
			continue
		}
		some = append(some, v)
	}
	if len(some) == 0 {
		return eitherOf(nodes), nil
	}
	n, err := k.equalValues(t.field, c, some)
	return eitherOf(append(nodes, n)), err
}

// equalValues is equals for values that are set.
func (k *asker) equalValues(f *catalog.Field, c *criterion, values []tree.Value) (query.Node, error) {
	var test query.Test
	var err error
	switch f.Storage() {
	case catalog.TextStorage, catalog.JSONStorage:
		texts := query.TextIs{}
		for _, v := range values {
			texts = append(texts, textual(v))
		}
		test = texts
	case catalog.FloatStorage, catalog.WholeStorage:
		test, err = c.isNumber(values)
	case catalog.TimeStorage:
		test, err = c.isTime(values, f.Config.Mode)
	case catalog.ItemStorage, catalog.ItemsStorage:
		numbers := query.AnyOf{}
		for _, v := range values {
			items, err := c.options(f, v)
			if err != nil {
				return nil, err
			}
			numbers = append(numbers, items...)
		}
		test = numbers
	case catalog.LinksStorage:
		return k.linked(f, c, values)
	default:
		err = c.bad("%s: only whether there is something can be asked", c.name())
	}
	return query.Cond{Field: f.Num, Test: test}, err
}

// isNumber is the test of being one of some numbers.
func (c *criterion) isNumber(values []tree.Value) (query.Test, error) {
	list := make(query.NumberIs, len(values))
	for i, v := range values {
		var err error
		if list[i], err = c.number(v); err != nil {
			return nil, err
		}
	}
	if len(list) == 1 {
		return query.NumberRange{Min: &list[0], Max: &list[0]}, nil
	}
	return list, nil
}

// isTime is the test of being within one of some written dates.
func (c *criterion) isTime(values []tree.Value, mode string) (query.Test, error) {
	list, err := c.spans(values, mode)
	if len(list) == 1 {
		return query.TimeRange{Min: &list[0].First, Max: &list[0].Last}, err
	}
	return query.TimeSpans(list), err
}

func (c *criterion) spans(values []tree.Value, mode string) ([]query.Span, error) {
	list := make([]query.Span, len(values))
	for i, v := range values {
		s, err := c.span(v, mode)
		if err != nil {
			return nil, err
		}
		list[i] = query.Span{First: s.first, Last: s.last}
	}
	return list, nil
}

// equalSwitch: one that is not set is off.
func equalSwitch(f *catalog.Field, c *criterion, values []tree.Value) (query.Node, error) {
	states := query.AnyOf{}
	for _, v := range values {
		on, err := c.boolean(v)
		if err != nil {
			return nil, err
		}
		states = append(states, map[bool]int64{true: 1}[on])
	}
	return query.Cond{Field: f.Num, Test: states}, nil
}

// equalLinks is equals for external ids. What cannot be one is nobody's.
func equalLinks(t *target, values []tree.Value) query.Node {
	var nodes []query.Node
	ids := []string{}
	for _, v := range values {
		if isUnset(v) || v.Kind == tree.String && v.Str() == "" {
			nodes = []query.Node{query.Not{Node: query.Synced{Group: t.group}}}
		} else if id, bad := externalID(v); bad == nil {
			ids = append(ids, id)
		}
	}
	return eitherOf(append(nodes, query.Synced{Group: t.group, External: ids}))
}

// compares is the condition that a target is before or after a value. None that has no
// value is.
func (k *asker) compares(t *target, c *criterion, op string, v tree.Value) (query.Node, error) {
	if v.Kind == tree.List {
		return nil, c.bad("%s: %s compares with one value", c.name(), op)
	}
	switch {
	case t.part != nil:
		return compareParts(t, c, op, v)
	case t.field == nil:
		return compareSystem(t, c, op, v)
	}
	var test query.Test
	switch t.field.Storage() {
	case catalog.TextStorage, catalog.JSONStorage:
		if isUnset(v) {
			return nil, c.bad("%s: expected a text", c.name())
		}
		return compareTexts(t.field, op, textual(v)), nil
	case catalog.FloatStorage, catalog.WholeStorage:
		n, err := c.number(v)
		if err != nil {
			return nil, err
		}
		test = numbersBeyond(op, n)
	case catalog.TimeStorage:
		s, err := c.span(v, t.field.Config.Mode)
		if err != nil {
			return nil, err
		}
		low, high := s.beyond(op)
		test = query.TimeRange{Min: low, Max: high}
	case catalog.LinksStorage:
		return compareLinks(t.field, c, op, v)
	default:
		return nil, c.bad("%s cannot be compared by %s", c.name(), op)
	}
	return query.Cond{Field: t.field.Num, Test: test}, nil
}

// compareTexts goes by the order in which texts are sorted.
func compareTexts(f *catalog.Field, op, s string) query.Node {
	within := func(low, high *string) query.Node {
		return query.Cond{Field: f.Num, Test: query.TextRange{Min: low, Max: high}}
	}
	switch op {
	case ">":
		return query.And{within(&s, nil), query.Not{Node: within(&s, &s)}}
	case ">=":
		return within(&s, nil)
	case "<":
		return query.And{within(nil, &s), query.Not{Node: within(&s, &s)}}
	}
	return within(nil, &s)
}

func numbersBeyond(op string, n float64) query.NumberRange {
	switch op {
	case ">":
		n = math.Nextafter(n, math.Inf(1))
		return query.NumberRange{Min: &n}
	case ">=":
		return query.NumberRange{Min: &n}
	case "<":
		n = math.Nextafter(n, math.Inf(-1))
	}
	return query.NumberRange{Max: &n}
}

// equalParts is the condition that a part of a time is one of the numbers.
func equalParts(t *target, c *criterion, values []tree.Value) (query.Node, error) {
	if err := c.hasPart(t); err != nil {
		return nil, err
	}
	var nodes []query.Node
	test := query.TimePart{Part: t.part.part}
	for _, v := range values {
		if isUnset(v) {
			nodes = []query.Node{query.Cond{Field: t.field.Num, Test: query.Empty{}}}
			continue
		}
		n, err := c.whole(v)
		if err != nil {
			return nil, err
		}
		test.In = append(test.In, t.part.counted(n))
	}
	if test.In != nil {
		nodes = append(nodes, query.Cond{Field: t.field.Num, Test: test})
	}
	return eitherOf(nodes), nil
}

// counted is a number as the store counts the part: a week ends with Sunday, 7.
func (p *datePart) counted(n int64) int64 {
	if p.part == query.WeekdayPart && n == 0 {
		return 7
	}
	return n
}

func compareParts(t *target, c *criterion, op string, v tree.Value) (query.Node, error) {
	if err := c.hasPart(t); err != nil {
		return nil, err
	}
	n, err := c.whole(v)
	if err != nil {
		return nil, err
	}
	low, high := span{n, n}.beyond(op)
	first, last := t.part.min, t.part.max
	if low != nil {
		first = max(first, *low)
	}
	if high != nil {
		last = min(last, *high)
	}
	if first > last {
		return never, nil
	}
	if t.part.part == query.YearPart {
		from, to := yearStart(first), yearStart(last+1)-1
		return query.Cond{Field: t.field.Num, Test: query.TimeRange{Min: &from, Max: &to}}, nil
	}
	test := query.TimePart{Part: t.part.part}
	for ; first <= last; first++ {
		test.In = append(test.In, t.part.counted(first))
	}
	return query.Cond{Field: t.field.Num, Test: test}, nil
}

// hasPart refuses parts that the target does not have.
func (c *criterion) hasPart(t *target) error {
	switch {
	case t.field == nil:
		return c.bad("parts of %s cannot be filtered by; compare it with times", t.system)
	case t.part.timed && !t.field.Config.HasTime():
		return c.bad("%s: the field has dates without a time", c.name())
	}
	return nil
}

// like is the condition that a text has a part, or matches a pattern as a whole.
func (k *asker) like(t *target, c *criterion, op string) (query.Node, error) {
	v := c.Value
	if v.Kind == tree.List || v.Kind == tree.Object {
		return nil, c.bad("%s: expected a text", c.name())
	}
	s := textual(v)
	test := query.TextLike{Pattern: s, Fold: strings.HasSuffix(op, "ilike")}
	whole := op[0] == '='
	if !whole {
		if n := len(s) - len(strings.TrimRight(s, `\`)); n%2 == 1 {
			test.Pattern += `\` // a last one means itself, not the %
		}
		test.Pattern = "%" + test.Pattern + "%"
	}
	switch {
	case t.part != nil:
	case authored(t):
		return authorLike(t, test, s, whole), nil
	case t.system == "display_name":
		if s == "" {
			return map[bool]query.Node{true: never, false: always}[whole], nil
		}
		return query.Titled{Test: test}, nil
	case t.field == nil:
	case !k.hasTexts(t.field):
	case s == "" && whole:
		return query.Cond{Field: t.field.Num, Test: query.Empty{}}, nil
	case s == "":
		return always, nil
	default:
		return likeField(t.field, test), nil
	}
	return nil, c.bad("%s has no texts for %s", c.name(), c.Operator)
}

// hasTexts tells whether a field's values are texts, or have names.
func (k *asker) hasTexts(f *catalog.Field) bool {
	switch s := f.Storage(); s {
	case catalog.TextStorage, catalog.JSONStorage, catalog.LinksStorage:
		return true
	default:
		return s.HasItems()
	}
}

func likeField(f *catalog.Field, test query.TextLike) query.Node {
	switch {
	case f.Storage().HasItems():
		items := query.AnyOf{}
		for i := range f.Config.Items {
			if nameMatches(test, f.Config.Items[i].Name) {
				items = append(items, int64(f.Config.Items[i].Num))
			}
		}
		return query.Cond{Field: f.Num, Test: items}
	case f.Storage() == catalog.LinksStorage:
		var nodes []query.Node
		for _, n := range linkedCatalogs(f) {
			nodes = append(nodes, query.Cond{Field: f.Num, Test: query.LinksWhere{Catalog: n, Where: query.Titled{Test: test}}})
		}
		return eitherOf(nodes)
	}
	return query.Cond{Field: f.Num, Test: test}
}

// nameMatches tells whether an option's name matches as the store's texts do.
func nameMatches(test query.TextLike, name string) bool {
	if test.Fold {
		return text.ParsePattern(text.Fold(test.Pattern)).Matches(text.Fold(name))
	}
	return text.ParsePattern(test.Pattern).Matches(name)
}

// key reads the id of a record.
func (c *criterion) key(v tree.Value) (query.Key, error) {
	if v.Kind == tree.String {
		return bpium.RecordKey(v.Str()), nil
	}
	if _, ok := v.Int(); !ok {
		return query.Key{}, c.bad("%s: %s is no id", c.name(), shown(v))
	}
	return bpium.RecordKey(intText(v)), nil
}

// id reads the id of a linked record: a number, or a text of digits where all values
// are texts.
func (c *criterion) id(v tree.Value) (query.Key, bool) {
	if v.Kind == tree.String {
		key := bpium.RecordKey(v.Str())
		return key, c.Typed && key.Record != 0
	}
	_, ok := v.Int()
	return bpium.RecordKey(intText(v)), ok
}

// options are the options that a value names: by name, or by id.
func (c *criterion) options(f *catalog.Field, v tree.Value) (query.AnyOf, error) {
	var found query.AnyOf
	name := textual(v)
	for i := range f.Config.Items {
		if f.Config.Items[i].Name == name && v.Kind == tree.String {
			found = append(found, int64(f.Config.Items[i].Num))
		}
	}
	if item := f.Config.ItemByKey(name); found == nil && item != nil {
		found = query.AnyOf{int64(item.Num)}
	}
	if found == nil {
		return nil, c.bad("%s: there is no option %s", c.name(), text.Cut(name, 100))
	}
	return found, nil
}
