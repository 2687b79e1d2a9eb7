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
func (k *asker) equals(t *target, c *Criterion, values []tree.Value) (query.Node, error) {
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
func (k *asker) equalValues(f *catalog.Field, c *Criterion, values []tree.Value) (query.Node, error) {
	var nodes []query.Node
	add := func(test query.Test) { nodes = append(nodes, query.Cond{Field: f.Num, Test: test}) }
	var texts query.TextIs
	var numbers query.AnyOf
	for _, v := range values {
		switch f.Storage() {
		case catalog.TextStorage, catalog.JSONStorage:
			texts = append(texts, textual(v))
		case catalog.FloatStorage, catalog.WholeStorage:
			n, err := c.number(v)
			if err != nil {
				return nil, err
			}
			add(query.NumberRange{Min: &n, Max: &n})
		case catalog.TimeStorage:
			s, err := c.span(v, f.Config.Mode)
			if err != nil {
				return nil, err
			}
			add(query.TimeRange{Min: &s.first, Max: &s.last})
		case catalog.ItemStorage, catalog.ItemsStorage:
			items, err := c.options(f, v)
			if err != nil {
				return nil, err
			}
			numbers = append(numbers, items...)
		case catalog.LinksStorage:
			n, err := k.linked(f, c, v)
			if err != nil {
				return nil, err
			}
			nodes = append(nodes, n)
		default:
			return nil, c.bad("%s: only whether there is something can be asked", c.name())
		}
	}
	if texts != nil {
		add(texts)
	}
	if numbers != nil {
		add(numbers)
	}
	return eitherOf(nodes), nil
}

// equalSwitch: one that is not set is off.
func equalSwitch(f *catalog.Field, c *Criterion, values []tree.Value) (query.Node, error) {
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

// equalSystem is equals for the fields that every record has. All but active always
// have a value.
func (k *asker) equalSystem(t *target, c *Criterion, values []tree.Value) (query.Node, error) {
	var nodes []query.Node
	var keys query.Among
	var titles query.TextIs
	for _, v := range values {
		switch {
		case t.system == "active":
			on, err := c.boolean(v)
			if err != nil {
				return nil, err
			}
			if on {
				nodes = append(nodes, always)
			}
		case t.system == "create_uid" || t.system == "write_uid":
			return nil, c.bad("%s cannot be filtered by", c.name())
		case isUnset(v) || v.Kind == tree.String && v.Str() == "":
		case t.system == "id":
			key, err := c.key(v)
			if err != nil {
				return nil, err
			}
			keys = append(keys, key)
		case t.system == "display_name":
			titles = append(titles, textual(v))
		default:
			s, err := c.span(v, catalog.ModeDateTime)
			if err != nil {
				return nil, err
			}
			nodes = append(nodes, query.Stamped{By: stampOf(t.system), Min: &s.first, Max: &s.last})
		}
	}
	if keys != nil {
		nodes = append(nodes, keys)
	}
	if titles != nil {
		nodes = append(nodes, query.Titled{Test: titles})
	}
	return eitherOf(nodes), nil
}

func stampOf(system string) query.SortBy {
	if system == "create_date" {
		return query.ByCreated
	}
	return query.ByUpdated
}

// linked holds for records that link the one with that id or title; employees may also
// be named by e-mail.
func (k *asker) linked(f *catalog.Field, c *Criterion, v tree.Value) (query.Node, error) {
	catalogs := linkedCatalogs(f)
	var nodes []query.Node
	if id, ok := c.id(v); ok {
		for _, n := range catalogs {
			nodes = append(nodes, query.Cond{Field: f.Num, Test: query.LinksAny{{Catalog: n, Key: id}}})
		}
		return eitherOf(nodes), nil
	}
	if v.Kind != tree.String {
		return nil, c.bad("%s: expected the id or the name of a record, not %s", c.name(), shown(v))
	}
	name := v.Str()
	for _, n := range catalogs {
		// Ids may be texts as well.
		nodes = append(nodes, query.Cond{Field: f.Num, Test: query.LinksAny{{Catalog: n, Key: query.Key{Code: name}}}})
		is := []query.Node{query.Titled{Test: query.TextIs{name}}}
		if n == catalog.Employees {
			if mail := k.state.Structure.Catalog(n).FieldByKey("$email"); mail != nil && k.scope.Access.Readable(mail) {
				is = append(is, query.Cond{Field: mail.Num, Test: query.TextIs{name, strings.ToLower(name)}})
			}
		}
		nodes = append(nodes, query.Cond{Field: f.Num, Test: query.LinksWhere{Catalog: n, Where: eitherOf(is)}})
	}
	return eitherOf(nodes), nil
}

// linkedCatalogs are the catalogs whose records a field links.
func linkedCatalogs(f *catalog.Field) []query.Catalog {
	if f.HoldsEmployees() {
		return []query.Catalog{catalog.Employees}
	}
	return f.Config.SourceCatalogs()
}

// compares is the condition that a target is before or after a value. None that has no
// value is.
func (k *asker) compares(t *target, c *Criterion, op string, v tree.Value) (query.Node, error) {
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

func compareSystem(t *target, c *Criterion, op string, v tree.Value) (query.Node, error) {
	switch t.system {
	case "id":
		return c.numbered(op, v)
	case "create_date", "write_date":
		s, err := c.span(v, catalog.ModeDateTime)
		if err != nil {
			return nil, err
		}
		low, high := s.beyond(op)
		return query.Stamped{By: stampOf(t.system), Min: low, Max: high}, nil
	}
	return nil, c.bad("%s cannot be compared by %s", c.name(), op)
}

// numbered compares the numbers of records.
func (c *Criterion) numbered(op string, v tree.Value) (query.Node, error) {
	n, err := c.number(v)
	if err != nil {
		return nil, err
	}
	if n != math.Trunc(n) || math.Abs(n) > float64(query.MaxRecord) {
		return nil, c.bad("%s: %s is no id", c.name(), shown(v))
	}
	low, high := span{int64(n), int64(n)}.beyond(op)
	return query.Numbered{Min: (*query.Record)(low), Max: (*query.Record)(high)}, nil
}

// compareLinks compares the ids of linked records.
func compareLinks(f *catalog.Field, c *Criterion, op string, v tree.Value) (query.Node, error) {
	n, err := c.numbered(op, v)
	if err != nil {
		return nil, err
	}
	var nodes []query.Node
	for _, of := range linkedCatalogs(f) {
		nodes = append(nodes, query.Cond{Field: f.Num, Test: query.LinksWhere{Catalog: of, Where: n}})
	}
	return eitherOf(nodes), nil
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
func equalParts(t *target, c *Criterion, values []tree.Value) (query.Node, error) {
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

func compareParts(t *target, c *Criterion, op string, v tree.Value) (query.Node, error) {
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
func (c *Criterion) hasPart(t *target) error {
	switch {
	case t.field == nil:
		return c.bad("parts of %s cannot be filtered by; compare it with times", t.system)
	case t.part.timed && !t.field.Config.HasTime():
		return c.bad("%s: the field has dates without a time", c.name())
	}
	return nil
}

// like is the condition that a text has a part, or matches a pattern as a whole.
func (k *asker) like(t *target, c *Criterion, op string) (query.Node, error) {
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
func (c *Criterion) key(v tree.Value) (query.Key, error) {
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
func (c *Criterion) id(v tree.Value) (query.Key, bool) {
	if v.Kind == tree.String {
		key := bpium.RecordKey(v.Str())
		return key, c.Typed && key.Record != 0
	}
	_, ok := v.Int()
	return bpium.RecordKey(intText(v)), ok
}

// options are the options that a value names: by name, or by id.
func (c *Criterion) options(f *catalog.Field, v tree.Value) (query.AnyOf, error) {
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
