package store

import (
	"math/rand/v2"
	"slices"
	"strconv"

	"kartoteka/internal/catalog"
	"kartoteka/internal/query"
	"kartoteka/internal/query/text"
)

// How many records the generator makes.
const (
	employeeCount = 5
	clientCount   = 25
	orderCount    = 70
)

var recordCounts = map[query.Catalog]int{catalog.Employees: employeeCount, clients: clientCount, orders: orderCount}

// generator makes records and selections; both draw from few values, so that
// they meet.
type generator struct {
	*rand.Rand
	st *catalog.Structure
}

// words has many alphabets and everything that means something to LIKE, FTS5
// and SQL.
var words = []string{
	"Straße 12", "STRASSE", "İstanbul", "ISTANBUL ılık", "ΣΊΣΥΦΟΣ", "σίσυφος", "Жанна Жарова", "жаркое лето",
	"Привіт, світе", "100%", "100 percent", "a_b", "axb", `back\slash`, `say "hi" now`, "it's", "NEAR(a b)", "near",
	"a AND b OR c", "x*y^z", "fold:name", "-minus", "日本語テキスト", "é́", "é", "line one\nline two", "12", "#7",
	"ab", "a", "+1 (555) 0100", "😀 smile", "#code-1",
}

func pick[T any](g *generator, list []T) T { return list[g.IntN(len(list))] }

// some picks each element with a chance of one in two.
func some[T any](g *generator, list []T) []T {
	var out []T
	for _, v := range list {
		if g.IntN(2) == 0 {
			out = append(out, v)
		}
	}
	return out
}

func (g *generator) record(c query.Catalog, id query.Record) *testRecord {
	r := &testRecord{catalog: c, id: id, created: int64(1000 + g.IntN(20)), values: map[query.Field]catalog.Value{}}
	r.updated = r.created + int64(g.IntN(3))
	if g.IntN(3) == 0 {
		r.code = "code-" + strconv.Itoa(int(id))
	}
	for _, f := range g.st.Catalog(c).Fields {
		if g.IntN(3) == 0 {
			continue
		}
		if v := g.value(f); v != nil {
			r.values[f.Num] = v
		}
	}
	return r
}

func (g *generator) value(f *catalog.Field) catalog.Value {
	switch f.Storage() {
	case catalog.TextStorage:
		word := pick(g, words)
		if f.Config.Kind != catalog.KindMultiline {
			word = text.OneLine(word)
		}
		return catalog.Text(word)
	case catalog.FloatStorage:
		return catalog.Number(g.number())
	case catalog.WholeStorage:
		return catalog.Whole(g.IntN(6))
	case catalog.TimeStorage:
		return catalog.Time(g.time())
	case catalog.BoolStorage:
		return catalog.Bool(true)
	case catalog.ItemStorage:
		return catalog.Items{pick(g, f.Config.Items).Num}
	case catalog.ItemsStorage:
		var list catalog.Items
		for _, item := range some(g, f.Config.Items) {
			list = append(list, item.Num)
		}
		if list == nil {
			return nil
		}
		return list
	case catalog.LinksStorage:
		return g.links(f)
	case catalog.JSONStorage:
		if f.Num == fPlace {
			return catalog.Address{Value: pick(g, words), Data: []byte(`{"value":"near","n":"\u0000"}`)}
		}
		return catalog.Contacts{{ID: "1", Contact: g.phone(), Comment: pick(g, words)}, {ID: "2", Contact: pick(g, words)}}
	case catalog.FilesStorage:
		return make(catalog.Files, 1+g.IntN(3))
	}
	return nil
}

func (g *generator) links(f *catalog.Field) catalog.Value {
	if f.Type.Name() == "user" {
		return links(catalog.Employees, query.Record(1+g.IntN(employeeCount)))
	}
	var numbers []query.Record
	for range 1 + g.IntN(3) {
		if n := query.Record(1 + g.IntN(clientCount)); !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
	}
	list := links(clients, numbers...)
	if g.IntN(4) == 0 { // from when employees were a source
		list = append(list, links(catalog.Employees, 1)...)
	}
	return list
}

func (g *generator) number() float64 {
	return pick(g, []float64{-1e300, -2.5, -1, 0, 0.5, 1, 2, 3, 1e17})
}

func (g *generator) phone() string {
	return pick(g, []string{"+1 (555) 0100", "15550100", "+380 44 555-01-00"})
}

// time is near the ends of days of several years, some before 1970.
func (g *generator) time() int64 {
	day := pick(g, []int64{-62167219200000, -86400000, 0, 951782400000, 1709164800000, 253402214400000})
	return day + pick(g, []int64{0, 1, 3600_000, 86399_999})
}

func (g *generator) selected() *catalog.Selected {
	c := g.st.Catalog(pick(g, []query.Catalog{orders, orders, clients}))
	s := &catalog.Selected{Structure: g.st, Catalog: c, Columns: some(g, valued(c)), Sort: g.sort(c),
		Limit: 1 + g.IntN(40), Offset: max(0, g.IntN(60)-30)}
	for range max(0, g.IntN(5)-2) {
		s.Then = append(s.Then, g.sort(c))
	}
	if g.IntN(4) > 0 {
		s.Where = g.node(c, 3)
	}
	if g.IntN(3) == 0 {
		s.Visible = g.visible(c)
	}
	if g.IntN(4) == 0 {
		s.Search, s.SearchTitle = query.Search{Fold: g.fold()}, g.IntN(2) == 0
		if g.IntN(3) == 0 {
			s.Search.Digits = g.digits()
		}
		for _, f := range some(g, c.Fields) {
			switch f.Storage() {
			case catalog.TextStorage, catalog.JSONStorage:
				s.SearchFields = append(s.SearchFields, f)
			case catalog.LinksStorage:
				s.SearchLinks = append(s.SearchLinks, f)
			}
		}
	}
	return s
}

// visible hides some fields of the catalog on some records, often on the same, and
// the titles of others.
func (g *generator) visible(c *catalog.Catalog) map[query.Field]query.Node {
	m := map[query.Field]query.Node{}
	shared := g.node(c, 2)
	for _, f := range some(g, valued(c)) {
		m[f.Num] = shared
		if g.IntN(3) == 0 {
			m[f.Num] = g.node(c, 2)
		}
	}
	for _, f := range []query.Field{fTitle, fUserTitle} {
		if other := g.st.Field(f).Catalog; other != c.Num && g.IntN(3) == 0 {
			m[f] = g.node(g.st.Catalog(other), 2)
		}
	}
	return m
}

// valued are the fields that have values.
func valued(c *catalog.Catalog) []*catalog.Field {
	var list []*catalog.Field
	for _, f := range c.Fields {
		if f.Storage() != catalog.NoStorage {
			list = append(list, f)
		}
	}
	return list
}

func (g *generator) sort(c *catalog.Catalog) query.Sort {
	s := query.Sort{By: pick(g, []query.SortBy{query.ByID, query.ByTitle, query.ByCreated, query.ByUpdated,
		query.ByField, query.ByField, query.ByField, query.ByField}), Desc: g.IntN(2) == 0}
	if s.By == query.ByField {
		s.Field = pick(g, valued(c)).Num
	}
	return s
}

func (g *generator) node(c *catalog.Catalog, depth int) query.Node {
	if depth == 0 {
		return g.leaf(c, depth)
	}
	switch g.IntN(6) {
	case 0, 1:
		return query.And(g.nodes(c, depth-1))
	case 2:
		return query.Or(g.nodes(c, depth-1))
	case 3:
		return query.Not{Node: g.node(c, depth-1)}
	}
	return g.leaf(c, depth)
}

func (g *generator) nodes(c *catalog.Catalog, depth int) []query.Node {
	list := make([]query.Node, g.IntN(4))
	for i := range list {
		list[i] = g.node(c, depth)
	}
	return list
}

func (g *generator) leaf(c *catalog.Catalog, depth int) query.Node {
	if g.IntN(12) == 0 {
		var among query.Among
		for range g.IntN(5) {
			among = append(among, g.key())
		}
		return among
	}
	switch g.IntN(16) {
	case 0, 1:
		return g.titled(c, depth)
	case 2:
		n := query.Stamped{By: pick(g, []query.SortBy{query.ByCreated, query.ByUpdated}),
			Min: maybe(g, int64(1000+g.IntN(22))), Max: maybe(g, int64(1000+g.IntN(22)))}
		if g.IntN(3) == 0 {
			n.In = []query.Span{{First: 1003, Last: 1005}, {First: 1010, Last: 1010}}
		}
		return n
	case 3:
		return query.Numbered{Min: maybe(g, query.Record(g.IntN(orderCount))), Max: maybe(g, query.Record(g.IntN(orderCount)))}
	}
	f := pick(g, valued(c))
	return query.Cond{Field: f.Num, Test: g.test(f, depth)}
}

func (g *generator) key() query.Key {
	n := 1 + g.IntN(clientCount)
	if g.IntN(2) == 0 {
		return query.Key{Record: query.Record(n)}
	}
	return query.Key{Code: "code-" + strconv.Itoa(n)}
}

func (g *generator) test(f *catalog.Field, depth int) query.Test {
	if f.Storage() != catalog.BoolStorage {
		switch g.IntN(8) {
		case 0:
			return query.Empty{}
		case 1:
			return query.NotEmpty{}
		}
	}
	switch f.Storage() {
	case catalog.TextStorage:
		if g.IntN(3) > 0 {
			return g.textTest()
		}
		return query.Substring{Fold: g.fold()}
	case catalog.JSONStorage:
		switch g.IntN(4) {
		case 0, 1:
			return g.textTest()
		case 2:
			return query.Substring{Fold: "x", Digits: g.digits()}
		}
		return query.Substring{Fold: g.fold()}
	case catalog.FloatStorage:
		if g.IntN(3) == 0 {
			return query.NumberIs{g.number(), g.number(), g.number()}[:g.IntN(4)]
		}
		return query.NumberRange{Min: maybe(g, g.number()), Max: maybe(g, g.number())}
	case catalog.TimeStorage:
		return g.timeTest()
	case catalog.WholeStorage:
		if g.IntN(3) == 0 {
			return query.NumberIs{0, 1, 2.5, 3}[:g.IntN(5)]
		}
		if g.IntN(2) == 0 {
			return query.NumberRange{Min: maybe(g, float64(g.IntN(12))/2), Max: maybe(g, float64(g.IntN(12))/2)}
		}
		return query.AnyOf(some(g, []int64{0, 1, 2, 3, 4, 5, 6}))
	case catalog.BoolStorage:
		return query.AnyOf(some(g, []int64{0, 1}))
	case catalog.ItemStorage, catalog.ItemsStorage:
		if g.IntN(2) == 0 {
			return query.AllOf(some(g, []int64{1, 2, 3}))
		}
		return query.AnyOf(some(g, []int64{1, 2, 3, 4}))
	case catalog.LinksStorage:
		return g.linkTest(f, depth)
	}
	return query.NotEmpty{}
}

func (g *generator) timeTest() query.Test {
	switch g.IntN(4) {
	case 3:
		return query.TimeSpans(g.spans())
	case 0:
		return g.timePart()
	case 1:
		return query.TimeRange{Min: maybe(g, g.time()), Max: maybe(g, g.time())}
	}
	return pick(g, []query.Test{
		query.Birthday{Month: 2, Day: 29, Offset: 0}, query.Birthday{Month: 2, Day: 28, Offset: -60},
		query.Birthday{Month: 1, Day: 1, Offset: 840}, query.Birthday{Month: 12, Day: 31, Offset: 0},
	})
}

// spans are few, many, or none.
func (g *generator) spans() []query.Span {
	list := []query.Span{}
	for range pick(g, []int{0, 1, 3, 20}) {
		first := g.time()
		list = append(list, query.Span{First: first, Last: first + pick(g, []int64{0, 0, 999, 86_400_000, -1})})
	}
	return list
}

func (g *generator) linkTest(f *catalog.Field, depth int) query.Test {
	target := pick(g, []query.Catalog{catalog.Employees, clients})
	switch g.IntN(3) {
	case 0:
		var list query.LinksAny
		for range g.IntN(4) {
			list = append(list, query.Link{Catalog: target, Key: g.key()})
		}
		return list
	case 1:
		return query.LinksLike{Field: pick(g, []query.Field{fParents, fClients, fManager}), Record: query.Record(1 + g.IntN(clientCount))}
	}
	return query.LinksWhere{Catalog: target, Where: g.node(g.st.Catalog(target), max(depth-1, 0))}
}

func maybe[T any](g *generator, v T) *T {
	if g.IntN(3) == 0 {
		return nil
	}
	return &v
}

// fold is a piece of a folded word, or the whole of another.
func (g *generator) fold() string {
	runes := []rune(text.Fold(pick(g, words)))
	from := g.IntN(len(runes))
	to := min(len(runes), from+1+g.IntN(6))
	return string(runes[from:to])
}

func (g *generator) digits() string { return pick(g, []string{"555", "5550100", "1", "44", "999"}) }
