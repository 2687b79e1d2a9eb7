package catalog_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kartoteka/internal/catalog"
	"kartoteka/internal/fault"
	"kartoteka/internal/query"
)

func TestCreateAnswersWhatWasSetAndStoresIt(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		v := w.vendor("Acme")
		out := w.apply(catalog.Create{Catalog: w.orders.Num, Values: values(w.orders,
			"name", catalog.Text("Order 1"), "price", catalog.Number(12.5), "note", nil,
			"tags", catalog.Items{3, 1}, "vendor", catalog.Links{link(w.vendors, v), link(w.vendors, v)},
			"owner", catalog.Links{{Self: true}}, "head", catalog.Text("ignored"),
			"files", catalog.Files{{Title: "plan", URL: "https://example.com/plan.png", Storage: "url"}},
		)})[0]
		const want = `name="Order 1" price=12.5 state=["1"] tags=["1","3"] vendor=[{"c":25,"r":1,"t":"Acme"}] ` +
			`owner=[{"c":3,"r":1,"t":"Ada"}] ` +
			`files=[{"id":1,"title":"plan","url":"https://example.com/plan.png","size":0,"mimeType":null,"typeStorage":"url"}]`
		if got := text(out.Row, 0); got != want {
			t.Errorf("outcome\n got %s\nwant %s", got, want)
		}
		if out.Title != "Order 1" || title(out.Row, 0) != "Order 1" {
			t.Errorf("title %q", out.Title)
		}
		stored := w.row(w.orders, out.Record, nil)
		if got := text(stored, 0); got != want {
			t.Errorf("stored\n got %s\nwant %s", got, want)
		}
		if !slices.ContainsFunc(out.Row.Fields, func(f *catalog.Field) bool { return f.Key == "note" }) {
			t.Error("a field sent empty is missing from the answer")
		}
		if created := stored.Page.Created(0); created != w.now.UnixMilli() || stored.Page.Updated(0) != created {
			t.Errorf("created %d", created)
		}
	})
}

func TestUpdateAnswersOnlyWhatChanged(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		r := w.order("name", catalog.Text("Order"), "price", catalog.Number(1))
		w.now = w.now.Add(time.Minute)
		out := w.patch(r, "name", catalog.Text("Order"), "price", catalog.Number(2), "note", nil)
		if got := text(out.Row, 0); got != "price=2" || len(out.Row.Fields) != 1 {
			t.Errorf("changed %s", got)
		}
		if out.Title != "Order" || title(out.Row, 0) != "Order" {
			t.Errorf("title %q", out.Title)
		}
		if got := w.row(w.orders, r, nil).Page.Updated(0); got != w.now.UnixMilli() {
			t.Errorf("updated %d", got)
		}
	})
}

func TestNothingToChangeWritesNothing(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		r := w.order("name", catalog.Text("Order"), "tags", catalog.Items{1, 2})
		before := w.row(w.orders, r, nil)
		w.now = w.now.Add(time.Minute)
		out := w.patch(r, "tags", catalog.Items{2, 1}, "paid", catalog.Bool(false), "state", catalog.Items{1})
		if len(out.Row.Fields) != 0 {
			t.Errorf("changed %v", text(out.Row, 0))
		}
		after := w.row(w.orders, r, nil)
		if before.Page.Updated(0) != after.Page.Updated(0) || after.Page.Version(0) != 1 {
			t.Error("the record was touched")
		}
		if h := w.history(w.orders, catalog.HistoryAsk{Record: &query.Key{Record: r}}); len(h) != 1 {
			t.Errorf("history %q", h)
		}
	})
}

func TestRefusals(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		v := w.vendor("Acme")
		gone := w.vendor("Gone")
		w.apply(catalog.Delete{Catalog: w.vendors.Num, Record: query.Key{Record: gone}})
		r := w.order("name", catalog.Text("Order"))
		create := func(pairs ...any) catalog.Op {
			return catalog.Create{Catalog: w.orders.Num, Values: values(w.orders, append([]any{"name", catalog.Text("x")}, pairs...)...)}
		}
		code := func(s string) catalog.Op {
			return catalog.Update{Catalog: w.orders.Num, Record: query.Key{Record: r}, Code: &s}
		}
		w.apply(catalog.Create{Catalog: w.orders.Num, Code: "taken", Values: values(w.orders, "name", catalog.Text("x"))})
		tests := []struct {
			name    string
			op      catalog.Op
			code    fault.Code
			details string
		}{
			{"required on create", catalog.Create{Catalog: w.orders.Num}, fault.ValidationFailed, "name:required"},
			{"required of white space", w.change(r, "name", catalog.Text(" \t")), fault.ValidationFailed, "name:required"},
			{"required emptied", w.change(r, "name", nil), fault.ValidationFailed, "name:required"},
			{"all at once", create("name", catalog.Text("x"), "price", catalog.Text("1"), "tags", catalog.Items{9}), fault.ValidationFailed, "price:type tags:unknown_item"},
			{"unreadable value", create("price", catalog.Bad{Detail: fault.Field("price", fault.Type, "Price: no")}), fault.ValidationFailed, "price:type"},
			{"too long", create("quiet", catalog.Text(strings.Repeat("x", 257))), fault.ValidationFailed, "quiet:too_long"},
			{"unknown field", catalog.Create{Catalog: w.orders.Num, Values: []catalog.FieldValue{{Field: 99999}}}, fault.UnknownField, ""},
			{"field of another catalog", catalog.Create{Catalog: w.orders.Num, Values: values(w.vendors, "title", catalog.Text("x"))}, fault.UnknownField, ""},
			{"link to nothing", create("vendor", catalog.Links{link(w.vendors, 999)}), fault.ValidationFailed, "vendor:not_found"},
			{"link to a removed record", create("vendor", catalog.Links{link(w.vendors, gone)}), fault.ValidationFailed, "vendor:not_found"},
			{"link to no source", create("vendor", catalog.Links{link(w.orders, r)}), fault.ValidationFailed, "vendor:not_found"},
			{"link to an unknown id", create("vendor", catalog.Links{{Link: query.Link{Catalog: w.vendors.Num, Key: query.Key{Code: "nobody"}}}}), fault.ValidationFailed, "vendor:not_found"},
			{"link out of range", create("vendor", catalog.Links{link(w.vendors, query.MaxRecord+2)}), fault.ValidationFailed, "vendor:not_found"},
			{"unknown file", create("files", catalog.Files{{ID: 7}}), fault.ValidationFailed, "files:file_not_uploaded"},
			{"unknown record", w.change(999, "price", catalog.Number(1)), fault.NotFound, ""},
			{"negative record", w.change(-1, "price", catalog.Number(1)), fault.NotFound, ""},
			{"unknown catalog", catalog.Create{Catalog: 999}, fault.NotFound, ""},
			{"mirror", catalog.Create{Catalog: 1}, fault.MethodNotAllowed, ""},
			{"numeric id", code("17"), fault.InvalidID, ""},
			{"id of the system", code("$mine"), fault.InvalidID, ""},
			{"id in use", code("taken"), fault.DuplicateID, ""},
			{"id in use on create", catalog.Create{Catalog: w.orders.Num, Code: "taken", Values: values(w.orders, "name", catalog.Text("x"))}, fault.DuplicateID, ""},
			{"deleting nothing", catalog.Delete{Catalog: w.orders.Num, Record: query.Key{Record: 999}}, fault.NotFound, ""},
			{"empty comment", catalog.Comment{Catalog: w.orders.Num, Record: query.Key{Record: r}, Text: " "}, fault.InvalidParameter, ""},
			{"long comment", catalog.Comment{Catalog: w.orders.Num, Record: query.Key{Record: r}, Text: strings.Repeat("я", 10_001)}, fault.InvalidParameter, ""},
			{"comment with NUL", catalog.Comment{Catalog: w.orders.Num, Record: query.Key{Record: r}, Text: "a\x00b"}, fault.InvalidParameter, ""},
			{"password too short", catalog.Create{Catalog: catalog.Employees, Values: w.employee("Bo", "bo", "short")}, fault.ValidationFailed, "$password:type"},
			{"password without a login", catalog.Create{Catalog: catalog.Employees, Values: w.employee("Bo", "", "long enough")}, fault.ValidationFailed, "$email:required"},
			{"login in use", catalog.Create{Catalog: catalog.Employees, Values: w.employee("Bo", "ADA", "")}, fault.Duplicate, "$email:duplicate"},
			{"last login", catalog.Delete{Catalog: catalog.Employees, Record: query.Key{Record: 1}}, fault.LastAdmin, ""},
		}
		w.apply(catalog.Update{Catalog: w.orders.Num, Record: query.Key{Record: r}, Values: values(w.orders, "vendor", catalog.Links{link(w.vendors, v)})})
		before := w.count()
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				w := *w
				w.T = t
				f := w.fails(tt.code, tt.op)
				var details []string
				for _, d := range f.Details {
					details = append(details, d.Field+":"+string(d.Code))
				}
				if got := strings.Join(details, " "); got != tt.details {
					t.Errorf("details %q, want %q", got, tt.details)
				}
				if after := w.count(); after != before {
					t.Errorf("%d records, were %d", after, before)
				}
			})
		}
	})
}

// count counts orders, vendors and employees.
func (w *world) count() (n int64) {
	w.Helper()
	for _, c := range []query.Catalog{w.orders.Num, w.vendors.Num, catalog.Employees} {
		rows, err := w.s.Records(w.Context(), boss, c, query.Query{WithTotal: true}, nil)
		if err != nil {
			w.Fatal(err)
		}
		n += rows.Total
	}
	return n
}

func (w *world) employee(name, email, password string) []catalog.FieldValue {
	w.Helper()
	st, err := w.s.Structure(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return values(st.Catalog(catalog.Employees),
		"$name", catalog.Text(name), "$email", catalog.Text(email), "$password", catalog.Text(password))
}

func TestBatchNamesTheOperation(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		good := catalog.Create{Catalog: w.orders.Num, Values: values(w.orders, "name", catalog.Text("x"))}
		before := w.count()
		f := w.fails(fault.ValidationFailed, good, good, catalog.Create{Catalog: w.orders.Num})
		if f.Data["operation"] != 2 {
			t.Errorf("data %v", f.Data)
		}
		if w.count() != before {
			t.Error("a part of the batch was written")
		}
	})
}

func TestLinksOnceStoredMayStay(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		gone, stays := w.vendor("Gone"), w.vendor("Stays")
		r := w.order("name", catalog.Text("x"), "vendor", catalog.Links{link(w.vendors, gone)})
		w.apply(catalog.Delete{Catalog: w.vendors.Num, Record: query.Key{Record: gone}})
		out := w.patch(r, "vendor", catalog.Links{link(w.vendors, gone), link(w.vendors, stays)})
		if got := text(out.Row, 0); got != `vendor=[{"c":25,"r":1,"t":"Gone"},{"c":25,"r":2,"t":"Stays"}]` {
			t.Error(got)
		}
		if got := out.Row.Titles[query.MakeRef(w.vendors.Num, gone)]; !got.Removed {
			t.Error("not marked as removed")
		}
	})
}

// What was answered can be sent back, also with links by the custom ids of
// records and catalogs that are gone.
func TestLinksByIDsOfTheRemovedMayStay(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		v := w.apply(catalog.Create{Catalog: w.vendors.Num, Code: "acme", Values: values(w.vendors, "title", catalog.Text("Acme"))})[0].Record
		r := w.order("name", catalog.Text("x"), "vendor", catalog.Links{link(w.vendors, v)})
		back := catalog.Links{{Link: query.Link{Catalog: w.vendors.Num, Key: query.Key{Code: "acme"}}}}
		expect := func(when string) {
			t.Helper()
			w.patch(r, "vendor", back)
			if got := text(w.row(w.orders, r, nil), 0); !strings.Contains(got, `"k":"acme"`) {
				t.Errorf("%s: %s", when, got)
			}
			w.fails(fault.ValidationFailed, catalog.Create{Catalog: w.orders.Num, Values: values(w.orders, "name", catalog.Text("y"), "vendor", back)})
		}
		w.apply(catalog.Delete{Catalog: w.vendors.Num, Record: query.Key{Record: v}})
		expect("without the record")
		if err := w.s.DeleteCatalog(t.Context(), boss, w.vendors.Key); err != nil {
			t.Fatal(err)
		}
		expect("without the catalog")
	})
}

func TestLinkedRecordsAreWrittenToo(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		v := w.vendor("Acme")
		out := w.apply(catalog.Create{Catalog: w.orders.Num, Values: values(w.orders, "name", catalog.Text("x"), "vendor", catalog.Links{
			{Create: true, Values: values(w.vendors, "title", catalog.Text("Fresh"))},
			{Link: query.Link{Key: query.Key{Record: v}}, Values: values(w.vendors,
				"title", catalog.Text("Renamed"), "mail", catalog.Contacts{{Contact: "not editable here"}})},
		})})
		if len(out) != 1 {
			t.Fatalf("%d outcomes", len(out))
		}
		const want = `vendor=[{"c":25,"r":2,"t":"Fresh"},{"c":25,"r":1,"t":"Renamed"}]`
		if got := text(w.row(w.orders, out[0].Record, nil), 0); !strings.HasSuffix(got, want) {
			t.Error(got)
		}
		if got := text(w.row(w.vendors, v, nil), 0); got != `title="Renamed"` {
			t.Error(got)
		}
		h := w.history(w.orders, catalog.HistoryAsk{Record: &query.Key{Record: out[0].Record}})
		if !strings.Contains(h[0], `"t":"Fresh"`) {
			t.Errorf("history without the new record's title: %s", h[0])
		}
	})
}

func TestSeveralOperationsOnOneRecord(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		first, err := w.s.Reserve(t.Context(), boss, w.orders.Num, 1)
		if err != nil {
			t.Fatal(err)
		}
		out := w.apply(
			catalog.Create{Catalog: w.orders.Num, Reserved: first, Code: "mine", Values: values(w.orders, "name", catalog.Text("one"), "price", catalog.Number(1))},
			w.change(first, "name", catalog.Text("two")),
			catalog.Comment{Catalog: w.orders.Num, Record: query.Key{Record: first}, Text: "three"},
		)
		if out[0].Record != first || out[2].History == 0 {
			t.Errorf("%+v", out)
		}
		rows, err := w.s.Record(t.Context(), boss, w.orders.Num, query.Key{Code: "mine"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := text(rows, 0); got != `name="two" price=1 state=["1"]` || rows.Page.Version(0) != 2 {
			t.Errorf("%s version %d", got, rows.Page.Version(0))
		}
		w.apply(w.change(first, "price", catalog.Number(3)), catalog.Delete{Catalog: w.orders.Num, Record: query.Key{Record: first}})
		w.fails(fault.NotFound, w.change(first, "price", catalog.Number(3)))
	})
}

func TestDeleteThenUpdateInOneBatch(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		r := w.order("name", catalog.Text("x"))
		w.fails(fault.NotFound, catalog.Delete{Catalog: w.orders.Num, Record: query.Key{Record: r}}, w.change(r, "price", catalog.Number(1)))
		w.row(w.orders, r, nil)
	})
}

func TestTitles(t *testing.T) {
	oneWorld(t, func(t *testing.T, w *world) {
		tests := []struct {
			name  string
			value catalog.Value
			code  string
			want  string
		}{
			{"value", catalog.Text("Acme"), "", "Acme"},
			{"none", nil, "", "#2"},
			{"none but an id", nil, "acme", "#acme"},
			{"blank", catalog.Text("  "), "", "#4"},
		}
		for _, tt := range tests {
			out := w.apply(catalog.Create{Catalog: w.vendors.Num, Code: tt.code, Values: values(w.vendors, "title", tt.value)})[0]
			r := w.order("name", catalog.Text("x"), "vendor", catalog.Links{link(w.vendors, out.Record)})
			got := w.row(w.orders, r, nil).Titles[query.MakeRef(w.vendors.Num, out.Record)]
			if out.Title != tt.want || got.Text != tt.want || got.Code != tt.code {
				t.Errorf("%s: %q, linked as %+v, want %q", tt.name, out.Title, got, tt.want)
			}
		}
		code := "later"
		out := w.apply(catalog.Update{Catalog: w.vendors.Num, Record: query.Key{Record: 2}, Code: &code})[0]
		if out.Title != "#later" || out.Code != "later" {
			t.Errorf("%+v", out)
		}
		same := "1"
		if out := w.apply(catalog.Update{Catalog: w.vendors.Num, Record: query.Key{Record: 1}, Code: &same})[0]; out.Code != "" {
			t.Errorf("naming the number gave the id %q", out.Code)
		}
	})
}

func TestWritersOfOneRecord(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		r := w.order("name", catalog.Text("x"))
		const writers, rounds = 16, 5
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				for j := range rounds {
					op := w.change(r, "price", catalog.Number(i*rounds+j+1))
					if _, err := w.s.Apply(t.Context(), boss, []catalog.Op{op}, nil); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		h := w.history(w.orders, catalog.HistoryAsk{Record: &query.Key{Record: r}})
		if v := w.row(w.orders, r, nil).Page.Version(0); v != writers*rounds+1 || len(h) != int(v) {
			t.Errorf("version %d, %d entries", v, len(h))
		}
	})
}

func TestAlongsideJoinsTheTransaction(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		refusal := errors.New("no")
		before := w.count()
		op := catalog.Create{Catalog: w.orders.Num, Values: values(w.orders, "name", catalog.Text("x"))}
		_, err := w.s.Apply(t.Context(), boss, []catalog.Op{op}, func(_ catalog.Writer, out []catalog.Outcome) error {
			if out[0].Record == 0 {
				t.Error("no number yet")
			}
			return refusal
		})
		if !errors.Is(err, refusal) || w.count() != before {
			t.Errorf("error %v, %d records", err, w.count())
		}
	})
}

func TestStructureChangesUnderAWriter(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		r := w.order("name", catalog.Text("x"))
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := range 20 {
				name := strings.Repeat("n", i+1)
				if _, err := w.s.UpdateCatalog(t.Context(), boss, "orders", catalog.CatalogInput{Name: &name}); err != nil {
					t.Error(err)
				}
			}
		}()
		for i := 1; ; i++ {
			w.patch(r, "price", catalog.Number(i))
			select {
			case <-done:
				return
			default:
			}
		}
	})
}

// Whatever text a value may hold comes back as it was, from both databases.
func TestHostileTexts(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := w.make("Texts", field("name", "text", nil), field("place", "address", nil))
		for _, s := range []string{
			`Robert'); DROP TABLE r_25;--`, `$.a[0]`, `"\u0000"`, `\`, "\U0001F600 \ufffd", "<script>&amp;", "%s %d ?", "{}", "NULL",
		} {
			data := json.RawMessage(`{"text":` + quoted(t, s) + `}`)
			out := w.apply(catalog.Create{Catalog: c.Num, Values: values(c, "name", catalog.Text(s), "place", catalog.Address{Value: s, Data: data})})[0]
			rows := w.row(c, out.Record, nil)
			if got := title(rows, 0); got != s {
				t.Errorf("title of %q is %q", s, got)
			}
			got, _ := catalog.CellValue(rows.Fields[1], rows.Page, rows.Page.Cell(0, 1)).(catalog.Address)
			var inner struct{ Text string }
			if err := json.Unmarshal(got.Data, &inner); err != nil || got.Value != s || inner.Text != s {
				t.Errorf("%q came back as %q %s", s, got.Value, got.Data)
			}
			if again := w.apply(catalog.Update{Catalog: c.Num, Record: query.Key{Record: out.Record}, Values: values(c, "place", catalog.Address{Value: s, Data: data})})[0]; len(again.Row.Fields) != 0 {
				t.Errorf("%q is not equal to itself", s)
			}
			w.apply(catalog.Update{Catalog: c.Num, Record: query.Key{Record: out.Record}, Values: values(c, "name", nil)})
			w.apply(catalog.Delete{Catalog: c.Num, Record: query.Key{Record: out.Record}})
		}
		if n := len(w.history(c, catalog.HistoryAsk{Fields: []query.Field{c.FieldByKey("place").Num}})); n != 9 {
			t.Errorf("%d entries", n)
		}
	})
}

func quoted(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
