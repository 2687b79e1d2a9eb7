package catalog

import (
	"slices"

	"kartoteka/internal/query"
)

// MaxIndexFields bounds the fields of one index.
const MaxIndexFields = 4

// What records are sorted by without being fields; in an Index and a Shape they
// stand where fields do.
const (
	CreatedTime query.Field = -1
	UpdatedTime query.Field = -2
)

// Shape is what one index serves: fields compared for equality, in the order of
// their numbers, and last, if any, the one of a range or sort.
type Shape struct {
	Catalog query.Catalog
	equal   int
	count   int
	list    [MaxIndexFields]query.Field
}

// Fields are the fields of an index for the shape, in order.
func (s *Shape) Fields() []query.Field { return s.list[:s.count] }

// Tail is the field of the range or sort, 0 for none.
func (s *Shape) Tail() query.Field {
	if s.count > s.equal {
		return s.list[s.equal]
	}
	return 0
}

// Fits tells whether an index over the fields serves the shape. In which order
// it has those compared for equality is all the same.
func (s *Shape) Fits(fields []query.Field) bool {
	if len(fields) != s.count {
		return false
	}
	for _, f := range s.list[:s.equal] {
		if !slices.Contains(fields[:s.equal], f) {
			return false
		}
	}
	return s.Tail() == 0 || fields[s.equal] == s.Tail()
}

// helps tells whether an index over the fields, if it does not fit, at least
// narrows the search down or gives the order.
func (s *Shape) helps(fields []query.Field) bool {
	return slices.Contains(s.list[:s.equal], fields[0]) || s.Tail() == fields[0]
}

// Demand is which indexes would serve a selection.
type Demand struct {
	// Best serves the sort as well, if an index can; Other, if it differs, a
	// range. Without fields there is nothing to serve.
	Best, Other Shape
	// Whole says that the condition asks nothing but the equalities of Best.
	Whole bool
}

// DemandOf looks at what every record must satisfy: alternatives and negations
// have no part in it, nor what other tables have an index for (substrings,
// links, several options, titles). A quick search begins with its own index.
func DemandOf(s *Selected) Demand {
	if s.Search != (query.Search{}) {
		return Demand{}
	}
	w := wants{catalog: s.Catalog}
	w.node(s.Where)
	slices.Sort(w.equal)
	w.equal = slices.Compact(w.equal)
	order := sortedBy(s)
	if slices.Contains(w.equal, order) {
		order = 0
	}
	if slices.Contains(w.equal, w.within) {
		w.within = 0
	}
	d := Demand{Whole: !w.more && w.within == 0 && len(w.equal) < MaxIndexFields}
	d.Best = w.shape(order)
	if order == 0 {
		d.Best = w.shape(w.within)
	} else if w.within != 0 && w.within != order {
		d.Other = w.shape(w.within)
	}
	return d
}

// sortedBy is the field whose index gives the order, 0 for none: a field that is
// hidden on some records is sorted by as an expression, which no index has.
func sortedBy(s *Selected) query.Field {
	switch s.Sort.By {
	case query.ByCreated:
		return CreatedTime
	case query.ByUpdated:
		return UpdatedTime
	case query.ByField:
		f := s.Catalog.Field(s.Sort.Field)
		if _, hidden := s.Visible[s.Sort.Field]; f != nil && !hidden && f.indexable() {
			return f.Num
		}
	}
	return 0
}

// indexable tells whether the field has a column that an index can be over.
func (f *Field) indexable() bool {
	storage := f.Storage()
	return storage != NoStorage && !storage.HasRefs()
}

// wants collects what a condition asks of indexes.
type wants struct {
	catalog *Catalog
	equal   []query.Field
	within  query.Field // of a range: the first by number
	more    bool        // asks for something else as well
}

func (w *wants) node(n query.Node) {
	switch n := n.(type) {
	case nil:
	case query.And:
		for _, e := range n {
			w.node(e)
		}
	case query.Cond:
		w.cond(n)
	case query.Stamped:
		w.stamped(n)
	default:
		w.more = true
	}
}

// stamped asks for a range of times that every record has. It comes before others:
// who asks for what has changed lately asks for little.
func (w *wants) stamped(n query.Stamped) {
	field := map[query.SortBy]query.Field{query.ByCreated: CreatedTime, query.ByUpdated: UpdatedTime}[n.By]
	if w.more = true; n.Min == nil && n.Max == nil {
		return
	}
	if w.within >= 0 || field < w.within {
		w.within = field
	}
}

func (w *wants) cond(c query.Cond) {
	f := w.catalog.Field(c.Field)
	switch {
	case f == nil:
		w.more = true
	case comparesEqual(f.Storage(), c.Test):
		w.equal = append(w.equal, c.Field)
		_, text := c.Test.(query.TextIs)
		w.more = w.more || text // the key does not decide
	case comparesRange(f.Storage(), c.Test):
		if w.within == 0 || c.Field < w.within {
			w.within = c.Field
		}
	default:
		w.more = true
	}
}

// comparesEqual tells whether the test leaves one value of the column. An index
// over a storage with a sort key is over the key, which only tests of texts look at;
// that of contacts is the first one's.
func comparesEqual(s Storage, t query.Test) bool {
	switch t := t.(type) {
	case query.Empty:
		return !s.HasKey() && !s.HasRefs()
	case query.AnyOf:
		return len(t) == 1 && !s.HasRefs()
	case query.AllOf:
		return len(t) == 1 && !s.HasRefs()
	case query.TextIs:
		return len(t) == 1 && s == TextStorage
	case query.NumberIs:
		return len(t) == 1
	case query.TimeSpans:
		return len(t) == 1 && t[0].First == t[0].Last
	case query.NumberRange:
		return t.Min != nil && t.Max != nil && *t.Min == *t.Max
	case query.TimeRange:
		return t.Min != nil && t.Max != nil && *t.Min == *t.Max
	}
	return false
}

func comparesRange(s Storage, t query.Test) bool {
	switch t := t.(type) {
	case query.AnyOf:
		return len(t) > 1 && (s == WholeStorage || s == ItemStorage)
	case query.TextIs:
		return len(t) > 1 && s == TextStorage
	case query.NumberIs:
		return len(t) > 1
	case query.TimeSpans:
		return len(t) > 0 && !slices.ContainsFunc(t, func(s query.Span) bool { return s.First < s.Last })
	case query.TextRange:
		return t.Min != nil || t.Max != nil
	case query.NumberRange:
		return t.Min != nil || t.Max != nil
	case query.TimeRange:
		return t.Min != nil || t.Max != nil
	}
	return false
}

// shape leaves room for the last field.
func (w *wants) shape(tail query.Field) Shape {
	s := Shape{Catalog: w.catalog.Num}
	most := MaxIndexFields
	if tail != 0 {
		most--
	}
	s.equal = copy(s.list[:most], w.equal)
	s.count = s.equal
	if tail != 0 {
		s.list[s.count] = tail
		s.count++
	}
	return s
}
