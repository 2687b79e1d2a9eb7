package catalog_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
	fold "kartoteka/internal/query/text"
)

// list shows the titles of the records that a query selects.
func (w *world) list(q query.Query) string {
	w.Helper()
	q.Limit = 100
	rows, err := w.s.Records(w.Context(), boss, w.orders.Num, q, nil)
	if err != nil {
		w.Fatal(err)
	}
	var titles []string
	for i := range rows.Page.Len() {
		titles = append(titles, title(rows, i))
	}
	return strings.Join(titles, " ")
}

func (w *world) num(key string) query.Field { return w.orders.FieldByKey(key).Num }

func TestRecords(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		acme, bolt := w.vendor("Acme"), w.vendor("Bolt")
		w.order("name", catalog.Text("a"), "price", catalog.Number(3), "vendor", catalog.Links{link(w.vendors, bolt)})
		w.order("name", catalog.Text("b"), "price", catalog.Number(1), "vendor", catalog.Links{link(w.vendors, acme)}, "tags", catalog.Items{1, 2})
		w.order("name", catalog.Text("c"), "note", catalog.Text("Straße"))
		tests := []struct {
			name string
			q    query.Query
			want string
		}{
			{"all", query.Query{}, "a b c"},
			{"newest first", query.Query{Sort: query.Sort{Desc: true}}, "c b a"},
			{"by a number, empty last", query.Query{Sort: query.Sort{By: query.ByField, Field: w.num("price")}}, "b a c"},
			{"by the first link", query.Query{Sort: query.Sort{By: query.ByField, Field: w.num("vendor")}}, "b a c"},
			{"where", query.Query{Where: query.Cond{Field: w.num("tags"), Test: query.AllOf{2, 1}}}, "b"},
			{"where linked", query.Query{Where: query.Cond{Field: w.num("vendor"), Test: query.LinksWhere{
				Catalog: w.vendors.Num, Where: query.Cond{Field: w.vendors.FieldByKey("title").Num, Test: query.Substring{Fold: "olt"}},
			}}}, "a"},
			{"search in text", query.Query{Search: query.Search{Fold: fold.Fold("STRASSE")}}, "c"},
			{"search in linked titles", query.Query{Search: query.Search{Fold: "acm"}}, "b"},
			{"among", query.Query{Where: query.Among{{Record: 3}, {Record: 1}, {Record: 77}}}, "a c"},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				w := *w
				w.T = t
				if got := w.list(tt.q); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		}
	})
}

func TestRecordsPages(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		for i := range 5 {
			w.order("name", catalog.Text(fmt.Sprint(i)))
		}
		tests := []struct {
			name          string
			limit, offset int
			rows          int
			code          fault.Code
		}{
			{"first", 2, 0, 2, ""},
			{"last", 2, 4, 1, ""},
			{"beyond", 2, 9, 0, ""},
			{"none", 0, 0, 0, ""},
			{"negative limit", -1, 0, 0, fault.InvalidParameter},
			{"negative offset", 1, -1, 0, fault.InvalidParameter},
			{"largest", 10_000, 0, 5, ""},
			{"too large", 10_001, 0, 0, fault.LimitTooLarge},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				q := query.Query{Limit: tt.limit, Offset: tt.offset, WithTotal: true}
				rows, err := w.s.Records(t.Context(), boss, w.orders.Num, q, nil)
				if fault.CodeOf(err) != tt.code {
					t.Fatalf("error %v", err)
				}
				if err == nil && (rows.Page.Len() != tt.rows || rows.Total != 5) {
					t.Errorf("%d rows of %d", rows.Page.Len(), rows.Total)
				}
			})
		}
	})
}

func TestRecordsRefusals(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		st, err := w.s.Structure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		secret := st.Catalog(catalog.Employees).FieldByKey("$password").Num
		where := func(n query.Node) query.Query { return query.Query{Where: n} }
		tests := []struct {
			name    string
			catalog query.Catalog
			q       query.Query
			code    fault.Code
		}{
			{"no catalog", 999, query.Query{}, fault.NotFound},
			{"unknown field", w.orders.Num, where(query.Cond{Field: 99999, Test: query.Empty{}}), fault.UnknownField},
			{"field of another catalog", w.orders.Num, where(query.Or{query.Not{Node: query.Cond{Field: secret, Test: query.Empty{}}}}), fault.UnknownField},
			{"secret", catalog.Employees, where(query.And{query.Cond{Field: secret, Test: query.NotEmpty{}}}), fault.FieldHidden},
			{"secret of a linked record", w.orders.Num, where(query.Cond{Field: w.num("owner"), Test: query.LinksWhere{
				Catalog: catalog.Employees, Where: query.Cond{Field: secret, Test: query.NotEmpty{}},
			}}), fault.FieldHidden},
			{"linked catalog unknown", w.orders.Num, where(query.Cond{Field: w.num("owner"), Test: query.LinksWhere{
				Catalog: 999, Where: query.Cond{Field: secret, Test: query.NotEmpty{}},
			}}), fault.InvalidFilter},
			{"alike an unknown field", w.orders.Num, where(query.Cond{Field: w.num("owner"), Test: query.LinksLike{Field: 99999, Record: 1}}), fault.UnknownField},
			{"filter by a heading", w.orders.Num, where(query.Cond{Field: w.num("head"), Test: query.Empty{}}), fault.InvalidFilter},
			{"sort by a secret", catalog.Employees, query.Query{Sort: query.Sort{By: query.ByField, Field: secret}}, fault.FieldHidden},
			{"sort by nothing known", w.orders.Num, query.Query{Sort: query.Sort{By: query.ByField, Field: 99999}}, fault.UnknownField},
			{"sort by a heading", w.orders.Num, query.Query{Sort: query.Sort{By: query.ByField, Field: w.num("head")}}, fault.InvalidParameter},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				tt.q.Limit = 10
				if _, err := w.s.Records(t.Context(), boss, tt.catalog, tt.q, nil); fault.CodeOf(err) != tt.code {
					t.Errorf("error %v, want %s", err, tt.code)
				}
			})
		}
		if _, err := w.s.Records(t.Context(), catalog.Actor{}, w.orders.Num, query.Query{Limit: 1}, nil); !fault.Is(err, fault.Forbidden) {
			t.Errorf("nobody reads: %v", err)
		}
	})
}

func TestRecordKeys(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		w.apply(catalog.Create{Catalog: w.vendors.Num, Code: "acme", Values: values(w.vendors, "title", catalog.Text("Acme"))})
		tests := []struct {
			name string
			key  query.Key
			code fault.Code
		}{
			{"number", query.Key{Record: 1}, ""},
			{"custom id", query.Key{Code: "acme"}, ""},
			{"other number", query.Key{Record: 2}, fault.NotFound},
			{"other id", query.Key{Code: "bolt"}, fault.NotFound},
			{"no id", query.Key{}, fault.NotFound},
			{"no number", query.Key{Record: math.MaxInt64}, fault.NotFound},
			{"not an id", query.Key{Code: "a\x00b"}, fault.NotFound},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				rows, err := w.s.Record(t.Context(), boss, w.vendors.Num, tt.key, nil)
				if fault.CodeOf(err) != tt.code {
					t.Fatalf("error %v", err)
				}
				if err == nil && (title(rows, 0) != "Acme" || string(rows.Page.Code(0)) != "acme") {
					t.Error(text(rows, 0))
				}
			})
		}
	})
}

func TestSelections(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		v := w.apply(catalog.Create{Catalog: w.vendors.Num, Values: values(w.vendors,
			"title", catalog.Text("Acme"), "mail", catalog.Contacts{{Contact: "a@b.c"}})})[0].Record
		gone := w.vendor("Gone")
		r := w.order("name", catalog.Text("x"), "price", catalog.Number(2),
			"vendor", catalog.Links{link(w.vendors, gone), link(w.vendors, v)}, "owner", catalog.Links{{Self: true}})
		w.apply(catalog.Delete{Catalog: w.vendors.Num, Record: query.Key{Record: gone}})
		const linked, mail = `vendor=[{"c":25,"r":2,"t":"Gone"},{"c":25,"r":1,"t":"Acme"}]`, `mail=[{"id":"1","contact":"a@b.c","comment":""}]`
		vendorField, titleField := w.orders.FieldByKey("vendor"), w.vendors.FieldByKey("title")
		tests := []struct {
			name   string
			sel    *catalog.Selection
			want   string
			linked string // the vendor's row
		}{
			{"all", &catalog.Selection{All: true}, `name="x" price=2 state=["1"] ` + linked + ` owner=[{"c":3,"r":1,"t":"Ada"}]`, ""},
			{"none", &catalog.Selection{Fields: []*catalog.Field{}}, "", ""},
			{"two in order", &catalog.Selection{Fields: []*catalog.Field{vendorField, w.orders.FieldByKey("price")}}, linked + " price=2", ""},
			{"strangers left out", &catalog.Selection{Fields: []*catalog.Field{titleField, w.orders.FieldByKey("head")}}, "", ""},
			{"nested", &catalog.Selection{
				Fields: []*catalog.Field{vendorField},
				Linked: map[query.Field]map[query.Catalog]*catalog.Selection{vendorField.Num: {w.vendors.Num: {Fields: []*catalog.Field{titleField}}}},
			}, linked, `title="Acme"`},
			{"as the card shows", &catalog.Selection{Fields: []*catalog.Field{vendorField}, LinkedShown: true}, linked, `title="Acme" ` + mail},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				w := *w
				w.T = t
				rows := w.row(w.orders, r, tt.sel)
				if got := text(rows, 0); got != tt.want {
					t.Errorf("got %s\nwant %s", got, tt.want)
				}
				if title(rows, 0) != "x" {
					t.Error("no title")
				}
				vendors := rows.Linked[vendorField.Num][w.vendors.Num]
				if tt.linked == "" {
					if vendors != nil {
						t.Error("linked rows that nobody asked for")
					}
					return
				}
				if got := text(vendors, vendors.At(v)); got != tt.linked || vendors.At(gone) != -1 {
					t.Errorf("linked %s", got)
				}
			})
		}
	})
}

func TestSelectionsNestOnlySoDeep(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		self := w.make("Self", required(field("name", "text", nil)))
		next := field("next", "object", &catalog.Config{Sources: []catalog.Source{{Catalog: self.Num}}})
		name := field("name", "text", nil)
		name.Num = self.FieldByKey("name").Num
		scope, err := w.s.UpdateCatalog(t.Context(), boss, "self", catalog.CatalogInput{Fields: []catalog.FieldInput{name, next}})
		if err != nil {
			t.Fatal(err)
		}
		self = scope.Catalog
		f := self.FieldByKey("next")
		w.apply(catalog.Create{Catalog: self.Num, Values: values(self, "name", catalog.Text("x"))})
		w.apply(catalog.Update{Catalog: self.Num, Record: query.Key{Record: 1}, Values: values(self, "next", catalog.Links{link(self, 1)})})
		for _, tt := range []struct {
			depth int
			code  fault.Code
		}{{catalog.MaxNesting, ""}, {catalog.MaxNesting + 1, fault.InvalidParameter}} {
			sel := &catalog.Selection{All: true}
			for range tt.depth {
				sel = &catalog.Selection{All: true, Linked: map[query.Field]map[query.Catalog]*catalog.Selection{f.Num: {self.Num: sel}}}
			}
			if _, err := w.s.Record(t.Context(), boss, self.Num, query.Key{Record: 1}, sel); fault.CodeOf(err) != tt.code {
				t.Errorf("depth %d: %v", tt.depth, err)
			}
		}
	})
}

// Entries show a removed record under its custom id, so they are also asked for
// by it, until another record has it.
func TestHistoryByIDsOfTheRemoved(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		remove := func(c *catalog.Catalog, r query.Record) {
			w.apply(catalog.Delete{Catalog: c.Num, Record: query.Key{Record: r}})
		}
		make := func(name string) query.Record {
			return w.apply(catalog.Create{Catalog: w.orders.Num, Code: "x-1", Values: values(w.orders, "name", catalog.Text(name))})[0].Record
		}
		key := query.Key{Code: "x-1"}
		remove(w.orders, make("first"))
		remove(w.orders, make("second"))
		if got := w.history(w.orders, catalog.HistoryAsk{Record: &key}); len(got) != 2 || !strings.Contains(got[0], "second") {
			t.Errorf("of the last removed one: %s", got)
		}
		make("third")
		if got := w.history(w.orders, catalog.HistoryAsk{Record: &key}); len(got) != 1 || !strings.Contains(got[0], "third") {
			t.Errorf("of the living one: %s", got)
		}
		code := "boss"
		w.apply(catalog.Update{Catalog: catalog.Employees, Record: query.Key{Record: 1}, Code: &code})
		if got := w.history(w.orders, catalog.HistoryAsk{Actor: query.Key{Code: code}}); len(got) != 5 {
			t.Errorf("of an employee: %s", got)
		}
		_, err := w.s.History(t.Context(), boss, catalog.HistoryAsk{Catalog: w.orders.Num, Actor: query.Key{Code: "nobody"}, Limit: 9})
		if !fault.Is(err, fault.InvalidParameter) {
			t.Errorf("of nobody: %v", err)
		}
	})
}

func TestHistory(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		v := w.vendor("Acme")
		r := w.order("name", catalog.Text("one"), "vendor", catalog.Links{link(w.vendors, v)}, "quiet", catalog.Text("shh"))
		key := query.Key{Record: r}
		w.patch(r, "name", catalog.Text("two"), "state", catalog.Items{2}, "quiet", catalog.Text("hush"))
		w.patch(r, "quiet", catalog.Text("nothing to see"))
		w.apply(catalog.Comment{Catalog: w.orders.Num, Record: key, Text: `say "hi"`})
		w.apply(catalog.Update{Catalog: w.vendors.Num, Record: query.Key{Record: v}, Values: values(w.vendors, "title", catalog.Text("Renamed"))})
		other := w.order("name", catalog.Text("other"))
		w.apply(catalog.Delete{Catalog: w.orders.Num, Record: key})
		created := `CREATE name{"o":null,"n":"one"} state{"o":null,"n":["1"]} vendor{"o":null,"n":[{"c":25,"r":1,"t":"Acme"}]}`
		updated := `UPDATE name{"o":"one","n":"two"} state{"o":["1"],"n":["2"]}`
		all := []string{created, updated, `COMMENT "say \"hi\""`, `REMOVED`}
		fresh := `CREATE name{"o":null,"n":"other"} state{"o":null,"n":["1"]}`
		tests := []struct {
			name string
			ask  catalog.HistoryAsk
			want []string
		}{
			{"of a removed record", catalog.HistoryAsk{Record: &key}, all},
			{"feed", catalog.HistoryAsk{}, []string{all[0], all[1], all[2], fresh, all[3]}},
			{"kinds", catalog.HistoryAsk{Kinds: []catalog.HistoryKind{catalog.Commented, catalog.Removed}}, all[2:]},
			{"fields", catalog.HistoryAsk{Fields: []query.Field{w.num("vendor")}}, all[:1]},
			{"of selected records", catalog.HistoryAsk{Query: &query.Query{Where: query.Among{{Record: other}}}}, []string{fresh}},
			{"of nobody", catalog.HistoryAsk{Actor: query.Key{Record: 7}}, nil},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				w := *w
				w.T = t
				if got := w.history(w.orders, tt.ask); !slices.Equal(got, tt.want) {
					t.Errorf("got %s\nwant %s", strings.Join(got, "\n    "), strings.Join(tt.want, "\n     "))
				}
			})
		}
		page, err := w.s.History(t.Context(), boss, catalog.HistoryAsk{Catalog: w.orders.Num, Record: &key, Limit: 5000})
		if err != nil {
			t.Fatal(err)
		}
		if got := page.Titles[query.MakeRef(w.orders.Num, r)]; got.Text != "two" || !got.Removed {
			t.Errorf("record's title %+v", got)
		}
		if got := page.Titles[query.MakeRef(catalog.Employees, 1)]; got.Text != "Ada" || page.Entries[0].Kind != catalog.Removed {
			t.Errorf("actor %+v, newest %s", got, page.Entries[0].Kind)
		}
		_, err = w.s.History(t.Context(), boss, catalog.HistoryAsk{Catalog: w.orders.Num, Record: &query.Key{Record: 999}, Limit: 1})
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("history of nothing: %v", err)
		}
	})
}

func TestCatalogWithoutHistory(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		no := false
		if _, err := w.s.UpdateCatalog(t.Context(), boss, "orders", catalog.CatalogInput{History: &no}); err != nil {
			t.Fatal(err)
		}
		r := w.order("name", catalog.Text("one"))
		w.patch(r, "name", catalog.Text("two"))
		w.apply(catalog.Comment{Catalog: w.orders.Num, Record: query.Key{Record: r}, Text: "kept"})
		if got := w.history(w.orders, catalog.HistoryAsk{}); !slices.Equal(got, []string{`COMMENT "kept"`}) {
			t.Error(got)
		}
		if got := w.row(w.orders, r, nil).Page.Updated(0); got != w.now.UnixMilli() {
			t.Error("a comment is no update")
		}
	})
}

// Linked values are counted as often as the answer shows them, so that a few
// records that link each other cannot make an endless one.
func TestLinkedValuesAreBounded(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		self := w.make("Self", required(field("name", "text", nil)))
		many := field("many", "object", &catalog.Config{Multi: true, Sources: []catalog.Source{{Catalog: self.Num}}})
		name := field("name", "text", nil)
		name.Num = self.FieldByKey("name").Num
		scope, err := w.s.UpdateCatalog(t.Context(), boss, "self", catalog.CatalogInput{Fields: []catalog.FieldInput{name, many}})
		if err != nil {
			t.Fatal(err)
		}
		self = scope.Catalog
		first, err := w.s.Reserve(t.Context(), boss, self.Num, 10)
		if err != nil {
			t.Fatal(err)
		}
		var links catalog.Links
		var ops []catalog.Op
		for i := range query.Record(10) {
			links = append(links, link(self, first+i))
			ops = append(ops, catalog.Create{Catalog: self.Num, Reserved: first + i, Values: values(self, "name", catalog.Text("x"))})
		}
		w.apply(ops...)
		for i := range ops {
			ops[i] = catalog.Update{Catalog: self.Num, Record: query.Key{Record: first + query.Record(i)}, Values: values(self, "many", links)}
		}
		w.apply(ops...)
		f := self.FieldByKey("many").Num
		for _, tt := range []struct {
			depth int
			code  fault.Code
		}{{1, ""}, {2, ""}, {3, fault.LimitTooLarge}} {
			sel := &catalog.Selection{All: true}
			for range tt.depth {
				sel = &catalog.Selection{All: true, Linked: map[query.Field]map[query.Catalog]*catalog.Selection{f: {self.Num: sel}}}
			}
			if _, err := w.s.Records(t.Context(), boss, self.Num, query.Query{Limit: 10}, sel); fault.CodeOf(err) != tt.code {
				t.Errorf("depth %d: %v", tt.depth, err)
			}
		}
	})
}
