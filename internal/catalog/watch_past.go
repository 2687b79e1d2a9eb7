package catalog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kartoteka/internal/query"
	"kartoteka/internal/query/tree"
)

// past tells which conditions records satisfied before changes: as they are now,
// with the changes taken back by the old values that the log has. What is asked of
// linked records is asked of them as they are now.
type past struct {
	*scene
	st   *Structure
	r    Reader
	now  map[query.Record]Bits
	page *Page
	rows map[query.Record]int // rows of page
	// linked are the linked records that are known to satisfy a condition or not, by
	// its text.
	linked map[string]map[query.Ref]bool
}

// nothing are the bits of a record when there are no conditions.
var nothing = Bits{}

// states are the bits before each entry of a story and after the last one, nil where
// the record was not there.
func (p *past) states(ctx context.Context, s *story) ([]Bits, error) {
	last := len(s.entries)
	states := make([]Bits, last+1)
	values := map[query.Field]Value{}
	if s.entries[last-1].kind != RemoveRecord {
		states[last] = nothing
		if len(p.nodes) > 0 {
			states[last] = p.now[s.record]
			values = p.values(s.record)
		}
	}
	for i := last - 1; i >= 0; i-- {
		e := &s.entries[i]
		if e.kind == InsertRecord {
			continue
		}
		if e.kind == RemoveRecord {
			values = map[query.Field]Value{}
		}
		for n, old := range e.old {
			values[n] = loggedValue(p.catalog.Field(n), old)
		}
		var err error
		if states[i], err = p.before(ctx, s.record, e, states[i+1], values); err != nil {
			return nil, err
		}
	}
	return states, nil
}

// values are those that conditions look at, as they are now.
func (p *past) values(n query.Record) map[query.Field]Value {
	values := map[query.Field]Value{}
	if row, ok := p.rows[n]; ok {
		for j, f := range p.page.Columns {
			values[f.Num] = CellValue(f, p.page, p.page.Cell(row, j))
		}
	}
	return values
}

// before are the bits of a record before a change that left it with after: those of
// conditions that look at what it changed are worked out.
func (p *past) before(ctx context.Context, n query.Record, e *entry, after Bits, values map[query.Field]Value) (Bits, error) {
	if len(p.nodes) == 0 {
		return nothing, nil
	}
	bits := make(Bits, len(p.nodes))
	for i, node := range p.nodes {
		if after != nil && !slices.ContainsFunc(fieldsIn(node), func(f query.Field) bool { return slices.Contains(e.fields, f) }) {
			bits[i] = after[i]
			continue
		}
		var err error
		if bits[i], err = p.holds(ctx, n, values, node); err != nil {
			return nil, err
		}
	}
	return bits, nil
}

// loggedValue reads a value that AppendHistoryJSON put.
func loggedValue(f *Field, v tree.Value) Value {
	if f == nil || v.IsNull() {
		return nil
	}
	switch f.Storage() {
	case TextStorage:
		if v.Kind == tree.String {
			return Text(v.Str())
		}
	case FloatStorage:
		if n, ok := v.Float(); ok {
			return Number(n)
		}
	case WholeStorage:
		if n, ok := v.Int(); ok {
			return Whole(n)
		}
	case TimeStorage:
		if n, ok := v.Int(); ok {
			return Time(n)
		}
	case BoolStorage:
		if v.True() {
			return Bool(true)
		}
	case ItemStorage, ItemsStorage:
		return loggedItems(f, v)
	case LinksStorage:
		return loggedLinks(v)
	case JSONStorage, FilesStorage:
		return parsedJSON(f, v.AppendJSON(nil))
	}
	return nil
}

func loggedItems(f *Field, v tree.Value) Value {
	var items Items
	for _, key := range v.Items() {
		if i := slices.IndexFunc(f.Config.Items, func(i Item) bool { return i.Key == key.Str() }); i >= 0 {
			items = append(items, f.Config.Items[i].Num)
		}
	}
	if len(items) == 0 {
		return nil
	}
	return items
}

func loggedLinks(v tree.Value) Value {
	var links Links
	for _, l := range v.Items() {
		c, _ := l.Get("c")
		r, _ := l.Get("r")
		catalog, okC := c.Int()
		record, okR := r.Int()
		if okC && okR {
			links = append(links, Link{Link: query.Link{Catalog: query.Catalog(catalog), Key: query.Key{Record: query.Record(record)}}})
		}
	}
	if len(links) == 0 {
		return nil
	}
	return links
}

// holds tells whether a record with those values satisfies a condition.
func (p *past) holds(ctx context.Context, n query.Record, values map[query.Field]Value, node query.Node) (bool, error) {
	switch node := node.(type) {
	case nil:
		return true, nil
	case query.And:
		for _, e := range node {
			if ok, err := p.holds(ctx, n, values, e); err != nil || !ok {
				return false, err
			}
		}
		return true, nil
	case query.Or:
		for _, e := range node {
			if ok, err := p.holds(ctx, n, values, e); err != nil || ok {
				return ok, err
			}
		}
		return false, nil
	case query.Not:
		ok, err := p.holds(ctx, n, values, node.Node)
		return !ok, err
	case query.Cond:
		f := p.catalog.Field(node.Field)
		if f == nil {
			return false, nil
		}
		if links, ok := values[f.Num].(Links); ok {
			return p.links(ctx, links, node.Test)
		}
		return satisfies(f, values[f.Num], node.Test), nil
	case query.Among:
		if slices.ContainsFunc(node, func(k query.Key) bool { return k.Record == n }) {
			return true, nil
		}
	}
	// By custom id, or by other records: as it is now.
	ref := query.MakeRef(p.catalog.Num, n)
	known, err := p.satisfying(ctx, []query.Ref{ref}, p.catalog.Num, node)
	return known[ref], err
}

// satisfies tests a value that is no links.
func satisfies(f *Field, v Value, test query.Test) bool {
	switch t := test.(type) {
	case query.Empty:
		return v == nil
	case query.AnyOf:
		return slices.ContainsFunc(integersOf(f, v), func(n int64) bool { return slices.Contains(t, n) })
	}
	if v == nil {
		return false
	}
	switch t := test.(type) {
	case query.NotEmpty:
		return true
	case query.AllOf:
		have := integersOf(f, v)
		return !slices.ContainsFunc(t, func(n int64) bool { return !slices.Contains(have, n) })
	case query.NumberRange:
		switch v := v.(type) {
		case Number:
			return within(float64(v), t.Min, t.Max)
		case Whole:
			return within(float64(v), t.Min, t.Max)
		}
	case query.NumberIs:
		switch v := v.(type) {
		case Number:
			return slices.Contains(t, float64(v))
		case Whole:
			return slices.Contains(t, float64(v))
		}
	case query.TimeSpans:
		at, ok := v.(Time)
		return ok && slices.ContainsFunc(t, func(s query.Span) bool { return s.First <= int64(at) && int64(at) <= s.Last })
	case query.TimeRange:
		at, ok := v.(Time)
		return ok && within(int64(at), t.Min, t.Max)
	case query.Birthday:
		at, ok := v.(Time)
		_, month, day := time.UnixMilli(int64(at) + int64(t.Offset)*60_000).UTC().Date()
		return ok && int(month) == t.Month && day == t.Day
	case query.TimePart:
		at, ok := v.(Time)
		return ok && slices.Contains(t.In, partOf(int64(at)+int64(t.Offset)*minuteMs, t.Part))
	case query.TextIs, query.TextLike, query.TextRange:
		return satisfiesText(f, v, t)
	case query.Substring:
		fold, part := t.Fold, SearchText
		if t.Digits != "" {
			fold, part = t.Digits, SearchDigits
		}
		return fold == "" || slices.ContainsFunc(f.Type.Search(f, v), func(s SearchRow) bool {
			return s.Part == part && strings.Contains(s.Fold, fold)
		})
	}
	return false
}

func within[T int64 | float64](n T, low, high *T) bool {
	return (low == nil || n >= *low) && (high == nil || n <= *high)
}

// integersOf are what tests by number compare; an empty switch is one that is off.
func integersOf(f *Field, v Value) []int64 {
	switch v := v.(type) {
	case Whole:
		return []int64{int64(v)}
	case Bool:
		return []int64{1}
	case Items:
		return Targets(v)
	}
	if f.Storage() == BoolStorage {
		return []int64{0}
	}
	return nil
}

// links tests the links that a field had.
func (p *past) links(ctx context.Context, links Links, test query.Test) (bool, error) {
	refs := make([]query.Ref, len(links))
	for i, l := range links {
		refs[i] = l.Ref()
	}
	switch t := test.(type) {
	case query.NotEmpty:
		return true, nil
	case query.LinksAny:
		for _, l := range t {
			if l.Record != 0 && slices.Contains(refs, query.MakeRef(l.Catalog, l.Record)) {
				return true, nil
			}
		}
		for _, l := range t {
			if l.Record == 0 {
				known, err := p.satisfying(ctx, refs, l.Catalog, query.Among{l.Key})
				if err != nil || slices.Contains(slices.Collect(maps.Values(known)), true) {
					return err == nil, err
				}
			}
		}
	case query.LinksWhere:
		known, err := p.satisfying(ctx, refs, t.Catalog, t.Where)
		return slices.Contains(slices.Collect(maps.Values(known)), true), err
	case query.LinksLike:
		return p.shares(ctx, refs, t)
	}
	return false, nil
}

// shares tells whether a record links one of some others through a field.
func (p *past) shares(ctx context.Context, refs []query.Ref, t query.LinksLike) (bool, error) {
	f := p.st.Field(t.Field)
	if f == nil {
		return false, nil
	}
	page, err := p.r.Rows(ctx, p.st.Catalog(f.Catalog), []*Field{f}, []query.Record{t.Record})
	if err != nil {
		return false, fmt.Errorf("read the links of a record: %w", err)
	}
	return page.Len() > 0 && slices.ContainsFunc(refs, func(r query.Ref) bool {
		return ListHas(page.Bytes(page.Cell(0, 0)), int64(r))
	}), nil
}

// satisfying tells which of the records that are of a catalog satisfy a condition
// now; those that are not there do not.
func (p *past) satisfying(ctx context.Context, refs []query.Ref, of query.Catalog, node query.Node) (map[query.Ref]bool, error) {
	c := p.st.Catalog(of)
	if c == nil {
		return nil, nil
	}
	text := string(appendNode(fmt.Appendf(nil, "%d ", of), node))
	known := p.linked[text]
	if known == nil {
		known = map[query.Ref]bool{}
		p.linked[text] = known
	}
	var records []query.Record
	for _, ref := range refs {
		if _, ok := known[ref]; !ok && ref.Catalog() == of {
			records = append(records, ref.Record())
		}
	}
	some, err := p.r.Members(ctx, p.st, c, records, []query.Node{node})
	if err != nil {
		return nil, fmt.Errorf("read which conditions linked records satisfy: %w", err)
	}
	for _, n := range records {
		bits := some[n]
		known[query.MakeRef(of, n)] = bits != nil && bits[0]
	}
	answer := map[query.Ref]bool{}
	for _, ref := range refs {
		answer[ref] = known[ref]
	}
	return answer, nil
}
