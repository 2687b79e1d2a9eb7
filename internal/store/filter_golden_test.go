package store

import (
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

func cond(f query.Field, t query.Test) query.Node { return query.Cond{Field: f, Test: t} }

func ptr[T any](v T) *T { return &v }

// goldenCase is one selection; sorted by number unless it says otherwise.
type goldenCase struct {
	name   string
	where  query.Node
	search query.Search
	sort   query.Sort
	then   []query.Sort
	offset int
	// visible are fields that are hidden on some records.
	visible map[query.Field]query.Node
}

var goldenCases = []goldenCase{
	{name: "all"},
	{name: "all newest first, second page", sort: query.Sort{Desc: true}, offset: 50},
	{name: "empty and, empty or", where: query.And{query.And{}, query.Or{}}},
	{name: "and, or, not", where: query.And{
		query.Or{cond(fAmount, query.NumberRange{Min: ptr(1.5)}), cond(fAmount, query.Empty{})},
		query.Not{Node: query.And{cond(fStars, query.AnyOf{5}), cond(fName, query.NotEmpty{})}},
	}},
	{name: "not not", where: query.Not{Node: query.Not{Node: cond(fAmount, query.NumberRange{Max: ptr(1.0)})}}},
	{name: "among numbers and custom ids", where: query.Among{{Record: 1}, {Record: 2}, {Code: "a'b"}}},
	{name: "among one", where: query.Among{{Record: 1}}},
	{name: "among none", where: query.Among{}},
	{name: "substring", where: cond(fName, query.Substring{Fold: `ac_m%e\ "x"`})},
	{name: "short substring", where: cond(fName, query.Substring{Fold: "жд"})},
	{name: "substring with NUL", where: cond(fName, query.Substring{Fold: "a\x00b"})},
	{name: "phone digits", where: cond(fPhones, query.Substring{Fold: "+1 555", Digits: "1555"})},
	{name: "number range", where: cond(fAmount, query.NumberRange{Min: ptr(1.0), Max: ptr(2.0)})},
	{name: "number equal", where: cond(fAmount, query.NumberRange{Min: ptr(1.0), Max: ptr(1.0)})},
	{name: "some numbers", where: cond(fAmount, query.NumberIs{1.5, 2, math.NaN()})},
	{name: "a number", where: cond(fAmount, query.NumberIs{1.5})},
	{name: "some whole numbers", where: cond(fStars, query.NumberIs{1, 2.5, 3})},
	{name: "number open", where: cond(fAmount, query.NumberRange{})},
	{name: "whole range rounds inwards", where: cond(fStars, query.NumberRange{Min: ptr(1.2), Max: ptr(3.9)})},
	{name: "time range", where: cond(fDue, query.TimeRange{Min: ptr(int64(1)), Max: ptr(int64(2))})},
	{name: "some moments", where: cond(fDue, query.TimeSpans{{First: 1, Last: 1}, {First: 5, Last: 5}})},
	{name: "some days", where: cond(fDue, query.TimeSpans{{First: 30, Last: 39}, {First: 1, Last: 9}, {First: 10, Last: 19}, {First: 50, Last: 50}})},
	{name: "many days", where: cond(fDue, manyDays)},
	{name: "birthday", where: cond(fDue, query.Birthday{Month: 2, Day: 29, Offset: -90})},
	{name: "switch on", where: cond(fPaid, query.AnyOf{1})},
	{name: "switch off", where: cond(fPaid, query.AnyOf{0})},
	{name: "switch any", where: cond(fPaid, query.AnyOf{0, 1})},
	{name: "any of items", where: cond(fStatus, query.AnyOf{1, 2})},
	{name: "any of no items", where: cond(fStatus, query.AnyOf{})},
	{name: "any of several items", where: cond(fTags, query.AnyOf{1, 2})},
	{name: "all of several items", where: cond(fTags, query.AllOf{1, 2, 1})},
	{name: "all of one option", where: cond(fStatus, query.AllOf{1, 2})},
	{name: "links any", where: cond(fClients, query.LinksAny{
		{Catalog: clients, Key: query.Key{Record: 1}}, {Catalog: clients, Key: query.Key{Record: 2}},
		{Catalog: clients, Key: query.Key{Code: "x"}}, {Catalog: orders, Key: query.Key{Code: "y"}}})},
	{name: "links where, nested", where: cond(fClients, query.LinksWhere{Catalog: clients, Where: query.And{
		cond(fSize, query.NumberRange{Min: ptr(10.0)}),
		cond(fParents, query.LinksWhere{Catalog: clients, Where: cond(fTitle, query.Substring{Fold: "acme"})}),
	}})},
	{name: "links where of a removed catalog", where: cond(fClients, query.LinksWhere{Catalog: 99})},
	{name: "links like", where: cond(fClients, query.LinksLike{Field: fParents, Record: 4})},
	{name: "linked by records where", where: query.Not{Node: query.LinkedBy{Catalog: clients, Field: fParents, Where: query.And{
		cond(fSize, query.NumberRange{Min: ptr(10.0)}), query.Not{Node: query.Among{{Record: 3}}}}}}},
	{name: "linked by any record", where: query.LinkedBy{Catalog: clients, Field: fParents, Where: query.And{}}},
	{name: "linked by a removed catalog", where: query.LinkedBy{Catalog: 99, Field: fParents}},
	{name: "a text", where: cond(fName, query.TextIs{"acme"})},
	{name: "some texts", where: cond(fName, query.TextIs{"acme", "Ёлка", "\u0001"})},
	{name: "contacts are", where: cond(fPhones, query.TextIs{"+1 555", "+1 666"})},
	{name: "an address is", where: cond(fPlace, query.TextIs{"ab", "Acme street"})},
	{name: "like", where: cond(fName, query.TextLike{Pattern: `Ac[me_%\%`})},
	{name: "like, folded", where: cond(fName, query.TextLike{Pattern: `Ac[me_%\%`, Fold: true})},
	{name: "contacts like, folded", where: cond(fPhones, query.TextLike{Pattern: `%55`, Fold: true})},
	{name: "sorted between", where: cond(fName, query.TextRange{Min: ptr("a"), Max: ptr("b")})},
	{name: "part of a time", where: cond(fDue, query.TimePart{Part: query.YearPart, In: []int64{2024, 2025}, Offset: -90})},
	{name: "titled", where: query.Titled{Test: query.TextIs{"acme", "#5"}}},
	{name: "titled like, as seen", where: query.Titled{Test: query.TextLike{Pattern: "acme%", Fold: true}, Seen: managed}},
	{name: "made by some", where: query.Authored{By: query.ByCreated, Employees: catalog.Employees, Who: query.Among{{Record: 9}, {Record: 8}}}},
	{name: "last changed by anybody", where: query.Authored{By: query.ByUpdated, Employees: catalog.Employees}},
	{name: "last changed by some, as far as it is known", where: query.Authored{By: query.ByUpdated, Employees: catalog.Employees,
		Who: query.Titled{Test: query.TextIs{"ada"}}, Fields: []query.Field{fName, fAmount}, Seen: map[query.Field]query.Node{fAmount: managed}}},
	{name: "stamped on some days", where: query.Stamped{By: query.ByCreated, Min: ptr(int64(7)), In: manyDays[:2]}},
	{name: "stamped and numbered", where: query.And{query.Stamped{By: query.ByUpdated, Min: ptr(int64(5))}, query.Numbered{Max: ptr(query.Record(7))}}},
	{name: "with a link", where: query.And{query.Synced{Group: "g"}, query.Not{Node: query.Synced{Group: "g", External: []string{"A", "B"}}}}},
	{name: "quick search", search: query.Search{Fold: "acme"}},
	{name: "quick search for a number", search: query.Search{Fold: "#12"}},
	{name: "quick search for a phone", search: query.Search{Fold: "+1 555 01", Digits: "155501"}, sort: query.Sort{Desc: true}},
	{name: "sort by title", sort: query.Sort{By: query.ByTitle}},
	{name: "some sorted by title", where: query.And{cond(fAmount, query.NotEmpty{}), query.Among{{Record: 3}}}, sort: query.Sort{By: query.ByTitle}},
	{name: "sort by created", sort: query.Sort{By: query.ByCreated, Desc: true}},
	{name: "sort by updated, deep", sort: query.Sort{By: query.ByUpdated}, offset: 1000},
	{name: "sort by text", sort: query.Sort{By: query.ByField, Field: fName}},
	{name: "sort by number descending", sort: query.Sort{By: query.ByField, Field: fAmount, Desc: true}},
	{name: "sort by number that is there", where: cond(fAmount, query.NotEmpty{}), sort: query.Sort{By: query.ByField, Field: fAmount}},
	{name: "sort by number, deep", sort: query.Sort{By: query.ByField, Field: fAmount, Desc: true}, offset: 100},
	{name: "sort by switch", sort: query.Sort{By: query.ByField, Field: fPaid}},
	{name: "sort by option", sort: query.Sort{By: query.ByField, Field: fStatus}},
	{name: "sort by reordered option", sort: query.Sort{By: query.ByField, Field: fChoice, Desc: true}},
	{name: "sort by several options", sort: query.Sort{By: query.ByField, Field: fTags}},
	{name: "sort by links", sort: query.Sort{By: query.ByField, Field: fClients}},
	{name: "sort by number descending, then by title, option and number", sort: query.Sort{By: query.ByField, Field: fAmount, Desc: true},
		then: []query.Sort{{By: query.ByTitle}, byField(fStatus, true), {}}},
	{name: "sort by switch, then by number hidden on some records", sort: query.Sort{By: query.ByField, Field: fPaid},
		then: []query.Sort{byField(fAmount, false)}, visible: map[query.Field]query.Node{fAmount: managed}, offset: 20},
	{name: "sort by files", sort: query.Sort{By: query.ByField, Field: fFiles}},
	{name: "quick search of fields hidden on some records", search: query.Search{Fold: "+1 acme", Digits: "155501"},
		visible: map[query.Field]query.Node{fPhones: managed, fManager: managed, fClients: cond(fStatus, query.AnyOf{2})}},
	{name: "quick search of titles hidden on some records", search: query.Search{Fold: "#12"},
		visible: map[query.Field]query.Node{fName: managed, fTitle: cond(fCity, query.AnyOf{1})}},
	{name: "quick search of a title that is searched anyway", search: query.Search{Fold: "acme"},
		visible: map[query.Field]query.Node{fName: cond(fNote, query.Substring{Fold: "open"})}},
	{name: "sort by number hidden on some records", sort: query.Sort{By: query.ByField, Field: fAmount, Desc: true},
		where: cond(fStatus, query.AnyOf{2}), visible: map[query.Field]query.Node{fAmount: managed}},
	{name: "sort by switch hidden on some records", sort: query.Sort{By: query.ByField, Field: fPaid},
		visible: map[query.Field]query.Node{fPaid: managed}},
	{name: "sort by titles hidden on some records", sort: query.Sort{By: query.ByTitle},
		visible: map[query.Field]query.Node{fName: managed}},
	{name: "sort by links with titles hidden on some records", sort: query.Sort{By: query.ByField, Field: fClients},
		visible: map[query.Field]query.Node{fClients: managed, fTitle: cond(fCity, query.AnyOf{1})}},
}

// manyDays are more spans than stand in one row of operators.
var manyDays = func() (days query.TimeSpans) {
	for i := range int64(chainLength + 1) {
		days = append(days, query.Span{First: 100 * i, Last: 100*i + 9})
	}
	return days
}()

// managed is the condition of a legal view: an employee's records.
var managed = cond(fManager, query.LinksAny{{Catalog: catalog.Employees, Key: query.Key{Record: 9}}})

func (g *goldenCase) selected(st *catalog.Structure) *catalog.Selected {
	c := st.Catalog(orders)
	return &catalog.Selected{Structure: st, Catalog: c, Columns: fieldsOf(c, fName, fTags, fButton), Where: g.where,
		Search: g.search, SearchFields: fieldsOf(c, fName, fPhones), SearchLinks: fieldsOf(c, fClients, fManager),
		SearchTitle: true, Sort: g.sort, Then: g.then, Limit: 50, Offset: g.offset, Visible: g.visible}
}

// TestGolden compares the statements of both databases with those on record.
func TestGolden(t *testing.T) {
	st := structureOf(t, testDefinition())
	for _, d := range []dialect{sqliteDialect{}, postgresDialect{}} {
		t.Run(d.Name(), func(t *testing.T) {
			var out strings.Builder
			for _, g := range goldenCases {
				fmt.Fprintf(&out, "-- %s\n%s\n", g.name, goldenText(t, d, g.selected(st)))
			}
			members, _, err := compileMembers(d, st, st.Catalog(orders), []query.Record{1, 2}, goldenMembers)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "-- members\n%s\n", statementText(members))
			for _, h := range goldenHistories {
				b, err := compileHistory(d, h.query(st))
				if err != nil {
					t.Fatalf("%s: %v", h.name, err)
				}
				fmt.Fprintf(&out, "-- %s\n%s\n", h.name, statementText(b))
			}
			compareGolden(t, "testdata/select_"+d.Name()+".golden", out.String())
		})
	}
}

// goldenText is a selection's statements, one a line with its arguments.
func goldenText(t *testing.T, d dialect, s *catalog.Selected) string {
	t.Helper()
	o, err := newSorting(d, source{s.Catalog, recordAlias}, s)
	if err != nil {
		t.Fatal(err)
	}
	parts := []pagePart{everything}
	if o.split {
		parts = []pagePart{presentOnly, emptyOnly}
	}
	var out strings.Builder
	for _, part := range parts {
		b, err := compilePage(d, newReadPlan(s.Catalog, s.Columns).list, s, o, part, s.Limit, s.Offset)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString(statementText(b))
	}
	return out.String()
}

func statementText(b *builder) string {
	var out strings.Builder
	out.Write(b.sql)
	out.WriteString(";\n")
	for _, a := range b.args {
		if s, ok := a.(string); ok {
			a = fmt.Sprintf("%q", s)
		}
		fmt.Fprintf(&out, "   ? %v\n", a)
	}
	return out.String()
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *updateGolden {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) == got {
		return
	}
	w, g := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			t.Fatalf("%s:%d\n got %s\nwant %s", file, i+1, g[i], w[i])
		}
	}
	t.Fatalf("%s has %d lines, now there are %d", file, len(w), len(g))
}

// goldenMembers are conditions with another form where a record is looked up.
var goldenMembers = []query.Node{managed, cond(fName, query.Substring{Fold: "acme"}), cond(fTags, query.AllOf{1, 2}),
	query.Not{Node: cond(fClients, query.LinksWhere{Catalog: clients, Where: cond(fTitle, query.Substring{Fold: "acme"})})},
	cond(fName, query.TextIs{"acme", "b"}), cond(fPhones, query.TextLike{Pattern: "%acme", Fold: true}),
	query.Titled{Test: query.TextIs{"#5"}, Seen: managed}, cond(fClients, query.LinksLike{Field: fParents, Record: 4}), query.Among{{Record: 1}, {Code: "x"}},
	query.Synced{Group: "g"}, query.Synced{Group: "g", External: []string{"A"}}, nil}

type goldenHistory struct {
	name string
	catalog.HistoryQuery
}

var goldenHistories = []goldenHistory{
	{"history of a record", catalog.HistoryQuery{Record: 12, Limit: 10, Offset: 20}},
	{"history of a catalog", catalog.HistoryQuery{Actor: 3, Kinds: []catalog.HistoryKind{catalog.Created, catalog.Removed},
		Fields: []query.Field{fName}, Readable: []query.Field{fName, fAmount}, Asc: true, Limit: 10}},
	{"history of records that match", catalog.HistoryQuery{Where: &catalog.Selected{
		Where: cond(fTags, query.AnyOf{1})}, WithRemoved: true, Limit: 10}},
}

// query is the history query on a structure.
func (h goldenHistory) query(st *catalog.Structure) *catalog.HistoryQuery {
	q := h.HistoryQuery
	q.Structure, q.Catalog = st, st.Catalog(orders)
	if q.Where != nil {
		where := *q.Where
		where.Structure, where.Catalog = st, q.Catalog
		q.Where = &where
	}
	return &q
}

// TestRefused names filters that no statement is made of.
func TestRefused(t *testing.T) {
	st := structureOf(t, testDefinition())
	deep := cond(fPaid, query.AnyOf{1})
	for range maxFilterDepth {
		deep = query.Not{Node: deep}
	}
	var far query.Node
	for range maxFilterLinks + 1 {
		far = cond(fParents, query.LinksWhere{Catalog: clients, Where: far})
	}
	cases := map[string]query.Node{
		"too far":                    cond(fClients, query.LinksWhere{Catalog: clients, Where: far}),
		"unknown field":              cond(999, query.Empty{}),
		"field of another catalog":   cond(fSize, query.Empty{}),
		"number range of a text":     cond(fName, query.NumberRange{}),
		"empty switch":               cond(fPaid, query.Empty{}),
		"button":                     cond(fButton, query.NotEmpty{}),
		"substring of files":         cond(fFiles, query.Substring{Fold: "x"}),
		"text of a number":           cond(fAmount, query.TextIs{"1"}),
		"pattern of a date":          cond(fDue, query.TextLike{Pattern: "%"}),
		"part of a number":           cond(fAmount, query.TimePart{}),
		"range of files":             cond(fFiles, query.TextRange{}),
		"title of another test":      query.Titled{Test: query.Empty{}},
		"title without a test":       query.Titled{},
		"stamp of a title":           query.Stamped{By: query.ByTitle},
		"a long pattern":             cond(fName, query.TextLike{Pattern: strings.Repeat("a", maxPattern+1)}),
		"items of a link":            cond(fClients, query.AnyOf{1}),
		"links of options":           cond(fTags, query.LinksAny{}),
		"too deep":                   deep,
		"too many":                   make(query.And, maxFilterNodes),
		"wrong test of a linked one": cond(fClients, query.LinksWhere{Catalog: clients, Where: cond(fSize, query.AnyOf{1})}),
	}
	for name, where := range cases {
		b := newBuilder(sqliteDialect{}, st)
		err := b.node(b.alias(st.Catalog(orders)), where)
		if !fault.Is(err, fault.InvalidFilter) {
			t.Errorf("%s: %v, want an invalid filter", name, err)
		}
	}
}
